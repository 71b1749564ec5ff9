"""Precision and recall of each class by its threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seehear.evaluation.details import Details
from seehear.modality import display_name
from seehear.pages.numbers import number
from seehear.scoring.precision_recall import ThresholdCurves

MAX_PANELS = 60  # classes per modality whose precision and recall are drawn
WIDE, HIGH = 100, 60  # units of the drawing of a class by threshold


@dataclass(frozen=True)
class ThresholdPanel:
    """Precision and recall of a class by threshold.

    Attributes:
        precision, recall: At the own threshold, per cent, as text.
        at: The own threshold on the drawing's horizontal axis.
        paths: Of precision and recall, as data of SVG paths.
        dots: Their places at the own threshold, (x, y) each; none where not defined.
        words: What is drawn.
    """

    label: str
    support: int
    threshold: str
    precision: str
    recall: str
    at: str
    paths: list[str]
    dots: list[tuple[str, str] | None]
    words: str


@dataclass(frozen=True)
class ThresholdPart:
    """The classes of a modality by threshold. more: number of classes that are not drawn."""

    modality: str
    panels: list[ThresholdPanel]
    more: int


def threshold_facts(details: Details) -> dict[str, Any]:
    """Return what the template takes, by name."""
    parts = []
    for modality, curves in details.curves.items():
        used = curves.used()
        drawn = sorted(sorted(used, key=lambda c: -curves.support[c])[:MAX_PANELS])
        panels = [_threshold_panel(curves, c, display_name(modality)) for c in drawn]
        parts.append(ThresholdPart(modality, panels, len(used) - len(drawn)))
    return {"by_threshold": parts, "wide": WIDE, "high": HIGH}


def _threshold_panel(curves: ThresholdCurves, c: int, modality: str) -> ThresholdPanel:
    own = float(curves.own[c])
    shares = float(curves.own_precision[c]), float(curves.own_recall[c])
    precision, recall = (number(100 * share, ".0f") for share in shares)
    label, threshold = curves.classes[c], number(own, ".2f")
    return ThresholdPanel(
        label,
        int(curves.support[c]),
        threshold,
        precision,
        recall,
        f"{WIDE * own:.1f}",
        [_path(curves.thresholds.tolist(), values[c].tolist()) for values in (curves.precision, curves.recall)],
        [None if math.isnan(share) else _point(own, share) for share in shares],
        f"{label}, {modality}, by threshold: at {threshold}, precision {precision} %, recall {recall} %",
    )


def _point(threshold: float, share: float) -> tuple[str, str]:
    return f"{WIDE * threshold:.1f}", f"{HIGH * (1 - share):.1f}"


def _path(thresholds: Sequence[float], shares: Sequence[float]) -> str:
    """Return a curve as data of an SVG path, with gaps where a share is not defined."""
    parts, pen = [], "M"
    for threshold, share in zip(thresholds, shares, strict=True):
        if math.isnan(share):
            pen = "M"
            continue
        parts.append(pen + " ".join(_point(threshold, share)))
        pen = "L"
    return "".join(parts)
