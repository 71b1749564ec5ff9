"""Files that other tools read and write, by name. A new form is a file beside this with `FORMAT`, and a line here."""

from __future__ import annotations

from pathlib import Path

from seehear.errors import SeehearError, unknown
from seehear.exports import activitynet, audacity, csv, dense, elan, webvtt
from seehear.exports.spec import Clip, Format, Found, Reading

__all__ = ["REGISTRY", "Clip", "Format", "Found", "Reading", "get", "of_file"]

REGISTRY: dict[str, Format] = {
    form.name: form
    for form in (
        webvtt.FORMAT,
        audacity.FORMAT,
        elan.FORMAT,
        csv.FORMAT,
        dense.FORMAT,
        activitynet.FORMAT,
    )
}


def get(name: str) -> Format:
    """The format of that name. Raises SeehearError where there is none."""
    if name in REGISTRY:
        return REGISTRY[name]
    raise unknown("format", name, REGISTRY)


def of_file(file: Path) -> Format:
    """The format that a file is in. Raises SeehearError where it is in none of them."""
    for form in REGISTRY.values():
        if file.suffix.lower() == form.suffix and form.is_one(file):
            return form
    known = ", ".join(dict.fromkeys(form.suffix for form in REGISTRY.values()))
    raise SeehearError(f"{file}: events are read from files that end in {known}")
