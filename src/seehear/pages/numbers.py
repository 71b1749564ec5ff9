"""Numbers as pages write and draw them."""

from __future__ import annotations

import math

from seehear.plots.style import NOTHING

Axis = tuple[float, float]  # the values at its left and right end


def number(value: float | None, form: str) -> str:
    """A number as `format` writes it, with a true minus; NOTHING for None and NaN."""
    return NOTHING if value is None or math.isnan(value) else true_minus(format(value, form))


def true_minus(text: str) -> str:
    """A text with minus signs in place of hyphens."""
    return text.replace("-", "−")


def count(value: float) -> str:
    """Return a count, or a mean of counts over runs: whole where it is."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def percent(part: float, whole: float) -> str:
    """Return a share in whole per cent; <1 for one that would be rounded to 0."""
    share = 100 * part / whole
    return "<1" if 0 < share < 0.5 else f"{share:.0f}"


def place(value: float, axis: Axis) -> float:
    """The position of a value on an axis, from 0 to 1."""
    low, high = axis
    return (value - low) / (high - low) if high > low else 0.5
