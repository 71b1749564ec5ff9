"""What a clip looks and sounds like, small enough to draw: gathered while the clip is decoded, in bounded memory."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seehear.media import Media, Span

COLUMNS = 600  # of the spectrogram, whatever the clip's length
BANDS = 64  # of the spectrogram, evenly spaced on the mel scale
LOWEST, HIGHEST = 60.0, 8000.0  # Hz
SPAN, FPS = 10.0, 2.0  # seconds decoded at a time and pictures a second, where nothing else asks for any
FLOOR = 70.0  # decibels shown below the loudest


class Strip:
    """Thumbnails and spectrogram of a clip.

    thumbnails: (n, size, size, 3) uint8, squares to be shown in the clip's own proportions.
    aspect: width over height of these.
    """

    def __init__(self, media: Media, thumbnails: int, size: int) -> None:
        """thumbnails: how many are wanted. size: of the pictures among a span's to take them from, 0 for none."""
        self.duration, self.aspect = media.duration, media.aspect
        self.has_sound = media.has_audio
        self._size = size
        self._targets = (np.arange(thumbnails) + 0.5) * media.duration / max(1, thumbnails)
        self._taken: dict[int, tuple[float, NDArray[np.uint8]]] = {}
        self._power = np.zeros((BANDS, COLUMNS))
        self._count = np.zeros(COLUMNS)

    @staticmethod
    def of(media: Media, thumbnails: int, size: int = 160) -> Strip:
        """Of a clip that is decoded for this alone."""
        strip = Strip(media, thumbnails if media.has_video else 0, size if media.has_video else 0)
        sizes = {size} if media.has_video else set()
        for span in media.spans(SPAN, fps=FPS, sizes=sizes, audio=media.has_audio):
            strip.add(span)
        return strip

    def add(self, span: Span) -> None:
        if self._size and len(span.times):
            for n, target in enumerate(self._targets):
                if span.start <= target < span.stop or (n not in self._taken and target < span.stop):
                    nearest = int(np.argmin(np.abs(span.times - target)))
                    self._taken[n] = (float(span.times[nearest]), span.frames[self._size][nearest])
        if len(span.waveform):
            self._listen(span)

    @property
    def thumbnails(self) -> list[NDArray[np.uint8]]:
        return [picture for _, (_, picture) in sorted(self._taken.items())]

    @property
    def spectrogram(self) -> NDArray[np.float64]:
        """Decibels below the loudest, (BANDS, COLUMNS), in [-FLOOR, 0]."""
        known = np.flatnonzero(self._count)
        if not len(known):
            return np.full((BANDS, COLUMNS), -FLOOR)
        # A short clip has fewer frames than columns: each column shows the frame nearest to it.
        nearest = known[np.clip(np.searchsorted(known, np.arange(COLUMNS)), 0, len(known) - 1)]
        mean = self._power[:, nearest] / self._count[nearest]
        level = 10 * np.log10(mean + 1e-12)
        return np.clip(level - level.max(), -FLOOR, 0)

    def _listen(self, span: Span) -> None:
        frame = 2 ** round(math.log2(0.032 * span.rate))
        inside = span.waveform[round(span.margin * span.rate) : len(span.waveform) - round(span.margin * span.rate)]
        hop = max(frame // 4, round(self.duration / COLUMNS * span.rate / 4))
        starts = np.arange(0, max(1, len(inside) - frame), hop)
        padded = np.pad(inside, (0, max(0, int(starts[-1]) + frame - len(inside))))
        frames = padded[starts[:, None] + np.arange(frame)] * np.hanning(frame)  # (frames, samples)
        power = np.abs(np.fft.rfft(frames)) ** 2  # (frames, frequencies)
        edges = np.searchsorted(np.fft.rfftfreq(frame, 1 / span.rate), _mel_edges(min(HIGHEST, span.rate / 2)))
        bands = np.stack([power[:, a : max(a + 1, b)].mean(axis=1) for a, b in pairwise(edges)])
        seconds = span.start + (starts + frame / 2) / span.rate
        column = np.clip((seconds / self.duration * COLUMNS).astype(int), 0, COLUMNS - 1)
        np.add.at(self._count, column, 1)
        np.add.at(self._power.T, column, bands.T)


def _mel_edges(highest: float) -> NDArray[np.float64]:
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (LOWEST, highest * 0.98))
    mel = np.linspace(low, high, BANDS + 1)
    return 700 * (10 ** (mel / 2595) - 1)
