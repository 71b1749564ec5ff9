"""Projections: they give features of different networks a common width, so that they have a cosine.

A projection is fitted to rows of every modality at the same times, without labels. To add one, write a function like
these and add it to PROJECTIONS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, eigh, solve_triangular

from seehear.errors import SeehearError

Array = NDArray[np.float64]
Rows = Mapping[str, NDArray[np.floating[Any]]]  # modality -> (n, d_m); row i is of the same time in all

ProjectionName = Literal["cca", "random", "none"]  # none: the features have a common width already

WIDTH = 64  # of projected features: of some hundred clips, further canonical directions are mostly noise
RIDGE = 1e-2  # relative to the mean eigenvalue of a modality's covariance
BLOCK_ROWS = 8192  # rows in float64 in memory at once


@dataclass(frozen=True)
class Projection:
    """The projection of one modality: (rows - mean) @ matrix.

    Attributes:
        mean: (d,).
        matrix: (d, width).
    """

    mean: Array
    matrix: Array

    def __call__(self, rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Project rows (..., d) to (..., width)."""
        return ((rows - self.mean) @ self.matrix).astype(np.float32)


Projections = dict[str, Projection]  # modality -> its projection
Fit = Callable[[Rows, int, int], Projections]  # of training rows, the width, and the seed of what is random


def random(train: Rows, width: int, seed: int = 0) -> Projections:
    """Return a Gaussian matrix of variance 1/width per modality: the chance level.

    It preserves cosines within a modality approximately; between two modalities, cosines are random. A modality's
    matrix depends on its name and the seed, not on the other modalities. The mean is that of train.

    Args:
        train: modality -> (n, d_m), one modality or more, one row or more.
        width: Of the projected features.
        seed: Of the matrices.

    Raises:
        SeehearError: As for `cca`.
    """
    _check(train, width, modalities=1, rows=1)
    return {
        name: Projection(_mean(rows), _generator(seed, name).standard_normal((rows.shape[1], width)) / np.sqrt(width))
        for name, rows in train.items()
    }


def cca(train: Rows, width: int, seed: int = 0, ridge: float = RIDGE) -> Projections:
    """Return regularised canonical correlation: the directions that correlate most at the same times.

    For two modalities this is canonical correlation analysis (Hotelling, Biometrika 1936). For more it is MAXVAR
    (Kettenring, Biometrika 1971): directions whose variates' correlation matrix has the largest eigenvalue.

    Columns are ordered by their correlation. With two modalities, a column has variance 1 in train, including the
    ridge. With more, it has less variance if the modality correlates less with the others.

    Args:
        train: modality -> (n, d_m), two modalities or more, at least width + 1 rows.
        width: Of the projected features.
        seed: Not used.
        ridge: Times the mean eigenvalue, it is added to the diagonal of each modality's covariance.

    Raises:
        SeehearError: If there are too few modalities or rows, or rows differ in number or are not finite. If the width
            exceeds a modality's, or a covariance is singular in spite of the ridge.
    """
    _check(train, width, modalities=2, rows=width + 1)
    if not ridge >= 0:
        raise SeehearError(f"the ridge must be 0 or more, not {ridge}")
    mean = {name: _mean(rows) for name, rows in train.items()}
    widths = [rows.shape[1] for rows in train.values()]
    ends = np.cumsum(widths)
    parts = [slice(end - d, end) for end, d in zip(ends, widths, strict=True)]

    n_rows = len(next(iter(train.values())))
    covariance = np.zeros((ends[-1], ends[-1]))  # (D, D), D the sum of the widths
    for at in _blocks(n_rows):
        joined = np.concatenate([rows[at] - mean[name] for name, rows in train.items()], axis=1)  # (b, D)
        covariance += joined.T @ joined / n_rows

    # Whitened by Cholesky factors: blocks on the diagonal become the identity, the others become correlations.
    factors = [_factor(covariance[part, part], ridge, name) for name, part in zip(train, parts, strict=True)]
    correlation = np.eye(ends[-1])
    for i, one in enumerate(parts):
        for j in range(i):
            half = solve_triangular(factors[i], covariance[one, parts[j]], lower=True)
            correlation[one, parts[j]] = solve_triangular(factors[j], half.T, lower=True).T
    # eigh reads the lower triangle; eigenvalues ascend, for two modalities they are 1 + the canonical correlations.
    vectors = eigh(correlation, subset_by_index=(ends[-1] - width, ends[-1] - 1))[1][:, ::-1] * np.sqrt(len(parts))
    return {
        name: Projection(mean[name], solve_triangular(factor, vectors[part], lower=True, trans="T"))
        for name, part, factor in zip(train, parts, factors, strict=True)
    }


PROJECTIONS: dict[str, Fit] = {"random": random, "cca": cca}


def _factor(covariance: Array, ridge: float, name: str) -> Array:
    """Return the lower Cholesky factor (d, d) of a covariance with the ridge on its diagonal."""
    width = len(covariance)
    size = np.trace(covariance) / width  # the mean eigenvalue
    try:
        factor: Array = cholesky(covariance + ridge * size * np.eye(width), lower=True)
        singular = np.diag(factor).min() ** 2 <= 10 * width * np.finfo(float).eps * size
    except LinAlgError:
        singular = True
    if singular:
        what = "are the same in every row" if size == 0 else "are linearly dependent: use a larger ridge"
        raise SeehearError(f"{name}: its features {what}")
    return factor


def _mean(rows: NDArray[np.floating[Any]]) -> Array:
    return rows.mean(axis=0, dtype=np.float64)  # (d,)


def _blocks(n_rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, n_rows, BLOCK_ROWS))


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])


def _check(train: Rows, width: int, modalities: int, rows: int) -> None:
    if len(train) < modalities:
        raise SeehearError(f"at least {modalities} modalities are needed, not {len(train)}")
    if any(of_one.ndim != 2 for of_one in train.values()):
        raise SeehearError("rows of a modality must be (n, d)")
    count = {name: len(of_one) for name, of_one in train.items()}
    if len(set(count.values())) != 1:
        raise SeehearError(f"modalities must have rows at the same times, not {_listed(count)} rows")
    narrowest = min(train, key=lambda name: train[name].shape[1])
    if not 1 <= width <= train[narrowest].shape[1]:
        raise SeehearError(f"the width must be from 1 to {train[narrowest].shape[1]}, that of {narrowest}, not {width}")
    if min(count.values()) < rows:
        raise SeehearError(f"a width of {width} needs at least {rows} rows, not {min(count.values())}")
    for name, of_one in train.items():
        if not np.isfinite(of_one).all():
            raise SeehearError(f"{name}: a feature is not finite")


def _listed(count: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in count.items())
