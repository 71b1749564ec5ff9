"""Networks in memory that read media files for a parser, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np

from seehear.errors import ClipError
from seehear.features.jobs import HasTracks, missing_track
from seehear.features.packed import Packed
from seehear.features.prefetch import prefetch
from seehear.features.segments import Collector, Loaded, Settings, spans
from seehear.media.overview import Overview, thumbnails_for
from seehear.media.reader import Media
from seehear.networks.spec import ImageInput

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


@contextmanager
def naming(file: object) -> Iterator[None]:
    """Let a network's failure name the file."""
    try:
        yield
    except ClipError as error:
        raise ClipError(f"{file}: {error}") from error
