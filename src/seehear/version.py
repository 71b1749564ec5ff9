"""The version, which signatures and run folders carry."""

__version__ = "0.1.0"
