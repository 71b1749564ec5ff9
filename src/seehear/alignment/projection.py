"""Features of networks of different widths, brought to one width, so that they have a cosine.

A projection is fitted to rows of every modality at the same times, without labels. A new one is a function like these
and a line in PROJECTIONS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, eigh, solve_triangular

from seehear.errors import SeehearError

Array = NDArray[np.float64]
Rows = Mapping[str, NDArray[np.floating[Any]]]  # modality -> (n, d_m); row i is of the same time in all

RIDGE = 1e-2  # relative to the mean eigenvalue of a modality's covariance
AT_A_TIME = 8192  # rows in float64 in memory at once


@dataclass(frozen=True)
class Projection:
    """Of one modality: (rows - mean) @ matrix, with mean (d,) and matrix (d, width)."""

    mean: Array
    matrix: Array

    def __call__(self, rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Project rows (..., d) to (..., width)."""
        return ((rows - self.mean) @ self.matrix).astype(np.float32)


Projections = dict[str, Projection]  # modality -> its projection
Fit = Callable[[Rows, int, int], Projections]  # of training rows, the width, and the seed of what is random


def random(train: Rows, width: int, seed: int = 0) -> Projections:
    """A Gaussian matrix for each modality, of variance 1/width: the floor, which knows nothing of what goes together.

    It keeps cosines within a modality, about, and says nothing between two. A modality's matrix depends on its name
    and the seed, not on which others there are. The mean is that of train. Raises SeehearError as `cca`, but one
    modality and one row are enough.
    """
    _check(train, width, modalities=1, rows=1)
    return {
        name: Projection(_mean(rows), _generator(seed, name).standard_normal((rows.shape[1], width)) / np.sqrt(width))
        for name, rows in train.items()
    }


def cca(train: Rows, width: int, seed: int = 0, ridge: float = RIDGE) -> Projections:
    """Regularised canonical correlation: the directions that agree most about what happens at the same time.

    For more than two modalities MAXVAR of Kettenring, Biometrika 1971: directions whose variates' correlation matrix
    has the largest eigenvalue; for two that is canonical correlation analysis, Hotelling, Biometrika 1936. A
    modality's covariance has ridge times its mean eigenvalue added to its diagonal. Columns are ordered by how well
    they agree. In two modalities, a column has variance 1 in train, the ridge counted in; in more, less variance where
    the modality agrees less with the others.

    seed is not used. Raises SeehearError where there are fewer than two modalities, rows differ in number, are not
    finite, or too few (width + 1 at least), the width exceeds a modality's, or a covariance is singular even with the
    ridge.
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

    # Whitened by Cholesky factors: the blocks on the diagonal become the identity, those beside it correlations.
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
    """Lower Cholesky factor (d, d) of a covariance with the ridge on its diagonal."""
    width = len(covariance)
    size = np.trace(covariance) / width  # the mean eigenvalue
    try:
        factor: Array = cholesky(covariance + ridge * size * np.eye(width), lower=True)
        singular = np.diag(factor).min() ** 2 <= 10 * width * np.finfo(float).eps * size
    except LinAlgError:
        singular = True
    if singular:
        what = "are the same in every row" if size == 0 else "depend on each other linearly: take a larger ridge"
        raise SeehearError(f"{name}: its features {what}")
    return factor


def _mean(rows: NDArray[np.floating[Any]]) -> Array:
    return rows.mean(axis=0, dtype=np.float64)  # (d,)


def _blocks(n_rows: int) -> Iterator[slice]:
    return (slice(start, start + AT_A_TIME) for start in range(0, n_rows, AT_A_TIME))


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
