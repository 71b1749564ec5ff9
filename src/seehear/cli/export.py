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
    frame_rate: str | None = None,
) -> Exported:
    """Write parsed clips as captions, label tracks, annotation files and tables.

    A clip that a format can't hold exactly is left out, and listed. A file that was changed since it was exported is
    kept.

    Args:
        parsed: Folders that `seehear parse` wrote, or single files `CLIP.json` of these.
        out: The folder to write into; created if needed.
        formats: webvtt, audacity, elan, csv, dense, activitynet, edl, otio, label-studio; commas may separate them.
        truth: Write the ground truth that came with the clips, instead of the predictions.
        frame_rate: For edl, otio and label-studio: 23.976, 24, 25, 29.97, 29.97df (drop-frame), 30, 50, 59.94, 59.94df,
            60. By default that of each clip's file, and 25 for audio.

    Returns:
        The files, and what was left out.
    """
    return file_formats.export(parsed, out=out, formats=formats, truth=truth, frame_rate=frame_rate)
