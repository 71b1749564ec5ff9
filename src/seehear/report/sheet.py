"""The former place of `seehear.report.style`."""

from seehear.report.style import NOTHING
from seehear.report.style import save as write

__all__ = ["NOTHING", "write"]
