"""Scores of predictions in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from seehear import arguments
from seehear.errors import SeehearError
from seehear.events import Activity, reindexed
from seehear.results import counted
from seehear.scoring import scores as scoring
from seehear.scoring.scores import Scores
from seehear.scoring.signature import Signature

ActivityLike = Activity | Mapping[str, ArrayLike]  # modality -> (N, T, C), boolean or 0 and 1


def score(
    predicted: ActivityLike, truth: ActivityLike, classes: Sequence[str] | None = None, *, iou: float = 0.5
) -> Scores:
    """Score predictions against ground truth, both in memory.

    If both name their classes and these differ, both are extended to the union: a prediction of a class that the
    ground truth does not have is a false positive. The shorter in T is padded with segments in which nothing is active.

    Args:
        predicted: modality -> (N, T, C), boolean or 0 and 1, such as `parser.predict(dataset)`.
        truth: The same modalities, N and C, such as `dataset.truth`.
        classes: Names of the C classes, for arrays that do not name them; by default numbers.
        iou: Least intersection over union of a true positive event, in (0, 1].

    Returns:
        The eleven scores, over segments and events.

    Raises:
        SeehearError: If modalities, numbers of clips or numbers of classes differ.
    """
    iou = arguments.real(iou, "iou")
    if not 0 < iou <= 1:
        raise SeehearError(f"iou must be above 0 and at most 1, not {iou:g}")
    one, other = aligned(as_activity(predicted, classes, "predicted"), as_activity(truth, classes, "truth"))
    return scoring.score(one, other, other.classes or (), signature_of(one, other, iou))


def aligned(predicted: Activity, truth: Activity) -> tuple[Activity, Activity]:
    """Return both in the same shape, with the same classes and modalities; see `score`.

    Raises:
        SeehearError: If modalities, numbers of clips or numbers of classes differ.
    """
    if set(predicted) != set(truth):
        raise SeehearError(
            f"the predictions are for {', '.join(predicted) or 'no modality'}, the truth is for "
            f"{', '.join(truth) or 'no modality'}: give the same modalities for both"
        )
    if predicted.shape[0] != truth.shape[0]:
        raise SeehearError(
            f"predictions for {counted(predicted.shape[0], 'clip')} and truth of {truth.shape[0]}: give the same clips"
        )
    one, other = on_common_classes(predicted, truth)
    segments = max(one.shape[1], other.shape[1])
    names = other.classes or tuple(map(str, range(other.shape[2])))
    return (
        Activity({name: padded(one[name], segments) for name in other}, classes=names, source=one.source),
        Activity({name: padded(other[name], segments) for name in other}, classes=names, source=other.source),
    )


def signature_of(predicted: Activity, truth: Activity, iou: float = 0.5) -> Signature:
    """Return the signature of scores of a prediction in memory."""
    return Signature(predicted.source or "given", truth.source or "arrays", truth.shape[0], iou)


def as_activity(active: ActivityLike, classes: Sequence[str] | None, what: str) -> Activity:
    """Check arrays and return them as an Activity.

    Args:
        active: modality -> (N, T, C), boolean or 0 and 1.
        classes: Names of the C classes, if the arrays have none.
        what: What the arrays are, for the message.

    Raises:
        SeehearError: If they are not modality -> (N, T, C) of 0 and 1.
    """
    if not isinstance(active, Mapping):
        raise SeehearError(f"{what}: must map each modality to an array (clips, segments, classes), not {type(active)}")
    own = active.classes if isinstance(active, Activity) else None
    source = active.source if isinstance(active, Activity) else ""
    arrays = {modality: np.asarray(array) for modality, array in active.items()}
    try:
        return Activity(arrays, classes=own if own is not None else classes, source=source)
    except SeehearError as error:
        raise SeehearError(f"{what}: {error}") from None


def on_common_classes(one: Activity, other: Activity) -> tuple[Activity, Activity]:
    """Return both with the same classes: those of the one first, then further ones of the other.

    Raises:
        SeehearError: If their numbers of classes differ and one does not name them.
    """
    if one.classes is None or other.classes is None:
        if one.shape[2] != other.shape[2]:
            raise SeehearError(
                f"predictions of {counted(one.shape[2], 'class', 'classes')} and truth of {other.shape[2]}: give the "
                "names of the classes, as Activity(arrays, classes=...)"
            )
        names = one.classes or other.classes
        return _named(one, names), _named(other, names)
    if one.classes == other.classes:
        return one, other
    union = tuple(dict.fromkeys([*one.classes, *other.classes]))
    return with_classes(one, union), with_classes(other, union)


def with_classes(active: Activity, classes: Sequence[str]) -> Activity:
    """Return it with these classes as columns: others are dropped, new ones are never active."""
    if active.classes is None or active.classes == tuple(classes):
        return active
    arrays = {name: reindexed(array, active.classes, classes) for name, array in active.items()}
    return Activity(arrays, classes=classes, source=active.source)


def padded(array: Any, segments: int) -> Any:
    """Return an array (N, T, C) with inactive segments up to so many; itself if it has them."""
    if array.shape[1] >= segments:
        return array
    return np.pad(array, ((0, 0), (0, max(0, segments - array.shape[1])), (0, 0)))


def _named(active: Activity, classes: Sequence[str] | None) -> Activity:
    return Activity(active, classes=classes, source=active.source)
