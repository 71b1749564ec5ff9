"""The old place of seehear.results."""

from seehear.results import Result, listed, table

__all__ = ["Result", "listed", "table"]
