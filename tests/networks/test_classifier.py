"""The classifier of a network: logits and probabilities of features."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.networks import Classifier, Vocabulary
from seehear.networks.spec import Dense

WEIGHT = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 100.0]], np.float32)  # (width, K)
BIAS = np.array([0.5, 0.0, -1.0], np.float32)
NAMES, IDS = ("a", "b", "a"), ("x", "y", "z")  # ids tell classes of one name apart
FEATURES = np.array([[[0.3, -0.2], [1.0, 5.0]], [[-2.0, -9.0], [0.0, 0.0]]], np.float32)  # (2, 2, width)


def logits_of(feature):
    return [sum(feature[d] * WEIGHT[d, k] for d in range(2)) + BIAS[k] for k in range(3)]


@pytest.mark.parametrize("vocabulary", Vocabulary)
def test_probabilities_of_each_vocabulary(vocabulary):
    found = Classifier(WEIGHT, BIAS, NAMES, vocabulary, IDS).probabilities(FEATURES)
    assert found.shape == (2, 2, 3)
    assert found.dtype == np.float32
    for place in np.ndindex(2, 2):
        scores = [min(700.0, max(-700.0, float(score))) for score in logits_of(FEATURES[place])]
        if vocabulary is Vocabulary.AUDIOSET:
            expected = [1 / (1 + math.exp(-score)) for score in scores]
        else:
            expected = [math.exp(score - max(scores)) for score in scores]
            expected = [value / sum(expected) for value in expected]
        np.testing.assert_allclose(found[place], expected, atol=1e-6)


def test_classes_of_no_vocabulary_have_logits_but_no_probabilities():
    classifier = Classifier(WEIGHT, BIAS, NAMES)
    np.testing.assert_allclose(classifier(FEATURES[0, 0]), logits_of(FEATURES[0, 0]), rtol=1e-5)
    with pytest.raises(SeehearError, match="the classes a, b, a are from no known vocabulary"):
        classifier.probabilities(FEATURES)


@pytest.mark.parametrize(
    ("names", "vocabulary", "ids"),
    [
        (NAMES, Vocabulary.AUDIOSET, IDS[:2]),
        (NAMES, None, IDS),
        (NAMES[:2], None, ()),
        (NAMES, Vocabulary.AUDIOSET, ()),
    ],
)
def test_names_and_ids_must_be_those_of_the_classes(names, vocabulary, ids):
    with pytest.raises(SeehearError, match="a classifier of 3 classes has"):
        Classifier(WEIGHT, BIAS, names, vocabulary, ids)


def test_a_hidden_layer_passes_a_hard_swish():
    rng = np.random.default_rng(0)
    hidden = Dense(rng.normal(size=(4, 2)).astype(np.float32), np.array([0.2, -0.1], np.float32))
    classifier = Classifier(WEIGHT, BIAS, NAMES, hidden=hidden)
    assert (classifier.is_affine, classifier.width) == (False, 4)
    assert (Classifier(WEIGHT, BIAS, NAMES).is_affine, Classifier(WEIGHT, BIAS, NAMES).width) == (True, 2)
    features = (4 * rng.normal(size=(3, 4))).astype(np.float32)
    for feature, logits in zip(features, classifier(features), strict=True):
        units = [sum(feature[i] * hidden.weight[i, d] for i in range(4)) + hidden.bias[d] for d in range(2)]
        swished = [unit * min(1, max(0, unit / 6 + 0.5)) for unit in units]
        np.testing.assert_allclose(logits, logits_of(swished), rtol=1e-4, atol=1e-4)
