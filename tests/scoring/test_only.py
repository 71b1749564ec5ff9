"""F1 of what is active in exactly one modality, against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring import oracle
from seehear.scoring.only import only_scores
from seehear.scoring.scores import score
from seehear.scoring.signature import Signature


def alone(active, name, n):
    """(T, C) of one clip: what is active in this modality and in no other, cell by cell."""
    segments, classes = active[name].shape[1:]
    others = [other for other in active if other != name]
    return np.array(
        [
            [active[name][n, t, c] and not any(active[other][n, t, c] for other in others) for c in range(classes)]
            for t in range(segments)
        ]
    )


@pytest.mark.parametrize("modalities", [("audio", "visual"), ("audio", "visual", "touch")])
@given(data=st.data(), iou=st.sampled_from([0.3, 0.5, 1.0]))
@settings(deadline=None, max_examples=60)
def test_scores_are_the_loops(modalities, data, iou):
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 6), st.just(3)))
    predicted, true = ({name: data.draw(arrays(bool, shape)) for name in modalities} for _ in range(2))
    found = only_scores(predicted, true, iou)
    assert list(found) == [(level, f"{name}_only") for level in ("segment", "event") for name in modalities]
    for (level, name), values in found.items():
        of = name.removesuffix("_only")
        for n, value in enumerate(values):
            pair = (alone(predicted, of, n), alone(true, of, n))
            assert value == pytest.approx(oracle.clip_score([pair], level, iou), abs=1e-12)


def test_they_stand_beside_the_official_scores():
    """What is both heard and seen is in neither; the official scores and the average are without them."""
    heard, seen = np.array([[[1], [1], [0]]], bool), np.array([[[0], [1], [1]]], bool)
    true = {"audio": heard, "visual": seen}
    scores = score({"audio": heard, "visual": heard}, true, ("Cat",), Signature("given", "test@0", 1))
    assert {key: values.tolist() for key, values in scores.only.items()} == {
        ("segment", "audio_only"): [0.0],  # the true first segment is predicted as both
        ("segment", "visual_only"): [0.0],
        ("event", "audio_only"): [0.0],
        ("event", "visual_only"): [0.0],
    }
    assert len(scores.per_clip) == 10
    assert not set(scores.only) & set(scores.per_clip)
    assert scores.average == pytest.approx(100 * np.mean([values.mean() for values in scores.per_clip.values()]))


def test_one_modality_has_none():
    one = {"audio": np.ones((1, 2, 1), bool)}
    assert score(one, one, ("Cat",), Signature("given", "test@0", 1)).only == {}
