"""Thresholds by a stated number of false alarms per hour.

A false alarm is an event, a maximal run of active segments of one class in one modality, that overlaps no true segment
of this class and modality. Where per-second ground truth is known, all hours count. Where weak labels alone are known,
the hours of the clips count whose label lacks the class: every event in them is a false alarm.

The least threshold that does is the one at which, and above which, false alarms stay within the stated number. Runs of
active segments merge as a threshold falls, so their number may fall too; such a threshold does not do. The chosen
threshold is the larger of this one and the decoding's own: a limit on false alarms never lowers a threshold, since
few hours with few false alarms would otherwise undo what training had chosen.

Rates come with the exact 95 % interval of a Poisson count (Garwood 1936). It does not know that the threshold was
chosen on the same clips, so the rate on other clips is likely a little higher.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.decoding import BESIDE, ByModality, Decoding, Probabilities
from seehear.errors import SeehearError
from seehear.events import ActiveSegments, EventSpans, event_spans, inside_clips
from seehear.files import atomic_json
from seehear.modality import display_name
from seehear.results import Result, counted, html_table, import_pandas, table

if TYPE_CHECKING:
    import pandas as pd

SECONDS_PER_HOUR = 3600
TAIL = 0.025  # probability beyond each end of a 95 % interval

Rates = float | Mapping[str, float]  # false alarms per hour that are accepted: for every class, or by class


class Evidence(Enum):
    """What the clips show of a rate of false alarms; the value is what people read."""

    SHOWN = "shown: the interval ends at or below the rate"
    WITHIN = "observed: the interval reaches above the rate"
    TOO_FEW_HOURS = "too few hours: even no false alarm at all would not show the rate"
    EXCEEDED = "exceeded: no threshold is high enough"
    NO_HOURS = "unknown: no clip is certain to lack the class, the threshold stays as it was"


@dataclass(frozen=True)
class LabelledClips:
    """What is known of N clips, to tell false alarms.

    Attributes:
        lengths: Segments per clip, (N,).
        labels: Weak labels, (N, C) bool.
        available: Which modalities a clip has, (N, M) bool.
        truth: modality -> (N, T, C) bool, per-second ground truth; None if weak labels alone are known.
        segment: Seconds per segment.
    """

    lengths: NDArray[np.int64]
    labels: NDArray[np.bool_]
    available: NDArray[np.bool_]
    truth: Mapping[str, NDArray[np.bool_]] | None = None
    segment: float = 1.0


@dataclass(frozen=True)
class FalseAlarmRow:
    """The threshold of a class in a modality, and its false alarms.

    Attributes:
        label: The class.
        modality: Name of the modality.
        per_hour: The largest accepted rate.
        threshold: Least probability of an active segment.
        count: False alarms in these clips.
        hours: Hours of clips in which they were counted.
        low: Lower end of the rate's 95 % interval, per hour; NaN without hours.
        high: Upper end.
        recall: Share of the true segments that are active, in [0, 1]; NaN without ground truth or true segments.
    """

    label: str
    modality: str
    per_hour: float
    threshold: float
    count: int
    hours: float
    low: float
    high: float
    recall: float

    @property
    def rate(self) -> float:
        """False alarms per hour; NaN without hours."""
        return self.count / self.hours if self.hours else math.nan

    @property
    def evidence(self) -> Evidence:
        """What the clips show of the rate."""
        if not self.hours:
            return Evidence.NO_HOURS
        if self.count > _allowed(self.per_hour, self.hours, False):
            return Evidence.EXCEEDED
        if poisson_interval(0)[1] > self.per_hour * self.hours:
            return Evidence.TOO_FEW_HOURS
        return Evidence.SHOWN if self.high <= self.per_hour else Evidence.WITHIN

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json.dumps` takes: null for what is not known."""
        known = {name: None if value != value else value for name, value in asdict(self).items()}
        rate = None if math.isnan(self.rate) else self.rate
        return {**known, "rate": rate, "evidence": self.evidence.name.lower()}


