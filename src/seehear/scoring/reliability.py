"""Calibration: of the predictions with a confidence of 70 %, are 70 % true?

Every class of every segment is a forecast of its own, in each modality. Forecasts are put into bins of equal width,
and each bin's mean confidence is compared with how often the class was true: the reliability diagram of DeGroot and
Fienberg 1983 and its expected calibration error (Naeini et al. 2015; Guo et al. 2017), with the score of Brier 1950.
"Accuracy" in these papers, which have one class per image, is that frequency here.

Confidences are those of the model, before thresholds and before the filter by the clip's probability: conditional on
the clip alone, not on the class having been kept in it. Most forecasts are of classes that do not occur and are easy
to rule out. They dominate the error and the Brier score, so look at the upper bins too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit  # not from scipy.stats, which takes ten times as long to import

from seehear.errors import SeehearError

BINS = 10


class Calibration(StrEnum):
    """Whether the frequency of a bin's forecasts agrees with their confidence."""

    FAIR = "fair"  # the confidence lies in the frequency's 95 % interval
    OVER = "over"  # overconfident
    UNDER = "under"  # underconfident


@dataclass(frozen=True)
class Bin:
    """Forecasts with low <= p < high, in the last bin <= high. All but the counts in [0, 1]; NaN where count is 0.

    Attributes:
        low: Lower edge.
        high: Upper edge.
        count: Number of forecasts.
        clips: Number of clips that they are in.
        confidence: Their mean.
        frequency: Share of them that are true.
        frequency_low: Lower end of its 95 % interval.
        frequency_high: Upper end.
    """

    low: float
    high: float
    count: int
    clips: int
    confidence: float
    frequency: float
    frequency_low: float
    frequency_high: float

    @property
    def calibration(self) -> Calibration | None:
        """Whether confidence and frequency agree; None without forecasts."""
        if not self.count:
            return None
        if self.frequency_low <= self.confidence <= self.frequency_high:
            return Calibration.FAIR
        return Calibration.OVER if self.confidence > self.frequency_high else Calibration.UNDER


@dataclass(frozen=True)
class Reliability:
    """Calibration of one modality's segments, or of clips. All but the counts in [0, 1].

    Attributes:
        bins: Forecasts by confidence.
        count: Number of forecasts, over all runs.
        runs: Number of runs.
        error: Expected calibration error: mean over forecasts of |confidence - frequency| of their bin.
        brier: Mean squared distance to the ground truth, 0 or 1.
        frequency: Share of forecasts that are true.
        baseline: Brier score of always forecasting that frequency.
    """

    bins: tuple[Bin, ...]
    count: int
    runs: int
    error: float
    brier: float
    frequency: float
    baseline: float

    def as_json(self) -> dict[str, object]:
        """Its values by name, None for NaN, which JSON lacks."""
        bins = [{name: None if value != value else value for name, value in asdict(each).items()} for each in self.bins]
        return {**asdict(self), "bins": bins}


class Tally:
    """Adds up forecasts clip by clip, so that only some clips' forecasts need be in memory."""

    def __init__(self, clips: int, bins: int = BINS) -> None:
        self.edges = np.arange(1, bins) / bins  # between the bins
        self.count = np.zeros((clips, bins), dtype=np.int64)
        self.confidence = np.zeros((clips, bins))  # sums
        self.true = np.zeros((clips, bins), dtype=np.int64)
        self.squared = np.zeros(clips)  # sums

    def add(self, clip: int, probabilities: NDArray[np.floating], true: NDArray[np.bool_]) -> None:
        """Add the forecasts of a clip.

        Args:
            clip: Its number.
            probabilities: Of any shape.
            true: Of the same shape.
        """
        p, t = probabilities.ravel().astype(np.float64), true.ravel()
        bins = self.count.shape[1]
        where = np.searchsorted(self.edges, p, side="right")
        self.count[clip] += np.bincount(where, minlength=bins)
        self.confidence[clip] += np.bincount(where, weights=p, minlength=bins)
        self.true[clip] += np.bincount(where[t], minlength=bins)
        self.squared[clip] += ((p - t) ** 2).sum()

    def reliability(self, runs: int = 1) -> Reliability:
        """Return the calibration of all forecasts added.

        Args:
            runs: Number of runs that forecast the same and were all added.

        Raises:
            SeehearError: If no forecast was added.
        """
        count, true = self.count.sum(axis=0), self.true.sum(axis=0)  # (bins,)
        total = int(count.sum())
        if not total:
            raise SeehearError("there are no probabilities to compare with the ground truth")
        edges = [0.0, *self.edges.tolist(), 1.0]
        confidence = np.divide(self.confidence.sum(axis=0), count, out=np.full(len(count), np.nan), where=count > 0)
        bins = tuple(
            Bin(
                edges[k],
                edges[k + 1],
                int(count[k]),
                int((self.count[:, k] > 0).sum()),
                float(confidence[k]),
                float(true[k] / count[k]) if count[k] else np.nan,
                *frequency_interval(self.count[:, k], self.true[:, k], runs),
            )
            for k in range(len(count))
        )
        error = sum(each.count * abs(each.confidence - each.frequency) for each in bins if each.count) / total
        frequency = float(true.sum() / total)
        brier = float(self.squared.sum() / total)
        return Reliability(bins, total, runs, float(error), brier, frequency, frequency * (1 - frequency))


def reliability(
    probabilities: NDArray[np.floating], true: NDArray[np.bool_], lengths: NDArray[np.int64], bins: int = BINS
) -> Reliability:
    """Return the calibration of one modality.

    Args:
        probabilities: (N, T, C) in [0, 1].
        true: (N, T, C).
        lengths: (N,) segments per clip; later ones do not count.
        bins: Number of bins.

    Raises:
        SeehearError: If there is no segment.
    """
    tally = Tally(len(true), bins)
    for n, length in enumerate(lengths):
        tally.add(n, probabilities[n, :length], true[n, :length])
    return tally.reliability()


def frequency_interval(count: NDArray[np.int64], true: NDArray[np.int64], runs: int = 1) -> tuple[float, float]:
    """Return the 95 % interval of sum(true) / sum(count), where clips were drawn, not their segments.

    By Korn and Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data": the exact interval of Clopper and Pearson 1934 for an effective number of forecasts.
    That number is p(1 - p) over the variance of p between clips, less for few clips. If all or none came true, that
    variance is unknown, and a clip counts as one forecast; a bootstrap's interval would have no width.

    Args:
        count: (clips,) forecasts.
        true: (clips,) forecasts that came true.
        runs: Number of runs that forecast the same; they add no clips.

    Returns:
        Its ends in [0, 1]; NaN without forecasts.
    """
    total, clips = count.sum(), int((count > 0).sum())
    if not total:
        return np.nan, np.nan
    p, most = float(true.sum() / total), total / runs
    size = min(clips, most)
    if clips > 1 and 0 < p < 1:
        variance = clips / (clips - 1) * ((true - p * count) ** 2).sum() / total**2
        fewer = (stdtrit(max(1, most - 1), 0.975) / stdtrit(clips - 1, 0.975)) ** 2
        size = min(most, fewer * p * (1 - p) / variance) if variance > 0 else most
    low = betaincinv(p * size, (1 - p) * size + 1, 0.025) if p > 0 else 0.0
    high = betaincinv(p * size + 1, (1 - p) * size, 0.975) if p < 1 else 1.0
    return float(low), float(high)
