"""What closed-form estimators look at: labels of N clips, and each network's features as one Gram matrix.

The kernel of a collocation is composed of its networks' matrices. So M networks in each of N modalities need N·M
products of features, whatever the number of collocations. Matrices are N × N however wide the features are: fewer
clips than features is the usual case.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from seehear.errors import SeehearError
from seehear.features.packed import Packed
from seehear.selection.collocation import Collocation, Option

Array = NDArray[np.float64]

FLAT = 1e-10  # share of the features' energy below which differences between clips are rounding errors
SMALL = 1000  # clips


class Spectrum(NamedTuple):
    """Eigenvalues and eigenvectors of a kernel, K = V diag(values) Vᵀ.

    Attributes:
        values: (N,), at least 0, ascending.
        vectors: V, (N, N).
        projected: Vᵀ (Y - mean), (N, C), of the informative classes' labels Y.
    """

    values: Array
    vectors: Array
    projected: Array


class Evidence:
    """Labels and one Gram matrix per network, of N clips.

    Attributes:
        labels: (N, C), 0 or 1.
        grams: network -> F Fᵀ of its features F, (N, N).
        flops: Floating-point operations done so far, counted by the textbook (product of (n, k) and (k, m): 2nkm;
            symmetric eigenvectors: 9n³).
    """

    def __init__(self, grams: Mapping[str, Array], labels: Array) -> None:
        """Keep matrices and labels.

        Args:
            grams: network -> F Fᵀ of its features F, (N, N).
            labels: (N, C), 0 or 1.

        Raises:
            SeehearError: Every class occurs in all clips, or in none.
        """
        self.labels = labels
        self.grams = dict(grams)
        self.flops = 0.0
        self._centred: dict[str, Array] = {}
        self._spectrum: tuple[Collocation, Spectrum] | None = None
        self._cache: dict[Hashable, float] = {}
        if not self.informative.any():
            raise SeehearError("every class occurs in all clips or in none: the labels say nothing about networks")

    @staticmethod
    def of(features: Mapping[str, Array], labels: Array) -> Evidence:
        """Compute the matrices from features: network -> (N, D), one vector per clip."""
        with np.errstate(over="ignore", invalid="ignore"):  # gram() says which network's features are not finite
            grams = {name: x @ x.T for name, x in features.items()}
        evidence = Evidence(grams, labels)
        evidence.flops += sum(2.0 * len(x) ** 2 * x.shape[1] for x in features.values())
        return evidence

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def informative(self) -> NDArray[np.bool_]:
        """Classes that occur in some clips but not in all, (C,) bool: only these can distinguish networks."""
        count = self.labels.sum(axis=0)
        return (count > 0) & (count < len(self))

    @property
    def targets(self) -> Array:
        """The informative classes' labels, centred, (N, C)."""
        labels = self.labels[:, self.informative]
        return labels - labels.mean(axis=0)

    def subset(self, clips: NDArray[np.int64]) -> Evidence:
        """Return the evidence of some clips, by number, each at most once; its flops start from 0.

        Half of the clips, drawn without replacement, vary as a bootstrap of all of them does:
        σ²(1/(N/2) - 1/N) = σ²/N for a mean.

        Raises:
            ValueError: If a clip is given twice. One copy would reveal the label of the other to an out-of-fold score.
        """
        if len(np.unique(clips)) < len(clips):
            raise ValueError("a clip comes twice: draw without replacement")
        cut = np.ix_(clips, clips)
        return Evidence({name: gram[cut] for name, gram in self.grams.items()}, self.labels[clips])

    def gram(self, network: str) -> Array:
        """Return a network's Gram matrix, features centred over clips and scaled to a mean square norm of 1, (N, N).

        Networks differ in scale by orders of magnitude; unscaled, the one with the largest features would dominate.

        Raises:
            SeehearError: Features are not finite, or the same for all clips.
        """
        if network not in self._centred:
            raw = self.grams[network]
            if not np.isfinite(raw).all():
                raise SeehearError(f"features of {network} are not finite")
            mean = raw.mean(axis=0)
            centred = raw - mean - mean[:, None] + mean.mean()
            scale = np.trace(centred) / len(self)
            if scale <= FLAT * np.trace(raw) / len(self):
                raise SeehearError(f"features of {network} are the same for all clips")
            self.flops += 4.0 * len(self) ** 2
            self._centred[network] = centred / scale
        return self._centred[network]

    def of_option(self, option: Option) -> Array:
        """Return the matrix of the networks of one modality, concatenated: the mean of their matrices, (N, N)."""
        return np.mean([self.gram(network) for network in option], axis=0)

    def kernel(self, collocation: Collocation) -> Array:
        """Return the sum of the modalities' matrices, as if features were concatenated, (N, N)."""
        parts = [self.of_option(option) for _, option in collocation.options]
        total: Array = reduce(np.add, parts)
        self.flops += len(self) ** 2 * len(parts) ** 2
        return total

    def spectrum(self, collocation: Collocation) -> Spectrum:
        """Return eigenvalues and eigenvectors of the kernel. The last spectrum is kept, for the next estimator."""
        if self._spectrum is None or self._spectrum[0] != collocation:
            values, vectors = np.linalg.eigh(self.kernel(collocation))
            targets = self.targets
            self.flops += 9.0 * len(self) ** 3 + 2.0 * len(self) ** 2 * targets.shape[1]
            self._spectrum = collocation, Spectrum(np.maximum(values, 0.0), vectors, vectors.T @ targets)
        return self._spectrum[1]

    def cached(self, key: Hashable, compute: Callable[[], float]) -> float:
        """Return a number that many collocations share, such as the score of one option; computed once."""
        if key not in self._cache:
            self._cache[key] = compute()
        return self._cache[key]


@contextmanager
def few_threads(clips: int) -> Iterator[None]:
    """Limit linear algebra to one thread for few clips: small matrices take longer on several cores than on one."""
    with threadpool_limits(1 if clips <= SMALL else None, user_api="blas"):
        yield


def pooled(packed: Packed) -> Array:
    """Return mean and maximum over time of each clip's features, (N, 2 · D).

    The mean shows how much of something a clip has, the maximum whether it has any.
    """
    starts = packed.offsets[:-1]
    rows = np.asarray(packed.rows[: packed.offsets[-1]], dtype=np.float64)
    mean = np.add.reduceat(rows, starts, axis=0) / packed.lengths()[:, None]
    maximum = np.maximum.reduceat(rows, starts, axis=0)
    return np.concatenate([mean, maximum], axis=1)
