"""Segment accuracy of audio-visual event localization (AVE: Tian et al. 2018).

Every segment of every clip has one label: a class that is heard and seen at once, or background. The score is the share
of all segments whose label is predicted. OV-AVEBench reports it too (Zhou et al. 2025).

A system that predicts modalities by themselves has no label of this kind, so it is chosen. The joint probability of a
class is the smaller of those of its modalities, as both must reach the threshold. The label is the class of the highest
joint probability among those that the run's decoding finds in both modalities; background if it finds none. So the
thresholds of background are the run's own, which were chosen without these clips.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.modality import JOINT
from seehear.results import counted
from seehear.scoring.metrics.inputs import Active, Clips, Prediction, Scores, Truth
from seehear.scoring.metrics.interface import ClassScore, Grain, Key, Kinds, Metric, Ratios

BACKGROUND = "background"
CHOICE = "joint:min,background:decoding"
KEY = Key(JOINT, "accuracy")
HAVE = ("segment has", "segments have")


def one_label(active: Active, scores: Scores) -> NDArray[np.intp]:
    """Return the most probable active class of each segment, (N, T); C, background, where none is active.

    Of equally probable classes it is the first.

    Args:
        active: Which classes are predicted, (N, T, C).
        scores: Their probabilities, (N, T, C).
    """
    best = np.where(active, scores, np.float32(-1)).argmax(axis=2)
    return np.where(active.any(axis=2), best, active.shape[2])


def with_background(active: Active, inside: Active) -> Active:
    """Return (N, T, C + 1): the last class is active within the clip where no other is."""
    return np.concatenate([active, (inside & ~active.any(axis=2))[..., None]], axis=2)


def predicted_labels(prediction: Prediction, inside: Active) -> Active:
    """Return the one label of each segment within its clip as (N, T, C + 1), the last class being background."""
    active = prediction.active[JOINT]
    label = one_label(active, prediction.scores[JOINT])
    return np.asarray((np.arange(active.shape[2] + 1) == label[..., None]) & inside[..., None])


def label_notes(prediction: Prediction, truth: Truth, inside: Active, fate: str) -> tuple[str, ...]:
    """Return notes on segments that have several true classes, or several predicted ones of equal probability.

    Args:
        prediction: Of seconds heard and seen at once.
        truth: Likewise.
        inside: Which segments count, (N, T).
        fate: What several true classes mean for the score.
    """
    notes = []
    if several := int(((truth.active[JOINT].sum(axis=2) > 1) & inside).sum()):
        notes.append(f"{counted(several, *HAVE)} several true classes: {fate}")
    chosen = np.where(prediction.active[JOINT], prediction.scores[JOINT], np.float32(-1))  # (N, T, C)
    best = (chosen == chosen.max(axis=2, keepdims=True)) & prediction.active[JOINT]
    if tied := int(((best.sum(axis=2) > 1) & inside).sum()):
        unranked = "" if prediction.graded else "; events without confidences carry no ranking"
        notes.append(
            f"{counted(tied, *HAVE)} several predicted classes that are equally probable: the first counts{unranked}"
        )
    return tuple(notes)


def segment_accuracy(prediction: Prediction, truth: Truth, clips: Clips) -> Ratios:
    """Return the share of segments whose label is predicted.

    Of a segment with several true classes, each counts as right; AVE has hardly any such segment.

    Args:
        prediction: Of seconds heard and seen at once.
        truth: Likewise.
        clips: Which segments count.
    """
    predicted = predicted_labels(prediction, clips.inside)
    true = with_background(truth.active[JOINT], clips.inside)
    right = (predicted & true).any(axis=2).sum(axis=1)  # (N,)
    support, found = true.sum(axis=(0, 1)), (predicted & true).sum(axis=(0, 1))  # (C + 1,)
    classes = tuple(
        ClassScore(KEY, label, hits / number if number else np.nan, number)
        for label, hits, number in zip((*clips.classes, BACKGROUND), found.tolist(), support.tolist(), strict=True)
    )
    whole = clips.lengths.astype(np.float64)
    notes = label_notes(prediction, truth, clips.inside, "each of them counts as right")
    return Ratios((KEY,), right[:, None].astype(np.float64), whole[:, None], classes=classes, notes=notes)


METRIC = Metric(
    name="segment-accuracy",
    meaning="share of all segments whose class, or background, is predicted; classes: of their true segments",
    paper="AVE: Tian et al. 2018",
    grain=Grain.SECOND,
    kinds=Kinds.JOINT,
    measure=segment_accuracy,
    parameters=CHOICE,
    lengths=True,
)
