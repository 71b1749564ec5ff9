"""No name leads out of its folder, or into the rows of a table about something else."""

import json
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import commands
from seehear import arguments
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.labels import Event, dense_text, read_dense, read_weak, scan_dense, scan_weak
from seehear.media.clips import find_clips
from seehear.names import valid_clip_name, valid_modality_name, valid_network_name
from seehear.networks import network
from seehear.parsing.clip import ParsedClip
from seehear.parsing.folder import read, read_folder, write
from seehear.training.runs import Run

OUTSIDE = (
    "../owned",
    "/tmp/owned",
    "a/../../owned",
    "a/b",
    "..\\owned",
    "C:\\owned",
    "..",
    ".",
    ".hidden",
    "aaaaaaaaaaa/../x",
)
BREAKING = ("a\tb", "a\nb", "a\rb", "a\x00b", "a\x1fb", "a\x85b", "a\u2028b", "a\u2029b", "a\x7fb")
BAD_CLIPS = (*OUTSIDE, *BREAKING, "", "half\ud800", "ü" * 121)
BAD_MODALITIES = ("../x", "/tmp/x", "a b", "a.b", "", "a\n", "a\x00", "..", "a=b", "\ud800", "a" * 241)
BAD_NETWORKS = (
    "../outside",
    "packed",
    "Packed",
    "a+b",
    "",
    ".",
    "..",
    "-a",
    "_a",
    "a b",
    "a/b",
    "a\n",
    "ü",
    "a:b",
    "a" * 201,
)
SIGNS = st.text(st.sampled_from("a.0-_/\\ \t\n\x00:~$ü\u2028") | st.characters(), max_size=8)


@given(SIGNS)
@example("..")
@example("../a")
def test_no_accepted_name_leaves_its_folder_or_its_line(name):
    for check in (valid_clip_name, valid_modality_name, valid_network_name):
        try:
            check(name)
        except SeehearError as error:
            str(error).encode()
            continue
        for flavour in (PurePosixPath, PureWindowsPath):
            if flavour is PureWindowsPath and ":" in name:  # no file of that name can be there
                continue
            path = flavour("folder") / f"{name}.csv"
            assert path.parent == flavour("folder")
            assert path.name == f"{name}.csv"
        assert len(name.encode()) <= 240
        assert f"a{name}b".splitlines() == [f"a{name}b"]
        if check is valid_clip_name and name == name.strip():
            assert dense_text([Event(name, 0, 1, "Dog")]).count("\n") == 2


@given(name=SIGNS)
def test_a_table_reads_back_the_clips_it_was_written_with(tmp_path_factory, name):
    path = tmp_path_factory.getbasetemp() / "dense.csv"
    try:
        valid_clip_name(name)
    except SeehearError:
        return
    if name == name.strip():
        path.write_text(dense_text([Event(name, 0, 1, "Dog")]), encoding="utf-8")
        normal = unicodedata.normalize("NFC", name)  # in which names are compared
        assert [event.clip for event in read_dense(path).events] == [normal]


@pytest.mark.parametrize(
    ("check", "name"),
    [
        *((valid_clip_name, name) for name in BAD_CLIPS),
        *((valid_modality_name, name) for name in BAD_MODALITIES),
        *((valid_network_name, name) for name in BAD_NETWORKS),
    ],
)
def test_bad_names_are_refused(check, name):
    with pytest.raises(SeehearError):
        check(name)


@pytest.mark.parametrize(
    "name", ["-0BIyqJj9ZU_30_40", "_a", "a b.c", "犬 🐕", "it's", "$HOME & co; `x`", "00:01", "ü" * 120]
)
def test_names_of_real_clips_are_accepted(name):
    assert valid_clip_name(name) == name


@pytest.mark.parametrize("clip", [name for name in OUTSIDE if name != "."])
def test_label_tables_with_names_that_lead_elsewhere(tmp_path, clip):
    """Every command reads its tables so: the row is named, and nothing is written."""
    weak, dense = tmp_path / "weak.csv", tmp_path / "dense.csv"
    weak.write_text(f"filename\tevent_labels\ngood\tDog\n{clip}\tDog\n")
    dense.write_text(f"filename\tonset\toffset\tevent_labels\ngood\t0\t1\tDog\n{clip}\t0\t1\tDog\n")
    for file, scan, reader in ((weak, scan_weak, read_weak), (dense, scan_dense, read_dense)):
        (defect,) = [defect for defect in scan(file).defects if defect.fatal]
        assert (defect.path, defect.line) == (file, 3)
        with pytest.raises(SeehearError, match=f"{file.name}:3: error: the clip's name"):
            reader(file)


