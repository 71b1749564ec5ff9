"""How far confidences can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seehear.evaluation.details import Details
from seehear.modality import display_name
from seehear.pages import page
from seehear.pages.numbers import number
from seehear.plots import evaluation as report
from seehear.plots import style
from seehear.plots.style import NOTHING
from seehear.scoring.reliability import Bin, Calibration, Reliability

HIGH_CONFIDENCE = 0.8  # the confidence that is explained in words
CALIBRATION = {Calibration.FAIR: "calibrated", Calibration.OVER: "overconfident", Calibration.UNDER: "underconfident"}


@dataclass(frozen=True)
class CalibrationPart:
    """Calibration of a modality, or of clips' classes. words: what HIGH_CONFIDENCE means. bins: rows of texts."""

    title: str
    modality: str
    reliability: Reliability
    words: str
    bins: list[list[str]]


def calibration_facts(details: Details, folder: Path) -> dict[str, Any]:
    """Return what the template takes, by name; write the drawings into the folder of the page."""
    titled = [(display_name(name), name, each) for name, each in details.reliability.items()]
    parts = [
        CalibrationPart(title, modality, each, explain_confidence(each.bins), [_bin(one) for one in each.bins])
        for title, modality, each in [*titled, ("classes of clips", "", details.reliability_clip)]
    ]
    file = folder / "reliability.svg"
    style.save(report.plot_reliability([(part.title, part.reliability) for part in parts]), file)
    words = "; ".join(f"{part.title}: {part.words}" for part in parts if part.words)
    return {
        "calibration": parts,
        "diagrams": page.drawing(file, f"Reliability diagrams, as in the tables. {words}"),
    }


def explain_confidence(bins: Sequence[Bin]) -> str:
    """Return in words what a confidence of HIGH_CONFIDENCE means: of its bin, or the nearest with forecasts."""
    filled = [each for each in bins if each.count]
    if not filled:
        return ""
    near = min(filled, key=lambda each: max(each.low - HIGH_CONFIDENCE, HIGH_CONFIDENCE - each.high + 1e-9, 0))
    often, low, high = (
        number(10 * value, ".1f") for value in (near.frequency, near.frequency_low, near.frequency_high)
    )
    return (
        f"of the predictions with a confidence of {near.low:.1f} to {near.high:.1f} (mean {near.confidence:.2f}), "
        f"{often} in 10 are true (95 % {low} to {high}): {_calibration_word(near)}"
    )


def _bin(each: Bin) -> list[str]:
    ends = (number(end, ".3f") for end in (each.frequency_low, each.frequency_high))
    return [
        f"{each.low:.1f} to {each.high:.1f}",
        str(each.count),
        str(each.clips),
        number(each.confidence, ".3f"),
        number(each.frequency, ".3f"),
        " to ".join(ends) if each.count else NOTHING,
        _calibration_word(each),
    ]


def _calibration_word(each: Bin) -> str:
    return CALIBRATION[each.calibration] if each.calibration is not None else ""
