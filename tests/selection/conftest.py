"""A store of several networks per modality, of known quality: they show the classes under more or less noise."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest

from seehear.data import Dataset
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.labels import Event, write_dense
from seehear.selection import certainty
from seehear.selection.prepare import prepare
from seehear.selection.prior import Prior, Slope, stored
from seehear.training.recipe import load_recipe

CLASSES = ("Cat", "Dog", "Fish")
# name -> modality, width, noise added to directions of length 3
NETWORKS = {
    "ears": ("audio", 6, 0.3),
    "cotton": ("audio", 9, 6.0),
    "eyes": ("visual", 8, 0.3),
    "fog": ("visual", 5, 6.0),
    "nose": ("smell", 5, 0.3),
    "cold": ("smell", 7, 6.0),
}
SHORT = 4  # segments of a clip
QUICK = {"epochs": 4, "width": 16, "feed_forward": 16, "learning_rate": 0.01, "decay_every": 0}
# Closed forms say little, networks differ by much, and one training shows it.
DOUBTFUL = Prior({"unimodal@train": Slope(10.0, 10.0)}, 15.0, 3.0, 1.0, 1.0, 2.0, 2.0, 20.0, 8.0)


class Choice:
    """Label tables `train.csv` and `val.csv` with dense tables of both, and a store with the given networks."""

    def __init__(self, folder: Path, networks=("ears", "cotton", "eyes", "fog"), clips: int = 40) -> None:
        rng = np.random.default_rng(0)
        self.folder, self.store, self.networks = folder, folder / "store", networks
        self.dense: dict[str, dict[str, Path]] = {}
        self.clips = {"train": clips, "val": clips // 2, "test": clips // 2}
        kept = Store(self.store, create=True)
        directions = {}
        for name in networks:
            modality, width, _ = NETWORKS[name]
            kept.register(NetworkInfo(name, modality, width, "made"))
            directions[name] = 3 * np.linalg.qr(rng.normal(size=(width, 3)))[0].T  # (C, width)
        modalities = dict.fromkeys(NETWORKS[name][0] for name in networks)
        for split, count in self.clips.items():
            rows = ["filename\tevent_labels"]
            events: dict[str, list[Event]] = {modality: [] for modality in modalities}
            for n in range(count):
                clip = f"{split}{n:02}"
                present = rng.random(3) < 0.5
                rows.append(f"{clip}\t{','.join(name for name, on in zip(CLASSES, present, strict=True) if on)}")
                active = {modality: present * (rng.random((SHORT, 3)) < 0.7) for modality in modalities}
                for name in networks:
                    modality, width, noise = NETWORKS[name]
                    features = active[modality] @ directions[name] + noise * rng.normal(size=(SHORT, width))
                    kept.write(name, Origin(clip, "made", f"{n}"), features.astype(np.float32))
                for modality, where in active.items():
                    for t, c in zip(*np.nonzero(where), strict=True):
                        events[modality].append(Event(clip, float(t), float(t + 1), CLASSES[c]))
            (folder / f"{split}.csv").write_text("\n".join(rows) + "\n")
            self.dense[split] = {modality: folder / f"{split}-{modality}.csv" for modality in modalities}
            for modality, of_modality in events.items():
                write_dense(self.dense[split][modality], of_modality)

    def copied(self, folder: Path) -> "Choice":
        """The same tables and store in another folder."""
        other = copy.copy(self)
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other.folder, other.store = folder, folder / "store"
        other.dense = {
            split: {modality: folder / path.name for modality, path in of_split.items()}
            for split, of_split in self.dense.items()
        }
        return other

    def truth(self, split):
        """Options that name the dense tables of a split."""
        return {"dense": [f"{modality}={path}" for modality, path in self.dense[split].items()]}

    def selecting(self, **changed):
        """Options of the command `select`."""
        options = {
            "store": self.store,
            "labels": self.folder / "train.csv",
            "val": self.folder / "val.csv",
            **self.truth("val"),
            "out": self.folder / "selection",
            "set": ["epochs=4", "width=16", "feed_forward=16", "learning_rate=0.02", "decay_every=0"],
            "seeds": [0, 1],
            "budget": 3.0,
            "workers": 1,
            "device": "cpu",
        }
        return options | changed

    def task(self, workers=1, out="out", **changed):
        """What `select` and `judge` work on. out: None for trainings in memory."""
        options = {
            "networks": self.by_modality(),
            "recipe": load_recipe("paper").model_copy(update={"epochs": 2, "width": 16, "feed_forward": 16}),
            "seeds": [0, 1],
            "budget": 3.0,
            "workers": workers,
            "device": "cpu",
            "progress": False,
            "out": self.folder / out if out else None,
        } | changed
        return prepare(*self.datasets(networks=options["networks"]), **options)

    def datasets(self, splits=("train", "val", "test"), networks=None):
        """Data sets with all networks of the store; ground truth of all splits but train."""
        return [
            Dataset.from_tables(
                self.folder / f"{split}.csv",
                store=self.store,
                collocation=networks or self.by_modality(),
                truth=None if split == "train" else self.dense[split],
            )
            for split in splits
        ]

    def by_modality(self):
        """The good network of each modality first, as given; then what was added to the store."""
        found: dict[str, list[str]] = {}
        for name in dict.fromkeys([*self.networks, *Store(self.store).networks()]):
            found.setdefault(Store(self.store).network(name).modality, []).append(name)
        return found

    def judging(self, **changed):
        """Options of the command `judge`."""
        return {"labels": self.folder / "test.csv", **self.truth("test"), "workers": 1, "device": "cpu"} | changed


@pytest.fixture(autouse=True)
def rough_forecast(monkeypatch):
    """A forecast times few steps: how near its seconds are is not looked at."""
    monkeypatch.setattr("seehear.selection.plan.TIMED_STEPS", 2)


@pytest.fixture(scope="session")
def untouched(tmp_path_factory):
    """What each test gets a copy of."""
    return Choice(tmp_path_factory.mktemp("choice"))


@pytest.fixture
def choice(untouched, tmp_path):
    return untouched.copied(tmp_path)


def world(clips, seed, truth=False, names=None, loud=()):
    """A data set of two audio and two visual networks, of which the first shows the classes well.

    Numbers of the `loud` ones are so large that a training diverges, though closed forms look at them all the same.
    """
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(0).normal(size=(4, 3, 8))
    present = rng.random((clips, 3)) < 0.5
    active = {modality: present[:, None] & (rng.random((clips, 4, 3)) < 0.7) for modality in ("audio", "visual")}
    noise = {"clear": 0.3, "dull": 6.0, "sharp": 0.3, "blurred": 6.0}
    features: dict[str, dict[str, np.ndarray]] = {"audio": {}, "visual": {}}
    for n, (name, deviation) in enumerate(noise.items()):
        modality = "audio" if n < 2 else "visual"
        features[modality][name] = active[modality] @ directions[n] + deviation * rng.normal(size=(clips, 4, 8))
        features[modality][name] *= 1e25 if name in loud else 1
    given = {modality: of_modality.astype(float) for modality, of_modality in active.items()} if truth else None
    return Dataset.from_arrays(features, present.astype(float), ("Cat", "Dog", "Fish"), truth=given, clips=names)


@pytest.fixture(scope="module")
def train():
    return world(40, 1)


@pytest.fixture(scope="module")
def val():
    return world(20, 2, truth=True)


@pytest.fixture
def doubtful(monkeypatch):
    """Whatever is stored, selection by pilots begins with doubt, and nothing is known of other estimators."""
    kinds = {kind: {"pilots": DOUBTFUL} for kind in stored()}
    monkeypatch.setattr(certainty, "stored", lambda: kinds)
    return kinds