@dataclass(repr=False)
class FalseAlarms(Result):
    """Thresholds by false alarms per hour.

    Attributes:
        decoding: With these thresholds; those of other classes, and the clip filter, are as before.
        rows: One per modality and class with a stated rate.
        clips: Number of clips that they were chosen on.
        labelled: Whether false alarms were told by ground truth, not by weak labels.
    """

    decoding: Decoding
    rows: Sequence[FalseAlarmRow]
    clips: int
    labelled: bool

    def __repr__(self) -> str:
        return f"FalseAlarms({len(self.rows)} thresholds from {counted(self.clips, 'clip')})"

    @property
    def warning(self) -> str:
        """How many rows have too few hours to show their rate, and what to do; empty if none has."""
        few = [row for row in self.rows if row.evidence in (Evidence.TOO_FEW_HOURS, Evidence.NO_HOURS)]
        if not few:
            return ""
        hours, needed = max(row.hours for row in few), max(poisson_interval(0)[1] / row.per_hour for row in few)
        return (
            f"WARNING: for {len(few)} of {len(self.rows)} rows, {hours:.2g} hours can't show the rate, "
            f"which takes {needed:.1f} hours without a false alarm: label more clips without the class"
        )

    def text(self) -> str:
        """Return a table, what its last column means, where the false alarms were counted, and the warning."""
        where = "ground truth: all hours count" if self.labelled else "weak labels: hours of clips without the class"
        found = {row.evidence for row in self.rows}
        meanings = [each.value for each in Evidence if each in found]
        lines = [table(self.cells(), right_from=2), *meanings, f"chosen on {counted(self.clips, 'clip')} by {where}"]
        return "\n".join([*lines, *([self.warning] if self.warning else [])])

    def cells(self) -> list[list[str]]:
        """Return the table as texts, the header first."""
        head = ["class", "modality", "at most/h", "threshold", "false alarms", "hours", "per hour", "95 %", "recall"]
        return [[*head, "evidence"], *(_cells(row) for row in self.rows)]

    def _repr_html_(self) -> str:
        return html_table(self.cells(), repr(self))

    def as_json(self) -> dict[str, Any]:
        """Return the decoding, as `Decoding.from_json` reads it, and the table."""
        by = "ground_truth" if self.labelled else "weak_labels"
        rows = [row.as_json() for row in self.rows]
        return {**self.decoding.as_json(), BESIDE: {"clips": self.clips, "by": by, "thresholds": rows}}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per modality and class, with the columns of `FalseAlarmRow`, rate and evidence."""
        pd = import_pandas()

        own = [{**asdict(row), "rate": row.rate, "evidence": row.evidence.name.lower()} for row in self.rows]
        return pd.DataFrame(own)

    def save(self, path: str | Path) -> Path:
        """Write thresholds and table as JSON, which `--thresholds` of parse and evaluate takes. Returns the file."""
        atomic_json(Path(path), json.loads(json.dumps(self.as_json())))
        return Path(path)


def limit_false_alarms(
    probabilities: Probabilities,
    clips: LabelledClips,
    per_hour: Rates,
    decoding: Decoding,
    classes: tuple[str, ...],
    modalities: tuple[str, ...],
    *,
    sure: bool = False,
) -> FalseAlarms:
    """Return the segment thresholds with at most so many false alarms per hour, per class and modality.

    None is lower than that of the decoding.

    Args:
        probabilities: Of N clips that the model was not trained on.
        clips: What is known of them.
        per_hour: False alarms per hour and modality: for every class, or class -> rate.
        decoding: Gives the clip filter, which stays, and the thresholds, which may rise for classes with a rate.
        classes: Names of the C classes.
        modalities: Names of the M modalities.
        sure: Choose by the upper end of the rate's interval, not by the observed rate.

    Raises:
        SeehearError: For a class that is unknown, or a rate that is not a number above 0.
    """
    rates = check_rates(per_hour, classes)
    scores = decoding.filtered(probabilities, classes, modalities)  # (N, T, M, C)
    before = decoding.segment_thresholds(classes, modalities)  # (M, C)
    thresholds = np.array([[_shortest(value) for value in row] for row in before])
    inside = inside_clips(clips.lengths, scores.shape[1])  # (N, T)
    rows = []
    for m, modality in enumerate(modalities):
        for c, name in enumerate(classes):
            if name in rates:
                counted = clips.available[:, m] & (~clips.labels[:, c] | (clips.truth is not None))  # (N,)
                hours = float(clips.lengths[counted].sum()) * clips.segment / SECONDS_PER_HOUR
                own = np.where(inside, scores[:, :, m, c], np.float32(-np.inf))[counted]  # (n, T)
                true = _true(clips, modality, c, inside)[counted]
                row = _row((name, modality, rates[name]), own, true, hours, float(thresholds[m, c]), sure)
                thresholds[m, c] = row.threshold
                rows.append(row)
    by_class = {name: dict(zip(classes, thresholds[m].tolist(), strict=True)) for m, name in enumerate(modalities)}
    chosen = Decoding(decoding.filter, ByModality(by_class), decoding.clip_threshold)
    return FalseAlarms(chosen, rows, len(clips.lengths), clips.truth is not None)


def check_rates(per_hour: Rates, classes: Sequence[str]) -> dict[str, float]:
    """Return class -> accepted rate. Raises SeehearError for an unknown class, or a rate that is no number above 0."""
    rates = dict(per_hour) if isinstance(per_hour, Mapping) else dict.fromkeys(classes, per_hour)
    if unknown := sorted(set(rates) - set(classes)):
        raise SeehearError(f"false alarms of classes unknown to the parser: {', '.join(unknown)}")
    if not rates:
        raise SeehearError("give false alarms per hour, for all classes or by class")
    for name, rate in rates.items():
        if not (isinstance(rate, int | float) and math.isfinite(rate) and rate > 0):
            raise SeehearError(f"false alarms of {name} must be a number per hour above 0, not {rate}")
    return rates


def poisson_interval(count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of the mean of a Poisson count (Garwood 1936)."""
    from scipy.stats import chi2

    low = float(chi2.ppf(TAIL, 2 * count)) / 2 if count else 0.0
    return low, float(chi2.ppf(1 - TAIL, 2 * (count + 1))) / 2


