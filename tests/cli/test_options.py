"""Options in the form in which people give them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.arguments import Shard
from seehear.cli.options import DecodingOptions, TruthOptions
from seehear.decoding import ByModality, Decoding, Probabilities
from seehear.device import resolve
from seehear.errors import SeehearError


def test_files_by_modality(tmp_path):
    found = TruthOptions("a.csv", None, [f"touch={tmp_path}"]).tables()
    assert {name: str(path) for name, path in found.items()} == {"audio": "a.csv", "touch": str(tmp_path)}


@given(st.integers(1, 20), st.lists(st.text(min_size=1), unique=True))
def test_shards_share_the_clips_out(of, clips):
    shards = [Shard.parse(f"{n}/{of}") for n in range(1, of + 1)]
    for clip in clips:
        assert sum(shard.holds(clip) for shard in shards) == 1


@pytest.mark.parametrize("text", ["", "3", "0/2", "3/2", "1/0", "a/b", "-1/2"])
def test_no_shards(text):
    with pytest.raises(SeehearError, match="N/OF"):
        Shard.parse(text)


def test_thresholds_by_class_come_from_a_file(tmp_path):
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"segment": {"Dog": 0.8}}))
    protocol = DecodingOptions("global", 0.3, 0.4, file).decoding()
    assert protocol == Decoding("global", {"Dog": 0.8}, 0.4)
    p = np.full((1, 1, 1, 2), 0.6, np.float32)
    active = protocol(Probabilities(p, p[:, :, 0], p), ("Cat", "Dog"), ("audio",))
    assert active["audio"].tolist() == [[[True, False]]]
    file.write_text("[1]")
    with pytest.raises(SeehearError, match=r"t\.json: a decoding must be"):
        DecodingOptions(thresholds=file).decoding()


def test_devices():
    assert resolve("cpu") == "cpu"
    assert resolve("auto") in ("cpu", "cuda")
    with pytest.raises(SeehearError, match="toaster"):
        resolve("toaster")


def test_nothing_given_decodes_as_trained():
    assert DecodingOptions().decoding() is None
    assert DecodingOptions(filter="global").decoding() == Decoding()
    assert DecodingOptions(threshold=0.3).decoding() == Decoding("global", 0.3, 0.5)


def test_thresholds_by_modality_come_from_a_file(tmp_path):
    file = tmp_path / "t.json"
    own = Decoding("none", ByModality({"audio": 0.3, "visual": {"Dog": 0.8}}))
    file.write_text(json.dumps(own.as_json()))
    assert DecodingOptions(thresholds=file).decoding() == own
    assert DecodingOptions("global", thresholds=file).decoding() == replace(own, filter="global")
    file.write_text(json.dumps({"segment": {"by_modality": {"audio": 1.5}}}))
    with pytest.raises(SeehearError, match=r"t\.json: a threshold is a probability from 0 to 1, not 1\.5"):
        DecodingOptions(thresholds=file).decoding()
