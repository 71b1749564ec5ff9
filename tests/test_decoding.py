"""Decoding protocols against a loop over every cell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.decoding import Decoding, Probabilities
from seehear.errors import SeehearError

CLASSES, MODALITIES = ("Cat", "Dog"), ("audio", "visual")


def probabilities(seed):
    rng = np.random.default_rng(seed)
    # Steps of 0.1, so that probabilities meet thresholds exactly.
    segment, clip, by_modality = (
        (rng.integers(0, 11, size) / 10).astype(np.float32) for size in ((3, 4, 2, 2), (3, 4, 2), (3, 4, 2, 2))
    )
    return Probabilities(segment, clip, by_modality)


@given(st.integers(0, 99), st.sampled_from(["global", "per-modality", "none"]), st.booleans())
def test_decoding_is_the_loop(seed, filter, by_class):
    p = probabilities(seed)
    at = {"Cat": 0.3, "Dog": 0.7} if by_class else {"Cat": 0.5, "Dog": 0.5}
    found = Decoding(filter, at if by_class else 0.5, 0.6)(p, CLASSES, MODALITIES)
    for n in range(3):
        for t in range(4):
            for m, modality in enumerate(MODALITIES):
                for c, label in enumerate(CLASSES):
                    keep = {"global": p.clip[n, t, c], "per-modality": p.modality_clip[n, t, m, c], "none": 1.0}[filter]
                    expected = keep >= np.float32(0.6) and p.segment[n, t, m, c] >= np.float32(at[label])
                    assert found[modality][n, t, c] == expected


def test_protocols_are_named():
    assert str(Decoding()) == "global,clip0.5,seg0.5"
    assert str(Decoding("none", 0.4)) == "none,seg0.4"
    one, other = (str(Decoding("none", {"Dog": value})) for value in (0.3, 0.4))
    assert "per-class@" in one
    assert one != other


def test_classes_without_a_threshold_keep_the_half():
    p = Probabilities(*(np.full(shape, 0.5, np.float32) for shape in ((1, 1, 1, 2), (1, 1, 2), (1, 1, 1, 2))))
    assert Decoding("none", {"Cat": 0.9})(p, CLASSES, ("audio",))["audio"].tolist() == [[[False, True]]]


def test_unknown_names_are_refused():
    with pytest.raises(SeehearError, match="global, per-modality, none"):
        Decoding("both")  # type: ignore[arg-type]
    with pytest.raises(SeehearError, match="from 0 to 1, not 7"):
        Decoding("none", 7.0)
    with pytest.raises(SeehearError, match="Fish"):
        Decoding("none", {"Fish": 0.5})(probabilities(0), CLASSES, MODALITIES)
