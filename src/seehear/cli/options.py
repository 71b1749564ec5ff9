"""Options that several commands share, from the form in which people give them.

A command takes a group such as `TruthOptions` as one parameter; each field is an option of its own on the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from seehear import arguments
from seehear.decoding import HALF, Decoding, Filter, Threshold
from seehear.errors import SeehearError
from seehear.files import read_json


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
    """How probabilities become events.

    Attributes:
        filter: Which clip probability must reach the clip threshold for a class to be kept in a clip.
        threshold: Least probability of an active segment.
        clip_threshold: Least probability of a class that is kept.
        thresholds: JSON file with thresholds by class.
    """

    filter: Filter = "global"
    threshold: float = HALF
    clip_threshold: float = HALF
    thresholds: str | Path | None = None

    def decoding(self) -> Decoding:
        """Return the decoding protocol."""
        segment: Threshold = self.threshold
        clip: Threshold = self.clip_threshold
        if self.thresholds is not None:
            given = read_json(Path(self.thresholds))
            if not isinstance(given, dict) or not set(given) <= {"segment", "clip"}:
                raise SeehearError(f'{self.thresholds}: must hold {{"segment": {{class: p}}, "clip": {{class: p}}}}')
            segment, clip = given.get("segment", segment), given.get("clip", clip)
        return Decoding(self.filter, segment, clip)


NO_TRUTH, OFFICIAL = TruthOptions(), DecodingOptions()


def by_modality(audio: str | Path | None, visual: str | Path | None, others: Sequence[str]) -> dict[str, Path]:
    """Files by modality, from the two common ones and MODALITY=FILE for any other."""
    files = {name: Path(path) for name, path in (("audio", audio), ("visual", visual)) if path is not None}
    return files | arguments.by_modality(others)
