"""Which clips a system parses well, and which badly, and what goes wrong there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.scoring.scores import ScoreKey

DECIMALS = 9  # of a percentage; clips whose scores agree to that many are equally good, the rest is rounding

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClassError:
    """The class and modality with the most segments of some error in a clip.

    Attributes:
        label: The class.
        modality: The modality.
        segments: Segments in error, mean over runs.
        support: Segments of the class in the ground truth.
    """

    label: str
    modality: str
    segments: float
    support: int


@dataclass(frozen=True)
class ClipRow:
    """A clip's scores, means over runs.

    Attributes:
        clip: Its name.
        average: Mean of all scores, per cent.
        scores: level -> kind -> per cent.
        support: Segments of classes in the ground truth, over all modalities.
        false_negatives: The most frequent kind of them; None if there are none.
        false_positives: Likewise.
    """

    clip: str
    average: float
    scores: Mapping[str, Mapping[str, float]]
    support: int
    false_negatives: ClassError | None
    false_positives: ClassError | None

    def as_json(self) -> dict[str, object]:
        """Return all attributes by name."""
        return asdict(self)


@dataclass(frozen=True)
class ErrorCounts:
    """Segments of each class in each clip, modality -> (N, C).

    Attributes:
        support: In the ground truth.
        false_negatives: Mean over runs.
        false_positives: Mean over runs.
    """

    support: Mapping[str, NDArray[np.int64]]
    false_negatives: Mapping[str, Array]
    false_positives: Mapping[str, Array]


def clip_rows(
    clips: Sequence[str], per_clip: Mapping[ScoreKey, Array], errors: ErrorCounts, classes: Sequence[str]
) -> list[ClipRow]:
    """Return a row per clip.

    Args:
        clips: Names of the N clips.
        per_clip: (level, kind) -> (N,) per cent, means over runs.
        errors: Of the same clips.
        classes: Names of the C classes.
    """
    average = np.mean(list(per_clip.values()), axis=0)  # (N,)
    support = sum(of_modality.sum(axis=1) for of_modality in errors.support.values())  # (N,)
    false_negatives, false_positives = (
        _most_frequent(wrong, errors.support, classes) for wrong in (errors.false_negatives, errors.false_positives)
    )
    rows = []
    for n, clip in enumerate(clips):
        scores: dict[str, dict[str, float]] = {}
        for (level, name), values in per_clip.items():
            scores.setdefault(level, {})[name] = float(values[n])
        rows.append(ClipRow(clip, float(average[n]), scores, int(support[n]), false_negatives[n], false_positives[n]))
    return rows


def best_first(rows: Sequence[ClipRow]) -> list[ClipRow]:
    """Return the clips with events, the best first; of equally good ones that with more segments, then by name.

    A clip without events scores 100 if nothing is predicted and 0 for a single false positive. It says little about
    how well a system parses, and would fill both ends.
    """
    eventful = [row for row in rows if row.support]
    return sorted(eventful, key=lambda row: (-round(row.average, DECIMALS), -row.support, row.clip))


def best_and_worst(rows: Sequence[ClipRow], count: int) -> tuple[list[ClipRow], list[ClipRow]]:
    """Return the `count` best clips, best first, and the `count` worst, worst first; of few clips a half each.

    Among equally bad clips, too, that with more segments comes first.
    """
    order = best_first(rows)
    half = min(count, (len(order) + 1) // 2)
    best, others = order[:half], order[half:]
    return best, sorted(others, key=lambda row: (round(row.average, DECIMALS), -row.support, row.clip))[:count]


def _most_frequent(
    wrong: Mapping[str, Array], support: Mapping[str, NDArray[np.int64]], classes: Sequence[str]
) -> list[ClassError | None]:
    """Return the most frequent error per clip; of equally frequent ones that of the first modality's first class."""
    top = {name: of_modality.argmax(axis=1) for name, of_modality in wrong.items()}  # (N,) each
    errors: list[ClassError | None] = []
    for n in range(len(next(iter(wrong.values())))):
        modality = max(wrong, key=lambda name: wrong[name][n, top[name][n]])
        c = int(top[modality][n])
        segments = float(wrong[modality][n, c])
        error = ClassError(classes[c], modality, segments, int(support[modality][n, c]))
        errors.append(error if segments else None)
    return errors
