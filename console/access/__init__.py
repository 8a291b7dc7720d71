"""Who may ask the warehouse process: keys, host names, pages of other sites, guesses."""
