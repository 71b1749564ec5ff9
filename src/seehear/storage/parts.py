"""Parts of files: `video.mp4#t=30,40` names a clip that is seconds 30 to 40 of a file, as a W3C media fragment does.

Nothing is cut: a part is decoded from its file.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.errors import SeehearError

if TYPE_CHECKING:
    from seehear.storage.files import RemoteFile

FRAGMENT = re.compile(r"(.+)#t=([^#]*)", re.DOTALL)
TIME = re.compile(
    r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)s?", re.ASCII
)  # seconds, or hours and minutes before them
NAME = re.compile(r"(.+)_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?|end)", re.DOTALL | re.ASCII)  # of a clip that is a part
TO_END = "end"  # stands for the end of the file in a clip's name
FORM = (
    "a part is FILE#t=START,STOP in seconds, such as video.mp4#t=30,40 or video.mp4#t=1:30,1:40; #t=30 goes to "
    "the end, #t=,40 begins at 0"
)


@dataclass(frozen=True, repr=False, init=False)
class Part(os.PathLike[str]):
    """A part of a media file, as a clip of its own. It travels to other processes.

    Attributes:
        file: The file, here or elsewhere.
        start: Seconds from the file's first frame or sample.
        stop: Seconds likewise; infinite for the end of the file.
        clip: The clip's name, where a data set names its clips otherwise; else empty.
    """

    file: Path | RemoteFile
    start: float = 0.0
    stop: float = math.inf
    clip: str = ""

    def __init__(
        self, file: str | Path | RemoteFile, start: float = 0.0, stop: float | None = math.inf, clip: str = ""
    ) -> None:
        """Name a part of a file.

        Args:
            file: A path or an address, or a file that was found.
            start: Seconds from the file's first frame or sample.
            stop: Seconds likewise; None or infinite for the end of the file.
            clip: The clip's name, by default that of the file and the seconds.

        Raises:
            SeehearError: If these are no seconds of a file.
        """
        stop = math.inf if stop is None else stop
        given: tuple[object, ...] = (start, stop, clip)
        if not all(isinstance(each, kind) for each, kind in zip(given, (Real, Real, str), strict=True)):
            raise SeehearError(f"{file}: start {start!r}, stop {stop!r} and clip {clip!r} are to be seconds and a name")
        if not 0 <= start < stop or math.isinf(start):
            raise SeehearError(f"{file}: seconds {start:g} to {stop:g} are no part of a file: {FORM}")
        values = {"file": _file(file), "start": float(start), "stop": float(stop), "clip": clip}
        for name, value in values.items():
            object.__setattr__(self, name, value)  # it is frozen

    def __str__(self) -> str:
        return f"{self.file}{self.fragment}"

    def __repr__(self) -> str:
        return f"Part({str(self)!r})"

    def __fspath__(self) -> str:
        """Return the text that names the part wherever a clip is named by a path."""
        return str(self)

    @property
    def fragment(self) -> str:
        """What follows the file in its name: `#t=30,40`."""
        return fragment(self.start, self.stop)

    @property
    def name(self) -> str:
        """The name of the file, without folders, and which part of it."""
        return f"{self.file.name}{self.fragment}"

    @property
    def stem(self) -> str:
        """The clip's name: that of the file without its suffix, and the seconds, as in `video_30_40`."""
        return self.clip or name_of(self.file.stem, self.start, self.stop)

    @property
    def suffix(self) -> str:
        """The suffix of the file's name."""
        return self.file.suffix


def _file(given: object) -> Path | RemoteFile:
    """Return the file that somebody names. Raises SeehearError if it is none, or a part of one."""
    from seehear.storage.files import RemoteFile, file_of, locate

    if isinstance(given, Path | RemoteFile):
        return given
    if isinstance(given, str) and given:
        located = locate(given)
        if not isinstance(located, Part):
            return file_of(located)
    raise SeehearError(f"{given!r}: is no file: a Part has the path or the address of a whole file, and seconds")


def fragment(start: float, stop: float) -> str:
    """Return how the seconds of a part are written behind the name of its file."""
    return f"#t={_number(start)}" + ("" if math.isinf(stop) else f",{_number(stop)}")


def name_of(stem: str, start: float, stop: float) -> str:
    """Return the name of the clip that is a part of a file: `video_30_40`, or `video_30_end`.

    Args:
        stem: The file's name without its suffix.
        start: Seconds.
        stop: Seconds; infinite for the end of the file.
    """
    return f"{stem}_{_number(start)}_{TO_END if math.isinf(stop) else _number(stop)}"


def named(clip: str) -> tuple[str, float, float] | None:
    """Return the stem, start and stop that make up the name of a clip, as `name_of` writes it; None if none do.

    A file may be called so too: such a name says what the clip may be, not what it is. The start may be behind the
    stop.
    """
    match = NAME.fullmatch(clip)
    return (match[1], float(match[2]), math.inf if match[3] == TO_END else float(match[3])) if match else None


def split(text: str) -> tuple[str, float, float] | None:
    """Return the file that a text names a part of, and the part's start and stop; None if it names no part.

    Raises:
        SeehearError: If what follows `#t=` is no part.
    """
    match = FRAGMENT.fullmatch(text)
    if match is None:
        return None
    begin, comma, end = match[2].removeprefix("npt:").partition(",")
    start, stop = _seconds(begin) if begin else 0.0, _seconds(end) if comma else math.inf
    if start is None or stop is None or not (begin or end):
        raise SeehearError(f"{text}: {FORM}")
    if start >= stop:
        fault = "ends before it begins" if start > stop else "ends where it begins"
        raise SeehearError(f"{text}: {fault}: {FORM}")
    return match[1], start, stop


def _seconds(text: str) -> float | None:
    """Return the seconds that a text names, as 90.5, 1:30.5 or 0:01:30.5; None if it names none."""
    match = TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return 3600.0 * int(hours or 0) + 60.0 * int(minutes or 0) + float(seconds)


def _number(seconds: float) -> str:
    """Return a number without needless digits, exactly and without an exponent."""
    text = f"{seconds:g}"
    if "e" in text or float(text) != seconds:
        text = f"{Decimal(repr(float(seconds))):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
