"""The page of an evaluation, and those of the clips that it shows."""

from seehear.pages.evaluation.clips import write_clips
from seehear.pages.evaluation.writing import write

__all__ = ["write", "write_clips"]
