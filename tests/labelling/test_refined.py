"""What people know of modalities, as training reads it."""

from __future__ import annotations

import numpy as np
import pytest

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.labelling import ClipLabels, DrawnEvent, Session
from seehear.refinement import folder as refinement

from .made import CLASSES, clips


def test_training_reads_what_people_know(tmp_path):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 4), classes=CLASSES)
    session.label("clip_000", {"Dog": "audio", "Cat": None})
    session.label("clip_001", {"Dog": "audio_visual"})
    session.draw("clip_001", [DrawnEvent("audio", "Dog", 1, 3)])
    session.label("clip_002", {"Dog": None})
    session.draw("clip_002", [DrawnEvent("visual", "Dog", 0, 2)], timed=True)
    session.label("clip_003", [])
    names = ["clip_000", "clip_001", "clip_002", "clip_003"]
    features = {name: {f"network-{name}": np.zeros((4, 5, 2))} for name in ("audio", "visual")}
    dataset = Dataset.from_arrays(features, [session.labels()[clip] for clip in names], CLASSES, clips=names)
    read = refinement.read(session.refined(), dataset)
    dog, cat = CLASSES.index("Dog"), CLASSES.index("Cat")
    assert read.weak["audio"][:, dog].tolist() == [True, True, False, False]
    assert read.weak["visual"][:, dog].tolist() == [False, True, True, False]
    assert [read.weak[name][0, cat] for name in ("audio", "visual")] == [True, True]
    assert read.confidence["audio"][1, :, dog].tolist() == [0, 1, 1, 0, 0]
    assert read.confidence["visual"][2, :, dog].tolist() == [1, 1, 0, 0, 0]
    assert np.isnan(read.confidence["visual"][1, :, dog]).all()  # it is seen; nobody drew when
    assert np.isnan(read.confidence["audio"][0, :, dog]).all()
    session.change("clip_000", ClipLabels())
    assert "clip_000" not in (session.refined() / "weak_audio.csv").read_text()


def test_refined_labels_of_someone_else_are_kept(tmp_path):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "refinement.json").write_text('{"source": "a teacher"}')
    with pytest.raises(SeehearError, match="not made by labelling"):
        session.refined(tmp_path / "mine")


def test_it_follows_each_change(tmp_path):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 2), classes=CLASSES)
    table = tmp_path / "labels" / "refined" / "weak_audio.csv"
    session.label("clip_000", {"Dog": "audio"})
    assert table.read_text().splitlines()[1:] == ["clip_000\tDog"]
    session.undo()
    assert table.read_text().splitlines()[1:] == []
    (table.parent / "refinement.json").write_text('{"source": "a teacher"}')
    session.label("clip_001", ["Dog"])
    assert "not made by labelling" in session.problem
    assert session.labels() == {"clip_001": ["Dog"]}
