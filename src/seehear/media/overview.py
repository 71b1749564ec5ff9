"""An overview of a clip: thumbnails and a spectrogram, gathered in bounded memory while the clip is decoded."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seehear.media.reader import Media
from seehear.media.span import Span

ROW_ASPECT = 9.0 / 0.95  # width over height of a row of thumbnails
COLUMNS = 600  # of the spectrogram, whatever the clip's length
BANDS = 64  # of the spectrogram, evenly spaced on the mel scale
LOWEST, HIGHEST = 60.0, 8000.0  # Hz
SPAN, FPS = 10.0, 2.0  # seconds decoded at once, and frames per second, when only the overview is needed
FLOOR = 70.0  # decibels shown below the loudest
# Decibels of the quietest audio that is drawn at full brightness. Digital silence is at -120, the noise of 16-bit
# audio at about -78, a full-scale sine at about 40. A track without anything louder is drawn dark.
QUIETEST = -40.0
WINDOW = 0.032  # seconds of an analysis window, about
LEAST_WINDOW = 4  # samples of a window, at rates of a few hundred Hz: all weights of a shorter one are 0


def thumbnails_for(aspect: float) -> int:
    """Return how many thumbnails fill a row of them.

    Args:
        aspect: Width over height of one thumbnail.

    Returns:
        The count, at least 1.
    """
    return max(1, round(ROW_ASPECT / aspect))


class Overview:
    """Thumbnails and a spectrogram of one clip.

    Attributes:
        duration: Seconds of the clip.
        aspect: Width over height of the clip's frames.
        has_audio: Whether the clip has an audio track.
    """

    def __init__(self, media: Media, thumbnails: int, size: int) -> None:
        """Begin an empty overview; `add` fills it.

        Args:
            media: The clip.
            thumbnails: How many thumbnails to keep.
            size: Side in pixels of the decoded frames that thumbnails are taken from; 0 for none.
        """
        self.duration, self.aspect = media.duration, media.aspect
        self.has_audio = media.has_audio
        self._size = size
        self._targets = (np.arange(thumbnails) + 0.5) * media.duration / max(1, thumbnails)
        self._taken: dict[int, tuple[float, NDArray[np.uint8]]] = {}
        self._power = np.zeros((BANDS, COLUMNS))
        self._count = np.zeros(COLUMNS)

    @staticmethod
    def of(media: Media, thumbnails: int, size: int = 160) -> Overview:
        """Decode a clip for its overview alone.

        Args:
            media: The clip.
            thumbnails: How many thumbnails to keep, if it has frames.
            size: Side of a thumbnail in pixels.

        Returns:
            The overview of the whole clip.

        Raises:
            ClipError: The clip can't be decoded.
        """
        overview = Overview(media, thumbnails if media.has_video else 0, size if media.has_video else 0)
        sizes = {size} if media.has_video else set()
        for span in media.spans(SPAN, fps=FPS, sizes=sizes, audio=media.has_audio):
            overview.add(span)
        return overview

    def add(self, span: Span) -> None:
        """Add a decoded span. Spans are added in order of time."""
        if self._size and len(span.times):
            for n, target in enumerate(self._targets):
                if span.start <= target < span.stop or (n not in self._taken and target < span.stop):
                    nearest = int(np.argmin(np.abs(span.times - target)))
                    self._taken[n] = (float(span.times[nearest]), span.frames[self._size][nearest])
        if len(span.waveform):
            self._add_audio(span)

    @property
    def thumbnails(self) -> list[NDArray[np.uint8]]:
        """Squares (size, size, 3), to be shown with the clip's own `aspect`; evenly spread over the clip."""
        return [frame for _, (_, frame) in sorted(self._taken.items())]

    @property
    def spectrogram(self) -> NDArray[np.float64]:
        """Decibels below the loudest, (BANDS, COLUMNS), in [-FLOOR, 0]; all -FLOOR for a silent track."""
        known = np.flatnonzero(self._count)
        if not len(known):
            return np.full((BANDS, COLUMNS), -FLOOR)
        # A short clip has fewer analysis windows than columns: each column shows the nearest one.
        nearest = known[np.clip(np.searchsorted(known, np.arange(COLUMNS)), 0, len(known) - 1)]
        mean = self._power[:, nearest] / self._count[nearest]  # (BANDS, COLUMNS)
        level = 10 * np.log10(mean + 1e-12)
        return np.clip(level - max(level.max(), QUIETEST), -FLOOR, 0)

    def _add_audio(self, span: Span) -> None:
        window = max(LEAST_WINDOW, 2 ** round(math.log2(WINDOW * span.rate)))
        inside = span.waveform[round(span.margin * span.rate) : len(span.waveform) - round(span.margin * span.rate)]
        hop = max(window // 4, round(self.duration / COLUMNS * span.rate / 4))
        starts = np.arange(0, max(1, len(inside) - window), hop)
        padded = np.pad(inside, (0, max(0, int(starts[-1]) + window - len(inside))))
        windows = padded[starts[:, None] + np.arange(window)] * np.hanning(window)  # (windows, samples)
        power = np.abs(np.fft.rfft(windows)) ** 2  # (windows, frequencies)
        power = np.pad(power, ((0, 0), (0, 1)))  # bands above half the rate are empty
        edges = np.searchsorted(np.fft.rfftfreq(window, 1 / span.rate), _mel_edges())
        bands = np.stack([power[:, a : max(a + 1, b)].mean(axis=1) for a, b in pairwise(edges)])  # (BANDS, windows)
        seconds = span.start + (starts + window / 2) / span.rate
        column = np.clip((seconds / self.duration * COLUMNS).astype(int), 0, COLUMNS - 1)
        np.add.at(self._count, column, 1)
        np.add.at(self._power.T, column, bands.T)


def _mel_edges() -> NDArray[np.float64]:
    """Return the edges of the bands in Hz, (BANDS + 1,)."""
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (LOWEST, HIGHEST * 0.98))
    mel = np.linspace(low, high, BANDS + 1)
    return 700 * (10 ** (mel / 2595) - 1)
