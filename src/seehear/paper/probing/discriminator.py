"""Which of two networks made a feature? A discriminator is trained to tell, and so are some for controls.

Wu et al. (Table 4) tell the features of any two networks apart in 99.8 to 99.9 % of cases, and read it as strong
characteristics of the networks. That two networks number their dimensions differently is enough for it: `rotated` and
`halves` make "two networks" of one, which know exactly the same or are drawn from the same.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.errors import SeehearError
from seehear.probing.linear import Floats, Scale, fit_probe
from seehear.training.fit import one_thread
from seehear.training.seeding import seed_torch

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["linear", "mlp"]
Scaling = Literal["none", "standard"]
Matching = Literal["pca", "projection"]

STRENGTH = 1e-3  # of the linear discriminator's L2 penalty: weak, and enough to have a minimum where planes separate
HIDDEN = 256  # units of the other one's hidden layer
RATE, BATCH = 1e-3, 256  # of its training with Adam
HELD_OUT = 5  # one in so many training clips tells when it should end
EPOCHS, PATIENCE = 50, 5
GAIN = 1e-3  # nats by which the loss on those must fall to count as better: what is told apart needs no more telling


def told_apart(
    one: Floats,
    other: Floats,
    clip: NDArray[np.int64],
    train: Mask,
    test: Mask,
    kind: Kind = "linear",
    scale: Scaling = "none",
    seed: int = 0,
) -> Mask:
    """Whether a discriminator names the network right that made each test row, (2 · rows,): those of one, then other.

    one, other: (n, d) each, of the same n inputs, of one width (see `matched`). clip: (n,), which clip each is of.
    train, test: (n,), the rows to learn from and to be asked about. seed: of the mlp's initial weights, of its order of
    rows and of the clips that it holds out to end its training by.

    scale: "none" leaves features as they are, but for one shift and gain a dimension that both networks share, which
    only help the optimiser. "standard" gives each dimension of each network mean 0 and deviation 1 on its own training
    rows. A linear discriminator is then blind by construction, and names everything `one`, since the weights of a
    logistic regression are 0 exactly where both classes are as many and have the same means. What the mlp still
    tells apart lies in the shape of distributions and in how dimensions hang together. Where it tells nothing, there
    may still be something: among many dimensions of noise it finds little (give it the first few main axes as well).

    Raises SeehearError where widths differ, a clip has rows to learn from and rows to be asked about, there are none,
    or a feature is not finite.
    """
    _check(one, other, clip, train, test)
    if scale == "standard":
        one, other = Scale.of(one[train])(one), Scale.of(other[train])(other)
    rows = np.concatenate([one[train], other[train]])  # (2 · rows, d)
    asked = np.concatenate([one[test], other[test]])
    made_by = np.repeat([0, 1], int(train.sum()))
    groups = np.tile(clip[train], 2)
    if kind == "linear":
        named = fit_probe(rows, made_by, groups, 2, (STRENGTH,)).predict(asked)
    else:
        named = _mlp(rows, made_by, groups, asked, seed)
    return named == np.repeat([0, 1], int(test.sum()))


def matched(
    one: Floats, other: Floats, train: Mask, how: Matching = "pca", width: int | None = None, seed: int = 0
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Both networks' features brought to one width, (n, w) each: that of the narrower one, or `width` if it is less.

    pca: onto the w main axes of each one's own training rows, neither whitened nor centred, so that means and spreads
    stay to be told apart by. Of n training rows there are n - 1 axes, and w is no more. Along its own axes a network's
    features are uncorrelated: `told_apart` of these by scale "standard" takes away means and all covariances of both.
    An axis has no direction of its own; the longer tail is made positive. A network and its rotation are the same then.
    projection: by a random Gaussian matrix each, scaled so that lengths are kept on average, drawn by the seed.

    Wu et al. compare networks of 2048 and 4096 features and don't say how.
    """
    narrower = min(one.shape[1], other.shape[1])
    width = narrower if width is None else min(width, narrower)
    if how == "pca":
        width = min(width, int(train.sum()) - 1)
        return one @ _axes(one[train], width), other @ _axes(other[train], width)
    first, second = np.random.default_rng(seed).spawn(2)
    return one @ _gaussian(one.shape[1], width, first), other @ _gaussian(other.shape[1], width, second)


