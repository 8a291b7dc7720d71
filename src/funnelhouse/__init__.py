"""The command line, the settings, and the one place where everything is wired."""

__version__ = "0.1.0"
