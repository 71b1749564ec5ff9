"""What closed-form estimators look at: labels of N clips, and each network's features as one Gram matrix.

A collocation's kernel is put together from its networks' matrices, so that M networks in each of N modalities are
N·M products of features, whatever the number of collocations. Matrices are N × N however wide the features: fewer
clips than features is the usual case, not a special one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from seehear.errors import SeehearError
from seehear.packed import Packed
from seehear.selection.collocation import Collocation, Option

Array = NDArray[np.float64]
Kind = Literal["sum", "interaction"]

FLAT = 1e-10  # share of the features' energy below which what differs between clips is rounding
SMALL = 1000  # clips
DIGITS = 9  # of a similarity: clips with the same features are to tie, whatever order they were summed in


class Spectrum(NamedTuple):
    """K = V diag(values) Vᵀ. values: (N,) >= 0, ascending. vectors: V, (N, N). projected: Vᵀ (Y - mean), (N, C)."""

    values: Array
    vectors: Array
    projected: Array


class Evidence:
    """Labels (N, C), 0 or 1, and one Gram matrix (N, N) a network.

    flops: floating-point operations done so far, counted as the textbook has them (product of (n, k) and (k, m):
    2nkm; symmetric eigenvectors: 9n³).
    """

    def __init__(self, grams: Mapping[str, Array], labels: Array, widths: Mapping[str, int]) -> None:
        """grams: network -> F Fᵀ of its features F. widths: network -> number of columns of F.

        Raises SeehearError where no class tells clips apart.
        """
        self.labels = labels
        self.grams = dict(grams)
        self.widths = dict(widths)
        self.flops = 0.0
        self._centred: dict[str, Array] = {}
        self._spectrum: tuple[tuple[Collocation, Kind], Spectrum] | None = None
        self._known: dict[Hashable, float] = {}
        if not self.telling.any():
            raise SeehearError("every class is in all of the clips or in none: nothing to tell networks apart by")

    @staticmethod
    def of(features: Mapping[str, Array], labels: Array) -> Evidence:
        """features: network -> (N, width), a vector a clip."""
        with np.errstate(over="ignore", invalid="ignore"):  # gram() says which network's features are not finite
            grams = {name: x @ x.T for name, x in features.items()}
        evidence = Evidence(grams, labels, {name: x.shape[1] for name, x in features.items()})
        evidence.flops += sum(2.0 * len(x) ** 2 * x.shape[1] for x in features.values())
        return evidence

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def telling(self) -> NDArray[np.bool_]:
        """Classes that some clips have and some lack, (C,): only they can tell networks apart."""
        count = self.labels.sum(axis=0)
        return (count > 0) & (count < len(self))

    @property
    def targets(self) -> Array:
        """The telling classes' labels, centred, (N, C)."""
        labels = self.labels[:, self.telling]
        return labels - labels.mean(axis=0)

    def subset(self, clips: NDArray[np.int64]) -> Evidence:
        """The same of some clips, by number, each at most once; flops start again from 0.

        Raises ValueError where a clip comes twice: one copy would tell the label of the other, and whoever leaves
        clips out to judge by them, or counts them, would be deceived. Half of the clips, drawn without replacement,
        vary as a bootstrap of all of them does: σ²(1/(N/2) - 1/N) = σ²/N for a mean.
        """
        if len(np.unique(clips)) < len(clips):
            raise ValueError("a clip comes twice: draw without replacement")
        cut = np.ix_(clips, clips)
        return Evidence({name: gram[cut] for name, gram in self.grams.items()}, self.labels[clips], self.widths)

    def gram(self, network: str) -> Array:
        """A network's Gram matrix, features centred over clips and scaled to a mean square norm of 1, (N, N).

        Networks differ in scale by orders of magnitude; unscaled, the loudest would be all there is. Raises
        SeehearError where features are not finite, or the same for all clips.
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
        """Of the networks of one modality, concatenated: the mean of their matrices, (N, N)."""
        return np.mean([self.gram(network) for network in option], axis=0)

    def kernel(self, collocation: Collocation, kind: Kind = "sum") -> Array:
        """`sum`: of the modalities' matrices, as if features were concatenated. `interaction`: besides, of the products
        of any two modalities, which is every feature of one times every feature of the other. (N, N)

        Raises SeehearError for an interaction of fewer than two modalities.
        """
        parts = [self.of_option(option) for _, option in collocation.options]
        total: Array = reduce(np.add, parts)
        if kind == "interaction":
            if len(parts) < 2:
                raise SeehearError("an interaction needs two modalities")
            products = [parts[i] * parts[j] for j in range(len(parts)) for i in range(j)]
            total = total + reduce(np.add, products)
            mean = total.mean(axis=0)
            total = total - mean - mean[:, None] + mean.mean()
        self.flops += len(self) ** 2 * len(parts) ** 2
        return total

    def spectrum(self, collocation: Collocation, kind: Kind = "sum") -> Spectrum:
        """Eigenvalues, ascending, and vectors of the kernel; the last one asked for is kept, for whoever asks next."""
        if self._spectrum is None or self._spectrum[0] != (collocation, kind):
            values, vectors = np.linalg.eigh(self.kernel(collocation, kind))
            targets = self.targets
            self.flops += 9.0 * len(self) ** 3 + 2.0 * len(self) ** 2 * targets.shape[1]
            self._spectrum = (collocation, kind), Spectrum(np.maximum(values, 0.0), vectors, vectors.T @ targets)
        return self._spectrum[1]

    def once(self, what: Hashable, compute: Callable[[], float]) -> float:
        """A number that many collocations share, as the score of one option alone: computed when first asked for."""
        if what not in self._known:
            self._known[what] = compute()
        return self._known[what]


def cosine(gram: Array) -> Array:
    """Cosine of the angle between any two clips, in [-1, 1], to 9 digits, (N, N); 0 for a clip that is the mean."""
    square = np.diag(gram)
    length = np.sqrt(np.where(square > FLAT * square.mean(), square, np.inf))  # (N,)
    return np.round(gram / length[:, None] / length, DIGITS)


@contextmanager
def few_threads(clips: int) -> Iterator[None]:
    """Matrices of so few clips take longer on several cores than on one: threads wait for each other."""
    with threadpool_limits(1 if clips <= SMALL else None, user_api="blas"):
        yield


def pooled(packed: Packed) -> Array:
    """Mean and max over time of each clip's features, (clips, 2 · width).

    The mean says how much of it there is, the max whether there is any.
    """
    starts = packed.offsets[:-1]
    rows = np.asarray(packed.rows[: packed.offsets[-1]], dtype=np.float64)
    mean = np.add.reduceat(rows, starts, axis=0) / packed.lengths()[:, None]
    most = np.maximum.reduceat(rows, starts, axis=0)
    return np.concatenate([mean, most], axis=1)
