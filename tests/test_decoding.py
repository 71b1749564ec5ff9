"""Decoding protocols against a loop over every cell."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.decoding import ByModality, Decoding, Probabilities
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


@pytest.mark.parametrize("form", [int, np.float32, np.float64, np.int64])
def test_every_form_of_a_threshold_is_one(form):
    for number in (0, 1):
        given = {"Cat": form(number)}
        for threshold in (form(number), given, ByModality({"audio": form(number), "visual": given})):
            decoding = Decoding("none", threshold, form(number))
            plain = Decoding.from_json(json.loads(json.dumps(decoding.as_json())))
            assert repr(decoding) == repr(plain)
            assert str(decoding) == str(plain)
    assert Decoding("none", np.float32(0.3)) == Decoding("none", 0.3)


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


# Thresholds per modality


@given(st.integers(0, 99), st.sampled_from(["global", "per-modality", "none"]))
def test_thresholds_per_modality_are_the_loop(seed, filter):
    p = probabilities(seed)
    segment = ByModality({"audio": {"Cat": 0.3}, "visual": 0.7})  # Dog heard: one half
    found = Decoding(filter, segment, ByModality({"visual": 0.2}))(p, CLASSES, MODALITIES)
    at = {("audio", "Cat"): 0.3, ("audio", "Dog"): 0.5, ("visual", "Cat"): 0.7, ("visual", "Dog"): 0.7}
    for n in range(3):
        for t in range(4):
            for m, modality in enumerate(MODALITIES):
                for c, label in enumerate(CLASSES):
                    keep = {"global": p.clip[n, t, c], "per-modality": p.modality_clip[n, t, m, c], "none": 1.0}[filter]
                    expected = keep >= np.float32(0.2 if modality == "visual" else 0.5)
                    expected &= p.segment[n, t, m, c] >= np.float32(at[modality, label])
                    assert found[modality][n, t, c] == expected


def test_one_threshold_is_that_of_every_modality():
    p = probabilities(1)
    one = Decoding("global", 0.3, 0.6)(p, CLASSES, MODALITIES)
    same = Decoding("global", ByModality(dict.fromkeys(MODALITIES, 0.3)), ByModality(dict.fromkeys(MODALITIES, 0.6)))
    for name, array in same(p, CLASSES, MODALITIES).items():
        assert np.array_equal(array, one[name])


thresholds = st.one_of(st.floats(0, 1), st.dictionaries(st.sampled_from(CLASSES), st.floats(0, 1)))
by_modality = st.dictionaries(st.sampled_from(MODALITIES), thresholds).map(ByModality)
every_threshold = st.one_of(thresholds, by_modality)


@given(st.sampled_from(["global", "per-modality", "none"]), every_threshold, every_threshold)
def test_json_reads_back(filter, segment, clip):
    decoding = Decoding(filter, segment, clip)
    read = Decoding.from_json(json.loads(json.dumps(decoding.as_json())))
    assert read == decoding
    assert str(read) == str(decoding)


def test_json_that_lacks_a_part_is_the_official_protocol():
    assert Decoding.from_json({}) == Decoding()
    assert Decoding.from_json({"segment": 0.3}) == Decoding("global", 0.3)


@pytest.mark.parametrize(
    "value",
    [
        [],
        "global",
        {"segments": 0.5},
        {"segment": "high"},
        {"segment": True},
        {"segment": [0.5]},
        {"segment": None},
        {"segment": {"Cat": "high"}},
        {"segment": {"Cat": {"Dog": 0.5}}},
        {"clip": {"by_modality": {"audio": {"by_modality": {"visual": 0.5}}}}},
        {"clip": {"by_modality": {"audio": 0.5}, "Cat": 0.5}},
        {"filter": "both"},
        {"filter": ["global"]},
        {"filter": None},
        {"segment": 1.5},
        {"segment": {"by_modality": {"audio": {"Cat": -0.1}}}},
        {"segment": float("nan")},
    ],
)
def test_bad_json_is_refused(value):
    with pytest.raises(SeehearError, match=r"decoding|threshold"):
        Decoding.from_json(value)


def test_thresholds_per_modality_are_named():
    decoding = Decoding("global", ByModality({"audio": 0.3, "visual": {"Cat": 0.4}}), ByModality({"audio": 0.1}))
    assert str(decoding).startswith("global,clip[audio0.1],seg[audio0.3,visual:per-class@")
    assert str(decoding) != str(Decoding("global", ByModality({"audio": 0.3, "visual": 0.4})))


def test_unknown_modalities_are_refused():
    with pytest.raises(SeehearError, match="unknown to the parser: smell"):
        Decoding("none", ByModality({"smell": 0.5}))(probabilities(0), CLASSES, MODALITIES)
    with pytest.raises(SeehearError, match="unknown to the parser: Fish"):
        Decoding("none", ByModality({"audio": {"Fish": 0.5}}))(probabilities(0), CLASSES, MODALITIES)
