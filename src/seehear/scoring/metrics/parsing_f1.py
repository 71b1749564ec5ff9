"""The eleven scores of audio-visual video parsing (Tian et al. 2020), which LFAV reports too: see `scoring.scores`."""

from __future__ import annotations

import numpy as np

from seehear.scoring.metrics.inputs import Clips, Prediction, Truth
from seehear.scoring.metrics.interface import ClassScore, Grain, Key, Kinds, Metric, Ratios, modalities_of
from seehear.scoring.scores import AVERAGE, ONE_MODALITY, score
from seehear.scoring.signature import Signature

IOU = 0.5


def parsing_f1(prediction: Prediction, truth: Truth, clips: Clips) -> Ratios:
    """Return the eleven scores, means over clips, and F1 per class; of one modality its own and their average.

    A modality that is predicted, and of which nothing is known, is not scored. So a system of both modalities can be
    compared with one of sound alone by truth of what is heard.

    Args:
        prediction: Seconds of each modality.
        truth: Likewise, of some of them at least.
        clips: Names of the classes.
    """
    predicted_kinds = modalities_of(prediction.active)
    modalities = [kind for kind in predicted_kinds if kind in truth.active]
    predicted, true = ({name: each.active[name] for name in modalities} for each in (prediction, truth))
    found = score(predicted, true, clips.classes, Signature(prediction.decoding, "", len(clips), IOU))
    keys = [Key(kind, f"{level} f1") for level, kind in found.per_clip]
    part = np.stack([*found.per_clip.values()], axis=1)  # (N, 10), or (N, 2) of one modality
    part = np.concatenate([part, part.mean(axis=1, keepdims=True)], axis=1)
    classes = tuple(
        ClassScore(Key(row.kind, f"{row.level} f1"), row.label, row.f1 / 100, row.support) for row in found.classes
    )
    unscored = [kind for kind in predicted_kinds if kind not in modalities]
    apart = f"{' and '.join(unscored)}: predicted, but not known {Grain.SECOND}, so not scored"
    notes = (*((apart,) if unscored else ()), *((ONE_MODALITY,) if len(modalities) == 1 else ()))
    return Ratios((*keys, Key(AVERAGE[1], "f1")), part, np.ones_like(part), classes=classes, notes=notes)


METRIC = Metric(
    name="parsing-f1",
    meaning="F1 per clip of what is heard, seen and both, over segments and events, and its average",
    paper="LLP: Tian et al. 2020, Sec. 5; LFAV: Hou et al. 2023",
    grain=Grain.SECOND,
    kinds=Kinds.EVERY,
    measure=parsing_f1,
    parameters=f"iou{IOU:g}",
)