def alarm_spans(active: NDArray[np.bool_], true: NDArray[np.bool_]) -> EventSpans:
    """Return the false alarms: the events that overlap no true segment. Both (N, T, C)."""
    spans = event_spans(ActiveSegments.of(active))
    before = np.pad(true.cumsum(axis=1), ((0, 0), (1, 0), (0, 0)))  # (N, T + 1, C)
    touched = before[spans.clip, spans.stop, spans.label] > before[spans.clip, spans.start, spans.label]
    return EventSpans(*(each[~touched] for each in (spans.clip, spans.label, spans.start, spans.stop, spans.positions)))


def _true(clips: LabelledClips, modality: str, label: int, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the true segments of a class within the clips, (N, T); none where weak labels alone are known."""
    if clips.truth is None:
        return np.zeros_like(inside)
    return np.asarray(clips.truth[modality][:, : inside.shape[1], label] & inside)


def _row(
    what: tuple[str, str, float],
    scores: NDArray[np.float32],
    true: NDArray[np.bool_],
    hours: float,
    before: float,
    sure: bool,
) -> FalseAlarmRow:
    """Return the chosen threshold.

    Args:
        what: The class, the modality, and the accepted rate.
        scores: (n, T), -inf where nothing can be active.
        true: (n, T), the true segments.
        hours: In these clips.
        before: The decoding's own threshold, which stays if it keeps the rate, or if there are no hours.
        sure: See `limit_false_alarms`.
    """
    if not hours:
        return FalseAlarmRow(*what, before, 0, 0.0, math.nan, math.nan, math.nan)
    chosen = _threshold(scores, true, _allowed(what[2], hours, sure))
    threshold = before if chosen is None else max(before, chosen)
    active = scores >= np.float32(threshold)
    count = len(alarm_spans(active[..., None], true[..., None]))
    low, high = (end / hours for end in poisson_interval(count))
    recall = float(active[true].mean()) if true.any() else math.nan
    return FalseAlarmRow(*what, threshold, count, hours, low, high, recall)


def _allowed(per_hour: float, hours: float, sure: bool) -> int:
    """Return how many false alarms are allowed. sure: as many as show the rate; 0 if even that does not."""
    allowed = math.floor(per_hour * hours + 1e-9)
    while sure and allowed > 0 and poisson_interval(allowed)[1] > per_hour * hours:
        allowed -= 1
    return allowed


def _threshold(scores: NDArray[np.float32], true: NDArray[np.bool_], allowed: int) -> float | None:
    """Return the least threshold at which, and above which, there are at most so many false alarms; at most 1.

    None if there are at no threshold more.
    """
    candidates = np.unique(scores[scores > 0])  # ascending
    exceeded = candidates[_false_alarms(scores, true, candidates) > allowed]
    if not len(exceeded):
        return None
    # The next larger number, since a segment at the threshold is active.
    return min(1.0, _shortest(np.nextafter(exceeded[-1], np.float32(2))))


def _shortest(value: np.float32) -> float:
    """Return the number with fewest digits that is this one in single precision, in which thresholds are compared."""
    return float(str(value))


def _false_alarms(
    scores: NDArray[np.float32], true: NDArray[np.bool_], thresholds: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return the number of false alarms at each of the thresholds, for scores and truth (n, T).

    A segment begins an event where it is active and the one before is not. So the events at θ are the segments that
    reach θ, less the pairs of neighbours that both do. An event with true segments is counted by its first: the true
    segments that reach θ, less those that are in one event with the true segment before: all between reach θ.
    """
    pairs = np.minimum(scores[:, 1:], scores[:, :-1])
    joined = []
    for row in np.flatnonzero(true.sum(axis=1) > 1):
        at = np.flatnonzero(true[row])
        joined += [float(scores[row, start : stop + 1].min()) for start, stop in pairwise(at)]
    events = _reaching(scores, thresholds) - _reaching(pairs, thresholds)
    right = _reaching(scores[true], thresholds) - _reaching(np.array(joined, dtype=np.float32), thresholds)
    return events - right


def _reaching(values: NDArray[np.float32], thresholds: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return how many values reach each threshold."""
    return values.size - np.searchsorted(np.sort(values, axis=None), thresholds, side="left")


def _cells(row: FalseAlarmRow) -> list[str]:
    """Return a row of the table as texts."""
    unknown = row.evidence is Evidence.NO_HOURS
    rate = ["-", "-"] if unknown else [f"{row.rate:.2f}", f"{row.low:.2f} to {row.high:.2f}"]
    recall = "-" if math.isnan(row.recall) else f"{100 * row.recall:.0f} %"
    numbers = [f"{row.per_hour:g}", f"{row.threshold:.3f}", str(row.count), f"{row.hours:.2f}", *rate, recall]
    return [row.label, display_name(row.modality), *numbers, row.evidence.value.partition(":")[0]]
