"""The console's pages: each module asks what one page needs, and hands it to its template."""
