"""A user's own function as a network."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.features.check import check_network
from seehear.networks import AudioInput, ImageInput, NetworkSpec, load, network


@network(name="loudness", modality="audio", width=2, rate=8000, window=0.5, hop=0.25, licence="CC0")
def loudness(waves):
    return np.stack([np.abs(waves).max(axis=1), (waves**2).mean(axis=1) ** 0.5], axis=1)


@network(name="colour", modality="visual", width=3, size=32)
def colour(pictures):
    return pictures.mean(axis=(1, 2), dtype=np.float32) / 255


def test_declares_and_runs():
    assert isinstance(loudness, NetworkSpec)
    assert loudness.input == AudioInput(8000, 0.5, 0.25)
    assert colour.input == ImageInput(32)
    assert (loudness.width, loudness.licence, loudness.weights) == (2, "CC0", ())
    waves = np.full((3, 4000), 0.5, np.float32)
    assert load(loudness).features(waves).tolist() == [[0.5, 0.5]] * 3
    assert check_network(loudness).passed
    assert check_network(colour).passed


def test_wrong_shape_is_reported():
    @network(name="wide", modality="audio", width=5)
    def wide(waves):
        return waves[:, :4]

    with pytest.raises(SeehearError, match=r"wide gave features of shape \(2, 4\), not \(2, 5\)"):
        load(wide).features(np.zeros((2, 16000), np.float32))


def test_unknown_modality_is_reported():
    with pytest.raises(SeehearError, match="must be audio or visual, not 'smell'"):
        network(name="nose", modality="smell", width=1)


SOURCE = """
    from seehear.networks import network

    GAIN = 2.0
    UNUSED = 1

    def scaled(waves):
        return waves * GAIN

    @network(name="own", modality="audio", width=1)
    def own(waves):
        return scaled(waves)[:, :1]
"""


def fingerprint(tmp_path, source: str) -> str:
    path = tmp_path / f"own{abs(hash(source))}.py"
    path.write_text(textwrap.dedent(source))
    spec = importlib.util.spec_from_file_location("own", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.own.fingerprint


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("[:, :1]", "[:, 1:2]", True),
        ("waves * GAIN", "waves / GAIN", True),
        ("GAIN = 2.0", "GAIN = 3.0", True),
        ("UNUSED = 1", "UNUSED = 2", False),
        ("width=1)", 'width=1, revision="2")', True),
    ],
)
def test_fingerprint_covers_the_code_that_runs(tmp_path, before, after, changes):
    assert before in SOURCE
    assert (fingerprint(tmp_path, SOURCE) != fingerprint(tmp_path, SOURCE.replace(before, after))) == changes


def test_fingerprint_is_the_same_in_every_process(tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        "from seehear.networks import network\n"
        "STEPS = (abs, len)\n"
        "NAMES = {'a', 'b', 'c', 'd'}\n"
        "@network(name='own', modality='audio', width=1)\n"
        "def own(waves):\n"
        "    return STEPS[0](waves[:, : len(NAMES) - 3])\n"
    )
    code = "import sys; from seehear.networks import get; print(get(sys.argv[1]).fingerprint)"
    found = {
        subprocess.run(
            [sys.executable, "-c", code, f"{own}:own"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def test_source_that_cannot_be_read_is_reported():
    scope: dict = {}
    exec("def nameless(waves):\n    return waves[:, :1]", scope)
    with pytest.raises(SeehearError, match="put it into a file"):
        network(name="nameless", modality="audio", width=1)(scope["nameless"])
