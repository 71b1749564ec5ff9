"""Which of two networks made a feature? A discriminator is trained to recognise it, and so are controls.

The discriminator of Wu et al. (Table 4) recognises the network of 99.8 to 99.9 % of features. They take this for
strong characteristics of the networks. But it is enough that two networks order their dimensions differently.
`rotated` and `halves` make two networks of one, with the same information or from the same distribution.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.errors import SeehearError
from seehear.paper.probing.linear import Floats, Scale, fit_probe
from seehear.training.fit import one_thread
from seehear.training.seeding import seed_torch

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["linear", "mlp"]
Scaling = Literal["none", "standard"]
Matching = Literal["pca", "projection"]

STRENGTH = 1e-3  # of the linear discriminator's L2 penalty: weak, but with a minimum where planes separate
HIDDEN = 256  # units of the mlp's hidden layer
LEARNING_RATE, BATCH_SIZE = 1e-3, 256  # of its training with Adam
VALIDATION = 5  # one in so many training clips validates and ends the training
EPOCHS, PATIENCE = 50, 5
MIN_GAIN = 1e-3  # nats by which the validation loss must fall to count as better


def recognised(
    one: Floats,
    other: Floats,
    clip: NDArray[np.int64],
    train: Mask,
    test: Mask,
    kind: Kind = "linear",
    scale: Scaling = "none",
    seed: int = 0,
) -> Mask:
    """Return whether a discriminator recognises the network of each test row, (2 · rows,): rows of one, then other.

    With the scale "standard", a linear discriminator recognises nothing by construction and answers `one` for every
    row: the weights of a logistic regression are 0 if both classes have equally many rows and the same means. The mlp
    can still use the shape of the distributions and the dependence of dimensions. Among many dimensions of noise it
    learns little, so give it the first few principal axes as well.

    Args:
        one: (n, d), features of the same n inputs as the other's, of the same width (see `matched`).
        other: (n, d).
        clip: (n,), clip of each row.
        train: (n,) bool, training rows.
        test: (n,) bool, test rows.
        kind: linear, or an mlp with one hidden layer.
        scale: "none": features as they are, but for one shift and gain per dimension, common to both networks, which
            only helps the optimiser. "standard": each dimension of each network gets mean 0 and deviation 1 on its own
            training rows.
        seed: Of the mlp's initial weights, its order of rows, and the clips that validate it.

    Raises:
        SeehearError: If widths differ, a clip has training and test rows, there are none, or a feature is not finite.
    """
    _check(one, other, clip, train, test)
    if scale == "standard":
        one, other = Scale.of(one[train])(one), Scale.of(other[train])(other)
    rows = np.concatenate([one[train], other[train]])  # (2 · rows, d)
    tested = np.concatenate([one[test], other[test]])
    made_by = np.repeat([0, 1], int(train.sum()))
    groups = np.tile(clip[train], 2)
    if kind == "linear":
        predicted = fit_probe(rows, made_by, groups, 2, (STRENGTH,)).predict(tested)
    else:
        predicted = _mlp(rows, made_by, groups, tested, seed)
    return predicted == np.repeat([0, 1], int(test.sum()))


def matched(
    one: Floats, other: Floats, train: Mask, how: Matching = "pca", width: int | None = None, seed: int = 0
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return both networks' features in one width, (n, w) each.

    Wu et al. compare networks of 2048 and 4096 features and do not report how.

    Args:
        one: (n, d1).
        other: (n, d2).
        train: (n,) bool, training rows.
        how: `pca`: projected onto the w principal axes of each one's training rows, neither whitened nor centred, so
            that means and variances remain. There are at most n - 1 axes of n rows. Along its own axes, a network's
            features are uncorrelated, so that the scale "standard" of `recognised` removes means and all covariances.
            The sign of an axis is chosen so that the longer tail is positive; a network and its rotation become equal.
            `projection`: by a random Gaussian matrix each, which preserves lengths on average.
        width: w, if it is less than the width of the narrower network.
        seed: Of the random matrices.
    """
    narrower = min(one.shape[1], other.shape[1])
    width = narrower if width is None else min(width, narrower)
    if how == "pca":
        width = min(width, int(train.sum()) - 1)
        return one @ _axes(one[train], width), other @ _axes(other[train], width)
    first, second = np.random.default_rng(seed).spawn(2)
    return one @ _gaussian(one.shape[1], width, first), other @ _gaussian(other.shape[1], width, second)


