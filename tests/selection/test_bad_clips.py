"""Clips and networks that say little or nothing: every estimator that is quick answers, or says what is wrong."""

import numpy as np
import pytest

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.selection.estimators import REGISTRY
from seehear.selection.estimators.interface import ClosedForm, Separate
from seehear.selection.select import select

pytestmark = pytest.mark.filterwarnings("error")

QUICK = {"epochs": 2, "width": 8, "feed_forward": 8, "batch": 8, "learning_rate": 0.01}
NAMES = [name for name, each in REGISTRY.items() if isinstance(each, ClosedForm | Separate)] + ["shared"]
OF_LABELS = {"logme", "ridge", "unimodal", "chance"}  # they need a class that some clips have and others lack
COMPARING = OF_LABELS - {"chance"}  # they need features that differ between clips
every = pytest.mark.parametrize("name", NAMES)


def data(clips, seed, audio=("a1", "a2"), visual=("v1",), classes=2, truth=True, change=None):
    """Clips whose first class is in every second one. change: network -> what becomes of its features (N, T, D)."""
    rng = np.random.default_rng(seed)
    present = rng.random((clips, classes)) < 0.5
    present[:, 0] = np.arange(clips) % 2 == 0
    features, active = {}, {}
    for m, (modality, names) in enumerate({"audio": audio, "visual": visual}.items()):
        where = present[:, None] & (rng.random((clips, 3, classes)) < 0.7)
        for n, name in enumerate(names):
            directions = np.random.default_rng(10 * m + n).normal(size=(classes, 4))
            shown = where @ directions + 0.3 * rng.normal(size=(clips, 3, 4))
            features.setdefault(modality, {})[name] = (change or {}).get(name, lambda x: x)(shown)
            active[modality] = where
    return Dataset.from_arrays(features, present.astype(float), truth=active if truth else None)


def chosen(name, train, val):
    return select(train, val, by=name, recipe="paper", device="cpu", progress=False, seeds=(0,), **QUICK)


def check(found, failing=()):
    """Each collocation has a finite score, or a failure that says why; it can be shown either way."""
    estimates = found.estimates[0]
    names = [str(collocation) for collocation in found.grid]
    assert {*estimates.failures} == {each for each in names if any(name in each for name in failing)}
    assert np.isfinite(estimates.scores[[each not in estimates.failures for each in names]]).all()
    assert str(found.best) not in estimates.failures
    assert sum(found.p_best.values()) == pytest.approx(1)
    for why in estimates.failures.values():
        assert any(name in why for name in failing)
    assert str(found.best) in found.text()
    assert len(found.to_frame()) == len(names)


@every
@pytest.mark.parametrize("truth", [True, False])
def test_fewer_clips_than_networks(name, truth):
    audio = [f"a{n}" for n in range(6)]
    check(chosen(name, data(4, 0, audio), data(3, 1, audio, truth=truth)))


@every
def test_one_clip(name):
    with pytest.raises(SeehearError, match="one clip is too few"):
        chosen(name, data(1, 0), None)
    if name in OF_LABELS:
        with pytest.raises(SeehearError, match="the labels say nothing"):
            chosen(name, data(1, 0), data(1, 1))
    elif name in ("teachers", "explained"):
        with pytest.raises(SeehearError, match="2 folds of 1 clips: folds must be 2 or more, and no more than there"):
            chosen(name, data(1, 0), data(1, 1))
    else:
        check(chosen(name, data(1, 0), data(1, 1)))


@every
@pytest.mark.parametrize("visual", [(), ("v1",)], ids=["alone", "one each"])
def test_one_network_only(name, visual):
    found = chosen(name, data(16, 0, ["a1"], visual), data(8, 1, ["a1"], visual))
    check(found)
    assert any("there is nothing to select" in note for note in found.notes)


@every
def test_features_of_wildly_different_size(name):
    size = {"a1": lambda x: 1e-3 * x, "a2": lambda x: 1e3 * x, "v1": lambda x: 1e6 * x}
    found, plain = (chosen(name, data(24, 0, change=each), data(12, 1, change=each)) for each in (size, None))
    check(found)
    np.testing.assert_allclose(found.estimates[0].scores, plain.estimates[0].scores, rtol=1e-3, atol=2)
    assert any("a1" in note and "scale=true" in note for note in found.notes)


@every
def test_one_clip_of_a_network_is_not_finite(name):
    def spoilt(x):
        x[2, 1, 0] = np.nan
        return x

    found = chosen(name, data(16, 0, change={"a2": spoilt}), data(8, 1))
    check(found)
    assert found.missing == ("2",)
    assert any("features of a2 that are not finite" in note for note in found.notes)


@every
def test_all_clips_of_a_network_are_not_finite(name):
    nothing = {"a2": lambda x: np.full_like(x, np.nan)}
    with pytest.raises(SeehearError, match=r"train: no clip has features of every .*16 clips have features of a2 that"):
        chosen(name, data(16, 0, change=nothing), data(8, 1))


@every
@pytest.mark.parametrize("in_val", [True, False])
def test_a_class_that_occurs_in_no_clip(name, in_val):
    train, val = data(16, 0, classes=3), data(8, 1, classes=3)
    for each in (train, val) if not in_val else (train,):
        each.labels[:, 2] = 0
        for of_modality in each.truth.values():
            of_modality[:, :, 2] = False
    check(chosen(name, train, val))


@every
def test_no_class_occurs(name):
    train = data(16, 0, classes=1)
    train.labels[:] = 0
    if name in OF_LABELS | {"explained"}:
        with pytest.raises(SeehearError, match=r"every class occurs in all clips or in none|no clip has a label"):
            chosen(name, train, data(8, 1, classes=1))
    else:
        check(chosen(name, train, data(8, 1, classes=1)))


@every
@pytest.mark.parametrize("value", [0.0, 0.3])
def test_features_of_one_network_are_constant(name, value):
    constant = {"a2": lambda x: np.full_like(x, value)}
    found = chosen(name, data(24, 0, change=constant), data(12, 1, change=constant))
    check(found, failing={"a2"} if name in COMPARING else ())
    if name not in ("static", "chance"):
        assert str(found.best) == "a1 × v1"
    if name in COMPARING:
        assert "features of a2 are the same for all clips" in str(found.estimates[0].failures)


@every
def test_features_of_all_networks_are_constant(name):
    constant = dict.fromkeys(["a1", "a2", "v1"], np.ones_like)
    train, val = data(16, 0, change=constant), data(8, 1, change=constant)
    if name in COMPARING:
        with pytest.raises(SeehearError, match="failed for every collocation: features of a1 are the same"):
            chosen(name, train, val)
    else:
        check(chosen(name, train, val))
