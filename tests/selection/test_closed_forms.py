"""Each closed-form estimator against its definition, and all of them on features whose order is known."""

import importlib
import pkgutil

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from seehear.errors import SeehearError
from seehear.selection import estimators
from seehear.selection.collocation import Collocation, Grid
from seehear.selection.estimators import CLOSED_FORM, logme, ridge
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import Evidence
from selection import oracle

pytestmark = pytest.mark.filterwarnings("error")

WIDTHS = {"a": 3, "b": 12, "v": 5, "w": 2, "t": 4}
SINGLE = Collocation.of({"audio": ["a"]})
PAIR = Collocation.of({"audio": ["a"], "visual": ["v"]})
SHAPES = {
    "1": SINGLE,
    "2": PAIR,
    "3": Collocation.of({"audio": ["a"], "visual": ["v"], "touch": ["t"]}),
    "1 of two": Collocation.of({"audio": ["a", "b"]}),
    "2 of two": Collocation.of({"audio": ["a", "b"], "visual": ["v", "w"]}),
}
shapes = pytest.mark.parametrize("collocation", SHAPES.values(), ids=SHAPES)

BLIND = {"chance"}  # looks at no feature
BY_POSITION = {"ridge", "unimodal"}  # a clip's place decides its fold
AT_MOST_1 = {"ridge", "chance"}
every = pytest.mark.parametrize("name", CLOSED_FORM)
looking = pytest.mark.parametrize("name", [name for name in CLOSED_FORM if name not in BLIND])


