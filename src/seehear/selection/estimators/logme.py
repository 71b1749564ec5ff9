"""LogME (You et al. 2021, ICML, Sec. 4): how probable labels are if they are linear in the features.

One binary problem per class: y | w ~ N(Fw + b, I/β) and w ~ N(0, I/α), with the α and β that make y most probable. The
intercept b has a flat prior: integrated out, it leaves centred y and F, and N - 1 degrees of freedom. Then y is
N(0, I/β + FFᵀ/α). So the eigenvalues s of the kernel FFᵀ and the projections z of y on its eigenvectors give the same
evidence as the paper's formulas of D × D matrices, whatever the width D.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import Array, Evidence, Spectrum

# The range of α/β, in units of the mean eigenvalue. Labels that are exactly linear in few features would take α/β to 0
# and the evidence to infinity; labels that have nothing to do with the features take α/β to infinity.
MIN_RATIO, MAX_RATIO = 1e-8, 1e8
TRIED = 17  # ratios in this range, one per power of ten: the evidence may have more than one maximum
HALVINGS = 30  # of the interval between two of them, on a logarithmic scale


def log_evidence(spectrum: Spectrum) -> Array:
    """Return the maximised log evidence of each class, per clip, in nats, (C,): finite for any labels and features."""
    values, energy = spectrum.values, spectrum.projected**2  # (N,), (N, C)
    tried = np.geomspace(MIN_RATIO, MAX_RATIO, TRIED) * values.mean()
    evidences = np.stack([_at(np.full(energy.shape[1], ratio), values, energy) for ratio in tried])  # (TRIED, C)
    best = evidences.argmax(axis=0)
    low, high = tried[np.maximum(best - 1, 0)], tried[np.minimum(best + 1, TRIED - 1)]  # (C,)
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        up = _grows(middle, values, energy)
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return np.maximum(_at(low, values, energy), evidences.max(axis=0))


def _at(ratio: Array, values: Array, energy: Array) -> Array:
    """Return the log evidence per clip at ratio = α/β, (C,), with the β that is best for it."""
    n = len(values)
    lost = ratio / (values[:, None] + ratio)  # (N, C)
    variance = (energy * lost).sum(axis=0) / (n - 1)  # 1/β
    return (np.log(lost).sum(axis=0) - (n - 1) * (np.log(2 * np.pi * variance) + 1)) / (2 * n)


def _grows(ratio: Array, values: Array, energy: Array) -> NDArray[np.bool_]:
    """Return whether the paper's iteration raises α/β from this ratio, and with it the evidence, (C,).

    Its step is α ← γ/|m|², β ← (N - 1 - γ)/|Fm - y|², and the posterior mean m depends on α/β alone. It may take
    hundreds of steps to converge. The fixed point is where the steps change direction.
    """
    kept = values[:, None] / (values[:, None] + ratio)  # (N, C)
    lost = ratio / (values[:, None] + ratio)
    free = lost[1:].sum(axis=0)  # N - 1 - γ, the smallest eigenvalue being the intercept's 0
    fit = (energy * kept * lost).sum(axis=0)  # α/β · |m|²
    return kept.sum(axis=0) * (energy * lost**2).sum(axis=0) > free * fit


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Return the mean over the informative classes of the maximised log evidence per clip."""
    spectrum = evidence.spectrum(collocation)
    evidence.flops += spectrum.projected.size * (6.0 * TRIED + 12.0 * HALVINGS)
    return float(log_evidence(spectrum).mean())


ESTIMATORS = (ClosedForm("logme", "evidence of a linear model", "LogME, You et al. 2021", "weak", score),)
