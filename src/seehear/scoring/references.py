"""Reference predictions, which need no model: nothing, the weak-label baseline, the class prior, the ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.events import inside_clips
from seehear.scoring.scores import Scores, score
from seehear.scoring.signature import Signature

NOTHING, WEAK_BASELINE, CLASS_PRIOR, TRUTH = "nothing", "weak labels", "class prior", "truth"
NOT_BASELINES = (NOTHING, TRUTH)  # the ends of the scale; every other reference is one to compare a system with

Active = Mapping[str, NDArray[np.bool_]]  # modality -> (N, T, C)


@dataclass(frozen=True)
class Reference:
    """A prediction that is scored beside a system's.

    Attributes:
        meaning: What it predicts, in words, for people.
        active: modality -> (N, T, C).
    """

    meaning: str
    active: Active


def references(truth: Active, weak: NDArray[np.float32], lengths: NDArray[np.int64]) -> dict[str, Reference]:
    """Return the reference predictions.

    Args:
        truth: modality -> (N, T, C) ground truth.
        weak: (N, C) weak labels; a class with a label above 0 occurs.
        lengths: (N,) segments per clip.

    Returns:
        By name: nothing; the weak-label baseline, which predicts the weak labels in every segment and modality; the
        class prior, which predicts each of them in its usual modalities alone; the ground truth. Of one modality there
        is no class prior: it would be the weak-label baseline again.
    """
    segments = next(iter(truth.values())).shape[1]
    inside = inside_clips(lengths, segments)  # (N, T)
    baseline = inside[..., None] & (weak[:, None] > 0)  # (N, T, C)
    nothing = np.broadcast_to(np.False_, baseline.shape)
    known = {
        NOTHING: Reference("no event anywhere", {name: nothing for name in truth}),
        WEAK_BASELINE: Reference(
            "the clip's true labels in every segment and modality", {name: baseline for name in truth}
        ),
        CLASS_PRIOR: Reference(
            "the weak labels, each class only in modalities in which it occurs in at least half of its clips; that is "
            "counted in the scored ground truth, so it is generous",
            {name: baseline & usual for name, usual in usual_modalities(truth).items()},
        ),
        TRUTH: Reference("the ground truth", dict(truth)),
    }
    if len(truth) == 1:
        del known[CLASS_PRIOR]
    return known


def usual_modalities(truth: Active) -> dict[str, NDArray[np.bool_]]:
    """Return in which modalities each class usually occurs: in at least half of the clips in which it occurs at all.

    A prediction by this rule has seen the ground truth, so it is a generous baseline. A class that never occurs counts
    as usual everywhere.

    Args:
        truth: modality -> (N, T, C) ground truth.

    Returns:
        modality -> (C,).
    """
    in_clip = {name: active.any(axis=1) for name, active in truth.items()}  # (N, C) each
    clips = np.any([*in_clip.values()], axis=0).sum(axis=0)  # (C,)
    return {name: 2 * occurs.sum(axis=0) >= clips for name, occurs in in_clip.items()}


def score_references(
    given: Mapping[str, Reference], truth: Active, classes: Sequence[str], labels: str, iou: float = 0.5
) -> dict[str, Scores]:
    """Return the scores of reference predictions, by name.

    Args:
        given: Name -> prediction, in the shape of the truth.
        truth: modality -> (N, T, C) ground truth.
        classes: Names of the C classes.
        labels: Names and revision of the label tables, for the signatures.
        iou: Least intersection over union of a true positive event.
    """
    clips = len(next(iter(truth.values())))
    return {
        name: score(reference.active, truth, classes, Signature(name, labels, clips, iou))
        for name, reference in given.items()
    }
