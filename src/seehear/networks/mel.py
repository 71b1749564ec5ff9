"""Mel spectra: filters and magnitudes, for audio networks that take them as input."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]


def hertz_to_mel(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """HTK's mel scale: 1127 ln(1 + f / 700)."""
    return np.asarray(1127.0 * np.log1p(frequency / 700.0))


def mel_filters(rate: int, fft: int, bands: int, low: float, high: float) -> Array:
    """Return triangular filters (fft // 2 + 1, bands) that are linear on HTK's mel scale, with a peak of 1.

    The bin at 0 Hz belongs to no filter.

    Args:
        rate: Samples per second.
        fft: Samples of the Fourier transform.
        bands: Number of filters.
        low: Hz at the outer corner of the first filter.
        high: Hz at the outer corner of the last filter.
    """
    bins = hertz_to_mel(np.arange(fft // 2 + 1) * rate / fft)[:, None]  # (bins, 1)
    first, last = hertz_to_mel(np.array([low, high]))
    corners = np.linspace(float(first), float(last), bands + 2)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[0] = 0.0
    return np.asarray(filters, np.float32)


def magnitudes(waves: Array, window: Array, hop: int, fft: int, *, step: int = 0) -> Array:
    """Return magnitude spectra, (n, frames, fft // 2 + 1): of whole frames only, the first at sample 0.

    Args:
        waves: (n, samples).
        window: Weights of the samples of a frame, (window,).
        hop: Samples between the starts of frames.
        fft: Samples of the Fourier transform, at least those of the window.
        step: Samples by which each wave usually begins after the one before it. If all do, and this is a multiple of
            `hop`, the frames that they share are transformed only once.
    """
    n, samples = waves.shape
    if n < 2 or not 0 < step < samples or step % hop or not np.array_equal(waves[1:, :-step], waves[:-1, step:]):
        frames = sliding_window_view(waves, len(window), axis=1)[:, ::hop] * window  # (n, frames, window)
        spectra: Array = np.abs(np.fft.rfft(frames, fft))
        return spectra
    whole = np.concatenate([waves[0], waves[1:, -step:].ravel()])
    (shared,) = magnitudes(whole[None], window, hop, fft)
    count = (samples - len(window)) // hop + 1  # frames of one wave
    return sliding_window_view(shared, count, axis=0)[:: step // hop].swapaxes(1, 2)
