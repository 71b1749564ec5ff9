"""seehear parse: new clips into events heard, seen and both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from seehear.cli.options import AS_TRAINED, NO_TRUTH, DecodingOptions, TruthOptions
from seehear.results import Result

Figure = Literal["html", "png", "svg"]


def parse(
    run: str | Path,
    clips: Sequence[str | Path],
    *,
    out: str | Path,
    ensemble: bool = False,
    audio_track: int | None = None,
    truth: TruthOptions = NO_TRUTH,
    figures: Annotated[Sequence[Figure], Parameter(name=["--figures", "--pictures"])] = ("html", "png"),
    embed: bool = False,
    decoding: DecodingOptions = AS_TRAINED,
    trust_code: bool = False,
    device: str = "auto",
) -> Result:
    """Parse clips of any length into events: class, modality, onset, offset, confidence.

    Writes OUT/<clip>.json, a page that plays the clip, and a figure of it. OUT/index.html leads to the pages and finds
    clips by their events. OUT/audio.csv, OUT/visual.csv and OUT/audio_visual.csv are dense tables of all clips in the
    folder. Clips longer than those of training are parsed in windows of the training length that overlap by half.
    A clip without an audio or a video track is parsed by what it has. Resume by rerunning the same command.

    Args:
        run: A run folder; with --ensemble, a folder of several seeds (RUN/seed-N).
        clips: Media files, or folders that are searched for them.
        out: The folder to write into; made if it does not exist.
        ensemble: Parse with the mean of the probabilities of all seeds.
        audio_track: Which of the audio tracks of each clip, from 1; by default the one that players choose.
        truth: Per-second ground truth, to show with the events.
        figures: What to draw of each clip: html, a page that plays it; png and svg, a figure.
        embed: Put the media files into their pages, so that a page can be sent to others alone.
        decoding: How probabilities become events.
        trust_code: Run networks of your own (FILE.py:NAME) that the run names. Only for runs whose author you trust.
        device: auto, cpu or cuda.

    Returns:
        The events of each clip, the notes on clips, and the clips that failed.
    """
    from seehear.media import child

    child.start()  # while this process imports what it needs
    from seehear.parsing.batch import parse_clips
    from seehear.parsing.parser import load

    parser = load(run, ensemble=ensemble, device=device, decoding=decoding.decoding(), trust_code=trust_code)
    return parse_clips(
        parser, clips, out=out, truth=truth.tables(), audio_track=audio_track, figures=figures, embed=embed
    )
