"""Thresholds by a stated false-alarm rate, against a count of the false alarms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.decoding import Decoding, Probabilities
from seehear.scoring.negatives import decoding_from_negatives

CLASSES, MODALITIES = ("Cat", "Dog"), ("audio", "visual")


def made(seed, clips=30, segments=6):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, segments + 1, size=clips)
    segment = rng.random((clips, segments, 2, 2)).astype(np.float32)
    segment[np.arange(segments) >= lengths[:, None]] = 0
    labels = rng.random((clips, 2)) < 0.4
    labels[:2] = [[True, True], [False, False]]
    return Probabilities(segment, segment[:, :, 0], segment), labels, lengths


@given(st.integers(0, 99), st.sampled_from([0.02, 0.1, 0.5]))
def test_the_stated_share_of_certain_negatives_is_active(seed, false_alarms):
    p, labels, lengths = made(seed)
    decode = decoding_from_negatives(p, labels, lengths, MODALITIES, CLASSES, false_alarms)
    active = decode(p, CLASSES, MODALITIES)
    for name in MODALITIES:
        for c in range(2):
            alarms = [active[name][n, t, c] for n in range(30) if not labels[n, c] for t in range(lengths[n])]
            assert sum(alarms) == pytest.approx(false_alarms * len(alarms), abs=1)


def test_a_segment_at_the_quantile_is_not_active():
    """Where a share of the probabilities is the same number, none of them passes."""
    segment = np.full((2, 4, 1, 1), 0.3, np.float32)
    p = Probabilities(segment, segment[:, :, 0], segment)
    decode = decoding_from_negatives(p, np.zeros((2, 1), bool), np.array([4, 4]), ("audio",), ("Cat",), 0.1)
    assert not decode(p, ("Cat",), ("audio",))["audio"].any()
    read = Decoding.from_json(decode.as_json())
    assert not read(p, ("Cat",), ("audio",))["audio"].any()


def test_without_negatives_the_threshold_is_one_half():
    p, labels, lengths = made(0)
    labels[:, 1] = True
    decode = decoding_from_negatives(p, labels, lengths, MODALITIES, CLASSES, 0.1)
    assert decode.filter == "none"
    for name in MODALITIES:
        assert decode.segment_threshold.values[name]["Dog"] == 0.5
        assert decode.segment_threshold.values[name]["Cat"] == pytest.approx(0.9, abs=0.1)


def test_certain_negatives_give_a_threshold_that_is_a_probability():
    segment = np.ones((2, 4, 1, 1), np.float32)
    p = Probabilities(segment, segment[:, :, 0], segment)
    decode = decoding_from_negatives(p, np.zeros((2, 1), bool), np.array([4, 4]), ("audio",), ("Cat",), 0.1)
    assert decode.segment_threshold.values["audio"]["Cat"] == 1.0
