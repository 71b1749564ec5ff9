"""Confusions against plain loops over segments, against pairings drawn by chance, and in known cases."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import seehear.scoring.confusion as module
from seehear.scoring.confusion import ELSEWHERE, Confusion, confusion, elsewhere, state_names, states

MODALITIES = ("audio", "visual", "smell")
CLASSES = ("Cat", "Dog", "Bird", "Car")
shapes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4))
pairs = shapes.flatmap(lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape)))


@st.composite
def systems(draw):
    """Predictions and truth of one to three modalities."""
    shape, modalities = draw(shapes), MODALITIES[: draw(st.integers(1, 3))]
    return tuple({name: draw(arrays(bool, shape)) for name in modalities} for _ in range(2))


def one(*rows):
    """(1, T, C): a text a segment, `x` where a class is active."""
    return np.array([[[sign == "x" for sign in row] for row in rows]])


@given(pairs)
@settings(deadline=None)
def test_confusion_is_the_loop(given_pair):
    predicted, true = given_pair
    n_classes = true.shape[2]
    expected = np.zeros((n_classes + 1, n_classes + 1))
    for n, t in np.ndindex(true.shape[:2]):
        there, found = ({c for c in range(n_classes) if a[n, t, c]} for a in (true, predicted))
        false_negatives, false_positives = there - found, found - there
        for c in there & found:
            expected[c, c] += 1
        for c, d in itertools.product(false_negatives, false_positives):
            expected[c, d] += 1 / max(len(false_negatives), len(false_positives))
        for c in false_negatives:
            expected[c, -1] += max(0, len(false_negatives) - len(false_positives)) / len(false_negatives)
        for d in false_positives:
            expected[-1, d] += max(0, len(false_positives) - len(false_negatives)) / len(false_positives)
    assert confusion(predicted, true) == pytest.approx(expected)


@given(pairs)
@settings(deadline=None)
def test_rows_are_what_is_there_and_columns_what_was_found(given_pair):
    predicted, true = given_pair
    table = confusion(predicted, true)
    assert table.sum(axis=1)[:-1] == pytest.approx(true.sum(axis=(0, 1)))
    assert table.sum(axis=0)[:-1] == pytest.approx(predicted.sum(axis=(0, 1)))
    assert confusion(true, predicted) == pytest.approx(table.T)
    # Substitutions, deletions and insertions as Mesaros et al. count them in a segment.
    false_negatives, false_positives = (true & ~predicted).sum(axis=2), (predicted & ~true).sum(axis=2)
    found = Confusion(CLASSES[: true.shape[2]], table)
    assert found.true == pytest.approx(true.sum())
    assert found.substituted == pytest.approx(np.minimum(false_negatives, false_positives).sum())
    assert found.false_negatives == pytest.approx(np.maximum(0, false_negatives - false_positives).sum())
    assert found.false_positives == pytest.approx(np.maximum(0, false_positives - false_negatives).sum())
    if true.any():
        assert found.error_rate == pytest.approx(np.maximum(false_negatives, false_positives).sum() / true.sum())
    json.dumps(found.as_json(), allow_nan=False)


@pytest.mark.parametrize(("false_negatives", "false_positives"), [(2, 3), (3, 2), (1, 3), (3, 1), (2, 2)])
def test_a_share_is_the_mean_over_all_ways_to_pair(false_negatives, false_positives):
    n_classes = false_negatives + false_positives
    true, predicted = np.arange(n_classes) < false_negatives, np.arange(n_classes) >= false_negatives
    few, many = sorted([range(false_negatives), range(false_negatives, n_classes)], key=len)
    ways = [list(zip(few, chosen, strict=True)) for chosen in itertools.permutations(many, len(few))]
    expected = np.zeros((n_classes, n_classes))
    for way in ways:
        for c, d in way:
            expected[min(c, d), max(c, d)] += 1 / len(ways)
    assert confusion(predicted[None, None], true[None, None])[:-1, :-1] == pytest.approx(expected)


def test_known_confusions():
    """A dog for a cat; a cat for nothing; a bird for no reason; a cat beside a true dog."""
    true = one("x..", "x..", "...", ".x.")
    predicted = one(".x.", "...", "..x", "xx.")
    found = Confusion(("Cat", "Dog", "Bird"), confusion(predicted, true))
    assert found.table.tolist() == [[0, 1, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0]]
    assert found.as_json() == {
        "true": 3.0,
        "substituted": 1.0,
        "false_negatives": 1.0,
        "false_positives": 2.0,
        "error_rate": pytest.approx(4 / 3),
        "rows": {"Cat": {"Dog": 1.0, "": 1.0}, "Dog": {"Dog": 1.0}, "": {"Cat": 1.0, "Bird": 1.0}},
    }


def test_where_nothing_is_there_no_rate_is_known():
    assert Confusion(("Cat",), confusion(one("x"), one("."))).as_json()["error_rate"] is None


@given(systems())
@settings(deadline=None)
def test_states_are_the_loop(given_systems):
    predicted, true = given_systems
    shape = true["audio"].shape
    expected = np.zeros((shape[2], 2 ** len(true), 2 ** len(true)))
    names = state_names(tuple(true))
    for n, t, c in np.ndindex(shape):
        there, found = ("+".join(name for name in true if a[name][n, t, c]) for a in (true, predicted))
        if there or found:
            expected[c, names.index(there), names.index(found)] += 1
    assert states(dict(reversed(predicted.items())), true).tolist() == expected.tolist()


@given(systems())
@settings(deadline=None)
def test_elsewhere_is_the_loop(given_systems):
    predicted, true = given_systems
    shape = true["audio"].shape
    expected = {name: np.zeros((shape[2], len(ELSEWHERE))) for name in true}
    for name in true:
        for n, t, c in np.ndindex(shape):
            if predicted[name][n, t, c] and not true[name][n, t, c]:
                others = [other for other in true if other != name]
                if any(true[other][n, t, c] for other in others):
                    why = "other_modality"
                elif true[name][n, :, c].any():
                    why = "other_time"
                elif any(true[other][n, :, c].any() for other in others):
                    why = "other_modality_and_time"
                else:
                    why = "nowhere"
                expected[name][c, ELSEWHERE.index(why)] += 1
    found = elsewhere(predicted, true)
    assert {name: counts.tolist() for name, counts in found.items()} == {
        name: counts.tolist() for name, counts in expected.items()
    }


def test_said_to_be_heard_where_it_is_only_seen():
    true = {"audio": one("..", "..", "x.", ".."), "visual": one("x.", "..", "..", "..")}
    predicted = {"audio": one("x.", "x.", ".x", ".."), "visual": one("..", "..", "..", "..")}
    assert elsewhere(predicted, true)["audio"].tolist() == [[1, 1, 0, 0], [0, 0, 0, 1]]
    assert elsewhere(true, predicted)["visual"].tolist() == [[1, 0, 0, 0], [0, 0, 0, 0]]
    assert elsewhere(true, predicted)["audio"].tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]


def test_some_clips_at_a_time_come_to_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    predicted, true = ({name: rng.random((7, 4, 4)) < 0.4 for name in MODALITIES} for _ in range(2))

    def everything():
        counts = elsewhere(predicted, true)
        tables = [confusion(predicted["audio"], true["audio"]), states(predicted, true), *counts.values()]
        return np.concatenate([table.ravel() for table in tables])

    whole = everything()
    monkeypatch.setattr(module, "MAX_CELLS", 40)  # two clips
    assert everything() == pytest.approx(whole)