def some(clips=30, classes=3, seed=0, widths=WIDTHS):
    """Features that show some of each class's labels, and labels with a clip that has none and one that has all."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((clips, classes)) < 0.4).astype(float)
    labels[0], labels[1] = 0, 1
    return {name: shown(labels, width, 2.0, rng) for name, width in widths.items()}, labels


def shown(labels, width, noise, rng):
    return labels @ rng.normal(size=(labels.shape[1], width)) + noise * rng.normal(size=(len(labels), width))


def score(name, features, labels, collocation=PAIR):
    return CLOSED_FORM[name].score(Evidence.of(features, labels), collocation)


def options(collocation):
    return [option for _, option in collocation.options]


# What holds of all


def test_registry_has_every_closed_form_of_every_file():
    names = [module.name for module in pkgutil.iter_modules(estimators.__path__)]
    files = [importlib.import_module(f"{estimators.__name__}.{name}") for name in names]
    there = [estimator for file in files for estimator in getattr(file, "ESTIMATORS", ())]
    closed = [estimator for estimator in there if isinstance(estimator, ClosedForm)]
    assert {estimator.name: estimator for estimator in closed} == CLOSED_FORM
    assert len(closed) == len(CLOSED_FORM)  # no two of one name


@every
@shapes
def test_any_number_of_modalities_and_networks(name, collocation):
    evidence = Evidence.of(*some())
    value = CLOSED_FORM[name].score(evidence, collocation)
    assert isinstance(value, float)
    assert np.isfinite(value)


@every
def test_score_does_not_depend_on_what_was_scored_before(name):
    features, labels = some()
    shared = Evidence.of(features, labels)
    for collocation in Grid.over({"audio": ["a", "b"], "visual": ["v", "w"]}, together=2):
        for estimator in CLOSED_FORM.values():
            estimator.score(shared, collocation)
        assert CLOSED_FORM[name].score(shared, collocation) == score(name, features, labels, collocation)


@looking
def test_scale_place_and_rotation_of_features_do_not_matter(name):
    features, labels = some()
    rng = np.random.default_rng(1)
    turned = {}
    for network, x in features.items():
        turn = np.linalg.qr(rng.normal(size=(x.shape[1],) * 2))[0]
        turned[network] = 10 ** rng.uniform(-6, 6) * (x @ turn + 5 * rng.normal(size=x.shape[1]))
    assert score(name, turned, labels) == pytest.approx(score(name, features, labels), rel=1e-6)


@pytest.mark.parametrize("name", [name for name in CLOSED_FORM if name != "chance"])
def test_order_of_modalities_and_networks_does_not_matter(name):
    features, labels = some()
    one = Collocation.of({"audio": ["a", "b"], "visual": ["v", "w"]})
    other = Collocation.of({"visual": ["w", "v"], "audio": ["b", "a"]})
    assert score(name, features, labels, other) == pytest.approx(score(name, features, labels, one), rel=1e-9)


@every
def test_features_that_are_always_0_do_not_matter(name):
    features, labels = some()
    wider = {network: np.pad(x, [(0, 0), (3, 7)]) for network, x in features.items()}
    assert score(name, wider, labels) == pytest.approx(score(name, features, labels), rel=1e-9)


@pytest.mark.parametrize("name", [name for name in CLOSED_FORM if name not in BY_POSITION])
def test_order_of_clips_does_not_matter(name):
    features, labels = some()
    order = np.random.default_rng(1).permutation(len(labels))
    moved = {network: x[order] for network, x in features.items()}
    assert score(name, moved, labels[order]) == pytest.approx(score(name, features, labels), rel=1e-9)


def test_order_of_clips_does_not_matter_to_ridge_where_folds_move_along():
    features, labels = some()
    order = np.random.default_rng(1).permutation(len(labels))
    moved = Evidence.of({network: x[order] for network, x in features.items()}, labels[order])
    fold = ridge.folds(len(labels))
    found = ridge.out_of_fold(Evidence.of(features, labels), PAIR, fold)
    np.testing.assert_allclose(
        ridge.out_of_fold(moved, PAIR, fold[order]).predictions, found.predictions[order], atol=1e-9
    )


@looking
def test_features_that_are_not_finite(name):
    features, labels = some()
    features["v"][3, 1] = np.nan
    with pytest.raises(SeehearError, match="features of v are not finite"):
        score(name, features, labels)


@looking
def test_features_that_are_the_same_for_all_clips(name):
    features, labels = some()
    features["a"] = np.full_like(features["a"], 0.3)
    with pytest.raises(SeehearError, match="features of a are the same"):
        score(name, features, labels)


@every
@pytest.mark.parametrize("clips", [12, 60])
def test_one_class(name, clips):
    features, labels = some(clips, classes=1, widths={"a": 40, "v": 30})
    assert np.isfinite(score(name, features, labels))


@every
def test_classes_that_tell_nothing_change_nothing(name):
    features, labels = some()
    more = np.insert(np.insert(labels, 1, 0, axis=1), 3, 1, axis=1)
    assert score(name, features, more) == pytest.approx(score(name, features, labels), rel=1e-12)


@every
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_score_is_a_number_or_an_error(name, data):
    """Few clips, clips with the same features, features that show labels exactly, or nothing of them."""
    clips, classes = data.draw(st.integers(2, 9)), data.draw(st.integers(1, 3))
    cells = st.lists(st.integers(0, 1), min_size=clips * classes, max_size=clips * classes)
    labels = np.array(data.draw(cells), dtype=float).reshape(clips, classes)
    assume(np.ptp(labels, axis=0).any())
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    features = {}
    for network in "av":
        kind, width = data.draw(st.sampled_from(["levels", "noise", "labels", "clips"])), data.draw(st.integers(1, 12))
        features[network] = {
            "levels": rng.integers(0, 2, (clips, width)).astype(float),
            "noise": rng.normal(size=(clips, width)),
            "labels": labels,
            "clips": np.eye(clips),
        }[kind]
    try:
        value = score(name, features, labels)
    except SeehearError:
        return
    assert np.isfinite(value)
    assert name not in AT_MOST_1 or value <= 1 + 1e-9


@looking
def test_operations_are_counted(name):
    evidence = Evidence.of(*some())
    for _, option in PAIR.options:
        evidence.of_option(option)
    evidence.spectrum(PAIR)
    before = evidence.flops
    CLOSED_FORM[name].score(evidence, PAIR)
    assert evidence.flops > before


# Worlds whose order is known


@pytest.mark.parametrize("name", [name for name in CLOSED_FORM if name not in BLIND])
def test_less_noise_is_better(name):
    rng = np.random.default_rng(0)
    labels = (rng.random((120, 4)) < 0.4).astype(float)
    features = {}
    for modality in "av":
        for n, noise in enumerate([0.2, 0.4, 0.8]):
            directions = np.linalg.qr(rng.normal(size=(12, 4)))[0].T  # of one length: no class is shown better
            features[f"{modality}{n}"] = labels @ directions + noise * rng.normal(size=(120, 12))
    grid = Grid.over({"audio": ["a0", "a1", "a2"], "visual": ["v0", "v1", "v2"]})
    evidence = Evidence.of(features, labels)
    scores = np.array([CLOSED_FORM[name].score(evidence, c) for c in grid]).reshape(grid.shape)
    assert np.all(np.diff(scores, axis=0) < 0)
    assert np.all(np.diff(scores, axis=1) < 0)


@looking
def test_many_noisy_features_do_not_win_by_their_number(name):
    rng = np.random.default_rng(0)
    labels = (rng.random((80, 4)) < 0.4).astype(float)
    features = {"a": shown(labels, 8, 0.5, rng), "wide": shown(labels, 300, 12.0, rng), "v": shown(labels, 8, 2.0, rng)}
    narrow, wide = (Collocation.of({"audio": [network], "visual": ["v"]}) for network in ("a", "wide"))
    assert score(name, features, labels, narrow) > score(name, features, labels, wide)


@pytest.mark.parametrize("name", ["logme", "ridge"])
def test_what_the_other_modality_lacks_is_worth_more_than_what_it_has(name):
    """Adding up modalities is what cannot see it."""
    rng = np.random.default_rng(0)
    labels = (rng.random((120, 4)) < 0.4).astype(float)
    first, second = labels[:, :2], labels[:, 2:]
    a = shown(first, 6, 0.3, rng)
    features = {"a": a, "same": 5 - a[:, ::-1], "other": shown(second, 6, 0.8, rng)}
    same, other = (Collocation.of({"audio": ["a"], "visual": [network]}) for network in ("same", "other"))
    assert score(name, features, labels, other) > score(name, features, labels, same)
    assert score("unimodal", features, labels, other) < score("unimodal", features, labels, same)


# LogME


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("clips", [6, 40])
def test_logme_is_the_evidence_of_the_paper(clips, classes):
    features, labels = some(clips, classes)
    expected = [oracle.log_evidence(oracle.joined(features, options(PAIR)), y) for y in labels.T]
    evidence = Evidence.of(features, labels)
    np.testing.assert_allclose(logme.log_evidence(evidence.spectrum(PAIR)), expected, atol=1e-5)
    assert score("logme", features, labels) == pytest.approx(np.mean(expected), abs=1e-5)


@settings(deadline=None, max_examples=25)
@given(st.integers(3, 12), st.integers(1, 15), st.integers(0, 10_000))
def test_no_prior_and_noise_make_labels_more_probable(clips, width, seed):
    """As a density of N - 1 contrasts, over a grid of both."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(clips) % 3 == 0).astype(float)[:, None]
    x = labels @ rng.normal(size=(1, width)) * rng.integers(0, 2) + rng.normal(size=(clips, width))
    evidence = Evidence.of({"a": x}, labels)
    contrasts = np.linalg.qr(np.concatenate([np.ones((clips, 1)), np.eye(clips)[:, 1:]], axis=1))[0][:, 1:].T
    kernel, y = contrasts @ evidence.kernel(SINGLE) @ contrasts.T, contrasts @ labels[:, 0]
    found = logme.log_evidence(evidence.spectrum(SINGLE))[0]
    tried = [
        multivariate_normal.logpdf(y, cov=noise * np.eye(clips - 1) + prior * kernel) / clips
        for noise in np.geomspace(1e-3, 1e1, 12)
        for prior in np.geomspace(1e-5, 1e2, 12)
    ]
    assert found >= max(tried) - 1e-9


