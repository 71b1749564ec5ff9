"""seehear extract: features of clips into a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.cli.options import HERE, EngineOptions
from seehear.features.arrays import Extraction  # the command line reads annotations


def extract(
    clips: Sequence[str | Path],
    *,
    networks: Sequence[str],
    store: str | Path,
    fps: float = 8.0,
    segment: float | None = None,
    audio_track: int | None = None,
    shard: str = "1/1",
    block: int | None = None,
    engine: EngineOptions = HERE,
    device: str = "auto",
) -> Extraction:
    """Run networks over clips and keep one feature per second in a store.

    Features that are current stay as they are. Resume an interrupted extraction by rerunning the same command; it
    also adds new and changed clips. Several processes may fill one store.

    Args:
        clips: Media files, folders that are searched for them, tar shards, or addresses of these such as
            s3://bucket/clips. A clip is named by the stem of its file. Behind a file, #t=30,40 names seconds 30 to 40
            of it as a clip.
        networks: Names from `seehear networks`, or FILE.py:NAME for your own; several with commas between.
        store: The folder to keep features in, or its address such as s3://bucket/store; created if it doesn't exist.
        fps: Frames sampled per second, for visual networks.
        segment: Seconds per feature; 1 in a new store.
        audio_track: Which of the audio tracks of each clip, from 1; by default the one that players choose.
        shard: N/OF takes the N-th of OF parts of the clips, to share the work among machines.
        block: Clips per file of a new store, such as 64 for very many clips; by default 1, and 64
            elsewhere.
        engine: Where networks run. On a cluster, clips and store are to be seen under the same paths everywhere.
        device: auto, cpu or cuda.

    Returns:
        How many features were made, the notes on clips, and the clips that failed.
    """
    from seehear.features import extraction

    return extraction.extract(
        clips,
        networks,
        store=store,
        fps=fps,
        segment=segment,
        audio_track=audio_track,
        shard=shard,
        block=block,
        **engine.chosen(),
        device=device,
    )