def rotated(features: Floats, seed: int) -> Array:
    """Return features (n, d) under a uniformly random rotation: the same information in another basis.

    Distances and angles between rows do not change.
    """
    width = features.shape[1]
    rotation, upper = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))
    rotation *= np.sign(np.diag(upper))  # makes the distribution uniform (Mezzadri 2007, arXiv:math-ph/0609050)
    if np.linalg.det(rotation) < 0:
        rotation[:, 0] *= -1  # no reflection
    return features @ rotation


def halves(features: Floats, seed: int) -> tuple[Floats, Floats]:
    """Return two random halves of the dimensions, (n, d // 2) each; of an odd number one is left out."""
    order = np.random.default_rng(seed).permutation(features.shape[1])
    half = len(order) // 2
    return features[:, order[:half]], features[:, order[half : 2 * half]]


def _check(one: Floats, other: Floats, clip: NDArray[np.int64], train: Mask, test: Mask) -> None:
    if one.shape != other.shape or not len(one) == len(clip) == len(train) == len(test):
        raise SeehearError(
            f"the features of both networks must have the same rows and width, not {one.shape}, {other.shape}"
        )
    if not train.any() or not test.any():
        raise SeehearError("a discriminator needs training rows and test rows")
    if shared := np.intersect1d(clip[train], clip[test]).size:
        raise SeehearError(f"{shared} clips have training and test rows: the test would be on known clips")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise SeehearError("the features to distinguish are not finite")


def _axes(rows: Floats, width: int) -> Array:
    """Return the principal axes of rows (n, d), that of greatest variance first, (d, width)."""
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    if len(centred) < centred.shape[1]:
        axes = np.linalg.svd(centred, full_matrices=False)[2][:width].T
    else:
        axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :width]
    tails = ((centred @ axes) ** 3).sum(axis=0)  # (width,)
    return axes * np.where(tails < 0, -1.0, 1.0)


def _gaussian(width: int, to: int, rng: np.random.Generator) -> Array:
    return rng.standard_normal((width, to)) / np.sqrt(to)


def _mlp(
    rows: Floats, made_by: NDArray[np.int64], groups: NDArray[np.int64], tested: Floats, seed: int
) -> NDArray[np.int64]:
    """Return the class that a network with one hidden layer predicts for each test row.

    It is trained on four in five clips; the epoch with the least loss on the others is kept.
    """
    names = np.unique(groups)
    if len(names) < 2:
        raise SeehearError("a discriminator needs at least two training clips: one validates it")
    rng = np.random.default_rng(seed)
    validates = np.isin(groups, rng.permutation(names)[: max(1, len(names) // VALIDATION)])
    scale = Scale.of(rows[~validates])

    def tensor(features: Floats) -> Tensor:
        return torch.from_numpy(scale(features).astype(np.float32))

    x, y = tensor(rows[~validates]), torch.from_numpy(made_by[~validates])
    val_x, val_y = tensor(rows[validates]), torch.from_numpy(made_by[validates])
    with torch.random.fork_rng([]):
        seed_torch(seed)
        model = nn.Sequential(nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2))
    with one_thread():
        _train(model, x, y, val_x, val_y, rng)
        with torch.no_grad():
            return model(tensor(tested)).argmax(dim=1).numpy()


def _train(model: nn.Module, x: Tensor, y: Tensor, val_x: Tensor, val_y: Tensor, rng: np.random.Generator) -> None:
    """Train on x (n, d) and y (n,) until the validation loss no longer falls; keep the weights of the least loss."""
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    best, best_state, since = np.inf, model.state_dict(), 0
    for _ in range(EPOCHS):
        for chosen in torch.from_numpy(rng.permutation(len(x))).split(BATCH_SIZE):
            loss = F.cross_entropy(model(x[chosen]), y[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            loss_now = float(F.cross_entropy(model(val_x), val_y))
        since += 1
        if loss_now < best - MIN_GAIN:
            best, since = loss_now, 0
            best_state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        if since >= PATIENCE:
            break
    model.load_state_dict(best_state)
