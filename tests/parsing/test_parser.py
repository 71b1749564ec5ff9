"""The parser as a notebook uses it: from arrays, in memory, and in folders only where they are named."""

import os
import wave

import numpy as np
import pytest
import torch

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.parsing.parser import Parser, load, train

SETTINGS = {"epochs": 3, "width": 16, "feed_forward": 16}


@pytest.fixture(scope="module")
def data():
    """Twenty clips in which three classes can be heard and seen; clip 3 cannot be seen."""
    rng = np.random.default_rng(0)
    truth = rng.random((20, 5, 3)) < 0.4
    features = {
        name: list(truth @ rng.normal(size=(3, width)) + 0.3 * rng.normal(size=(20, 5, width)))
        for name, width in (("audio", 6), ("visual", 8))
    }
    features["visual"][3] = None
    return Dataset.from_arrays(
        features, truth.any(axis=1), ["Cat", "Dog", "Fish"], truth={"audio": truth, "visual": truth}
    )


@pytest.fixture(scope="module")
def parser(data):
    return Parser("small", device="cpu", **SETTINGS).fit(data[:12], data[12:], progress=False)


def test_training_in_memory_writes_nothing(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Parser("small", **SETTINGS).fit(data[:12], data[12:], progress=False).predict(data)
    assert os.listdir(tmp_path) == []


def test_predictions_have_the_axes_that_they_name(data, parser):
    probabilities = parser.predict_proba(data)
    assert probabilities.shape == (20, 5, 2, 3)  # (N, T, M, C)
    assert parser.modalities == ("audio", "visual")
    assert probabilities[3, :, 0].any()
    assert not probabilities[3, :, 1].any()  # without visual features
    active = parser.predict(data)
    assert list(active) == ["audio", "visual"]
    assert active.classes == data.classes
    assert active.source == "global,clip0.5,seg0.5"
    assert active["audio"].shape == (20, 5, 3)


def test_prediction_is_the_decoding_of_probabilities(data, parser):
    found = parser.probabilities(data)
    expected = parser.decoding(found, parser.classes, parser.modalities)
    for name, active in parser.predict(data).items():
        assert np.array_equal(active, expected[name])


def test_few_clips_at_a_time_come_to_the_same(data, parser, monkeypatch):
    expected = parser.predict_proba(data)
    monkeypatch.setattr("seehear.parsing.base.MAX_PROBABILITIES", 100)
    assert np.allclose(parser.predict_proba(data), expected, atol=1e-6)


def test_a_folder_holds_what_memory_holds(data, parser, tmp_path):
    folder = Parser("small", device="cpu", **SETTINGS).fit(data[:12], data[12:], out=tmp_path / "run", progress=False)
    saved = load(parser.save(tmp_path / "saved"), device="cpu")
    for other in (folder, saved, load(str(tmp_path / "run"), device="cpu")):
        assert np.array_equal(other.predict_proba(data), parser.predict_proba(data))
        assert [entry["loss"] for entry in other.history] == [entry["loss"] for entry in parser.history]


def test_algorithm_1_in_memory(data, tmp_path):
    contrast = {"loss": "mtsc", "stage": "pretrain", "epochs": 2}
    options = {"device": "cpu", "contrast": contrast, **SETTINGS}
    alone = Parser("small", **options).fit(data[:12], progress=False)
    kept = Parser("small", **options).fit(data[:12], out=tmp_path / "run", progress=False)
    assert np.array_equal(alone.predict_proba(data), kept.predict_proba(data))


def test_one_parser_per_seed(data, tmp_path):
    parsers = train(data[:12], data[12:], recipe="small", seeds=[2, 5], progress=False, **SETTINGS)
    assert [parser.seed for parser in parsers] == [2, 5]
    assert not np.array_equal(*(parser.predict_proba(data) for parser in parsers))
    again = train(data[:12], data[12:], recipe="small", seeds=[2, 5], out=tmp_path, progress=False, **SETTINGS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-2", "seed-5"]
    assert np.array_equal(again[1].predict_proba(data), parsers[1].predict_proba(data))


def test_the_model_is_a_torch_module(parser):
    assert isinstance(parser.model, torch.nn.Module)


def test_representations_are_one_line(data, parser):
    for text in (repr(parser), repr(Parser()), repr(data), repr(parser.predict(data))):
        assert "\n" not in text
        assert len(text) < 200


def test_mistakes_are_named(data, parser, tmp_path):
    with pytest.raises(SeehearError, match="not trained: call fit"):
        Parser().predict(data)
    with pytest.raises(SeehearError, match="did you mean epochs"):
        Parser("small", epoch=3)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(32000))
    with pytest.raises(SeehearError, match="arrays of audio, which can't be made from a file"):
        parser.parse(tmp_path / "tone.wav")
    with pytest.raises(SeehearError, match="no features of 'visual'"):
        parser.predict(Dataset.from_arrays({"audio": np.ones((1, 5, 6))}))
    with pytest.raises(SeehearError, match="val is a data set without a clip"):
        Parser().fit(data, data[100:])
    with pytest.raises(SeehearError, match="give both the same collocation"):
        Parser().fit(data, data.with_networks({"audio": "audio"}))