def test_labels_that_features_show_exactly_have_finite_evidence():
    features, labels = some()
    exact = {"a": labels @ np.array([[1.0, 2, 0], [0, 1, 0], [1, 0, 3]]), "v": features["v"]}
    assert score("logme", features, labels) + 3 < score("logme", exact, labels) < 20


def test_labels_that_features_show_nothing_of_are_as_probable_as_without_features():
    x = np.array([1.0, -1, 1, -1, 1, -1, 1, -1])[:, None]
    labels = np.array([1.0, 1, 0, 0, 1, 1, 0, 0])[:, None]
    variance = 8 * 0.25 / 7
    expected = -7 / 16 * (np.log(2 * np.pi * variance) + 1)
    assert score("logme", {"a": x}, labels, SINGLE) == pytest.approx(expected, abs=1e-6)


# Ridge


@pytest.mark.parametrize("clips", [7, 40])
@pytest.mark.parametrize("shape", ["1", "2 of two", "3"])
def test_out_of_fold_is_fitting_anew(shape, clips):
    features, labels = some(clips)
    collocation = SHAPES[shape]
    x = oracle.joined(features, options(collocation))
    found = ridge.out_of_fold(Evidence.of(features, labels), collocation)
    fold = ridge.folds(clips)
    spread = np.sum((x - x.mean(axis=0)) ** 2) / clips  # the mean eigenvalue
    deviation = np.sum((labels - labels.mean(axis=0)) ** 2, axis=0)
    by_penalty = {}
    for penalty in ridge.PENALTIES * spread:
        predictions = oracle.refits(x, labels, fold, penalty)
        by_penalty[penalty] = 1 - np.sum((labels - predictions) ** 2, axis=0) / deviation
    best = max(by_penalty, key=lambda penalty: by_penalty[penalty].mean())
    assert found.penalty == pytest.approx(best)
    np.testing.assert_allclose(found.r2, by_penalty[best], atol=1e-8)
    np.testing.assert_allclose(found.predictions, oracle.refits(x, labels, fold, best), atol=1e-8)
    assert score("ridge", features, labels, collocation) == pytest.approx(found.r2.mean())


