"""The Python code of docs/notebook-guide.md and README.md, block by block, as it is written."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pandas", reason="pandas is not installed, and the pages show data frames")

ROOT = Path(__file__).parent.parent
CLIPS = {"train": 8, "val": 4, "test": 4}  # clips of the demo per table
SEEDS = "range(2)"  # instead of the six that the guide trains


def blocks(page):
    """Its blocks of Python code."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def run(code, names):
    exec(compile(code, "<the page>", "exec"), names)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what the pages name: clips and tables."""
    (tmp_path / "CLIPS").mkdir()
    for split, count in CLIPS.items():
        rows = (ROOT / "demo" / f"{split}.csv").read_text(encoding="utf-8").splitlines()[: count + 1]
        (tmp_path / f"{split}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        for row in rows[1:]:
            name = row.split("\t")[0]
            shutil.copy(ROOT / "demo" / "clips" / f"{name}.mp4", tmp_path / "CLIPS")
    for modality in ("audio", "visual"):
        for name in (f"eval_{modality}", modality):
            shutil.copy(ROOT / "demo" / f"eval_{modality}.csv", tmp_path / f"{name}.csv")
    for name in ("clip", "new"):
        shutil.copy(ROOT / "demo" / "clips" / "test_020.mp4", tmp_path / f"{name}.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arrays(rng):
    """Features of 200 clips of 10 seconds with one class each, and the other names that the pages use."""
    labels = np.eye(2)[np.arange(200) % 2]  # (N, C)
    features = {
        name: np.repeat(labels @ rng.normal(size=(2, 16)), 10, axis=0).reshape(200, 10, 16)
        + rng.normal(size=(200, 10, 16))
        for name in ("audio", "visual", "mel", "wavelet", "resnet", "clip_features")
    }
    rate = 16000
    truth = {name: np.repeat(labels[:, None] > 0, 10, axis=1) for name in ("audio", "visual")}  # (N, T, C)
    return {
        **features,
        "labels": labels,
        "truth": truth,
        "classes": ["Dog", "Speech"],
        "rate": rate,
        "waveform": np.zeros(rate, "f4"),
    }


def test_guide(folder):
    names = arrays(np.random.default_rng(0))
    for block in blocks("docs/notebook-guide.md"):
        run(block.replace("range(6)", SEEDS), names)
    assert names["x"]["yamnet"].shape == (10, 1024)
    assert names["p"].shape[0] == len(names["test"].clips)
    assert set(names["sel"].best) == {"audio", "visual"}
    assert set(names["b"].to_frame().metric) == {"segment-accuracy", "map"}
    assert (folder / "OUT").is_dir()
    assert (folder / "new.eaf").is_file()


def test_readme(folder):
    for block in blocks("README.md"):
        names = arrays(np.random.default_rng(0))
        run(block, names)
    assert not (folder / "RUN").exists()  # nothing is written that is not named
