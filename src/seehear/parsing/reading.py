"""Networks in memory that read media files for a parser, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seehear import networks
from seehear.errors import ClipError, SeehearError
from seehear.features.jobs import HasTracks, missing_track
from seehear.features.packed import Packed
from seehear.features.prefetch import prefetch
from seehear.features.segments import Collector, Loaded, Settings, spans
from seehear.features.store import NetworkInfo
from seehear.media.overview import Overview, thumbnails_for
from seehear.media.reader import Media
from seehear.networks.portable import load_from
from seehear.networks.spec import ImageInput, NetworkSpec

THUMBNAIL_SIZE = 160  # pixels of a frame, if no visual network's own frames can be shown


@dataclass(frozen=True)
class FileReader:
    """Networks, and how they read a file.

    Attributes:
        networks: Their declarations, and the networks in memory.
        settings: Frames per second, and seconds per segment.
    """

    networks: Loaded
    settings: Settings

    def absent(self, media: HasTracks) -> tuple[str, ...]:
        """Return the modalities whose track a file lacks. Raises ClipError if it lacks those of all networks."""
        problems = {spec.modality: missing_track(media, spec) for spec, _ in self.networks}
        lacks = {modality: problem for modality, problem in problems.items() if problem}
        if len(lacks) == len(problems):
            raise ClipError("; ".join(lacks.values()))
        return tuple(lacks)

    def read(self, media: Media, absent: Sequence[str] = ()) -> tuple[dict[str, Packed], Overview]:
        """Decode a file once.

        Args:
            media: The file.
            absent: Modalities whose networks don't run; they get zeros for features.

        Returns:
            Network -> the features of this one clip; and its thumbnails and spectrogram.
        """
        loaded = [(spec, network) for spec, network in self.networks if spec.modality not in absent]
        specs = [spec for spec, _ in loaded]
        sizes = [spec.input.size for spec in specs if isinstance(spec.input, ImageInput)]
        size = (sizes[0] if sizes else THUMBNAIL_SIZE) if media.has_video else 0
        collector = Collector(loaded, self.settings)
        overview = Overview(media, thumbnails_for(media.aspect) if size else 0, size)
        decoded = spans(media, specs, self.settings, size=size, audio=media.has_audio)
        with closing(prefetch(decoded)) as ahead:
            for span in ahead:
                with naming(media.path):
                    collector.add(span)
                overview.add(span)
        length = media.segments(self.settings.segment)
        silent, offsets = collector.silent(media), np.array([0, length])
        packed = {name: Packed(rows, offsets, "", silent.get(name)) for name, rows in collector.features(media).items()}
        for spec, _ in self.networks:
            if spec.name not in packed:
                rows = np.zeros((length, spec.width), dtype=np.float32)
                packed[spec.name] = Packed(rows, offsets, "", available=np.array([False]))
        return packed, overview


def open_reader(
    infos: Sequence[NetworkInfo],
    segment: float,
    name: str,
    *,
    device: str = "auto",
    trust_code: bool = False,
    carried: Mapping[str, Mapping[str, Path]] | None = None,
) -> FileReader:
    """Load the networks that a model was trained with.

    Args:
        infos: The networks, as the model's features were made.
        segment: Seconds per segment.
        name: What the model is called, for messages.
        device: auto, cpu or cuda.
        trust_code: Whether to run networks of your own (FILE.py:NAME) that `infos` name.
        carried: Network -> the files that it is loaded from, see `networks.portable`; others are found as usual.

    Raises:
        SeehearError: If a network can't be had here, or would give other features than those of the training.
    """
    rates = {info.fps for info in infos if info.modality == ImageInput.modality} or {infos[0].fps}
    if len(rates) > 1:
        named = " and ".join(f"{fps:g}" for fps in sorted(rates))
        raise SeehearError(
            f"{name}: its visual networks were given {named} frames per second; to parse, extract all with one "
            "--fps and train again"
        )
    settings = Settings(rates.pop(), segment)
    specs = [_spec_of(info, settings, name, trust_code) for info in infos]
    files = carried or {}
    return FileReader(
        [
            (spec, load_from(spec, files[spec.name], device) if spec.name in files else networks.load(spec, device))
            for spec in specs
        ],
        settings,
    )


def _spec_of(info: NetworkInfo, settings: Settings, name: str, trust_code: bool) -> NetworkSpec:
    """Return a network whose features are those of `info`. Raises SeehearError if there is none."""
    if not info.reference:
        raise SeehearError(
            f"{name}: was trained on imported features or arrays of {info.name}, which can't be made from a "
            "file: predict on a data set instead"
        )
    spec = networks.get_named_in(name, info.reference, trust_code=trust_code)
    if not settings.are_of(info.made_by, spec):
        raise SeehearError(
            f"{name}: was trained on features of another version of {info.name}; extract and train again"
        )
    return spec


@contextmanager
def naming(file: object) -> Iterator[None]:
    """Let a network's failure name the file."""
    try:
        yield
    except ClipError as error:
        raise ClipError(f"{file}: {error}") from error
