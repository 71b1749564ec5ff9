"""What is asked of embeddings: which segments are looked for among which (Wu et al., Tables 1 and 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seehear.alignment.retrieval import Exclude, Found, Segments, retrieve

Point = Literal["mapped", "embedding", "fused"]  # where in a model embeddings are taken

WITHOUT: dict[Exclude, str] = {"none": "", "self": ", but itself", "clip": ", but its own clip"}


@dataclass(frozen=True)
class Question:
    """Every segment of the modality `queries` is looked for among those of `gallery`.

    exclude: what a query may not find. A neighbour a second away is much alike: within a modality, only what is left
    when the whole clip is out says anything about meaning.
    """

    queries: str
    gallery: str
    exclude: Exclude

    def __str__(self) -> str:
        return f"{self.queries} → {self.gallery}{WITHOUT[self.exclude]}"

    def answer(
        self,
        embeddings: Mapping[str, NDArray[np.float32]],
        labels: Mapping[str, NDArray[np.bool_]],
        clip: NDArray[np.int64],
    ) -> Found:
        """embeddings: modality -> (n, d). labels: modality -> (n, C). clip: (n,), number of each segment's clip."""
        queries, gallery = (Segments(embeddings[name], labels[name], clip) for name in (self.queries, self.gallery))
        return retrieve(queries, gallery, self.exclude)


def between(modalities: Sequence[str]) -> list[Question]:
    """From each modality to each other: the paper's first, the other way round, then both without the own clip."""
    pairs = [(one, other) for n, one in enumerate(modalities) for other in modalities[n + 1 :]]
    both = [*pairs, *((other, one) for one, other in pairs)]
    excludes: tuple[Exclude, ...] = ("none", "clip")
    return [Question(one, other, exclude) for exclude in excludes for one, other in both]


def within(modalities: Sequence[str]) -> list[Question]:
    """Within each modality: without the query, as the paper has it, and without its clip."""
    excludes: tuple[Exclude, ...] = ("self", "clip")
    return [Question(name, name, exclude) for exclude in excludes for name in modalities]
