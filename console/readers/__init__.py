"""Reader processes: strangers' statements run in them, apart from whoever owns the data."""
