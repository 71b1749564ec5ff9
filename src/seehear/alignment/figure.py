"""The similarities of one clip's segments, drawn for every system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.alignment.embeddings import Embeddings
from seehear.errors import SeehearError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seehear.alignment.result import AlignedSystem, Alignment
    from seehear.parsing.clip import ParsedEvent
    from seehear.plots.similarity import Matrices
    from seehear.storage.parts import Part

    Cosines = NDArray[np.float32]  # (T, T)


def similarity_figure(alignment: Alignment, clip: str, file: str | Path | Part | None = None) -> Figure:
    """Draw the similarities of a clip's segments; see `Alignment.plot`. Raises SeehearError for an unknown clip."""
    from seehear.plots.similarity import plot_similarity

    clips = alignment.clips
    if clip not in clips.clips:
        raise SeehearError(f"no clip {clip!r} among the {len(clips)} that were measured")
    number = clips.clips.index(clip)
    modalities = clips.modalities[0], clips.modalities[1]
    rows = [_matrices(system, number, modalities) for system in alignment.systems]
    overview = None
    if file is not None:
        from seehear.media.child import open_clip
        from seehear.media.overview import Overview, thumbnails_for

        media = open_clip(file)
        overview = Overview.of(media, thumbnails_for(media.aspect))
    return plot_similarity(clip, modalities, rows, _true_events(alignment, number), clips.segment, overview)


def _true_events(alignment: Alignment, number: int) -> dict[str, list[ParsedEvent]]:
    """Return modality -> the clip's events, of the joint modality too."""
    from seehear.modality import with_joint
    from seehear.parsing.clip import ParsedEvent, spans_of

    clips = alignment.clips
    assert clips.truth is not None
    active = with_joint({name: array[number : number + 1] for name, array in clips.truth.items()}, clips.modalities)
    return {
        name: [
            ParsedEvent(clips.classes[label], name, start * clips.segment, stop * clips.segment, 1.0)
            for label, start, stop in spans_of(array)
        ]
        for name, array in active.items()
    }


def _matrices(system: AlignedSystem, number: int, modalities: tuple[str, str]) -> Matrices:
    """Return a clip's cosines within and between two modalities, and the target of the loss if it has one."""
    import torch

    from seehear.losses.contrastive.similarity import cosine
    from seehear.losses.contrastive.target import target
    from seehear.plots.similarity import Matrices

    rows = system.clip == number

    def of_clip(embedded: Embeddings) -> list[torch.Tensor]:
        return [torch.from_numpy(embedded[name][rows]) for name in modalities]  # (T, d) each

    within = {name: cosine(x, x).numpy() for name, x in zip(modalities, of_clip(system.embeddings), strict=True)}
    name = f"{system.name}, seed {system.seeds[0]}" if system.seeds else system.name
    if system.between is None:
        return Matrices(name, within, np.full((int(rows.sum()),) * 2, np.nan))
    one, other = of_clip(system.between)
    expected = None
    settings = system.contrast
    if settings is not None and settings.loss.startswith("mtsc"):  # other losses have no target
        expected = target(one, other, settings.within, settings.lag, settings.exponent).numpy()
    return Matrices(name, within, cosine(one, other).numpy(), expected)
