"""Options that several verbs share, from the form in which people give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear import arguments
from seehear.arguments import Shard, candidates, collocation, names
from seehear.errors import SeehearError
from seehear.files import read_json
from seehear.scoring.decoding import Decoding, Filter, Threshold

__all__ = ["Shard", "by_modality", "candidates", "collocation", "decoding", "names", "systems"]


def by_modality(audio: str | Path | None, visual: str | Path | None, others: Sequence[str]) -> dict[str, Path]:
    """Files by modality, from the two common ones and MODALITY=FILE for any other."""
    files = {name: Path(path) for name, path in (("audio", audio), ("visual", visual)) if path is not None}
    return files | arguments.by_modality(others)


def decoding(filter: Filter, threshold: float, clip_threshold: float, thresholds: str | Path | None) -> Decoding:
    """A decoding protocol from flags; `thresholds` is a JSON file {"segment": {class: p}, "clip": {class: p}}."""
    segment: Threshold = threshold
    clip: Threshold = clip_threshold
    if thresholds is not None:
        given = read_json(Path(thresholds))
        if not isinstance(given, dict) or not set(given) <= {"segment", "clip"}:
            raise SeehearError(f'{thresholds}: must hold {{"segment": {{class: p}}, "clip": {{class: p}}}}')
        segment, clip = given.get("segment", segment), given.get("clip", clip)
    return Decoding(filter, segment, clip)


def systems(runs: Sequence[str | Path]) -> dict[str, Path]:
    """name -> run folder: the folders' own names where they differ, else their paths. SeehearError if one is twice."""
    paths = [Path(run) for run in ([runs] if isinstance(runs, str) else runs)]
    if len({path.resolve() for path in paths}) < len(paths):
        raise SeehearError(f"a run is named twice: {', '.join(map(str, paths))}")
    short = [path.resolve().name for path in paths]
    return dict(zip(short if len(set(short)) == len(short) else map(str, paths), paths, strict=True))