@pytest.mark.parametrize("clip", ["aaaaaaaaaaa/../../../../victim/owned", "{}/victim/owned", "../../../victim/owned"])
def test_importing_features_writes_into_the_store_alone(tmp_path, clip):
    folder, victim = tmp_path / "features", tmp_path / "victim"
    folder.mkdir()
    victim.mkdir()
    (victim / "owned.safetensors").write_text("mine")
    clip = clip.format(tmp_path)
    np.save(folder / f"{clip.replace('/', '_')[:11]}.npy", np.zeros((2, 3), np.float32))
    np.save(folder / "aaaaaaaaaaa.npy", np.zeros((2, 3), np.float32))
    (tmp_path / "labels.csv").write_text(f"filename\tevent_labels\n{clip}\tDog\n")
    with pytest.raises(SeehearError, match=r"labels\.csv:2"):
        commands.import_features(
            folder, store=tmp_path / "store", network="n", modality="audio", labels=[tmp_path / "labels.csv"], prefix=11
        )
    assert [file.name for file in victim.iterdir()] == ["owned.safetensors"]
    assert (victim / "owned.safetensors").read_text() == "mine"
    kept = Store(tmp_path / "store", create=True)
    with pytest.raises(SeehearError, match="clip's name"):
        kept.write("n", Origin(clip, "", ""), np.zeros((2, 3), np.float32))


