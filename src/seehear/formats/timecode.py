"""Frame rates and SMPTE time codes, by exact arithmetic: seconds to frames, and frames to labels and back.

A time code such as 01:00:00:00 labels frames: hours, minutes, seconds and the frame within the second. At 29.97 frames
per second (30000/1001) labels count 30 frames to a second, so they fall behind the clock by 3.6 s in an hour.
Drop-frame codes, with a semicolon, leave out labels to catch up: the first two of every minute but each tenth (four at
59.94). No frame is left out, only labels.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from seehear.errors import SeehearError

NTSC = Fraction(1000, 1001)
TOLERANCE = Fraction(1, 5000)  # relative: 23.98 is meant to be 24000/1001, which is a thousandth below 24
FASTEST = 240  # frames per second
MOST_LABELS = 100  # frames per second that two digits can label
MIDNIGHT = 24  # hours
COMMON = ("23.976", "24", "25", "29.97", "29.97df", "30", "50", "59.94", "59.94df", "60")
_LABEL = re.compile(r"(\d\d):([0-5]\d):([0-5]\d)([:;.,])(\d\d)", re.ASCII)
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,20})?|\d{1,9}/\d{1,9}) ?(n?df)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class FrameRate:
    """A frame rate, and how its time codes are counted.

    Attributes:
        fps: Frames per second: a whole number, or that times 1000/1001.
        drop: Whether time codes are drop-frame.
    """

    fps: Fraction
    drop: bool = False

    @staticmethod
    def of(value: str | float | Fraction | FrameRate) -> FrameRate:
        """Return the frame rate that people call 25, 29.97, 29.97df or 30000/1001.

        Raises:
            SeehearError: If there are no time codes for it.
        """
        if isinstance(value, FrameRate):
            return value
        found = _RATE.fullmatch(str(value).strip())
        try:
            fps = nearest(Fraction(found[1])) if found else None
        except ZeroDivisionError:
            fps = None
        if found is None or fps is None:
            raise SeehearError(f"{value!r} is no frame rate with time codes: give one such as {', '.join(COMMON)}")
        rate = FrameRate(fps, (found[2] or "").lower() == "df")
        if rate.drop and not rate.can_drop:
            raise SeehearError(f"{value!r}: only 29.97 and 59.94 have drop-frame time codes")
        return rate

    def __str__(self) -> str:
        """Return its name, such as 29.97df."""
        return f"{float(self.fps):.3f}".rstrip("0").rstrip(".") + ("df" if self.drop else "")

    @property
    def labels(self) -> int:
        """Labels per second: 30 at 29.97."""
        return math.ceil(self.fps)

    @property
    def can_drop(self) -> bool:
        """Whether there are drop-frame time codes at this rate."""
        return self.fps.denominator != 1 and self.labels % 30 == 0

    @property
    def dropped(self) -> int:
        """Labels that are left out in a minute, but for each tenth one."""
        return self.labels // 15 if self.drop else 0

    @property
    def day(self) -> int:
        """Frames until time codes begin anew."""
        return MIDNIGHT * 6 * self._ten_minutes

    @property
    def _ten_minutes(self) -> int:
        return 600 * self.labels - 9 * self.dropped

    def frame(self, seconds: float) -> int:
        """Return the number of the frame that begins nearest to a time, from 0."""
        return math.floor(Fraction(seconds) * self.fps + Fraction(1, 2))

    def seconds(self, frame: int) -> float:
        """Return when a frame begins."""
        return float(frame / self.fps)

    def code(self, frame: int) -> str:
        """Return the time code of a frame, counted from midnight; after 24 hours they begin anew."""
        tens, rest = divmod(frame % self.day, self._ten_minutes)
        full = max(0, rest - 60 * self.labels) // (60 * self.labels - self.dropped)  # minutes after the first
        behind = rest >= 60 * self.labels
        label = frame % self.day + self.dropped * (9 * tens + full + behind)
        second, frames = divmod(label, self.labels)
        separator = ";" if self.drop else ":"
        return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{separator}{frames:02}"

    def frame_of(self, code: str) -> int:
        """Return the frame, counted from midnight, that a time code labels.

        Raises:
            ValueError: Saying what is wrong with it.
        """
        found = _LABEL.fullmatch(code)
        if found is None:
            raise ValueError(f"{code!r} is no time code hours:minutes:seconds:frames")
        hour, minute, second, frames = (int(found[n]) for n in (1, 2, 3, 5))
        if hour >= MIDNIGHT or frames >= self.labels:
            raise ValueError(f"{code!r} is no time code at {self} frames per second")
        if minute % 10 and not second and frames < self.dropped:
            raise ValueError(f"{code!r} is a label that drop-frame time codes leave out")
        minutes = 60 * hour + minute
        return (60 * minutes + second) * self.labels + frames - self.dropped * (minutes - minutes // 10)


def is_drop(code: str) -> bool:
    """Return whether a time code is written as drop-frame."""
    found = _LABEL.fullmatch(code)
    return found is not None and found[4] != ":"


def nearest(fps: Fraction) -> Fraction | None:
    """Return the frame rate with time codes that a measured or rounded one stands for; None if there is none."""
    whole = [count for count in (math.floor(fps), math.ceil(fps)) if 1 <= count <= FASTEST]
    rates = [rate for count in whole for rate in (Fraction(count), count * NTSC)]
    best = min(rates, key=lambda rate: abs(rate - fps), default=None)
    return best if best is not None and abs(best - fps) <= TOLERANCE * best else None
