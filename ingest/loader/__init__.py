"""Reads sealed segments, inserts them exactly once, and queues the refresh."""
