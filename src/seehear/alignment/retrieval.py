"""Exact retrieval in bounded memory: what the nearest gallery segments share with each query.

The measures are those of Wu et al., Tables 1 and 2, each with the value expected of a random order of the gallery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError

Exclude = Literal["none", "self", "clip"]
Array = NDArray[np.float64]

TIE_TOLERANCE = 1e-6  # cosines no further apart are tied: float32 is no more precise
BLOCK_SIZE = 256  # queries at a time


@dataclass(frozen=True)
class Segments:
    """Embedded segments of one modality.

    Attributes:
        embeddings: (n, d) float32, of any length.
        labels: (n, C) bool, which classes are active.
        clip: (n,), number of the clip of each segment; the same clip has the same number in queries and gallery.
    """

    embeddings: NDArray[np.float32]
    labels: NDArray[np.bool_]
    clip: NDArray[np.int64]


@dataclass(frozen=True)
class Matches:
    """What the nearest gallery segments of each query share with it; all arrays (n,), in [0, 1].

    Two segments match *exactly* if their sets of labels are the same; two segments without labels match exactly. They
    *overlap* if they share at least one label.

    If several segments are tied for the nearest, a value is the mean over them. Similarities within `TIE_TOLERANCE`
    of the nearest, or of the M-th nearest, are tied with it. Values are NaN if no gallery segment may be found.

    Attributes:
        recall_exact: 1 if the nearest segment matches exactly, else 0.
        recall_overlap: 1 if the nearest segment overlaps, else 0; NaN for a query without labels.
        distinguish: 1 if the nearest segment has any label, else 0.
        precision_exact: R-precision. For a query that M segments match exactly, the expected share of them among its M
            nearest. Segments tied at the M-th place are drawn at random. NaN if M = 0.
        precision_overlap: The same of segments that overlap.
        chance_recall_exact: Expected value for a random order of the gallery; NaN if the measure is NaN.
        chance_recall_overlap: The same.
        chance_distinguish: The same.
        chance_precision_exact: The same.
        chance_precision_overlap: The same.
    """

    recall_exact: Array
    recall_overlap: Array
    distinguish: Array
    precision_exact: Array
    precision_overlap: Array
    chance_recall_exact: Array
    chance_recall_overlap: Array
    chance_distinguish: Array
    chance_precision_exact: Array
    chance_precision_overlap: Array


def retrieve(queries: Segments, gallery: Segments, exclude: Exclude = "none", block: int = BLOCK_SIZE) -> Matches:
    """Compare every query with every gallery segment by cosine. A zero vector has cosine 0 with all.

    Memory in addition to the input: a copy of the embeddings in float32, and about 30 · block · len(gallery) bytes.

    Args:
        queries: The segments to search for.
        gallery: The segments to search among.
        exclude: What a query may not find. `none`: it may find every segment. `self`: query i is gallery segment i,
            which it may not find. `clip`: it may not find segments of its own clip.
        block: Queries at a time.

    Raises:
        SeehearError: If shapes do not fit, or an embedding is not finite.
    """
    _check(queries, gallery, exclude)
    n_queries, n_gallery = len(queries.clip), len(gallery.clip)
    query_directions, gallery_directions = _directions(queries.embeddings), _directions(gallery.embeddings)
    numbers = _set_numbers(np.concatenate([queries.labels, gallery.labels]))
    query_set, gallery_set = numbers[:n_queries], numbers[n_queries:]
    query_labels, gallery_labels = queries.labels.astype(np.float32), gallery.labels.astype(np.float32)
    labelled = np.asarray(gallery.labels.any(axis=1))  # (G,)
    packed_labelled = np.packbits(labelled)

    values = np.empty((10, n_queries))  # in the order of the fields of Matches
    for start in range(0, n_queries, block):
        rows = slice(start, start + block)
        similar = query_directions[rows] @ gallery_directions.T  # (b, G)
        exact = query_set[rows, None] == gallery_set  # (b, G)
        overlap = query_labels[rows] @ gallery_labels.T > 0  # (b, G)

        n_rows = len(similar)
        excluded = _excluded(queries.clip[rows], gallery.clip, exclude, start)
        similar[excluded] = -np.inf
        exact[excluded] = overlap[excluded] = False
        n_allowed = n_gallery - np.bincount(excluded[0], minlength=n_rows)  # (b,)
        n_labelled = labelled.sum() - np.bincount(excluded[0], labelled[excluded[1]], minlength=n_rows)
        packed_exact, packed_overlap = np.packbits(exact, axis=1), np.packbits(overlap, axis=1)
        n_exact, n_overlap = _count(packed_exact), _count(packed_overlap)
        last_exact, last_overlap = _last(similar, n_exact, n_overlap)

        nearest = similar >= similar.max(axis=1, initial=-np.inf)[:, None] - TIE_TOLERANCE  # (b, G)
        nearest[n_allowed == 0] = False
        packed_nearest = np.packbits(nearest, axis=1)
        n_nearest = _count(packed_nearest)
        with np.errstate(invalid="ignore"):  # 0/0 is NaN: the measure is undefined
            hits = _count(packed_nearest & packed_overlap) / n_nearest
            values[:, rows] = [
                _count(packed_nearest & packed_exact) / n_nearest,
                np.where(query_labels[rows].any(axis=1), hits, np.nan),
                _count(packed_nearest & packed_labelled) / n_nearest,
                _precision(similar, packed_exact, n_exact, last_exact),
                _precision(similar, packed_overlap, n_overlap, last_overlap),
                *(count / n_allowed for count in (n_exact, n_overlap, n_labelled, n_exact, n_overlap)),
            ]
    measures, chance = values[:5], values[5:]
    chance[np.isnan(measures)] = np.nan
    return Matches(*values)


def _excluded(
    query_clip: NDArray[np.int64], gallery_clip: NDArray[np.int64], exclude: Exclude, start: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the excluded pairs, in a block of queries that begins at `start`."""
    if exclude == "clip":
        row, column = np.nonzero(query_clip[:, None] == gallery_clip)
        return row, column
    row = np.arange(len(query_clip) if exclude == "self" else 0)
    return row, start + row


