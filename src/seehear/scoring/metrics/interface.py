"""What a metric declares, and what it returns: scores as functions of how often each clip counts.

Such functions serve means over clips and scores of the whole data set alike: a bootstrap draw is a number per clip.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.modality import JOINT
from seehear.scoring.metrics.inputs import Clips, Prediction, Truth
from seehear.version import __version__

Array = NDArray[np.float64]


class Grain(StrEnum):
    """How finely the truth must be known."""

    SECOND = "per second"
    CLIP = "per clip"


class Kinds(StrEnum):
    """Of what the truth must be known."""

    JOINT = "what is heard and seen at once"
    EVERY = "one modality or more"
    ANY = "one modality or more, or what is heard and seen at once"


@dataclass(frozen=True)
class Key:
    """A score's name.

    Attributes:
        kind: What was compared: a modality, or `audio_visual`.
        score: Such as `f1`, or `tIoU 0.5`.
    """

    kind: str
    score: str

    def __str__(self) -> str:
        return f"{self.kind} {self.score}"


@dataclass(frozen=True)
class ClassScore:
    """A score of one class over all clips.

    Attributes:
        key: Of the score.
        label: The class.
        value: In [0, 1]; NaN if it is not defined.
        support: What it was counted over: true segments, events or clips.
    """

    key: Key
    label: str
    value: float
    support: int


@dataclass(frozen=True)
class Measured(ABC):
    """The K scores of one run.

    Attributes:
        keys: Names of the scores.
        classes: Scores of single classes.
        notes: What else to know.
    """

    keys: tuple[Key, ...]
    classes: tuple[ClassScore, ...] = field(default=(), kw_only=True)
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def values(self, weights: Array) -> Array:
        """Return the scores in [0, 1], (draws, K), NaN where not defined. weights: how often a clip counts, (draws, N).

        A clip that counts twice counts as two clips with the same content.
        """


@dataclass(frozen=True)
class Ratios(Measured):
    """Scores that are a sum over clips, divided by another; means over clips are of this kind too.

    Attributes:
        part: What each clip adds to the numerator, (N, K).
        whole: What it adds to the denominator, (N, K).
    """

    part: Array
    whole: Array

    def values(self, weights: Array) -> Array:
        """Return Σ part / Σ whole, (draws, K); see `Measured.values`."""
        whole = weights @ self.whole
        return np.divide(weights @ self.part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


@dataclass(frozen=True)
class Metric:
    """A score that a paper reports.

    Attributes:
        name: On the command line.
        meaning: In a sentence.
        paper: Where it is defined.
        grain: How finely the truth must be known.
        kinds: Of what the truth must be known.
        measure: From prediction, truth and clips to the scores.
        parameters: Of the definition, for signatures.
        ranks: Whether it ranks events by confidence: then predictions without confidences are all tied.
        draws: Bootstrap draws of its intervals; None for as many as usual.
        lengths: Whether it counts seconds without any event, so that scores depend on where clips end.
        headline: The score to show where there is room for one; by default the first.
        requires: Raises SeehearError if a package that the metric needs is not installed; None if it needs none.
    """

    name: str
    meaning: str
    paper: str
    grain: Grain
    kinds: Kinds
    measure: Callable[[Prediction, Truth, Clips], Measured]
    parameters: str = ""
    ranks: bool = False
    draws: int | None = None
    lengths: bool = False
    headline: str = ""
    requires: Callable[[], object] | None = None

    def check(self, prediction: Prediction, truth: Truth) -> None:
        """Check that the truth says what the metric compares, and that the system predicts it.

        Raises:
            SeehearError: Saying what the truth, or the prediction, can't say.
        """
        known = truth.active if self.grain is Grain.SECOND else truth.labels
        asked = {Kinds.JOINT: [JOINT], Kinds.EVERY: modalities_of(truth.given), Kinds.ANY: [*known]}[self.kinds]
        if not any(kind in known for kind in asked):
            raise SeehearError(f"{self.name} needs truth of {self.kinds}, {self.grain}. {self._unknown(truth)}")
        predicted = prediction.active if self.grain is Grain.SECOND else prediction.labels
        if self.grain is Grain.SECOND and not predicted:
            raise SeehearError(f"{self.name} compares seconds, and the predictions are per clip: give dense tables")
        needed = [JOINT] if self.kinds is Kinds.JOINT else [kind for kind in truth.given if kind in asked]
        needed = [kind for kind in needed if kind in known]
        if lacking := [kind for kind in needed if kind not in predicted]:
            raise SeehearError(
                f"{self.name}: nothing is predicted of {' and '.join(lacking)}, the predictions are of "
                f"{', '.join(predicted)}: give predictions of all kinds of truth (on the command line --predictions "
                f"{' '.join(f'{kind}=TABLE' for kind in lacking)}), or truth of {', '.join(predicted)} alone"
            )

    def _unknown(self, truth: Truth) -> str:
        """Return what the truth is of, what it can't say, and what to give."""
        of = [
            f"{kind} {Grain.SECOND if kind in truth.spans else Grain.CLIP} ({where})"
            for kind, where in truth.given.items()
        ]
        limits = "; ".join(limits_of(truth))
        seconds = " of dense tables, with onset and offset" if self.grain is Grain.SECOND else ""
        options = {
            Kinds.JOINT: "audio_visual=TABLE, or both audio=TABLE and visual=TABLE",
            Kinds.EVERY: "MODALITY=TABLE for one modality or more",
            Kinds.ANY: "KIND=TABLE",
        }
        known = "; ".join(filter(None, [", ".join(of) or "none", limits]))
        return f"Given: {known}. Give {options[self.kinds]}{seconds}"


