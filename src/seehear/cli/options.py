"""Options that several commands share, from the form in which people give them.

A command takes a group such as `TruthOptions` as one parameter; each field is an option of its own on the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cyclopts import Parameter

from seehear import arguments
from seehear.decoding import HALF, Decoding, Filter
from seehear.engines.choose import LOCAL
from seehear.errors import SeehearError
from seehear.texts import read_json


@Parameter(name="*")
@dataclass(frozen=True)
class TruthOptions:
    """Per-second ground truth.

    Attributes:
        dense_audio: Dense table of what is heard in the clips.
        dense_visual: Dense table of what is seen in the clips.
        dense: MODALITY=TABLE for other modalities.
    """

    dense_audio: str | Path | None = None
    dense_visual: str | Path | None = None
    dense: Sequence[str] = ()

    def tables(self) -> dict[str, Path]:
        """Return modality -> dense table."""
        return by_modality(self.dense_audio, self.dense_visual, self.dense)


@Parameter(name="*")
@dataclass(frozen=True)
class DecodingOptions:
    """How probabilities become events: as the training chose, unless one of these is given.

    Attributes:
        filter: Which clip probability must reach the clip threshold for a class to be kept in a clip. `global` alone is
            the official protocol, with thresholds of .5.
        threshold: Least probability of an active segment.
        clip_threshold: Least probability of a class that is kept.
        thresholds: JSON file with thresholds by class or modality.
    """

    filter: Filter | None = None
    threshold: float | None = None
    clip_threshold: float | None = None
    thresholds: str | Path | None = None

    def decoding(self) -> Decoding | None:
        """Return the decoding; None if nothing was given."""
        if self == DecodingOptions():
            return None
        filter_ = self.filter or "global"
        if self.thresholds is None:
            segment, clip = (HALF if value is None else value for value in (self.threshold, self.clip_threshold))
            return Decoding(filter_, segment, clip)
        given = read_json(Path(self.thresholds))
        options = {"segment": self.threshold, "clip": self.clip_threshold}
        others = {name: value for name, value in options.items() if value is not None}
        try:
            read = Decoding.from_json({**others, **given} if isinstance(given, dict) else given)
        except SeehearError as error:
            raise SeehearError(f"{self.thresholds}: {error}") from None
        return replace(read, filter=self.filter or read.filter)


@Parameter(name="*")
@dataclass(frozen=True)
class EngineOptions:
    """Where the work is done.

    Attributes:
        engine: local, this machine; ray, the Ray cluster that this machine belongs to, or else one that is started
            here; ray://HOST:PORT, a cluster elsewhere.
        workers: Processes that work at once, one thread each; 0 for one per core. On a cluster by default as many as
            it has room for.
        gpus: GPUs of each process of a cluster, which may be a fraction; for the engine ray.
    """

    engine: str = LOCAL
    workers: int | None = None
    gpus: float = 0.0

    def chosen(self, default: int | None = None) -> dict[str, Any]:
        """Return the arguments of functions that take an engine. default: workers on this machine, if not given."""
        chosen = asdict(self)
        return {**chosen, "workers": default} if self.workers is None and self.engine == LOCAL else chosen


HERE = EngineOptions()
NO_TRUTH, AS_TRAINED = TruthOptions(), DecodingOptions()


def by_modality(audio: str | Path | None, visual: str | Path | None, others: Sequence[str]) -> dict[str, Path]:
    """Files by modality, from the two common ones and MODALITY=FILE for any other."""
    files = {name: Path(path) for name, path in (("audio", audio), ("visual", visual)) if path is not None}
    return files | arguments.by_modality(others)