def _set_numbers(labels: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return a number per set of labels (n, C), (n,): equal sets have equal numbers."""
    known: dict[bytes, int] = {}
    packed = np.packbits(labels, axis=1)
    width, data = packed.shape[1], packed.tobytes()
    sets = (data[start : start + width] for start in range(0, len(packed) * width, max(1, width)))
    numbers = [known.setdefault(each, len(known)) for each in sets] or [0] * len(labels)  # of no class
    return np.array(numbers, dtype=np.int32)


def _count(packed: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many of each row are true, (b,). packed: rows of `packbits`, which are quicker to count."""
    return np.bitwise_count(packed).sum(axis=1, dtype=np.int64)


def _last(
    similar: NDArray[np.float32], one: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cosine of the M-th nearest to each query for two M, (b,) each; infinite where M = 0.

    Args:
        similar: (b, G) cosines.
        one: (b,), one M of each query.
        other: (b,), the other.
    """
    greater, less = np.maximum(one, other), np.minimum(one, other)
    of_greater, of_less = np.full((2, len(similar)), np.inf, dtype=np.float32)
    for n, (many, few) in enumerate(zip(greater.tolist(), less.tolist(), strict=True)):
        if many:
            row = similar[n].copy()
            row.partition(len(row) - many)
            nearer = row[len(row) - many :]  # in any order, but for the first
            of_greater[n] = nearer[0]
            if few:  # they are among those
                nearer.partition(many - few)
                of_less[n] = nearer[many - few]
    return np.where(one == greater, of_greater, of_less), np.where(other == greater, of_greater, of_less)


def _precision(
    similar: NDArray[np.float32], match: NDArray[np.uint8], count: NDArray[np.int64], last: NDArray[np.float32]
) -> Array:
    """Return the expected R-precision of each query, (b,); NaN for a query without matches.

    Args:
        similar: (b, G) cosines.
        match: Whether query and segment match, (b, G) packed.
        count: (b,), number of matches, M.
        last: (b,), the cosine of the M-th nearest.
    """
    nearer = np.packbits(similar > (last + TIE_TOLERANCE)[:, None], axis=1)
    # Those nearer, and those tied at the last place.
    within = np.packbits(similar >= (last - TIE_TOLERANCE)[:, None], axis=1)
    n_nearer, n_within = _count(nearer), _count(within)
    hits_nearer, hits_within = _count(nearer & match), _count(within & match)
    among_tied = (hits_within - hits_nearer) / (n_within - n_nearer)
    return (hits_nearer + (count - n_nearer) * among_tied) / count


def _directions(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return embeddings (n, d) scaled to length 1; zero vectors stay zero."""
    # In float64, where squares of float32 values neither overflow nor vanish.
    length = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64))  # (n,)
    length[length == 0] = 1.0
    return np.divide(embeddings, length[:, None], out=np.empty(embeddings.shape, np.float32), casting="same_kind")


def _check(queries: Segments, gallery: Segments, exclude: Exclude) -> None:
    for name, of in (("queries", queries), ("gallery", gallery)):
        n = len(of.clip)
        if (
            of.embeddings.ndim != 2
            or of.labels.ndim != 2
            or of.clip.shape != (len(of.embeddings),)
            or len(of.labels) != n
        ):
            raise SeehearError(
                f"{name}: embeddings (n, d), labels (n, C) and clips (n,) must be of the same segments, "
                f"not {of.embeddings.shape}, {of.labels.shape} and {of.clip.shape}"
            )
        if not np.isfinite(of.embeddings).all():
            raise SeehearError(f"{name}: an embedding is not finite")
    for what, one, other in (
        ("embeddings of one width", queries.embeddings, gallery.embeddings),
        ("labels of the same classes", queries.labels, gallery.labels),
    ):
        if one.shape[1] != other.shape[1]:
            raise SeehearError(f"queries and gallery must have {what}, not {one.shape[1]} and {other.shape[1]}")
    if exclude not in ("none", "self", "clip"):
        raise SeehearError(f"exclude is none, self or clip, not {exclude!r}")
    if exclude == "self" and len(queries.clip) != len(gallery.clip):
        raise SeehearError(
            f"to exclude each query from its own gallery, both must be the same segments; there are "
            f"{len(queries.clip)} queries and {len(gallery.clip)} gallery segments"
        )
