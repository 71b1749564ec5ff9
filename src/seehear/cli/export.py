"""seehear export: parsed clips as files of the tools that people work with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear import formats as file_formats
from seehear.formats import Exported


def export(
    parsed: Sequence[str | Path],
    *,
    out: str | Path,
    formats: Sequence[str] = ("webvtt", "audacity", "elan", "csv"),
    truth: bool = False,
) -> Exported:
    """Write parsed clips as captions, label tracks, annotation files and tables.

    A clip that a format can't hold exactly is left out, and listed. A file that was changed since it was exported is
    kept.

    Args:
        parsed: Folders that `seehear parse` wrote, or single files `CLIP.json` of these.
        out: The folder to write into; created if needed.
        formats: webvtt, audacity, elan, csv, dense, activitynet; commas may separate them.
        truth: Write the ground truth that came with the clips, instead of the predictions.

    Returns:
        The files, and what was left out.
    """
    return file_formats.export(parsed, out=out, formats=formats, truth=truth)