@dataclass(frozen=True)
class MetricSignature:
    """How the scores of a metric were computed: two scores may be compared when their signatures agree.

    Attributes:
        metric: Its name.
        parameters: Of its definition.
        decoding: How probabilities became events.
        labels: Names and revision of the tables.
        clips: Number of clips scored.
        draws: Bootstrap draws of the intervals; 0 for none.
        ensemble: Number of seeds whose probabilities were averaged; 1 for a single run.
        segment: Seconds per segment; None for a metric of clips.
        length: Seconds that clips of unknown length are taken as, or `last-event`; empty if there are none, or the
            metric does not depend on it.
        version: Of seehear.
    """

    metric: str
    parameters: str
    decoding: str
    labels: str
    clips: int
    draws: int
    ensemble: int = 1
    segment: float | None = None
    length: str = ""
    version: str = __version__

    def __str__(self) -> str:
        parts = [self.metric, self.parameters, f"decoding:{self.decoding}"]
        parts += [f"ensemble:{self.ensemble}"] if self.ensemble > 1 else []
        parts += [f"segment:{self.segment:g}"] if self.segment is not None else []
        parts += [f"length:{self.length}"] if self.length else []
        parts += [f"labels:{self.labels}", f"clips:{self.clips}", f"draws:{self.draws}", f"seehear{self.version}"]
        return "|".join(filter(None, parts))


def limits_of(truth: Truth) -> list[str]:
    """Return in words what a truth can't say: about modalities, and about time."""
    modalities = modalities_of(truth.given)
    limits = []
    if truth.given and not modalities:
        limits.append("truth of audio_visual says nothing of what is only heard or only seen")
    if len(modalities) == 1 and JOINT not in truth.given:
        limits.append(
            f"truth of {modalities[0]} alone says nothing of other modalities, or of what occurs in both at once"
        )
    if per_clip := [kind for kind in truth.given if kind not in truth.spans]:
        limits.append(f"truth per clip ({', '.join(per_clip)}) says nothing of when")
    return limits


def modalities_of(kinds: Iterable[str]) -> list[str]:
    """Return the kinds that are modalities."""
    return [kind for kind in kinds if kind != JOINT]
