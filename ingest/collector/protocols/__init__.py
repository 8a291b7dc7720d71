"""The wire protocols: each module turns one protocol's bytes into items of the tracking API."""