def test_a_class_in_one_fold_only_and_folds_of_any_size():
    features, labels = some(12)
    fold = np.array([0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 1, 1])
    labels[:, 0] = fold == 1
    found = ridge.out_of_fold(Evidence.of(features, labels), PAIR, fold=fold)
    x = oracle.joined(features, options(PAIR))
    np.testing.assert_allclose(found.predictions, oracle.refits(x, labels, fold, found.penalty), atol=1e-8)
    assert found.r2[0] < 0


@pytest.mark.parametrize("clips", [2, 4, 5, 23, 100])
def test_folds_are_even_and_fixed(clips):
    fold = ridge.folds(clips)
    sizes = np.bincount(fold)
    assert len(sizes) == min(clips, 5)
    assert np.ptp(sizes) <= 1
    np.testing.assert_array_equal(fold, ridge.folds(clips))
    assert clips <= 5 or np.any(fold[5:] != fold[:-5])  # shuffled


def test_unimodal_adds_up_modalities():
    features, labels = some()
    for collocation in SHAPES.values():
        alone = [score("ridge", features, labels, Collocation((one,))) for one in collocation.options]
        assert score("unimodal", features, labels, collocation) == pytest.approx(sum(alone), abs=1e-12)


def test_unimodal_judges_an_option_once():
    evidence = Evidence.of(*some())
    grid = Grid.over({"audio": ["a", "b"], "visual": ["v", "w"]})
    counts = []
    for collocation in grid:
        before = evidence.flops
        CLOSED_FORM["unimodal"].score(evidence, collocation)
        counts.append(evidence.flops > before)
    assert counts == [True, True, True, False]


# Controls


def test_chance_is_the_same_everywhere():
    features, labels = some()
    # The first 53 of the bits that `printf 'audio=a visual=v' | sha256sum` prints, as a fraction.
    assert score("chance", features, labels) == (0xF9EB8D84901B10D6 >> 11) / 2**53
    names = [Collocation.of({"audio": [str(n)]}) for n in range(400)]
    evidence = Evidence.of(features, labels)
    drawn = [CLOSED_FORM["chance"].score(evidence, name) for name in names]
    counts = np.histogram(drawn, bins=4, range=(0, 1))[0]
    assert counts.sum() == 400
    assert counts.min() > 70
