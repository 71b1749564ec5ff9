"""Which clips a system parses well, and which badly, and what goes wrong there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

EQUAL = 9  # decimals of a percentage to which clips' scores are the same: beyond it lies rounding

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Most:
    """The class of a modality with the most segments of some error in a clip; of: segments in which it is there."""

    label: str
    modality: str
    segments: float
    of: int


@dataclass(frozen=True)
class ClipRow:
    """A clip's scores in per cent, means over runs. average: of all scores. true: how much there is to find, segments
    of classes in all modalities. missed, invented: what was most often; None where nothing was.
    """

    clip: str
    average: float
    scores: Mapping[str, Mapping[str, float]]  # level -> score -> per cent
    true: int
    missed: Most | None
    invented: Most | None

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Errors:
    """Segments of each class in each clip, modality -> (N, C); missed and invented as means over runs."""

    true: Mapping[str, NDArray[np.int64]]
    missed: Mapping[str, Array]
    invented: Mapping[str, Array]


def clip_rows(
    clips: Sequence[str], per_clip: Mapping[tuple[str, str], Array], errors: Errors, classes: Sequence[str]
) -> list[ClipRow]:
    """A row for each of N clips. per_clip: (level, score) -> (N,) per cent, means over runs."""
    average = np.mean(list(per_clip.values()), axis=0)  # (N,)
    true = sum(of_modality.sum(axis=1) for of_modality in errors.true.values())  # (N,)
    missed, invented = (_most(wrong, errors.true, classes) for wrong in (errors.missed, errors.invented))
    rows = []
    for n, clip in enumerate(clips):
        scores: dict[str, dict[str, float]] = {}
        for (level, name), values in per_clip.items():
            scores.setdefault(level, {})[name] = float(values[n])
        rows.append(ClipRow(clip, float(average[n]), scores, int(true[n]), missed[n], invented[n]))
    return rows


def ranked(rows: Sequence[ClipRow]) -> list[ClipRow]:
    """Clips with something to find, the best first; of equally good ones that with more to find, then by name.

    A clip in which nothing happens scores 100 wherever nothing was found and 0 for a single slip. It says little of how
    well a system parses, and would fill both ends.
    """
    eventful = [row for row in rows if row.true]
    return sorted(eventful, key=lambda row: (-round(row.average, EQUAL), -row.true, row.clip))


def extremes(rows: Sequence[ClipRow], most: int) -> tuple[list[ClipRow], list[ClipRow]]:
    """The `most` best and worst clips of `ranked`, from the outside in; of few clips the better half and the other.

    Among equally bad ones, too, that with more to find comes first.
    """
    order = ranked(rows)
    half = min(most, (len(order) + 1) // 2)
    best, others = order[:half], order[half:]
    return best, sorted(others, key=lambda row: (round(row.average, EQUAL), -row.true, row.clip))[:most]


def _most(
    wrong: Mapping[str, Array], true: Mapping[str, NDArray[np.int64]], classes: Sequence[str]
) -> list[Most | None]:
    """Of each clip; of equally frequent ones the first modality's first class."""
    top = {name: of_modality.argmax(axis=1) for name, of_modality in wrong.items()}  # (N,) each
    found: list[Most | None] = []
    for n in range(len(next(iter(wrong.values())))):
        modality = max(wrong, key=lambda name: wrong[name][n, top[name][n]])
        c = int(top[modality][n])
        segments = float(wrong[modality][n, c])
        found.append(Most(classes[c], modality, segments, int(true[modality][n, c])) if segments else None)
    return found
