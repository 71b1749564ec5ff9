"""The frames of a parsed clip's file, for the formats of programs that count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from seehear.errors import ClipError
from seehear.formats.timecode import COMMON, MOST_LABELS, FrameRate, is_drop, nearest
from seehear.media.child import duration_of, run_on_file
from seehear.media.rate import stated_rate
from seehear.media.suffixes import AUDIO_SUFFIXES
from seehear.modality import AUDIO, VISUAL
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.storage.files import fetched

OF_AUDIO = FrameRate(Fraction(25))  # of files without frames: any common one would do
GIVE = "give --frame-rate"


@dataclass(frozen=True)
class Timing:
    """How the frames of a clip's file are counted.

    Attributes:
        rate: Its frame rate.
        start: The frame, counted from midnight, that the time code of the clip's first frame labels: of a file without
            time code, 0. Of a part it is that many frames later.
        first: The frame of the file with which the clip begins; 0 unless it is a part.
        has_video: Whether the file holds frames.
        has_audio: Whether it holds audio.
        whole: How many frames the file lasts, of a part whose file can be read; else None.
    """

    rate: FrameRate
    start: int = 0
    has_video: bool = True
    has_audio: bool = True
    first: int = 0
    whole: int | None = None

    def span(self, event: ParsedEvent) -> tuple[int, int]:
        """Return the frames at which an event begins and ends, from the clip's start; the second is exclusive.

        Raises:
            ClipError: If the event is shorter than half a frame, or lies between two.
        """
        onset, offset = self.rate.frame(event.onset), self.rate.frame(event.offset)
        if onset >= offset:
            span = f"{event.label!r} from {event.onset:g} to {event.offset:g} s"
            raise ClipError(f"{span} has no frame of its own at {self.rate} frames per second; correct or delete it")
        return onset, offset


def timing_of(parsed: ParsedClip, given: FrameRate | None = None) -> Timing:
    """Return how the frames of a clip's file are counted.

    Args:
        parsed: The clip; its file is opened.
        given: The frame rate, in place of the file's. A start time code that is counted otherwise is left aside.

    Raises:
        ClipError: If the frame rate is neither given nor known.
    """
    file = Path(parsed.media_file)
    try:
        with fetched(parsed.location()) as local:
            stated: dict[str, Any] = run_on_file(stated_rate, local)
            seconds = duration_of(local) if parsed.fragment else None
    except ClipError as error:
        is_audio = VISUAL in parsed.absent or file.suffix.lower() in AUDIO_SUFFIXES
        if given is None and not is_audio:
            raise ClipError(f"its frame rate is unknown ({error}): {GIVE}") from None
        first = (given or OF_AUDIO).frame(parsed.begins)
        return Timing(given or OF_AUDIO, first, not is_audio, AUDIO not in parsed.absent, first)
    rates = [Fraction(*each) for each in stated["rates"]]
    known = _known(rates)
    of_file = FrameRate(known) if known else None
    code = stated["timecode"]
    if of_file and of_file.can_drop:
        of_file = FrameRate(of_file.fps, is_drop(code))
    if not stated["has_video"]:
        of_file = OF_AUDIO
    if (rate := given or of_file) is None:
        found = f"{float(rates[0]):g} frames per second" if rates else "no frame rate"
        raise ClipError(f"{file}: states {found}, for which there are no time codes: {GIVE}")
    first = rate.frame(parsed.begins)
    start = _start(code, of_file) if rate == of_file else 0
    whole = None if seconds is None else rate.frame(seconds)
    return Timing(rate, start + first, stated["has_video"], stated["has_audio"], first, whole)


def _known(rates: Sequence[Fraction]) -> Fraction | None:
    """Return the rate that a file's mean rate or FFmpeg's guess stands for; None if they leave it open.

    A mean of varying rates is near some whole number by chance. So a rate that is not common needs both.
    """
    found = [nearest(rate) for rate in rates]
    common = [rate for rate in found if rate in {FrameRate.of(name).fps for name in COMMON}]
    return common[0] if common else found[0] if len(set(found)) == 1 else None


def _start(code: str, rate: FrameRate) -> int:
    """Return the frame that a file's time code labels; 0 if it is none at this rate, as in files without one."""
    try:
        return rate.frame_of(code) if rate.labels <= MOST_LABELS else 0
    except ValueError:
        return 0
