"""Media files, their features in a store, and a system of two seeds that was trained on them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import commands
from make_media import tone, write
from seehear.data import Dataset
from seehear.labels import Event, write_dense

OWN = """
import numpy as np

from seehear.networks import network


@network(name="level", modality="audio", width=2, rate=8000, window=1.0)
def LEVEL(waves):
    return np.stack([np.abs(waves).max(axis=1), waves.std(axis=1)], axis=1)


@network(name="colours", modality="visual", width=3, size=16)
def COLOURS(frames):
    return frames.mean(axis=(1, 2)) / 255
"""
RATE, SECONDS = 16000, 6
SILENT = (2, 3)  # seconds of digital silence in every second clip


def sound(clip: int) -> np.ndarray:
    """A tone, louder from clip to clip; every second clip has seconds of exact silence."""
    samples = tone(300 + 100 * clip, SECONDS, RATE) * (0.2 + 0.1 * clip)
    if clip % 2:
        samples[SILENT[0] * RATE : (SILENT[-1] + 1) * RATE] = 0
    return samples


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """Six clips that no codec changes, the user's own networks, and runs of two seeds."""
    folder = tmp_path_factory.mktemp("parsing")
    (folder / "own.py").write_text(OWN)
    rows, events = ["filename\tevent_labels"], []
    for n in range(6):
        shade = np.full((16, 16, 3), 40 + 30 * n, np.uint8)
        write(
            folder / "clips" / f"clip{n}.mkv",
            times=np.arange(SECONDS * 4) / 4,
            fps=4,
            picture=lambda _, shade=shade: shade,
            sound=sound(n),
            rate=RATE,
            sound_codec="flac",
        )
        rows.append(f"clip{n}\t{('Low', 'High')[n % 2]}")
        events.append(Event(f"clip{n}", 0, SECONDS, ("Low", "High")[n % 2]))
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    dense = {name: folder / f"{name}.csv" for name in ("audio", "visual")}
    for table in dense.values():
        write_dense(table, events)
    networks = [f"{folder}/own.py:{name}" for name in ("LEVEL", "COLOURS")]
    commands.extract([folder / "clips"], networks=networks, store=folder / "store", fps=2)
    commands.train(
        store=folder / "store",
        labels=folder / "labels.csv",
        collocation=["audio=level", "visual=colours"],
        out=folder / "run",
        seeds=[3, 8],
        set=["epochs=4", "width=16", "feed_forward=16", "learning_rate=0.01"],
        device="cpu",
    )
    return SimpleNamespace(folder=folder, run=folder / "run", clips=folder / "clips", networks=networks, dense=dense)


def dataset(place: SimpleNamespace, store: Path | None = None) -> Dataset:
    """The clips with features and ground truth."""
    return Dataset.from_tables(
        place.folder / "labels.csv",
        store=store or place.folder / "store",
        collocation={"audio": "level", "visual": "colours"},
        truth=place.dense,
    )
