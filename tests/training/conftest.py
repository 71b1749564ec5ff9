"""A small world to train in: features in which classes can be found, and their labels."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest

from commands import compare, evaluate
from seehear.data import Dataset
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.labels import Event, write_dense

CLASSES = ("Cat", "Dog", "Fish")
NETWORKS = {"ears": ("audio", 6), "eyes": ("visual", 8), "nose": ("smell", 5)}


# A process that trains by the options in its argument and saves after every epoch, to be killed.
KILLED = f"""
import sys, json, seehear.training.fit as fit
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from commands import train
fit.SAVE_EVERY = 0.0
options = json.loads(sys.argv[1])
train(**options)
"""


class World:
    """A store and label tables of random clips; each class adds its direction to a modality's features."""

    def __init__(
        self, folder: Path, clips: int = 24, lengths: tuple[int, ...] = (5,), called: str = "clip{0:02}"
    ) -> None:
        rng = np.random.default_rng(0)
        self.folder, self.store = folder, folder / "store"
        kept = Store(self.store, create=True)
        directions = {name: 3 * rng.normal(size=(3, width)) for name, (_, width) in NETWORKS.items()}
        for name, (modality, width) in NETWORKS.items():
            kept.register(NetworkInfo(name, modality, width, "made"))
        events: dict[str, list[Event]] = {modality: [] for modality, _ in NETWORKS.values()}
        weak = {}
        for n in range(clips):
            length = lengths[n % len(lengths)]
            clip = called.format(n, n + length)
            present = rng.random(3) < 0.5
            weak[clip] = [name for name, on in zip(CLASSES, present, strict=True) if on]
            for name, (modality, width) in NETWORKS.items():
                active = present * (rng.random((length, 3)) < 0.7)
                features = active @ directions[name] + 0.3 * rng.normal(size=(length, width))
                kept.write(name, Origin(clip, "made", f"{n}"), features.astype(np.float32))
                for t, c in zip(*np.nonzero(active), strict=True):
                    events[modality].append(Event(clip, float(t), float(t + 1), CLASSES[c]))
        self.weak = weak
        self.labels = folder / "labels.csv"
        rows = [f"{clip}\t{','.join(names)}" for clip, names in weak.items()]
        self.labels.write_text("\n".join(["filename\tevent_labels", *rows]) + "\n")
        self.dense = {modality: folder / f"{modality}.csv" for modality in events}
        for modality, of_modality in events.items():
            write_dense(self.dense[modality], of_modality)

    def copied(self, folder: Path) -> "World":
        """The same tables and store in another folder."""
        other = copy.copy(self)
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other.folder, other.store, other.labels = folder, folder / "store", folder / self.labels.name
        other.dense = {modality: folder / path.name for modality, path in self.dense.items()}
        return other

    def without(self, clip):
        """A label table without a clip."""
        rows = self.labels.read_text().splitlines()
        path = self.folder / f"without-{clip}.csv"
        path.write_text("\n".join(row for row in rows if not row.startswith(clip)) + "\n")
        return path

    def training(self, **changed):
        """Options for the command train."""
        options = {
            "store": self.store,
            "labels": self.labels,
            "val": self.labels,
            "dense_audio": self.dense["audio"],
            "dense_visual": self.dense["visual"],
            "collocation": ["audio=ears", "visual=eyes"],
            "out": self.folder / "run",
            "recipe": "paper",
            "set": ["epochs=4", "width=16", "feed_forward=16", "learning_rate=0.003"],
            "device": "cpu",
        }
        return options | changed

    def evaluation(self, **changed):
        """Options of a command that scores."""
        keys = ("store", "labels", "dense_audio", "dense_visual", "device")
        return {key: self.training()[key] for key in keys} | changed

    def dataset(self, labels=None, collocation=None, **truth):
        """The clips with features and ground truth."""
        return Dataset.from_tables(
            labels or self.labels,
            store=self.store,
            collocation=collocation or {"audio": "ears", "visual": "eyes"},
            truth={"audio": self.dense["audio"], "visual": self.dense["visual"]} | truth,
        )

    def evaluate(self, runs, **changed):
        """Run the command `evaluate`, with its options as they are named on the command line."""
        return evaluate(runs, **self.evaluation(**changed))

    def compare(self, runs, **changed):
        """Run the command `compare`."""
        return compare(runs, **self.evaluation(**changed))


@pytest.fixture(scope="session")
def untouched(tmp_path_factory):
    """What each test gets a copy of: clips of one length, and of several."""
    return [World(tmp_path_factory.mktemp("world"), lengths=lengths) for lengths in ((5,), (5, 5, 3, 9))]


@pytest.fixture
def world(untouched, tmp_path):
    return untouched[0].copied(tmp_path)


@pytest.fixture
def uneven_world(untouched, tmp_path):
    return untouched[1].copied(tmp_path)
