"""Reads files of events, spend and targets, and sends events through the collector."""
