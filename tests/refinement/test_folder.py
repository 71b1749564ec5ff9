"""The folder of a refinement: written and read, by hand and by another version."""

import json

import numpy as np
import pytest

import seehear as sh
from refinement.made import CLASSES, clips, with_labels
from seehear.errors import SeehearError
from seehear.labels import read_dense, read_weak
from seehear.refinement.folder import read
from seehear.refinement.refine import refine


@pytest.fixture(scope="module")
def made():
    return clips(30)


@pytest.fixture
def saved(made, tmp_path):
    refined = refine(made, "ridge")
    refined.save(tmp_path / "refined")
    return refined


def test_what_is_written_is_read(made, saved):
    found = read(saved.folder, made)
    assert found.classes == saved.classes
    assert found.source == saved.pseudo.source
    for name in saved.modalities:
        assert np.array_equal(found.weak[name], saved.weak[name])
        assert np.array_equal(found.segments[name], saved.segments[name])


def test_files(made, saved):
    assert sorted(path.name for path in saved.folder.iterdir()) == [
        "audio.csv",
        "refinement.html",
        "refinement.json",
        "refinement.svg",
        "visual.csv",
        "weak_audio.csv",
        "weak_visual.csv",
    ]
    weak = read_weak(saved.folder / "weak_audio.csv")
    assert weak.clips == made.clips
    assert not [defect for defect in weak.defects if defect.fatal]
    for event in read_dense(saved.folder / "visual.csv").events:
        n, c = made.clips.index(event.clip), CLASSES.index(event.label)
        own = saved.confidence["visual"][n, int(event.onset) : int(event.offset), c]
        assert (own >= 0.5).all()
        assert event.confidence == pytest.approx(own.mean(), abs=6e-4)
    facts = json.loads((saved.folder / "refinement.json").read_text())
    assert facts["format"] == "seehear-refinement-1"
    assert facts["modalities"] == ["audio", "visual"]


def test_what_is_not_known_stays_so(made, tmp_path):
    labels = np.column_stack([made.labels, np.ones(30)]).astype(np.float32)
    dataset = with_labels(made, labels, (*CLASSES, "Always"))
    refined = refine(dataset, "ridge")
    refined.save(tmp_path)
    found = read(tmp_path, dataset)
    for name in refined.modalities:
        assert np.array_equal(np.isnan(found.confidence[name]), np.isnan(refined.confidence[name]))
        assert np.array_equal(found.weak[name], refined.weak[name])


def test_some_of_the_clips_in_another_order(made, saved):
    found = read(saved.folder, made[[5, 2]])
    assert np.array_equal(found.weak["audio"], saved.weak["audio"][[5, 2]])
    assert np.array_equal(
        found.segments["visual"], saved.segments["visual"][[5, 2], : found.segments["visual"].shape[1]]
    )


def test_a_label_that_a_user_corrects_counts(made, saved):
    """The tables are edited by hand: a class that holds in one modality more."""
    n = int(np.flatnonzero(made.labels[:, 0] > 0)[0])
    path = saved.folder / "weak_visual.csv"
    names = [name for c, name in enumerate(CLASSES) if saved.weak["visual"][n, c] or c == 0]
    rows = path.read_text().splitlines()
    rows[n + 1] = f"{made.clips[n]}\t{','.join(names)}"
    path.write_text("\n".join(rows) + "\n")
    assert read(saved.folder, made).weak["visual"][n, 0]


def test_no_refinement_in_the_folder(made, tmp_path):
    with pytest.raises(SeehearError, match="no refined labels here; `seehear labels refine` or `seehear label` makes"):
        read(tmp_path, made)


def test_another_format(made, saved):
    path = saved.folder / "refinement.json"
    path.write_text(path.read_text().replace("refinement-1", "refinement-9"))
    with pytest.raises(SeehearError, match=r"refinement\.json: of format seehear-refinement-9"):
        read(saved.folder, made)


def test_clips_that_were_not_refined(made, saved):
    with pytest.raises(SeehearError, match=r"weak_audio\.csv: lacks 2 clips, for example clip030"):
        read(saved.folder, clips(32))


def test_labels_of_another_table(made, saved):
    n, c = (int(each) for each in np.argwhere(saved.weak["audio"])[0])
    fewer, more = made.labels.copy(), made.labels.copy()
    fewer[n, c] = 0
    line = n + 2
    message = rf"weak_audio\.csv:{line}: {made.clips[n]} does not have the weak label {CLASSES[c]}"
    with pytest.raises(SeehearError, match=message):
        read(saved.folder, with_labels(made, fewer))
    n, c = (int(each) for each in np.argwhere(made.labels == 0)[0])
    more[n, c] = 1
    with pytest.raises(
        SeehearError, match=f"{made.clips[n]} has the weak label {CLASSES[c]}, but holds it in no modality"
    ):
        read(saved.folder, with_labels(made, more))


def test_a_modality_that_was_not_refined(made, tmp_path):
    heard = sh.Dataset.from_arrays({"audio": {"ears": made.arrays("ears")}}, made.labels, CLASSES, clips=made.clips)
    refine(heard, "ridge").save(tmp_path)
    with pytest.raises(SeehearError, match=r"weak_visual\.csv"):
        read(tmp_path, made)


def test_tables_that_were_corrected_are_not_overwritten(made, saved):
    refine(made, "ridge").save(saved.folder)  # the same again
    table = saved.folder / "weak_audio.csv"
    corrected = table.read_text().replace("Bell", "", 1)
    table.write_text(corrected)
    with pytest.raises(SeehearError, match=r"weak_audio\.csv: exists with other labels"):
        refine(made, "ridge").save(saved.folder)
    assert table.read_text() == corrected