def test_a_file_of_features_with_a_bad_name_leaves_the_others_be(tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    for name in ("good", "a\tb", "._good", ".123-0123abcd"):
        np.save(folder / f"{name}.npy", np.zeros((2, 3), np.float32))
    report = commands.import_features(folder, store=tmp_path / "store", network="n", modality="audio")
    assert (report.count, list(report.failed)) == (1, ["a\tb"])
    assert Store(tmp_path / "store").clips("n") == {"good"}


@pytest.mark.parametrize("name", BAD_NETWORKS)
def test_no_network_has_a_bad_name(tmp_path, name):
    (tmp_path / "features").mkdir()
    np.save(tmp_path / "features" / "a.npy", np.zeros((2, 3), np.float32))
    with pytest.raises(SeehearError, match="network"):
        network(name=name, modality="audio", width=1)(lambda waves: waves[:, :1])
    with pytest.raises(SeehearError, match="network"):
        commands.import_features(tmp_path / "features", store=tmp_path / "store", network=name, modality="audio")
    assert not (tmp_path / "store").exists()
    kept = Store(tmp_path / "store", create=True)
    with pytest.raises(SeehearError, match="network"):
        kept.register(NetworkInfo(name, "audio", 1, ""))
    with pytest.raises(SeehearError, match="network"):
        kept.file(name, "clip")


@pytest.mark.parametrize("name", BAD_MODALITIES)
def test_no_modality_has_a_bad_name(tmp_path, name):
    with pytest.raises(SeehearError, match="modality"):
        Store(tmp_path / "store", create=True).register(NetworkInfo("n", name, 1, ""))
    (tmp_path / "features").mkdir()
    with pytest.raises(SeehearError, match="modality"):
        commands.import_features(tmp_path / "features", store=tmp_path / "other", network="n", modality=name)
    if name and "=" not in name:
        with pytest.raises(SeehearError, match="modality"):
            arguments.by_modality([f"{name}=table.csv"])
        with pytest.raises(SeehearError, match="modality"):
            arguments.collocation([f"{name}=n"])
        with pytest.raises(SeehearError, match="modality"):
            arguments.candidates([f"{name}=n"])


@pytest.mark.parametrize("name", ["a\tb", "a\nother\t0\t1\tDog", "a\u2028other\t0", "a\x85b", ".hidden", "a\\b"])
def test_a_clip_file_whose_name_breaks_a_table_is_refused(tmp_path, name):
    (tmp_path / f"{name}.mp4").touch()
    for given_paths in ([tmp_path], [tmp_path / f"{name}.mp4"]):
        if name.startswith(".") and given_paths == [tmp_path]:
            continue  # hidden ones are passed over in folders
        with pytest.raises(SeehearError, match=r"the clip's name .*rename it") as caught:
            find_clips(given_paths)
        assert "\n" not in str(caught.value)


ELAN = """<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds">
<PROPERTY NAME="seehear clip">{clip}</PROPERTY><PROPERTY NAME="seehear tells">{tells}</PROPERTY></HEADER>
<TIME_ORDER/><TIER TIER_ID="heard"/><TIER TIER_ID="{tells}"/></ANNOTATION_DOCUMENT>"""
VTT = "WEBVTT\n\nNOTE tells what is heard, {tells}\n"
ACTIVITYNET = '{{"results": {{"{clip}": []}}}}'
EDL = (
    "TITLE: x\n001 AX V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n* LOC: 00:00:00:00 RED Dog\n"
    '* SEEHEAR: {{"rate": "25", "clip": "{clip}", "modality": "{tells}"}}\n'
)
OTIO = (
    '{{"OTIO_SCHEMA": "Timeline.1", "tracks": {{}}, '
    '"metadata": {{"seehear": {{"clip": "{clip}", "modalities": ["{tells}"]}}}}}}'
)
LABEL_STUDIO = (
    '[{{"data": {{"seehear_clip": "{clip}", "seehear_modalities": ["{tells}"]}}, "annotations": [{{"result": []}}]}}]'
)
CSV = "clip,modality,label,onset,offset\n{clip},{tells},Dog,0,1\n"


@pytest.mark.parametrize(
    ("file", "text", "clip", "tells"),
    [
        ("a.vtt", VTT, "", "../victim"),
        ("a.vtt", VTT, "", "a.b"),
        ("a.eaf", ELAN, "a", "../victim"),
        ("a.eaf", ELAN, "../victim", "seen"),
        ("a.csv", CSV, "a", "../victim"),
        ("a.csv", CSV, "../victim", "audio"),
        ("a.seen.edl", EDL, "a", "../victim"),
        ("a.seen.edl", EDL, "../victim", "seen"),
        ("a.otio", OTIO, "a", "../victim"),
        ("a.otio", OTIO, "../victim", "seen"),
        ("a.json", LABEL_STUDIO, "a", "../victim"),
        ("a.json", LABEL_STUDIO, "../victim", "seen"),
        ("activitynet.audio.json", ACTIVITYNET, "../victim", ""),
        ("activitynet.audio.json", ACTIVITYNET, "a\\tb", ""),
        ("..audio.txt", "0\t1\tDog\n", "", ""),
    ],
)
def test_annotations_touch_no_table_outside_their_folder(tmp_path, file, text, clip, tells):
    """Nor where there is no event under the name, which would remove those of the other table."""
    victim = tmp_path / "victim.csv"
    victim.write_text("filename\tonset\toffset\tevent_labels\na\t0\t1\tDog\n")
    path = tmp_path / "in" / file
    path.parent.mkdir()
    path.write_text(text.format(clip=clip, tells=tells))
    with pytest.raises(SeehearError) as caught:
        commands.import_labels([path], out=tmp_path / "out")
    assert str(path) in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert victim.read_text().endswith("a\t0\t1\tDog\n")


def test_the_modality_of_an_import_is_checked(tmp_path):
    (tmp_path / "a.txt").write_text("0\t1\tDog\n")
    with pytest.raises(SeehearError, match="modality"):
        commands.import_labels([tmp_path / "a.txt"], out=tmp_path / "out", modality="../x")
    assert not (tmp_path / "out").exists()


EVENT = {"label": "Dog", "modality": "../x", "onset": 0.0, "offset": 1.0, "confidence": 1.0}


@pytest.mark.parametrize(
    "changed",
    [
        *({"clip": name} for name in BAD_CLIPS),
        {"modalities": ["audio", "../x"]},
        {"modalities": ["/tmp/x"]},
        {"events": [EVENT]},
        {"truth": [EVENT]},
    ],
)
def test_a_parsed_clip_that_someone_sent_keeps_to_its_folder(tmp_path, changed):
    write(ParsedClip("good", "good.mp4", 2.0, 1.0, ("audio",), "global", (), {}), tmp_path)
    file = tmp_path / "sent.json"
    facts = json.loads((tmp_path / "good.json").read_text())
    file.write_text(json.dumps(facts | {"clip": "sent"} | changed))
    with pytest.raises(SeehearError, match=r"sent\.json: (the (clip's name|modality)|.* half of a character)"):
        read(file)
    clips, wrong = read_folder(tmp_path)
    assert ([clip.clip for clip in clips], len(wrong)) == (["good"], 1)


@pytest.mark.parametrize("changed", ["modality", "class"])
def test_a_run_that_someone_sent_names_no_table_outside(tmp_path, changed):
    facts = {
        "format": 1,
        "recipe": {},
        "seed": 0,
        "networks": {"../x" if changed == "modality" else "audio": []},
        "classes": ["Dog", "Cat\nother\t0\t1\tDog" if changed == "class" else "Cat"],
        "segment": 1.0,
        "window": 10,
        "inputs": {},
    }
    (tmp_path / "run.json").write_text(json.dumps(facts))
    with pytest.raises(SeehearError, match=rf"run\.json: the {changed}"):
        Run(tmp_path)


def test_dense_tables_of_a_folder_have_good_names(tmp_path):
    from seehear import datasets

    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.csv").write_text("filename\tevent_labels\na\tDog\n")
    (Path(tmp_path) / "eval_a b.csv").write_text("filename\tonset\toffset\tevent_labels\n")
    with pytest.raises(SeehearError, match=r"eval_a b\.csv: the modality"):
        datasets.find_tables(datasets.get("folder"), tmp_path)
