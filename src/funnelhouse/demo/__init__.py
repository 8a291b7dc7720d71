"""The demo: its events, the product that takes them, and the weekly table that it prints."""
