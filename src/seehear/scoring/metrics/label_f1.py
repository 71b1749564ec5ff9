"""Scores of the set of classes per clip, by modality, as VGGSounder reports them (Zverev, Wiedemer et al. 2025).

Of what is heard (labels A and AV), seen (V and AV), both (AV), only heard (A) and only seen (V), over the clips that
have such a label:

- `f1`: micro F1, from counts over all clips and classes;
- `accuracy`: share of clips whose set of classes is predicted exactly (subset accuracy);
- `hit`: share of clips of which at least one class is predicted right;
- the same with `@1`: the most probable class of each clip is predicted, as the paper does for classifiers;
- `mu`, modality confusion: share of the clips with a label of which the features of one modality alone (`audio`,
  `visual`), or each of them (`audio_visual`), give at least one right class and both together give none.

The paper feeds a system one modality for A, and both for AV. A system that predicts each modality by itself is scored
by these predictions instead; for `mu` it is fed one modality. As in the paper's code, what is only heard is compared
with all that is predicted as heard: a label AV that is predicted right is a false positive there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.modality import AUDIO, JOINT, VISUAL
from seehear.results import counted
from seehear.scoring.f1 import ratio
from seehear.scoring.metrics.inputs import Active, Clips, Prediction, Truth
from seehear.scoring.metrics.interface import ClassScore, Grain, Key, Kinds, Metric, Ratios
from seehear.scoring.only import only_name

ONLY = {only_name(modality): modality for modality in (AUDIO, VISUAL)}  # kind -> the predictions it is compared with
Columns = list[tuple[Key, NDArray[np.int64], NDArray[np.int64]]]  # of a score: what each clip adds, (N,) both


def label_f1(prediction: Prediction, truth: Truth, clips: Clips) -> Ratios:
    """Return micro F1, subset accuracy and hit rate per kind, and the modality confusion.

    Args:
        prediction: Classes per clip; `alone` gives the modality confusion.
        truth: Classes per clip.
        clips: Names of the classes.
    """
    columns: Columns = []
    classes: list[ClassScore] = []
    known = {**truth.labels, **_only(truth.labels)}
    for kind, true in known.items():
        of = ONLY.get(kind, kind)
        if of not in prediction.labels:
            continue
        columns += _columns(kind, "", prediction.labels[of], true)
        classes += _class_scores(kind, prediction.labels[of], true, clips.classes)
        if of in prediction.clip_scores:
            columns += _columns(kind, "@1", most_probable(prediction.clip_scores[of]), true)
    kinds = dict.fromkeys(key.kind for key, *_ in columns)
    counts = ", ".join(f"{kind} {known[kind].any(axis=1).sum()}" for kind in kinds)
    notes = [f"clips that have a label of the kind, and count: {counts}"]
    if {AUDIO, VISUAL} <= set(prediction.alone):
        confusion, note = _confusion(prediction, truth.labels)
        columns, notes = [*columns, *confusion], [*notes, note]
    keys, parts, wholes = zip(*columns, strict=True)
    part, whole = (np.stack(each, axis=1).astype(np.float64) for each in (parts, wholes))  # (N, K)
    return Ratios(keys, part, whole, classes=tuple(classes), notes=tuple(notes))


def _only(labels: Mapping[str, Active]) -> dict[str, Active]:
    """Return what occurs in a clip in one modality and never in the other, (N, C), if that is known of any clip."""
    if not {AUDIO, VISUAL} <= set(labels):
        return {}
    others = {AUDIO: labels[VISUAL], VISUAL: labels[AUDIO]}
    only = {kind: labels[modality] & ~others[modality] for kind, modality in ONLY.items()}
    return {kind: array for kind, array in only.items() if array.any()}


def most_probable(scores: NDArray[np.float32]) -> Active:
    """Return the most probable class of each clip, (N, C), one per row; of equal ones the first."""
    return np.asarray(np.arange(scores.shape[1]) == scores.argmax(axis=1)[:, None])


def _columns(kind: str, at: str, predicted: Active, true: Active) -> Columns:
    labelled = true.any(axis=1)  # (N,)
    both = (predicted & true).sum(axis=1) * labelled
    either = (predicted.sum(axis=1) + true.sum(axis=1)) * labelled
    exact = (predicted == true).all(axis=1) & labelled
    one = labelled.astype(np.int64)
    return [
        (Key(kind, f"f1{at}"), 2 * both, either),
        (Key(kind, f"accuracy{at}"), exact.astype(np.int64), one),
        (Key(kind, f"hit{at}"), (both > 0).astype(np.int64), one),
    ]


def _confusion(prediction: Prediction, true: Mapping[str, Active]) -> tuple[Columns, str]:
    """Return the shares of clips that one modality gets right and both together do not, and a note on their number."""
    anything = np.any([*true.values()], axis=0)  # (N, C)
    labelled = anything.any(axis=1)
    together = (np.any([*prediction.labels.values()], axis=0) & anything).any(axis=1)
    heard, seen = ((prediction.alone[name] & anything).any(axis=1) for name in (AUDIO, VISUAL))
    confused = {AUDIO: heard & ~together, VISUAL: seen & ~together, JOINT: heard & seen & ~together}
    whole = labelled.astype(np.int64)
    note = (
        "mu needs clips of which one modality alone gives a right class: "
        f"of {counted(int(whole.sum()), 'clip')} with a label, {AUDIO} does in {heard.sum()}, {VISUAL} in "
        f"{seen.sum()}; lower is better, and a class is right that is true in any kind of the truth ({', '.join(true)})"
    )
    return [(Key(kind, "mu"), each.astype(np.int64), whole) for kind, each in confused.items()], note


def _class_scores(kind: str, predicted: Active, true: Active, names: Sequence[str]) -> list[ClassScore]:
    labelled = np.any(true, axis=1, keepdims=True)  # (N, 1)
    both, either = (predicted & true).sum(axis=0), (predicted & labelled).sum(axis=0) + true.sum(axis=0)
    rows = zip(names, ratio(2 * both, either).tolist(), true.sum(axis=0).tolist(), strict=True)
    return [ClassScore(Key(kind, "f1"), label, value, support) for label, value, support in rows]


METRIC = Metric(
    name="label-f1",
    meaning="classes per clip: micro F1, subset accuracy, hit rate; @1 of the most probable class; mu is confusion, "
    "which is better when lower",
    paper="VGGSounder: Zverev, Wiedemer et al. 2025",
    grain=Grain.CLIP,
    kinds=Kinds.ANY,
    measure=label_f1,
    parameters="micro,clips-with-label",
)
