"""Which clips are best and worst, in known cases and against loops."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seehear.scoring.clips import ClassError, ClipRow, ErrorCounts, best_and_worst, best_first, clip_rows

CLASSES = ("Cat", "Dog", "Bird")
MODALITIES = ("audio", "visual")


def row(clip, average, true):
    return ClipRow(clip, average, {}, true, None, None)


@given(data=st.data(), clips=st.integers(1, 4))
@settings(deadline=None, max_examples=50)
def test_rows_are_the_loop(data, clips):
    counts = arrays(np.int64, (clips, 3), elements=st.integers(0, 4))
    true, missed, invented = ({name: data.draw(counts) for name in MODALITIES} for _ in range(3))
    keys = [(level, name) for level in ("segment", "event") for name in ("audio", "visual")]
    per_clip = {key: data.draw(arrays(float, clips, elements=st.floats(0, 100))) for key in keys}
    rows = clip_rows([f"clip{n}" for n in range(clips)], per_clip, ErrorCounts(true, missed, invented), CLASSES)
    for n, found in enumerate(rows):
        assert found.clip == f"clip{n}"
        assert found.average == pytest.approx(sum(per_clip[key][n] for key in keys) / 4)
        assert found.scores == {
            level: {name: per_clip[level, name][n] for name in MODALITIES} for level in ("segment", "event")
        }
        assert found.support == sum(true[name][n].sum() for name in MODALITIES)
        for most, wrong in ((found.false_negatives, missed), (found.false_positives, invented)):
            best = None
            for name in MODALITIES:
                for c, label in enumerate(CLASSES):
                    if wrong[name][n, c] > (best.segments if best else 0):
                        best = ClassError(label, name, wrong[name][n, c], true[name][n, c])
            assert most == best
        json.dumps(found.as_json())


def test_equals_go_by_what_there_is_to_find_then_by_name():
    rows = [row("b", 50.0, 3), row("c", 100.0, 1), row("a", 50.0 + 1e-12, 3), row("d", 50.0, 9), row("e", 0.0, 2)]
    assert [found.clip for found in best_first(rows)] == ["c", "d", "a", "b", "e"]


def test_clips_in_which_nothing_happens_are_not_best_first():
    rows = [row("still", 100.0, 0), row("a", 80.0, 2), row("slip", 0.0, 0), row("b", 20.0, 2)]
    assert [found.clip for found in best_first(rows)] == ["a", "b"]
    assert best_and_worst(rows[::2], 3) == ([], [])


@given(st.lists(st.tuples(st.sampled_from([0.0, 50.0, 100.0]), st.integers(0, 2)), max_size=9), st.integers(0, 5))
def test_best_and_worst(clips, most):
    rows = [row(f"clip{n}", average, true) for n, (average, true) in enumerate(clips)]
    best, worst = best_and_worst(rows, most)
    order = best_first(rows)
    assert best == order[: len(best)]
    assert {found.clip for found in worst} <= {found.clip for found in order} - {found.clip for found in best}
    assert len(best) == min(most, (len(order) + 1) // 2)
    assert len(worst) == min(most, len(order) // 2)
    averages = [found.average for found in worst]
    assert averages == sorted(found.average for found in order)[: len(worst)]


def test_the_worst_with_most_to_find_comes_first():
    rows = [row("a", 0.0, 1), row("b", 0.0, 5), row("c", 100.0, 5), row("d", 100.0, 1)]
    best, worst = best_and_worst(rows, 2)
    assert [found.clip for found in best] == ["c", "d"]
    assert [found.clip for found in worst] == ["b", "a"]
