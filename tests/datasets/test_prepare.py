"""seehear prepare: what a data set has, what is missing, and what to do next."""

import json
import shlex

import numpy as np
import pytest

import commands
import make_media
from seehear import datasets
from seehear.cli.app import build
from seehear.datasets.spec import shared_folders
from seehear.errors import SeehearError
from seehear.features.store import Store
from seehear.labels import DefectKind
from seehear.media.notes import Note, NoteKind

from .tables import LLP, TEST, TRAIN, VAL, needs_llp, write_tables

EVERY = (*TRAIN, *VAL, *TEST)
SPLITS = {"train": TRAIN, "val": VAL, "test": TEST}


@pytest.fixture
def tables(tmp_path):
    return write_tables(tmp_path / "tables")


@pytest.fixture
def features(tmp_path, tables):
    """The field's folders but for r2plus1d_18, each file holding a number of its own."""
    for shared in shared_folders(datasets.get("llp"))[:2]:
        place, shape = tmp_path / "features" / shared.folder, (shared.form.total, shared.form.width)
        place.mkdir(parents=True)
        for n, clip in enumerate(EVERY):
            np.save(place / f"{clip[:11]}.npy", np.full(shape, n, dtype=np.float32))
    return tmp_path / "features"


def prepare(tmp_path, **options):
    options = {"dataset": "llp", "annotations": tmp_path / "tables", "store": tmp_path / "store"} | options
    return commands.prepare(**options)


def test_shared_features_are_imported(tmp_path, features):
    report = prepare(tmp_path, features=features)
    assert report.exit_code == 0
    assert report.missing == {name: {split: [] for split in SPLITS} for name in ("resnet152", "vggish")}
    assert report.annotations.weak["val"] == tmp_path / "tables" / "AVVP_val_pd.csv"
    kept = Store(tmp_path / "store")
    for n, clip in enumerate(EVERY):  # each by the first eleven characters of its name
        for network, width in (("vggish", 128), ("resnet152", 2048)):
            np.testing.assert_array_equal(kept.read(network, clip), np.full((10, width), n))
    text = report.text()
    assert "r2plus1d_18 does not exist: r2plus1d-18 was not imported" in text
    assert "vggish     audio     4 / 4  2 / 2  1 / 1" in text


def test_missing_and_bad_files_are_listed_one_by_one(tmp_path, features):
    (features / "vggish" / f"{TRAIN[1][:11]}.npy").unlink()
    np.save(features / "vggish" / f"{VAL[0][:11]}.npy", np.zeros((10, 64), np.float32))
    np.save(features / "res152" / f"{TEST[0][:11]}.npy", np.zeros((79, 2048), np.float32))
    report = prepare(tmp_path, features=features)
    assert report.exit_code == 1
    assert report.missing == {
        "resnet152": {"train": [], "val": [], "test": [TEST[0]]},
        "vggish": {"train": [TRAIN[1]], "val": [VAL[0]], "test": []},
    }
    head, *rows = [line.split("\t") for line in report.lists["missing clips"].read_text().splitlines()]
    assert head == ["split", "clip", "network", "reason"]
    assert [row[:3] for row in rows] == [
        ["test", TEST[0], "resnet152"], ["train", TRAIN[1], "vggish"], ["val", VAL[0], "vggish"],
    ]  # fmt: skip
    assert "(79, 2048), expected numbers of shape (80, 2048)" in rows[0][3]
    assert rows[1][3] == f"{features / 'vggish' / TRAIN[1][:11]}.npy: no such file"
    assert "(10, 64), expected numbers of shape (10, 128)" in rows[2][3]
    assert "3 / 4  1 / 2  1 / 1" in report.text()
    assert json.loads(json.dumps(report.as_json()))["missing"] == report.missing


def test_without_features_the_store_is_listed(tmp_path, features):
    report = prepare(tmp_path)
    assert report.exit_code == 1
    assert report.missing == {
        name: {split: list(clips) for split, clips in SPLITS.items()} for name in ("vggish", "resnet152", "r2plus1d-18")
    }
    named = report.lists["missing clips"].read_text().splitlines()
    assert len(named) == 1 + 3 * sum(map(len, SPLITS.values()))
    assert report.commands()[0].startswith("seehear prepare --dataset llp")
    prepare(tmp_path, features=features)
    assert prepare(tmp_path).exit_code == 0


