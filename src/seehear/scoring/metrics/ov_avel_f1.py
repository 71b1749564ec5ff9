"""F1 over segments and over events, as OV-AVEBench defines them (Zhou et al. 2025).

Per clip, F1 of each class that occurs in the prediction or in the truth, background being a class like any other; its
mean over these classes; the mean over clips. An event is a maximal run of segments of a class. It is right if a true
event of its class overlaps it with an intersection over union of at least 0.5.

The label of each segment is chosen as for `segment_accuracy`. The paper's own baselines predict one class per clip.
"""

from __future__ import annotations

import numpy as np

from seehear.events import ActiveSegments
from seehear.modality import JOINT
from seehear.scoring.f1 import LEVELS, clip_f1, level_counts
from seehear.scoring.metrics.inputs import Clips, Prediction, Truth
from seehear.scoring.metrics.interface import ClassScore, Grain, Key, Kinds, Metric, Ratios
from seehear.scoring.metrics.segment_accuracy import BACKGROUND, CHOICE, label_notes, predicted_labels, with_background

IOU = 0.5


def ov_avel_f1(prediction: Prediction, truth: Truth, clips: Clips) -> Ratios:
    """Return F1 over segments and over events, means over clips; one without any segment does not count.

    Args:
        prediction: Of seconds heard and seen at once.
        truth: Likewise.
        clips: Which segments count.
    """
    predicted = ActiveSegments.of(predicted_labels(prediction, clips.inside))
    true = ActiveSegments.of(with_background(truth.active[JOINT], clips.inside))
    per_clip, classes = [], []
    for level in LEVELS:
        counts = level_counts(level, predicted, true, IOU)
        per_clip.append(clip_f1(counts))
        total = counts.total()
        rows = zip((*clips.classes, BACKGROUND), total.f1().tolist(), total.support.tolist(), strict=True)
        classes += [ClassScore(_key(level), label, value, support) for label, value, support in rows]
    part = np.stack(per_clip, axis=1)  # (N, 2)
    notes = label_notes(prediction, truth, clips.inside, "one is predicted, so that even the truth does not reach 100")
    whole = np.repeat(clips.lengths[:, None] > 0, part.shape[1], axis=1).astype(np.float64)  # (N, 2)
    return Ratios(tuple(map(_key, LEVELS)), part * whole, whole, classes=tuple(classes), notes=notes)


def _key(level: str) -> Key:
    return Key(JOINT, f"{level} f1")


METRIC = Metric(
    name="ov-avel-f1",
    meaning="mean over clips of the mean F1 of their classes, background included; classes: over all clips",
    paper="OV-AVEBench: Zhou et al. 2025",
    grain=Grain.SECOND,
    kinds=Kinds.JOINT,
    measure=ov_avel_f1,
    parameters=f"{CHOICE}|iou{IOU:g}",
    lengths=True,
)
