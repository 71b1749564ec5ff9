"""The polyphonic sound detection score of DCASE (Bilen et al. 2020), by `sed_scores_eval` (Ebbers et al. 2022).

It needs no threshold: it is the area under the rate of true positives by the rate of false positives per hour, up to
100, the mean over classes less their standard deviation. A detection counts if at least DTC of it lies in true events
of its class, and a true event if at least GTC of it lies in such detections. The two scenarios of DCASE:

- `psds1` asks for exact times: DTC 0.7, GTC 0.7;
- `psds2` asks for the right class: DTC 0.1, GTC 0.1, and half of the rate of cross triggers, which are false detections
  of which at least 0.3 lie in events of another class, counts as false positives.

Only classes with true events are scored. Times are exact in the truth; predictions change from segment to segment.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from seehear.errors import SeehearError
from seehear.results import import_pandas
from seehear.scoring.metrics.inputs import Clips, Prediction, Scores, Spans, Truth
from seehear.scoring.metrics.interface import Array, ClassScore, Grain, Key, Kinds, Measured, Metric

SCENARIOS: Mapping[str, Mapping[str, Any]] = {
    "psds1": {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "cttc_threshold": None, "alpha_ct": 0.0, "alpha_st": 1.0},
    "psds2": {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5, "alpha_st": 1.0},
}
TRIGGERS = "cts\\"  # what precedes a class in the package's names of counts of cross triggers
MAX_FALSE_POSITIVES = 100.0  # per hour
DRAWS = 50  # each takes .4 s for a thousand clips and ten classes


@dataclass(frozen=True)
class Detection:
    """One kind in one scenario, ready to be scored with any clips.

    Attributes:
        settings: Of the scenario.
        deltas: Clip -> class -> what changes at which score; the package's own form.
        truth: Clip -> true events: onset, offset, class.
        seconds: Clip -> its length.
    """

    settings: Mapping[str, Any]
    deltas: Mapping[str, Mapping[str, Any]]
    truth: Mapping[str, list[tuple[float, float, str]]]
    seconds: Mapping[str, float]

    def score(self, counts: Array) -> tuple[float, dict[str, float]]:
        """Return the score and that of each class, when each clip counts so often, (N,); NaN without a true event."""
        drawn = zip(self.deltas, counts.astype(int).tolist(), strict=True)
        names = {f"{clip}x{copy}": clip for clip, count in drawn for copy in range(count)}
        truth = {name: self.truth[clip] for name, clip in names.items()}
        classes = {label for events in truth.values() for *_, label in events}
        if not classes:
            return np.nan, {}
        deltas = {name: _only(self.deltas[clip], classes) for name, clip in names.items()}
        seconds = {name: self.seconds[clip] for name, clip in names.items()}
        with warnings.catch_warnings():  # the package divides by 0 where nothing is detected
            warnings.simplefilter("ignore")
            found, by_class, *_ = _package().psds(
                None, truth, seconds, deltas=deltas, max_efpr=MAX_FALSE_POSITIVES, **self.settings
            )
        return float(found), {label: float(value) for label, value in by_class.items()}


@dataclass(frozen=True)
class Psds(Measured):
    """PSDS per kind and scenario.

    Attributes:
        detections: One per key.
    """

    detections: tuple[Detection, ...]

    def values(self, weights: Array) -> Array:
        """Return the scores, (draws, K); see `Measured.values`."""
        return np.array([[detection.score(counts)[0] for detection in self.detections] for counts in weights])


def psds(prediction: Prediction, truth: Truth, clips: Clips) -> Psds:
    """Return PSDS1 and PSDS2 of every kind whose truth is known per second.

    Args:
        prediction: Probabilities of segments.
        truth: True events, in seconds.
        clips: Their lengths, names of the classes, length of a segment.

    Raises:
        SeehearError: If the package is not installed.
    """
    keys, detections, classes = [], [], []
    for kind, true in truth.spans.items():
        events = _events(true, clips)
        for scenario, settings in SCENARIOS.items():
            key = Key(kind, scenario)
            detection = _detection(prediction.scores[kind], events, clips, settings)
            _, by_class = detection.score(np.ones(len(clips)))
            numbers = {label: sum(label == name for row in events.values() for *_, name in row) for label in by_class}
            classes += [
                ClassScore(key, clips.classes[int(label[1:])], value, numbers[label])
                for label, value in by_class.items()
            ]
            keys.append(key)
            detections.append(detection)
    return Psds(tuple(keys), tuple(detections), classes=tuple(classes))


def _detection(scores: Scores, events: dict[str, Any], clips: Clips, settings: Mapping[str, Any]) -> Detection:
    frame = _frame_type()
    occurring = sorted({int(label[1:]) for rows in events.values() for *_, label in rows})
    frames, seconds = {}, {}
    for n, (name, length) in enumerate(zip(events, np.maximum(clips.lengths, 1).tolist(), strict=True)):
        times = np.arange(length + 1) * clips.segment
        columns = {_class_name(c): scores[n, :length, c].astype(np.float64) for c in occurring}
        frames[name] = frame({"onset": times[:-1], "offset": times[1:], **columns})
        seconds[name] = float(times[-1])
    tolerances = {name: value for name, value in settings.items() if name.endswith("_threshold")}
    found = _package().intermediate_statistics_deltas(frames, events, **tolerances) if occurring else {}
    return Detection(settings, {name: found.get(name, {}) for name in events}, events, seconds)


def _events(true: Spans, clips: Clips) -> dict[str, list[tuple[float, float, str]]]:
    """Return clip -> true events, cut at the clip's end."""
    events: dict[str, list[tuple[float, float, str]]] = {f"{n}": [] for n in range(len(clips))}
    ends = (np.maximum(clips.lengths, 1) * clips.segment).tolist()
    columns = (column.tolist() for column in (true.clip, true.label, true.onset, true.offset))
    for clip, label, onset, offset in zip(*columns, strict=True):
        if onset < ends[clip]:
            events[f"{clip}"].append((onset, min(offset, ends[clip]), _class_name(label)))
    return events