def test_notes_that_the_store_keeps_are_listed(tmp_path, features):
    silent, damaged = Note(NoteKind.SILENT, "audio"), Note(NoteKind.DAMAGED, "visual", 2)
    complete = prepare(tmp_path, features=features)
    assert complete.clip_notes == {}
    store = Store(tmp_path / "store")
    for network, clip, notes in (
        ("vggish", TEST[0], [silent]),
        ("resnet152", TEST[0], [damaged]),
        ("vggish", TRAIN[0], [silent]),
    ):
        store.write(network, store.origin(network, clip), store.read(network, clip), notes=notes)
    report = prepare(tmp_path)
    assert report.clip_notes == {TRAIN[0]: (silent,), TEST[0]: (damaged, silent)}
    assert "2 clips with notes; content of 1 is missing:" in report.text()
    assert json.loads(json.dumps(report.as_json()))["clip_notes"][TRAIN[0]] == [silent.as_json()]
    assert (complete.exit_code, report.exit_code) == (0, 1)
    file = store.file("vggish", TRAIN[0])
    file.write_bytes(file.read_bytes().replace(b"silent", b"sunken"))
    damaged_report = prepare(tmp_path)
    assert f"{file}: its notes are damaged" in damaged_report.text()
    assert list(damaged_report.clip_notes) == [TEST[0]]


def test_the_next_commands_are_valid(tmp_path, features):
    report = prepare(tmp_path, features=features)
    train, reproduce = report.commands()
    tokens = shlex.split(train)[1:]
    command, bound, _ = build(tokens).parse_args(tokens, print_error=False, exit_on_error=False)
    assert command.__name__ == "train"
    assert bound.arguments["collocation"] == ["audio=vggish", "visual=resnet152"]
    assert bound.arguments["recipe"] == "refined"
    assert reproduce.startswith("seehear reproduce table5 --dataset llp --annotations ")
    assert train in report.text()


def test_a_class_that_llp_does_not_have_gets_a_suggestion(tmp_path, tables):
    for name in ("AVVP_train.csv", "AVVP_val_pd.csv"):
        table = tables / name
        table.write_text(table.read_text().replace("Speech", "Speach"))
    with pytest.raises(SeehearError) as error:
        prepare(tmp_path)
    lines = str(error.value).splitlines()
    assert {line.split(":")[0].rpartition("/")[2] for line in lines} == {"AVVP_train.csv", "AVVP_val_pd.csv"}
    assert all("class 'Speach' is not in the list of classes: did you mean Speech?" in line for line in lines)


def test_an_event_after_the_end_of_its_clip(tmp_path, tables):
    with (tables / "AVVP_eval_audio.csv").open("a") as stream:
        stream.write(f"{TEST[0]}\t9\t10.5\tDog\n")
    (defect,) = prepare(tmp_path).defects_by_kind()[DefectKind.ROUNDED_END]
    assert "Dog ends at 10.5 s, after the end of its clip at 10 s" in str(defect)
    with (tables / "AVVP_eval_audio.csv").open("a") as stream:
        stream.write(f"{TEST[0]}\t20\t30\tDog\n")
    with pytest.raises(SeehearError, match=r"AVVP_eval_audio\.csv:\d+: error: Dog ends at 30 s, after the end of its"):
        prepare(tmp_path)


def test_damaged_files_are_distinguished_from_missing_ones(tmp_path, features):
    (features / "vggish" / f"{TRAIN[0][:11]}.npy").unlink()
    (features / "vggish" / f"{TRAIN[1][:11]}.npy").write_text("hello world")
    report = prepare(tmp_path, features=features)
    (note,) = (note for note in report.notes if "can't be used" in note)
    assert note.startswith("1 of its files can't be used")
    assert note.endswith(f"{TRAIN[1][:11]}.npy: is not a .npy file")


def test_defects_are_counted_and_all_are_listed(tmp_path, tables):
    with (tables / "AVVP_eval_audio.csv").open("a") as stream:
        stream.writelines(f"unknown{n:03}_0_10\t0\t1\tDog\n" for n in range(5))
    report = prepare(tmp_path)
    assert (
        len(report.defects_by_kind()[DefectKind.CLIP_IN_NO_SPLIT])
        == report.as_json()["defects"]["clip-in-no-split"]
        == 5
    )
    listed = report.lists["defects"].read_text()
    assert all(f"unknown{n:03}_0_10 is in no weak table" in listed for n in range(5))
    assert "5  events of clips that are in no split" in report.text()
    assert report.text().count("unknown") < 5
    (tables / "AVVP_train.csv").write_text("filename\tevent_labels\nx\tDog\nx\tCat\n")
    with pytest.raises(SeehearError, match="other labels than on line 2"):
        prepare(tmp_path)


