"""Overviews of clips that are made of numbers."""

import numpy as np

from seehear.media.overview import Overview
from seehear.media.span import Span

RATE = 16000


class Clip:
    """What an overview needs to know of a clip."""

    def __init__(self, duration: float, has_audio: bool = True) -> None:
        self.duration, self.has_audio, self.aspect = duration, has_audio, 1.0


def spans(
    duration: float, tone: tuple[float, float, float], level: float = 1.0, length: float = 4.0, margin: float = 0.5
):
    """A clip whose frames get brighter, with a tone of some Hz from one second to another."""
    hertz, onset, offset = tone
    time = np.arange(round(-margin * RATE), round((duration + margin) * RATE)) / RATE
    wave = np.where((time >= onset) & (time < offset), level * np.sin(2 * np.pi * hertz * time), 0).astype(np.float32)
    start = 0.0
    while start < duration:
        stop = min(start + length, duration)
        at = np.arange(start + 0.25, stop, 0.5)
        shade = np.broadcast_to((at / duration * 255).astype(np.uint8)[:, None, None, None], (len(at), 8, 8, 3))
        sound = wave[round(start * RATE) : round((stop + 2 * margin) * RATE)]
        yield Span(start, stop, {8: np.ascontiguousarray(shade)}, at, sound, RATE, margin)
        start = stop


def overview(duration=10.0, tone=(1000.0, 3.0, 5.0), thumbnails=5, level=1.0, **options):
    made = Overview(Clip(duration, **options), thumbnails, 8)  # type: ignore[arg-type]
    for span in spans(duration, tone, level):
        made.add(span)
    return made
