"""The public interface as a notebook meets it: names, representations, arguments, and what importing costs."""

from __future__ import annotations

import re
import subprocess
import sys
import types
import wave
from pathlib import Path

import numpy as np
import pytest

import seehear as sh
from seehear.errors import SeehearError


@pytest.fixture(scope="module")
def data() -> sh.Dataset:
    """Clips whose classes can be heard and seen, with two audio networks to choose from."""
    rng = np.random.default_rng(0)
    truth = rng.random((24, 5, 3)) < 0.4

    def features(width: int, noise: float) -> np.ndarray:
        return truth @ rng.normal(size=(3, width)) + noise * rng.normal(size=(24, 5, width))

    arrays = {"audio": {"good": features(6, 0.3), "poor": features(6, 3.0)}, "visual": {"eyes": features(8, 0.3)}}
    return sh.Dataset.from_arrays(
        arrays, truth.any(axis=1), ["Cat", "Dog", "Fish"], truth={"audio": truth, "visual": truth}
    )


@pytest.fixture(scope="module")
def tone(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("clips") / "tone.wav"
    with wave.open(str(file), "wb") as stream:
        stream.setparams((1, 2, 8000, 0, "NONE", ""))
        stream.writeframes((3000 * np.sin(np.arange(16000) / 5)).astype("<i2").tobytes())
    return file


@sh.network(name="level", modality="audio", width=2, rate=8000, window=1.0)
def level(waveforms):
    return np.stack([np.abs(waveforms).max(axis=1), waveforms.std(axis=1)], axis=1)


def test_every_public_name_is_there_and_stays_what_it_is():
    kinds = {name: type(getattr(sh, name)) for name in sh.__all__}
    for name in sh.__all__:
        assert type(getattr(sh, name)) is kinds[name]
    assert isinstance(sh.networks, types.ModuleType)
    sh.list_networks()
    assert isinstance(sh.networks, types.ModuleType)
    assert "yamnet" in sh.list_networks("audio")


def test_importing_is_light():
    code = "import sys, seehear; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "matplotlib", "pandas", "scipy", "av"} & set(loaded)


@pytest.mark.parametrize(
    "module", ["seehear.parsing.parser", "seehear.formats", "seehear.data", "seehear.training.fit"]
)
def test_prediction_and_formats_do_not_draw(module):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    drawing = [name for name in loaded if name.startswith(("matplotlib", "seehear.plots", "seehear.pages"))]
    assert drawing == []


@pytest.mark.parametrize("form", [str, Path, lambda path: [path], lambda path: [str(path)]])
def test_a_clip_is_a_string_a_path_or_a_list(tone, form):
    given = form(tone)
    features = sh.extract(given, [level], progress=False)
    if isinstance(given, list):
        assert list(features) == ["tone"]
        features = features["tone"]
    assert features["level"].shape == (2, 2)


def test_a_missing_clip_is_named(tmp_path):
    with pytest.raises(SeehearError, match=re.escape(str(tmp_path / "clip.mp4"))):
        sh.extract(str(tmp_path / "clip.mp4"), [level], progress=False)


def test_mappings_are_settings_and_collocations(data):
    parser = sh.Parser("small", set={"epochs": 2, "width": 16, "feed_forward": 16}, device="cpu")
    assert parser.recipe.epochs == 2
    chosen = data.with_networks({"audio": "good", "visual": ["eyes"]})
    parser.fit(chosen, progress=False)
    assert parser.modalities == ("audio", "visual")


def test_scores_need_no_signature(data):
    scores = sh.score(data.truth, data.truth, classes=data.classes)
    assert scores.average == 100
    arrays = {name: np.asarray(array) for name, array in data.truth.items()}
    assert sh.score(arrays, arrays).average == 100


def test_results_are_one_line_and_show_themselves(data):
    chosen = data.with_networks({"audio": "good", "visual": "eyes"})
    settings = {"epochs": 2, "width": 16, "feed_forward": 16, "device": "cpu", "progress": False}
    runs = [sh.train(chosen[:16], chosen[16:], recipe="small", seeds=[seed], **settings) for seed in (0, 1)]
    results = [
        sh.score(runs[0][0].predict(chosen), chosen.truth, classes=chosen.classes),
        sh.evaluate(runs[0], chosen),
        sh.compare({"one": runs[0], "other": runs[1]}, chosen),
        sh.align({"one": runs[0]}, chosen),
        sh.select(data[:16], data[16:], by="ridge", progress=False),
    ]
    for result in results:
        text = repr(result)
        assert "\n" not in text, text
        assert len(text) < 200, text
        assert "<" in result._repr_html_()
        assert len(result.to_frame()) > 0


def test_selection_by_pilots_runs_from_arrays(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    selection = sh.select(
        data[:16], data[16:], by="pilots", recipe="small", set={"epochs": 2, "width": 16, "feed_forward": 16},
        seeds=[0, 1], budget=1.0, device="cpu", progress=False,
    )  # fmt: skip
    assert selection.best.as_json() == {"audio": ["good"], "visual": ["eyes"]}
    assert list(tmp_path.iterdir()) == []
    assert data.with_networks(selection.best).collocation == selection.best.as_json()


def test_a_contrastive_loss_with_default_settings():
    import torch

    loss = sh.losses.ContrastiveLoss(sh.losses.ContrastSettings())
    embeddings = torch.randn(2, 3, 5, 4, requires_grad=True)
    loss(embeddings).backward()
    assert loss(embeddings).item() == 0


def test_angle_brackets_stay_in_help():
    run = subprocess.run(
        [sys.executable, "-m", "seehear", "parse", "--help"], capture_output=True, text=True, check=True
    )
    assert "OUT/<clip>.json" in run.stdout
