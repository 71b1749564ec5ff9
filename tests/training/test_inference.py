"""Clips longer than those of training are seen in windows."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seehear.features.packed import Packed
from seehear.fusion.model import ParsingModel
from seehear.training.bags import Bags
from seehear.training.inference import predict
from seehear.windows import cut, window_length


@given(st.integers(1, 200), st.integers(1, 12))
def test_windows_cover_the_clip_and_overlap(length, window):
    cuts = cut(length, window)
    assert {t for start, stop in cuts for t in range(start, stop)} == set(range(length))
    assert all(stop - start == min(window, length) for start, stop in cuts)
    assert cuts == sorted(set(cuts))
    if window > 1:
        assert all(later < earlier_stop for (_, earlier_stop), (later, _) in pairwise(cuts))


def bags(lengths, width=3):
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Bags({"audio": [Packed(rng.normal(size=(sum(lengths), width)).astype(np.float32), offsets, "")]})


def model():
    torch.manual_seed(0)
    return ParsingModel({"audio": [3]}, 2, width=8, feed_forward=8).eval()


def test_probabilities_are_the_loop_over_windows():
    found, some = predict(model(), bags([7, 2]), window=4), bags([7, 2])
    for n, length in enumerate([7, 2]):
        segment, clip, weight = np.zeros((length, 1, 2)), np.zeros((length, 2)), np.zeros(length)
        for start, stop in cut(length, 4):
            first = some.offsets[n] + start
            with torch.no_grad():
                output = model()(some.windows(np.array([first]), np.array([stop - start])).features)
            for t in range(start, stop):
                near = min(t - start, stop - 1 - t) + 1
                segment[t] += near * output.segment[0, t - start].numpy()
                clip[t] += near * output.clip[0].numpy()
                weight[t] += near
        np.testing.assert_allclose(found.segment[n, :length], segment / weight[:, None, None], atol=1e-6)
        np.testing.assert_allclose(found.clip[n, :length], clip / weight[:, None], atol=1e-6)
    assert not found.segment[1, 2:].any()


def test_a_clip_of_training_length_is_one_window():
    some = bags([4])
    with torch.no_grad():
        output = model()(some.batch(np.array([0])).features)
    found = predict(model(), some, window=4)
    np.testing.assert_allclose(found.segment, output.segment.numpy(), atol=1e-6)
    np.testing.assert_allclose(found.clip, np.repeat(output.clip.numpy()[:, None], 4, axis=1), atol=1e-6)


@pytest.mark.parametrize(("lengths", "window"), [([10] * 20, 10), ([10] * 19 + [500], 10), ([4, 5, 6], 6), ([3], 3)])
def test_one_long_clip_does_not_set_the_window(lengths, window):
    assert window_length(np.array(lengths)) == window