def rotated(features: Floats, seed: int) -> Array:
    """The features (n, d) turned by a random rotation, every one as likely: the same knowledge in another basis.

    All distances and angles between rows stay as they are.
    """
    width = features.shape[1]
    turn, upper = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))
    turn *= np.sign(
        np.diag(upper)
    )  # without it, not every rotation is as likely (Mezzadri 2007, arXiv:math-ph/0609050)
    if np.linalg.det(turn) < 0:
        turn[:, 0] *= -1  # no reflection
    return features @ turn


def halves(features: Floats, seed: int) -> tuple[Floats, Floats]:
    """Two halves of the features' dimensions, drawn at random, (n, d // 2) each; of an odd number one is left out."""
    order = np.random.default_rng(seed).permutation(features.shape[1])
    half = len(order) // 2
    return features[:, order[:half]], features[:, order[half : 2 * half]]


def _check(one: Floats, other: Floats, clip: NDArray[np.int64], train: Mask, test: Mask) -> None:
    if one.shape != other.shape or not len(one) == len(clip) == len(train) == len(test):
        raise SeehearError(f"features to tell apart must be of the same rows and width, not {one.shape}, {other.shape}")
    if not train.any() or not test.any():
        raise SeehearError("a discriminator needs rows to learn from and rows to be asked about")
    if shared := np.intersect1d(clip[train], clip[test]).size:
        raise SeehearError(f"{shared} clips have rows to learn from and rows to be asked about: it would know them")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise SeehearError("features to tell apart are not finite")


def _axes(rows: Floats, width: int) -> Array:
    """The main axes of rows (n, d), the one of greatest variance first, (d, width)."""
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
    rows: Floats, made_by: NDArray[np.int64], groups: NDArray[np.int64], asked: Floats, seed: int
) -> NDArray[np.int64]:
    """The class that a network of one hidden layer gives each row that it is asked about.

    It is trained on four in five clips, and kept as it was when it did best on the others.
    """
    names = np.unique(groups)
    if len(names) < 2:
        raise SeehearError("one clip can't be divided: a discriminator needs two at least to learn from")
    rng = np.random.default_rng(seed)
    held = np.isin(groups, rng.permutation(names)[: max(1, len(names) // HELD_OUT)])
    scale = Scale.of(rows[~held])

    def ready(features: Floats) -> Tensor:
        return torch.from_numpy(scale(features).astype(np.float32))

    x, y = ready(rows[~held]), torch.from_numpy(made_by[~held])
    held_x, held_y = ready(rows[held]), torch.from_numpy(made_by[held])
    with torch.random.fork_rng([]):
        seed_torch(seed)
        model = nn.Sequential(nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2))
    with one_thread():
        _train(model, x, y, held_x, held_y, rng)
        with torch.no_grad():
            return model(ready(asked)).argmax(dim=1).numpy()


def _train(model: nn.Module, x: Tensor, y: Tensor, held_x: Tensor, held_y: Tensor, rng: np.random.Generator) -> None:
    """Train on x (n, d) and y (n,) until the loss on what is held out no longer falls; back to where it was least."""
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    best, best_state, since = np.inf, model.state_dict(), 0
    for _ in range(EPOCHS):
        for chosen in torch.from_numpy(rng.permutation(len(x))).split(BATCH):
            loss = F.cross_entropy(model(x[chosen]), y[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            now = float(F.cross_entropy(model(held_x), held_y))
        since += 1
        if now < best - GAIN:
            best, since = now, 0
            best_state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        if since >= PATIENCE:
            break
    model.load_state_dict(best_state)