def _class_name(number: int) -> str:
    """Return the class as the package takes it: names such as `onset`, or with a backslash, would break its tables."""
    return f"c{number}"


def _only(of_clip: Mapping[str, Any], classes: set[str]) -> dict[str, Any]:
    """Return a clip's deltas of some classes alone."""
    kept = {}
    for label, (scores, deltas) in of_clip.items():
        if label in classes:
            names = ((key, key.partition(TRIGGERS)[2]) for key in deltas)  # of counts, or of cross triggers by class
            kept[label] = (scores, {key: deltas[key] for key, other in names if not other or other in classes})
    return kept


@cache
def _frame_type() -> Any:
    """Return a kind of data frame whose arrays can be written: the package needs that, and pandas 3 gives no such."""
    pd = import_pandas()

    class Frame(pd.DataFrame):  # type: ignore[misc, name-defined]
        """Gives copies."""

        @property
        def _constructor(self) -> Any:
            return Frame

        def to_numpy(self, *args: Any, **options: Any) -> Any:
            """Return a copy as an array."""
            return super().to_numpy(*args, **{**options, "copy": True})

    return Frame


def _package() -> Any:
    try:
        from sed_scores_eval import intersection_based
    except ModuleNotFoundError as error:
        message = f"psds needs the package {error.name}, which is not installed: pip install 'seehear[psds]'"
        raise SeehearError(message) from None
    return intersection_based


METRIC = Metric(
    name="psds",
    meaning="polyphonic sound detection score of DCASE's scenarios 1 and 2: area up to 100 false positives per hour",
    paper="Bilen et al. 2020; Ebbers et al. 2022",
    grain=Grain.SECOND,
    kinds=Kinds.ANY,
    measure=psds,
    parameters="psds1:dtc0.7,gtc0.7,st1|psds2:dtc0.1,gtc0.1,cttc0.3,ct0.5,st1|efpr100",
    ranks=True,
    draws=DRAWS,
    lengths=True,
    requires=_package,
)
