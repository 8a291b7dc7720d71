"""Brings the tracking plan into force in the warehouse."""
