"""A trained run at work: from a clip file to its events, in one pass over the file and bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seehear import networks
from seehear.device import resolve
from seehear.errors import ClipError, SeehearError
from seehear.extraction import Collector, Loaded, Settings, load_networks, prefetch, spans
from seehear.media import Media
from seehear.networks.spec import ImageInput
from seehear.overview import Overview, thumbnails_for
from seehear.packed import Packed
from seehear.parsing import ParsedClip, ParsedEvent, parsed_clip
from seehear.scoring.decoding import Decoding
from seehear.training.bags import Bags
from seehear.training.inference import predict
from seehear.training.run import Run

THUMBNAIL = 160  # pixels, where no visual network's own picture can be shown


class Parser:
    """The networks and the model of a run, in memory."""

    def __init__(self, run: Run, device: str = "auto") -> None:
        """device: auto, cpu or cuda; with auto, networks and model each go where they can.

        Raises SeehearError if the run has not finished, or its features can't be made here as they were made.
        """
        self.facts, self.device = run.facts, resolve(device)
        self.model = run.model(self.device)
        self.networks, self.settings = _networks(run, device)

    def __call__(
        self, clip: str, path: Path, decoding: Decoding, truth: Sequence[ParsedEvent] | None = None
    ) -> tuple[ParsedClip, Overview]:
        """The clip's events, and what it looks and sounds like. truth: its true events, if they are known.

        Raises ClipError if the file can't be used.
        """
        facts, media = self.facts, Media(path)
        specs = [spec for spec, _ in self.networks]
        sizes = [spec.input.size for spec in specs if isinstance(spec.input, ImageInput)]
        size = (sizes[0] if sizes else THUMBNAIL) if media.has_video else 0
        collector = Collector(self.networks, self.settings)
        overview = Overview(media, thumbnails_for(media.aspect) if size else 0, size)
        for span in prefetch(spans(media, specs, self.settings, size=size, sound=media.has_audio)):
            try:
                collector.add(span)
            except ClipError as error:
                raise ClipError(f"{path}: {error}") from error
            overview.add(span)
        features = collector.features(media)
        offsets = np.array([0, media.segments(facts.segment)])
        packs = {
            modality: [Packed(features[info.name], offsets, "") for info in infos]
            for modality, infos in facts.networks.items()
        }
        found = predict(self.model, Bags(packs, self.device), facts.window)
        parsed = parsed_clip(
            decoding(found, facts.classes, facts.modalities),
            found.segment,
            facts.classes,
            facts.segment,
            decoding,
            clip=clip,
            file=path,
            duration=media.duration,
            truth=truth,
        )
        return parsed, overview


def _networks(run: Run, device: str) -> tuple[Loaded, Settings]:
    """The run's networks, loaded, and how its features were cut."""
    infos = [info for of_modality in run.facts.networks.values() for info in of_modality]
    rates = {info.fps for info in infos if info.modality == ImageInput.modality} or {infos[0].fps}
    if len(rates) > 1:
        said = " and ".join(f"{fps:g}" for fps in sorted(rates))
        raise SeehearError(
            f"{run.path}: its visual networks saw {said} pictures a second; to parse, extract all with one --fps and "
            "train again"
        )
    settings = Settings(rates.pop(), run.facts.segment)
    specs = []
    for info in infos:
        if not info.reference:
            raise SeehearError(
                f"{run.path}: was trained on imported features of {info.name}, which seehear can't make: only clips in "
                "a store can be scored with it"
            )
        spec = networks.get(info.reference)
        if settings.made_by(spec) != info.made_by:
            raise SeehearError(
                f"{run.path}: was trained on features of another version of {info.name}; extract and train again"
            )
        specs.append(spec)
    return load_networks(specs, device), settings
