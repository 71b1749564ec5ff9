"""Tables of other clips, and tables of few of the clips: truth that says that nothing happens."""

import numpy as np
import pytest

import seehear as sh
from make_media import movie
from seehear.cli import labels as commands
from seehear.errors import SeehearError
from seehear.evaluation import score_tables
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.labels import DefectKind, Event, check, coverage, missing_truth, scan_dense, write_dense
from seehear.media.extent import MAX_MISSING_END

CLIPS = [f"c{n}" for n in range(4)]


@pytest.fixture
def tables(tmp_path):
    """A weak table of four clips, one without a label; tables of all, of few, of others, and of no event."""
    rows = [f"{clip}\t{'' if clip == 'c3' else 'Dog'}" for clip in CLIPS]
    (tmp_path / "weak.csv").write_text("\n".join(["filename\tevent_labels", *rows]) + "\n")
    named = {"all": CLIPS[:3], "few": ["c0", "x"], "half": ["c0", "c1"], "others": ["x", "y"], "empty": []}
    for name, clips in named.items():
        write_dense(tmp_path / f"{name}.csv", [Event(clip, 0, 2, "Dog") for clip in clips])
    return tmp_path


def notes_of(folder, **truth):
    dense = {name: scan_dense(folder / f"{table}.csv") for name, table in truth.items()}
    return missing_truth(dense, CLIPS, CLIPS[:3], "weak.csv")


@pytest.mark.parametrize("kind", ["audio", "visual"])
def test_one_table_of_other_clips_is_refused_by_every_function(tables, kind, monkeypatch):
    monkeypatch.setattr(coverage, "FEW", 3)
    other = {"audio": "visual", "visual": "audio"}[kind]
    truth = {kind: tables / "others.csv", other: tables / "all.csv"}
    right = {name: tables / "all.csv" for name in truth}
    wrong = r"others\.csv: names none of the clips of .*, such as c0, but for example x"
    with pytest.raises(SeehearError, match=wrong):
        score_tables(right, truth, tables / "weak.csv")
    with pytest.raises(SeehearError, match=wrong):
        score_tables(truth, right, tables / "weak.csv")
    for system, known in ((right, truth), (truth, right)):
        with pytest.raises(SeehearError, match=wrong):
            sh.benchmark(system, tables / "weak.csv", truth=known, metrics="map", draws=0)
    store = Store(tables / "store", create=True)
    for name in ("audio", "visual"):
        store.register(NetworkInfo(name, name, 2, "made"))
        for clip in CLIPS:
            store.write(name, Origin(clip, "made", clip), np.zeros((3, 2), dtype=np.float32))
    with pytest.raises(SeehearError, match=wrong):
        sh.Dataset.from_tables(tables / "weak.csv", store=store, truth=truth)
    verb = {"audio": "heard", "visual": "seen"}[kind]
    silent = sh.Dataset.from_tables(
        tables / "weak.csv", store=store, truth={kind: tables / "empty.csv", other: tables / "all.csv"}
    )
    assert not silent.truth[kind].any()
    assert [note.split(": ")[-1] for note in silent.notes] == [f"nothing is {verb} in them, by this table"]


def test_few_clips_may_all_be_silent(tables):
    (note,) = notes_of(tables, audio="others", visual="all")
    assert note.startswith("3 of 3 clips with labels have no row in ")
    with pytest.raises(SeehearError, match="names none of the clips"):
        notes_of(tables, audio="others", visual="others")


def test_tables_of_few_clips_are_told(tables):
    """A clip without a row is usual where nothing is heard, or seen: more than half of them are not."""
    assert notes_of(tables, audio="all", visual="all") == []
    assert notes_of(tables, audio="half", visual="all") == []
    (few,) = notes_of(tables, audio="few", visual="all")
    assert few.startswith("2 of 3 clips with labels have no row in ")
    assert few.endswith("few.csv, for example c1: nothing is heard in them, by this table")
    (bare,) = notes_of(tables, audio="half", visual="half")
    assert bare.startswith("1 clip of weak.csv has labels but no row in ")
    assert bare.endswith("half.csv, for example c2: there, nothing happens")
    seen, both = notes_of(tables, audio="half", visual="few")
    assert "nothing is seen in them, by this table" in seen
    assert both.startswith("1 clip of weak.csv has labels but no row in ")
    (joint,) = notes_of(tables, audio_visual="few")
    assert joint.endswith("nothing happens in them, by this table")


def test_tables_without_any_row_are_refused(tables):
    with pytest.raises(SeehearError, match=r"empty\.csv: have no row, and the clips of weak\.csv have labels"):
        notes_of(tables, audio="empty", visual="empty")


def test_notes_on_few_clips_reach_scores(tables):
    right = {name: tables / "all.csv" for name in ("audio", "visual")}
    truth = right | {"audio": tables / "few.csv"}
    note = "2 of 3 clips with labels have no row in"
    assert any(note in each for each in score_tables(right, truth, tables / "weak.csv").notes)
    found = sh.benchmark(right, tables / "weak.csv", truth=truth, metrics="map", draws=0)
    assert sum(note in each for each in found.notes) == 1


def test_events_of_clips_in_no_split_share_a_line(tables):
    found = check([tables / "weak.csv", tables / "others.csv", tables / "few.csv"])
    lines = found.text().splitlines()
    assert f"{tables / 'few.csv'}:3: x is in no weak table; its event is left out" in lines
    joined = "this is the first of 2 events of clips that are in no weak table; they are left out"
    assert f"{tables / 'others.csv'}:2: {joined}" in lines
    assert sum("no weak table" in line for line in lines) == 2
    assert sum(defect.kind is DefectKind.CLIP_IN_NO_SPLIT for defect in found.defects) == 3


def test_parts_that_their_file_lacks(tmp_path):
    """They are what `extract` refuses: a part may end up to half a second behind its file."""
    (tmp_path / "clips").mkdir()
    movie(tmp_path / "clips/one.mp4", 4)
    within = f"one.mp4#t=2,{4 + MAX_MISSING_END:g}"
    rows = ["one.mp4#t=20,30", "one_11_14", "one.mp4#t=3,30", "one.mp4#t=1,3", within, "one"]
    (tmp_path / "w.csv").write_text("\n".join(["filename\tevent_labels", *(f"{row}\tDog" for row in rows)]) + "\n")
    found = commands.check_labels([tmp_path / "w.csv"], clips=[tmp_path / "clips"])
    wrong = [defect for defect in found.defects if defect.kind is DefectKind.PART_PAST_FILE]
    assert [defect.line for defect in wrong] == [2, 3, 4]
    assert "one.mp4: is 4.0 s long, but one_20_30 begins at second 20" in wrong[0].message
    assert "but one_3_30 ends at second 30" in wrong[2].message
    assert (found.exit_code, sum(defect.fatal for defect in found.defects)) == (1, 3)
    (tmp_path / "d.csv").write_text("filename\tonset\toffset\tevent_labels\none_1_3\t0\t1\tDog\none_3_30\t0\t1\tDog\n")
    (fatal,) = (each for each in check(tmp_path / "d.csv", clips=tmp_path / "clips").defects if each.fatal)
    assert (fatal.line, fatal.kind) == (3, DefectKind.PART_PAST_FILE)
