"""Pseudo-labels that somebody else made, as tables."""

import numpy as np
import pytest

from refinement.made import CLASSES, clips
from seehear.errors import SeehearError
from seehear.labels import DenseTable, Event, read_dense, write_dense
from seehear.refinement.given import refine_by

HEADER = "filename\tonset\toffset\tevent_labels\tconfidence"


@pytest.fixture
def made():
    """Three clips of 6, 6 and 4 seconds: Bell; Bell and Car; Dog."""
    dataset = clips(3)
    return type(dataset).from_arrays(
        {"audio": {"ears": dataset.arrays("ears")}, "visual": {"eyes": dataset.arrays("eyes")}},
        np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]], np.float32),
        CLASSES,
        clips=("one", "two", "three"),
    )


def table(path, *rows, header=HEADER):
    path.write_text("\n".join([header, *("\t".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_every_rule_at_once(made, tmp_path):
    audio = table(
        tmp_path / "audio.csv",
        ("one", 0, 2, "Bell", 0.9),
        ("one", 1, 3, "Bell", 0.7),  # overlaps: the higher confidence counts
        ("one", 4, 5, "Bell", 0.2),  # absent, but of known confidence
        ("two", 0, 4, "Car", 0.4),  # below one half
        ("two", 3, 5, "Bell", ""),  # not known
        ("three", 0, 4, "Bell", 0.9),  # not a weak label of the clip
    )
    visual = table(tmp_path / "visual.csv", ("two", 2, 3, "Bell", 0.5), ("one", 5, 9, "Bell", 1))
    found = refine_by(made, {"audio": audio, "visual": visual})
    bell, car, dog = 0, 1, 2
    heard, seen = found.confidence["audio"], found.confidence["visual"]
    assert heard[0, :, bell] == pytest.approx([0.9, 0.9, 0.7, 0, 0.2, 0])
    assert seen[0, :, bell] == pytest.approx([0, 0, 0, 0, 0, 1])  # cut at the clip's end
    assert np.array_equal(heard[1, :, bell], [0, 0, 0, np.nan, np.nan, 0], equal_nan=True)
    assert seen[1, :, bell] == pytest.approx([0, 0, 0.5, 0, 0, 0])
    assert not heard[2, :, bell].any()
    # In no table with at least one half: kept in every modality, and nothing known within the clip.
    assert found.weak["audio"][:, car].tolist() == found.weak["visual"][:, car].tolist() == [False, True, False]
    assert np.isnan(heard[1, :, car]).all()
    assert np.isnan(seen[1, :, car]).all()
    assert np.isnan(heard[2, :4, dog]).all()
    assert not heard[2, 4:, dog].any()  # past its end
    assert found.weak["audio"][:, bell].tolist() == [True, False, False]
    assert found.weak["visual"][:, bell].tolist() == [True, True, False]
    text = found.text()
    assert f"{audio}:7: three does not have the weak label Bell: left out" in text
    assert f"{visual}:3: Bell ends at 9 s, after the end of its clip at 6 s" in text
    assert "2 weak labels are in no pseudo-label" in text
    assert found.teachers is None
    assert found.unsure == []
    with pytest.raises(SeehearError, match="were given: there is no teacher"):
        found.label(made)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_events_does_not_matter(made, tmp_path, order):
    """Where one event is of known confidence and another is not, the known one counts."""
    rows = [("one", 0, 2, "Bell", ""), ("one", 1, 3, "Bell", 0.8), ("one", 2, 3, "Bell", 0)][::order]
    none = table(tmp_path / "visual.csv")
    found = refine_by(made, {"audio": table(tmp_path / "audio.csv", *rows), "visual": none})
    assert np.isnan(found.confidence["audio"][0, 0, 0])
    assert found.confidence["audio"][0, 1:, 0] == pytest.approx([0.8, 0.8, 0, 0, 0])


def test_without_a_column_of_confidences_every_event_is_certain(made, tmp_path):
    header = HEADER.removesuffix("\tconfidence")
    audio = table(tmp_path / "audio.csv", ("one", 1, 2, "Bell"), header=header)
    found = refine_by(made, {"audio": audio, "visual": table(tmp_path / "visual.csv", header=header)})
    assert found.confidence["audio"][0, :, 0].tolist() == [0, 1, 0, 0, 0, 0]


def test_tables_in_memory(made, tmp_path):
    audio = table(tmp_path / "audio.csv", ("one", 1, 2, "Bell", 0.6))
    visual = table(tmp_path / "visual.csv")
    files = refine_by(made, {"audio": audio, "visual": visual})
    read = refine_by(made, {"audio": read_dense(audio), "visual": read_dense(visual)})
    assert read.pseudo.revision == files.pseudo.revision


def test_clips_that_are_not_in_the_table_keep_their_weak_labels(made, tmp_path):
    tables = {name: table(tmp_path / f"{name}.csv", ("one", 1, 2, "Bell", 0.6)) for name in made.modalities}
    found = refine_by(made, tables)
    for name in made.modalities:
        assert np.array_equal(found.weak[name][1:], made.labels[1:] > 0)
        assert np.isnan(found.confidence[name][1, :, :2]).all()


def test_clips_that_are_not_in_the_data_set_are_told(made, tmp_path):
    rows = [("one", 1, 2, "Bell", 0.6), ("lost", 0, 1, "Bell", 1)]
    tables = {name: table(tmp_path / f"{name}.csv", *rows) for name in made.modalities}
    found = refine_by(made, tables)
    assert f"{tables['audio']}: 1 clip is not in the data set, for example lost: left out" in found.notes


def test_tables_of_other_clips_are_refused(made, tmp_path):
    tables = {name: table(tmp_path / f"{name}.csv", ("lost", 0, 1, "Bell", 1)) for name in made.modalities}
    with pytest.raises(SeehearError, match=r"audio\.csv: names none of the clips, but for example lost"):
        refine_by(made, tables)


def test_every_modality_needs_a_table(made, tmp_path):
    with pytest.raises(SeehearError, match="given for audio: give those of visual"):
        refine_by(made, {"audio": table(tmp_path / "audio.csv")})
    with pytest.raises(SeehearError, match="given for no modality: give those of audio"):
        refine_by(made, {})


@pytest.mark.parametrize("confidence", ["1.5", "-0.1", "nan", "inf", "high"])
def test_a_bad_confidence_names_file_and_line(made, tmp_path, confidence):
    audio = table(tmp_path / "audio.csv", ("one", 1, 2, "Bell", 0.6), ("two", 1, 2, "Bell", confidence))
    with pytest.raises(SeehearError, match=rf"audio\.csv:3: .*confidence '{confidence}' must be a number from 0 to 1"):
        refine_by(made, {"audio": audio, "visual": audio})


def test_times_that_are_no_multiple_of_a_segment(made, tmp_path):
    """Rounded to milliseconds, an event may end half of one after its clip: that is no defect."""
    dataset = type(made).from_arrays(
        {"audio": {"ears": made.arrays("ears")}}, made.labels, CLASSES, clips=made.clips, segment=2 / 3
    )
    audio = tmp_path / "audio.csv"
    write_dense(audio, [Event("three", 2 * 2 / 3, 4 * 2 / 3, "Dog", confidence=0.75)], confidence=True)
    found = refine_by(dataset, {"audio": audio})
    assert found.confidence["audio"][2, :, 2].tolist() == [0, 0, 0.75, 0.75, 0, 0]
    assert not any("after the end" in note for note in found.notes)
    assert isinstance(read_dense(audio), DenseTable)
