"""Thresholds that score best, against scores of every threshold in plain loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import oracle
from seehear.decoding import ByModality, Decoding, Probabilities
from seehear.scoring.scores import score
from seehear.scoring.signature import Signature
from seehear.scoring.tuning import CLIP_GRID, SEGMENT_GRID, tune

CLASSES = ("Cat", "Dog")


def made(seed, modalities=("audio", "visual"), clips=4, segments=5, bias=0.0):
    """Probabilities that know the truth to some degree, in steps of 0.05 so that they meet thresholds exactly."""
    rng = np.random.default_rng(seed)
    truth = {name: rng.random((clips, segments, 2)) < 0.35 for name in modalities}
    stacked = np.stack([truth[name] for name in modalities], axis=2)
    segment = np.clip(0.3 * stacked + 0.4 * rng.random(stacked.shape) + bias, 0, 1)
    clip = np.clip(0.3 * stacked.any(axis=(1, 2)) + 0.4 * rng.random((clips, 2)) + bias, 0, 1)
    clip = np.repeat(clip[:, None], segments, axis=1)
    p = Probabilities(*((np.round(array * 20) / 20).astype(np.float32) for array in (segment, clip, segment)))
    return p, truth


@given(st.integers(0, 9999), st.sampled_from([("audio", "visual"), ("audio",), ("audio", "visual", "smell")]))
@settings(deadline=None, max_examples=15)
def test_the_average_is_that_of_the_decoding_and_no_worse_than_the_official(seed, modalities):
    p, truth = made(seed, modalities, bias=0.2)
    tuned = tune(p, truth, modalities)
    found = score(tuned.decoding(p, CLASSES, modalities), truth, CLASSES, Signature("", "", 4))
    assert tuned.average == pytest.approx(found.average, abs=1e-9)
    _, average = oracle.scores(tuned.decoding(p, CLASSES, modalities), truth)
    assert tuned.average == pytest.approx(average, abs=1e-9)
    official = score(Decoding()(p, CLASSES, modalities), truth, CLASSES, Signature("", "", 4))
    assert tuned.average >= official.average - 1e-9


def every(p, truth, modality, held):
    """Average -> thresholds of one modality, those of the others held: each pair on the grid, in plain loops."""
    found = {}
    for clip, segment in itertools.product(CLIP_GRID, SEGMENT_GRID):
        at = {**held, modality: (clip, segment)}
        decode = Decoding(
            "global",
            ByModality({name: pair[1] for name, pair in at.items()}),
            ByModality({name: pair[0] for name, pair in at.items()}),
        )
        _, average = oracle.scores(decode(p, CLASSES, tuple(truth)), truth)
        found[clip, segment] = average
    return found


@pytest.mark.parametrize("seed", range(3))
def test_no_single_threshold_does_better(seed):
    """What is found can't be improved by changing one threshold."""
    p, truth = made(seed, bias=0.2)
    tuned = tune(p, truth, ("audio", "visual"))
    segment, clip = tuned.decoding.segment_threshold.values, tuned.decoding.clip_threshold.values
    held = {name: (clip[name], segment[name]) for name in truth}
    for name in truth:
        for (c, s), average in every(p, truth, name, held).items():
            if c == held[name][0] or s == held[name][1]:
                assert average <= tuned.average + 1e-9


def test_official_thresholds_stay_where_they_are_the_best():
    truth = {"audio": np.array([[[True], [False]]])}
    p = Probabilities(
        *(np.array(values, np.float32) for values in ([[[[0.5]], [[0.49]]]], [[[0.5], [0.5]]], [[[[0.5]], [[0.49]]]]))
    )
    tuned = tune(p, truth, ("audio",))
    assert tuned.average == 100
    assert tuned.decoding == Decoding("global", ByModality({"audio": 0.5}), ByModality({"audio": 0.5}))


def test_truth_may_be_longer_than_the_probabilities():
    p, truth = made(0)
    longer = {name: np.pad(array, ((0, 0), (0, 3), (0, 0))) for name, array in truth.items()}
    assert tune(p, longer, ("audio", "visual")) == tune(p, truth, ("audio", "visual"))


def test_thresholds_of_the_modalities_differ_where_their_probabilities_do():
    p, truth = made(3, clips=30)
    p.segment[:, :, 1] = np.round(p.segment[:, :, 1] * 8) / 20  # the pictures are unsure of everything
    segment = tune(p, truth, ("audio", "visual")).decoding.segment_threshold.values
    assert segment["visual"] < segment["audio"]
