"""H-score with shrunk covariance (Ibrahim et al. 2022, ECML): how much of the features' spread lies between classes.

One binary problem a class: tr(Σ_ρ⁻¹ (1 - ρ) Σ_b), Σ_b the covariance of the class means, Σ_ρ = (1 - ρ)Σ + ρσI the
features' own, pulled toward a multiple of the identity as far as Ledoit and Wolf (2004) have it. For two classes Σ_b
has rank 1, and with the eigenvalues s of the N × N kernel and the labels' projections z on its eigenvectors the trace
is Σ z² · (1 - ρ)s / ((1 - ρ)s + Nρσ) / Σ z². No D × D matrix is formed; the width D enters through ρσ.

A fit is judged by the clips that it was fitted to. Where one modality is wide and another is not, the spread of its
features is small beside the other's but so is σ, little is shrunk, and wide features look good for being many.
"""

from __future__ import annotations

import numpy as np

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import FLAT, Array, Evidence, Spectrum


def shrinkage(spectrum: Spectrum, width: int) -> tuple[float, float]:
    """Ledoit and Wolf's ρ in [0, 1] and σ > 0, the mean variance of a feature, of N clips' features of that width."""
    values, vectors = spectrum.values, spectrum.vectors
    n = len(values)
    sigma = values.sum() / n / width
    squared = (values**2).sum() / n**2  # |Σ|²
    apart = squared - width * sigma**2  # |Σ - σI|²
    if apart <= FLAT * squared:  # Σ is σI already
        return 0.0, float(sigma)
    norms = vectors**2 @ values  # (N,), squared norm of each clip
    error = ((norms**2).sum() / n - squared) / n  # mean |ffᵀ - Σ|² / N
    return float(min(error / apart, 1.0)), float(sigma)


def h_scores(spectrum: Spectrum, width: int) -> Array:
    """Of each class, (C,), in [0, 1]."""
    values, energy = spectrum.values, spectrum.projected**2  # (N,), (N, C)
    rho, sigma = shrinkage(spectrum, width)
    # Without shrinkage the inverse is the pseudo-inverse: directions in which clips don't differ count as 0.
    spread = np.where(values > FLAT * values.max(), (1 - rho) * values, 0.0)
    kept = np.divide(spread, spread + len(values) * rho * sigma, out=np.zeros_like(spread), where=spread > 0)
    return kept @ energy / energy.sum(axis=0)


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Mean over the telling classes, in [0, 1]."""
    spectrum = evidence.spectrum(collocation)
    evidence.flops += 3.0 * len(evidence) ** 2 + 3.0 * spectrum.projected.size
    return float(h_scores(spectrum, sum(evidence.widths[name] for name in collocation.networks)).mean())


ESTIMATORS = (ClosedForm("h-score", "spread between classes", "shrinkage H-score, Ibrahim et al. 2022", "weak", score),)
