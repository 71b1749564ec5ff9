"""Training on more features than memory holds: it works, and gives the same model to the bit."""

from pathlib import Path

import numpy as np
import pytest

import seehear as sh
from limited import run_limited
from seehear.features.store import NetworkInfo, Origin, Store

CLASSES = ("Cat", "Dog", "Fish")
WIDTHS = {"ears": 600, "eyes": 520}
SMALL = {"batch": 16, "width": 8, "feed_forward": 8, "heads": 1, "device": "cpu", "progress": False}
RECIPES = ("refined", "refined-large", "small", "paper")


def fill(folder: Path, clips: int, lengths: tuple[int, ...]) -> Path:
    """Make a store and a label table. Some clips lack a modality, and one has none."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    kept = Store(folder / "store", create=True)
    for (name, width), modality in zip(WIDTHS.items(), ("audio", "visual"), strict=True):
        kept.register(NetworkInfo(name, modality, width, "made"))
    rows = []
    for n in range(clips):
        present = rng.random(len(CLASSES)) < 0.5
        rows.append(f"clip{n}\t{','.join(name for name, on in zip(CLASSES, present, strict=True) if on)}")
        for m, (name, width) in enumerate(WIDTHS.items()):
            features = rng.normal(size=(lengths[n % len(lengths)], width)).astype(np.float32)
            features[:, : len(CLASSES)] += 2 * present
            if n % 9 != 4 + m:
                kept.write(name, Origin(f"clip{n}", "made", f"{n}"), features)
    (folder / "labels.csv").write_text("\n".join(["filename\tevent_labels", *rows, "none\tCat"]) + "\n")
    return folder


def data_of(folder: Path) -> sh.Dataset:
    return sh.Dataset.from_tables(folder / "labels.csv", store=folder / "store")


def model_of(folder: Path, recipe: str, out: Path, **settings: int) -> bytes:
    sh.train(data_of(folder), recipe=recipe, out=out, **SMALL, **settings)
    return (out / "model.safetensors").read_bytes()


@pytest.mark.parametrize("recipe", RECIPES)
def test_features_that_stay_on_the_disk_give_the_same_model(recipe, tmp_path, monkeypatch):
    folder = fill(tmp_path, 40, (1, 4, 2))
    expected = model_of(folder, recipe, tmp_path / "in memory", epochs=2)
    monkeypatch.setenv("SEEHEAR_MEMORY", "0")
    assert model_of(folder, recipe, tmp_path / "on disk", epochs=2) == expected
    assert (tmp_path / "on disk/run.json").read_text() == (tmp_path / "in memory/run.json").read_text()


# Train on few clips, which loads all libraries; then on all clips in little more memory, from the disk and in memory.
TRAINING = """
import os, sys
from pathlib import Path
from training.test_memory import data_of, model_of

folder, few, out, allowed = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
model_of(few, "refined-large", out / "few", epochs=1)
data_of(folder).packs()
limit(allowed)
model_of(folder, "refined-large", out / "all", epochs=1)
os.environ["SEEHEAR_MEMORY"] = "1"
try:
    model_of(folder, "paper", out / "in memory", epochs=1)
except (MemoryError, RuntimeError) as error:
    print(f"{type(error).__name__}: {error}")
"""


def test_a_memory_map_larger_than_memory(tmp_path):
    """About 72 MB of features. The same memory is too little to read them into it."""
    folder, few = fill(tmp_path / "large", 800, (15, 25)), fill(tmp_path / "small", 20, (2, 3))
    size = sum(file.stat().st_size for file in (folder / "store").rglob("e*/??/*.safetensors"))
    done = run_limited(TRAINING, folder, few, tmp_path, size // 2, SEEHEAR_MEMORY="0.005")
    assert not done.returncode, done.stderr
    assert "MemoryError" in done.stdout or "can't allocate memory" in done.stdout
    expected = model_of(folder, "refined-large", tmp_path / "unlimited", epochs=1)
    assert (tmp_path / "all/model.safetensors").read_bytes() == expected
