"""Checks each event against the plan and the limits, redacts it, and makes its row."""
