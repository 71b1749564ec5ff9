"""Classes that are never found, against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seehear.scoring.never_found import never_found
from seehear.scoring.scores import score
from seehear.scoring.signature import Signature

CLASSES = ("Cat", "Dog", "Bird", "Fish")
MODALITIES = ("audio", "visual")


@given(data=st.data(), runs=st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_never_found_is_the_loop(data, runs):
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3), st.just(4)))
    true = {name: data.draw(arrays(bool, shape)) for name in MODALITIES}
    each = [{name: data.draw(arrays(bool, shape)) for name in MODALITIES} for _ in range(runs)]
    rows = [score(one, true, CLASSES, Signature("given", "test@0", shape[0])).classes for one in each]
    for name in MODALITIES:
        expected = {}
        for c, label in enumerate(CLASSES):
            cells = [(n, t) for n in range(shape[0]) for t in range(shape[1]) if true[name][n, t, c]]
            if cells and not any(one[name][n, t, c] for one in each for n, t in cells):
                expected[label] = len(cells)
        found = never_found(rows, name)
        assert found == expected
        assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.parametrize(("second", "missed"), [([0, 0, 0], {"Cat": 2}), ([0, 1, 0], {})])
def test_one_seed_that_finds_it_is_enough(second, missed):
    true = {"audio": np.array([[[1], [1], [0]]], bool)}
    runs = [{"audio": np.array([[[0], [0], [1]]], bool)}, {"audio": np.array(second, bool)[None, :, None]}]
    rows = [score(run, true, ("Cat",), Signature("given", "test@0", 1)).classes for run in runs]
    assert never_found(rows, "audio") == missed
