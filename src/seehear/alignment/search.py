"""Which segments are searched for among which (Wu et al., Tables 1 and 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.alignment.retrieval import Exclude, Matches, Segments, retrieve

EXCLUDED: dict[Exclude, str] = {"none": "", "self": ", without the query itself", "clip": ", without its own clip"}


@dataclass(frozen=True)
class Search:
    """Every segment of the modality `queries` is searched for among those of `gallery`.

    Attributes:
        queries: Modality of the queries.
        gallery: Modality of the gallery.
        exclude: What a query may not find, see `retrieve`. Neighbouring seconds are much alike. So within a modality,
            only `clip` measures agreement in meaning.
    """

    queries: str
    gallery: str
    exclude: Exclude = "none"

    def __str__(self) -> str:
        return f"{self.queries} → {self.gallery}{EXCLUDED[self.exclude]}"

    def __call__(
        self,
        embeddings: Mapping[str, NDArray[np.float32]],
        labels: Mapping[str, NDArray[np.bool_]],
        clip: NDArray[np.int64],
    ) -> Matches:
        """Search for every query.

        Args:
            embeddings: modality -> (n, d).
            labels: modality -> (n, C).
            clip: (n,), number of each segment's clip.
        """
        queries, gallery = (Segments(embeddings[name], labels[name], clip) for name in (self.queries, self.gallery))
        return retrieve(queries, gallery, self.exclude)


def between(modalities: Sequence[str]) -> list[Search]:
    """From each modality to each other: the paper's first, the reverse, then both without the query's own clip."""
    pairs = [(one, other) for n, one in enumerate(modalities) for other in modalities[n + 1 :]]
    both = [*pairs, *((other, one) for one, other in pairs)]
    excludes: tuple[Exclude, ...] = ("none", "clip")
    return [Search(one, other, exclude) for exclude in excludes for one, other in both]


def within(modalities: Sequence[str]) -> list[Search]:
    """Within each modality: without the query itself, as in the paper, and without its clip."""
    excludes: tuple[Exclude, ...] = ("self", "clip")
    return [Search(name, name, exclude) for exclude in excludes for name in modalities]
