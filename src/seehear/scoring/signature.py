"""The signature printed with every score: two numbers may be compared when their signatures agree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seehear.version import __version__


@dataclass(frozen=True)
class Signature:
    """How scores were computed.

    Attributes:
        decoding: How probabilities became events; `given` for predictions that came as events.
        labels: Names and revision of the label tables.
        clips: Number of clips scored.
        iou: Least intersection over union of a true positive event, in (0, 1].
        version: Of seehear.
        levels: What was scored; `clip` for the set of classes per clip.
        ensemble: Number of seeds whose probabilities were averaged; 1 for a single run.
    """

    decoding: str
    labels: str
    clips: int
    iou: float = 0.5
    version: str = __version__
    levels: str = "segment+event"
    ensemble: int = 1

    def __str__(self) -> str:
        iou = f"iou{self.iou:g}|" if "event" in self.levels else ""
        ensemble = f"|ensemble:{self.ensemble}" if self.ensemble > 1 else ""
        return (
            f"F1|{self.levels}|{iou}decoding:{self.decoding}{ensemble}|labels:{self.labels}"
            f"|clips:{self.clips}|seehear{self.version}"
        )


def revision(tables: Iterable[str | Path]) -> str:
    """Return the names of label tables and eight hex digits of their contents."""
    paths = [Path(table) for table in tables]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return f"{'+'.join(path.stem for path in paths)}@{digest.hexdigest()[:8]}"