@needs_llp
def test_the_tables_of_llp(tmp_path):
    report = prepare(tmp_path, annotations=LLP)
    assert report.sizes == {"train": 10000, "val": 649, "test": 1200}
    assert sum(map(len, report.defects_by_kind().values())) == 155
    assert len(report.lists["defects"].read_text().splitlines()) == len(report.defects) == 155
    assert "--recipe paper" in report.commands()[0] or "prepare" in report.commands()[0]


def test_wrong_folders(tmp_path, tables):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SeehearError, match="holds none of the folders vggish, res152, r2plus1d_18"):
        prepare(tmp_path, features=tmp_path / "empty")
    with pytest.raises(SeehearError, match="no such folder"):
        prepare(tmp_path, features=tmp_path / "none")
    with pytest.raises(SeehearError, match="name their folder with --videos"):
        prepare(tmp_path, networks=["yamnet"])
    with pytest.raises(SeehearError, match="did you mean llp"):
        prepare(tmp_path, dataset="lpp")


NETWORK = """
import numpy as np
import seehear

@seehear.network(name="loudness", modality="audio", width=1, rate=16000, window=1.0)
def loudness(sound):
    return np.abs(sound).mean(axis=1, keepdims=True)
"""


@pytest.mark.parametrize("cut", [False, True])
def test_parts_of_videos_are_extracted(tmp_path, tables, cut):
    """Sound that is louder each second: each clip's features tell which part of its video it is."""
    (tmp_path / "own.py").write_text(NETWORK)
    rate, seconds = 16000, 21
    sound = make_media.tone(440, seconds) * (1 + np.floor(np.arange(seconds * rate) / rate)) / 25
    videos = tmp_path / "videos"
    for clip in EVERY[2:-1]:
        make_media.write(videos / f"{clip[:11]}.wav", sound=sound.astype(np.float32), sound_codec="pcm_s16le")
    options = {"videos": videos, "networks": [f"{tmp_path / 'own.py'}:loudness"], "device": "cpu"}
    options |= {"cut": tmp_path / "clips"} if cut else {}
    report = prepare(tmp_path, **options)
    assert report.missing == {"loudness": {"train": list(TRAIN[:2]), "val": [], "test": list(TEST)}}
    assert report.clips == (tmp_path / "clips" if cut else videos)
    assert cut or not list(tmp_path.rglob("*.mp4"))
    kept = Store(tmp_path / "store")
    expected = 0.4 * 2 / np.pi * np.arange(1, 22) / 25
    for clip in EVERY[2:-1]:
        start = int(clip.split("_")[-2])
        features = kept.read("loudness", clip)[:, 0]
        np.testing.assert_allclose(features, expected[start : start + 10], rtol=0.08)
    assert "holds no video of" in report.lists["missing clips"].read_text()
    again = prepare(tmp_path, **options)
    assert ("0 cut now, 4 before" if cut else "4 are parts of full videos, 0 are files") in again.text()
    assert "0 features made, 4 unchanged" in again.text()
    with pytest.raises(SeehearError, match="no network is called 'none'"):
        prepare(tmp_path, **options | {"networks": ["none"]})


def test_imported_features_are_not_extracted_over(tmp_path, features):
    prepare(tmp_path, features=features)
    (tmp_path / "videos").mkdir()
    make_media.movie(tmp_path / "videos" / f"{TRAIN[2][:11]}.mp4", 10)
    report = prepare(tmp_path, videos=tmp_path / "videos", networks=["vggish"])
    assert "features of vggish" in report.text()
    assert report.missing["vggish"] == {split: [] for split in SPLITS}


def test_from_python(tmp_path, tables, features):
    prepared = datasets.prepare(datasets.get("llp"), str(tables), str(tmp_path / "store"), features=str(features))
    defects = len(prepared.defects)
    assert repr(prepared) == (
        f"Prepared(llp: 7 clips, {defects} defects; resnet152 lacks 0 clips, vggish lacks 0 clips)"
    )
    assert datasets.prepare("llp", tables, tmp_path / "empty").exit_code == 1
    pytest.importorskip("pandas")
    rows = prepared.to_frame()
    assert rows.columns.tolist() == ["network", "modality", "split", "clips", "missing"]
    assert rows.to_numpy().tolist()[-1] == ["vggish", "audio", "test", 1, 0]
