"""seehear parse: new clips into events heard, seen and both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from seehear.results import Result
from seehear.scoring.decoding import HALF, Filter
from seehear.verbs import options

Picture = Literal["html", "png", "svg"]


def parse(
    run: str | Path,
    clips: Sequence[str | Path],
    *,
    out: str | Path,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    pictures: Sequence[Picture] = ("html", "png"),
    embed: bool = False,
    filter: Filter = "global",
    threshold: float = HALF,
    clip_threshold: float = HALF,
    thresholds: str | Path | None = None,
    trust_code: bool = False,
    device: str = "auto",
) -> Result:
    """Parse clips of any length into events: class, modality, onset, offset, confidence.

    Writes OUT/<clip>.json, a page that plays the clip, and a picture of it. OUT/index.html leads to the pages and finds
    clips by their events. OUT/audio.csv, OUT/visual.csv and OUT/audio_visual.csv are dense tables of all clips in the
    folder. Clips longer than those of training are parsed in windows of their length that overlap by half. The same
    command resumes where a killed one stopped.

    Args:
        run: A run folder.
        clips: Media files, or folders that are searched for them.
        out: The folder to write into; made if it does not exist.
        dense_audio: Dense table of what is heard, ground truth to show with the events.
        dense_visual: Dense table of what is seen.
        dense: MODALITY=TABLE for other modalities.
        pictures: What to draw of each clip: html, a page that plays it; png and svg, a picture.
        embed: Put the media files into their pages, which then can be sent to others alone.
        filter: Which clip probability must reach the clip threshold for a class to be kept in a clip.
        threshold: A segment is active where its probability reaches this.
        clip_threshold: A class is kept where its clip probability reaches this.
        thresholds: JSON file with thresholds per class.
        trust_code: Run networks of your own (FILE.py:NAME) that the run names. Only for runs whose author you trust.
        device: auto, cpu or cuda.

    Returns:
        The events of each clip, and what was wrong with which.
    """
    from seehear.batch import parse_clips
    from seehear.parser import load

    decoding = options.decoding(filter, threshold, clip_threshold, thresholds)
    parser = load(run, device=device, decoding=decoding, trust_code=trust_code)
    truth = options.by_modality(dense_audio, dense_visual, dense)
    return parse_clips(parser, clips, out=out, truth=truth, pictures=pictures, embed=embed)
