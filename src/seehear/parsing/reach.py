"""On how many segments around it a prediction depends. So a stream can be parsed whose end nobody knows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """On which segments around it the probabilities of a segment depend.

    Predicting the segments from `begin(t)` on gives the same for segment t as predicting all of a clip, once `after`
    more segments are there, or the clip has ended.

    Attributes:
        before: Segments before it.
        after: Segments behind it.
        step: Windows begin at multiples of so many segments.
        clip: Whether the probabilities of the clip around it depend on no others, so that a clip filter can be used.
    """

    before: int = 0
    after: int = 0
    step: int = 1
    clip: bool = True

    @staticmethod
    def of_windows(window: int) -> Reach:
        """Return the reach of a prediction in windows of so many segments that overlap by half.

        A segment is part of a window until one begins behind it. The last window of a clip is moved back, so that it
        ends with the clip: it may begin at any segment.
        """
        return Reach(window - 1, window, max(1, window // 2))

    def begin(self, segment: int) -> int:
        """Return the first segment that must be predicted to know a segment."""
        return max(0, (segment - self.before) // self.step * self.step)
