"""Clips to label, and what a model finds in them, made in a moment."""

from __future__ import annotations

from pathlib import Path

from seehear.labelling import ParseSuggester
from seehear.parsing.clip import ParsedClip, ParsedEvent

CLASSES = ("Dog", "Speech", "Cat")


def clips(folder: Path, count: int = 10) -> Path:
    """A folder of files that are named like clips; nothing is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        (folder / f"clip_{n:03}.mp4").write_bytes(b"")
    return folder


def parsed(clip: Path, found: dict[str, float], modality: str = "audio") -> ParsedClip:
    """A clip of ten seconds in which each class has this probability in seconds 1 and 2."""
    events = tuple(ParsedEvent(label, modality, 1.0, 3.0, p) for label, p in found.items() if p >= 0.5)
    probabilities = {modality: {label: [0.0, p, p] for label, p in found.items()}}
    modalities = ("audio", "visual", "audio_visual")
    return ParsedClip(clip.stem, str(clip), 10.0, 1.0, modalities, "global", events, probabilities, highest=dict(found))


def suggester(found: dict[str, dict[str, float]], name: str = "model") -> ParseSuggester:
    """Suggests per clip these classes with these probabilities. A clip that isn't in it can't be decoded."""
    from seehear.errors import ClipError

    def parse(clip: Path) -> ParsedClip:
        if clip.stem not in found:
            raise ClipError(f"{clip}: can't be decoded")
        return parsed(clip, found[clip.stem])

    return ParseSuggester(parse, name)
