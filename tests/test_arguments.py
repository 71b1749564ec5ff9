"""Each form in which an argument may be given means the same."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear import arguments
from seehear.errors import SeehearError


def test_a_string_is_one_path():
    assert arguments.paths("/a/clip.mp4") == [Path("/a/clip.mp4")]
    assert arguments.paths(Path("a.mp4")) == [Path("a.mp4")]
    assert arguments.paths(["a.mp4", Path("b")]) == [Path("a.mp4"), Path("b")]
    assert arguments.paths(path for path in ("a", "b")) == [Path("a"), Path("b")]
    assert arguments.paths([]) == []


@pytest.mark.parametrize("value", ["", [""], 3, [3], [None], None])
def test_no_paths(value):
    with pytest.raises(SeehearError, match="path"):
        arguments.paths(value)


def test_names_are_listed_once():
    assert arguments.names("b,a, b") == ["b", "a"]
    assert arguments.names(["b", "a,b", ""]) == ["b", "a"]
    assert arguments.names(()) == []


def test_files_by_modality():
    expected = {"audio": Path("a.csv"), "touch": Path("t=1.csv")}
    assert arguments.by_modality({"audio": "a.csv", "touch": Path("t=1.csv")}) == expected
    assert arguments.by_modality(["audio=a.csv", "touch=t=1.csv"]) == expected
    assert arguments.by_modality("audio=a.csv") == {"audio": Path("a.csv")}
    assert arguments.by_modality(None) == {}


@pytest.mark.parametrize("value", ["a.csv", ["audio="], ["=a.csv"], ["audio=a", "audio=b"], {"audio": 3}, [3], 3])
def test_no_files_by_modality(value):
    with pytest.raises(SeehearError):
        arguments.by_modality(value)


@pytest.mark.parametrize(
    "value",
    [
        {"audio": "yamnet", "visual": ["lite", "nsfw"]},
        {"audio": ["yamnet"], "visual": "lite+nsfw"},
        {"audio": ("yamnet",), "visual": ("lite", "nsfw")},
        ["audio=yamnet", "visual=lite+nsfw"],
        ["audio=yamnet,visual=lite+nsfw"],
        "audio=yamnet, visual=lite+nsfw",
    ],
)
def test_collocations(value):
    assert arguments.collocation(value) == {"audio": ["yamnet"], "visual": ["lite", "nsfw"]}


@pytest.mark.parametrize(
    "value", [[], {}, ["yamnet"], ["audio="], ["=yamnet"], ["audio=+"], ["audio=a", "audio=b"], {"audio": []}, 3]
)
def test_no_collocations(value):
    with pytest.raises(SeehearError):
        arguments.collocation(value)


def test_candidates():
    expected = {"audio": ["yamnet", "aisfx"], "visual": ["lite", "a+b"]}
    assert arguments.candidates(["audio=yamnet,aisfx", "visual=lite", "visual=a+b"]) == expected
    assert arguments.candidates({"audio": "yamnet,aisfx", "visual": ["lite", "a+b"]}) == expected
    for wrong in (["yamnet"], ["audio="], {"audio": ""}):
        with pytest.raises(SeehearError):
            arguments.candidates(wrong)


def test_settings():
    texts = ["epochs=5", "learning_rate=1e-3", "choose=last", "contrast.loss='mtsc'", "scale=true"]
    expected = {"epochs": 5, "learning_rate": 1e-3, "choose": "last", "contrast.loss": "mtsc", "scale": True}
    assert arguments.settings(texts) == expected
    assert arguments.settings(expected) == expected
    assert arguments.settings(()) == {}
    with pytest.raises(SeehearError, match="KEY=VALUE"):
        arguments.settings(["epochs"])


FORMS = (int, float, np.float32, np.float64, np.int32, np.int64, Fraction)


@pytest.mark.parametrize("form", FORMS)
@given(st.integers(0, 10**6))
def test_every_form_of_a_number_is_one(form, number):
    found = arguments.real(form(number), "fps"), arguments.whole(form(number), "folds")
    assert repr(found) == repr((float(number), number))
    of_settings = arguments.settings({"epochs": form(number)})["epochs"]
    assert type(of_settings) in (int, float, Fraction)  # numpy's scalars go into no file
    assert of_settings == number


@given(st.floats(0.125, 1000, width=32))
def test_single_precision_stands_for_what_it_prints(number):
    assert arguments.real(np.float32(number), "fps") == float(str(np.float32(number)))
    assert arguments.settings({"rate": np.float32(0.1)}) == {"rate": 0.1}


@pytest.mark.parametrize("wrong", ["2", None, True, np.True_, [2], 2j, 10**400])
def test_what_is_no_number(wrong):
    with pytest.raises(SeehearError, match="fps must be a number, not"):
        arguments.real(wrong, "fps")


@pytest.mark.parametrize("wrong", ["2", None, True, 2.5, math.inf, math.nan])
def test_what_is_no_whole_number(wrong):
    with pytest.raises(SeehearError, match="folds must be a whole number, not"):
        arguments.whole(wrong, "folds")


@pytest.mark.parametrize("form", [int, float, np.int64, np.float64])
def test_tracks_are_whole_numbers(form):
    if form in (int, np.int64):
        assert repr(arguments.audio_track(form(2))) == "2"
    else:
        with pytest.raises(SeehearError, match="numbered from 1"):
            arguments.audio_track(form(2))
