"""The command line: one file per command, which turns arguments into objects and calls one method."""

from seehear.cli.app import main

__all__ = ["main"]
