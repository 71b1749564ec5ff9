"""Numbers as pages write and draw them."""

from __future__ import annotations

import math

from seehear.report.sheet import NOTHING

Axis = tuple[float, float]  # what stands at the left end, and at the right one


def number(value: float | None, form: str) -> str:
    """As `format` writes it, with a true minus. None and NaN are not known."""
    return NOTHING if value is None or math.isnan(value) else true_minus(format(value, form))


def true_minus(text: str) -> str:
    return text.replace("-", "−")


def place(value: float, axis: Axis) -> float:
    """Where a value is on an axis, from 0 to 1."""
    low, high = axis
    return (value - low) / (high - low) if high > low else 0.5
