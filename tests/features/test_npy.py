"""The field's folders of one .npy file a clip, in and out."""

import unicodedata

import numpy as np
import pytest

import commands
from make_media import movie
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.media.notes import Note, NoteKind

CLIPS = ("4YdbENYcIyE_23_33", "KSRjje7GH44_60_70")


@pytest.fixture
def folders(tmp_path):
    """Features as they are shared for LLP, and a label table that names the clips in full."""
    rng = np.random.default_rng(0)
    for network, shape in {"vggish": (10, 128), "res152": (80, 2048), "r2plus1d_18": (10, 512)}.items():
        (tmp_path / network).mkdir()
        for clip in CLIPS:
            np.save(tmp_path / network / f"{clip[:11]}.npy", rng.normal(size=shape).astype(np.float32))
    rows = "".join(f"{clip}\tSpeech\n" for clip in CLIPS)
    (tmp_path / "labels.csv").write_text(f"filename\tevent_labels\n{rows}")
    return tmp_path


def take(folders, network, modality, **options):
    options = {"labels": [folders / "labels.csv"], "prefix": 11} | options
    return commands.import_features(
        folders / network, store=folders / "store", network=network, modality=modality, **options
    )


def test_folders_shared_for_llp(folders):
    for network, modality, frames in (("vggish", "audio", 1), ("res152", "visual", 8), ("r2plus1d_18", "visual", 1)):
        report = take(folders, network, modality, frames=frames)
        assert (report.count, report.exit_code) == (2, 0)
    kept = Store(folders / "store")
    for clip in CLIPS:
        raw = np.load(folders / "res152" / f"{clip[:11]}.npy")
        expected = [raw[8 * t : 8 * t + 8].mean(axis=0) for t in range(10)]
        np.testing.assert_allclose(kept.read("res152", clip), expected, rtol=1e-5, atol=1e-6)
    commands.train(
        store=folders / "store",
        labels=folders / "labels.csv",
        collocation=["audio=vggish", "visual=res152+r2plus1d_18"],
        out=folders / "run",
        set=["epochs=1", "width=16", "choose=last"],
        device="cpu",
    )
    clip = movie(folders / "clip.mp4", 2)
    with pytest.raises(SeehearError, match="imported features or arrays of vggish"):
        commands.parse(folders / "run", [clip], out=folders / "out", device="cpu")


def test_there_and_back(folders):
    take(folders, "vggish", "audio")
    assert commands.export_features(folders / "out", store=folders / "store", network="vggish").count == 2
    for clip in CLIPS:
        np.testing.assert_array_equal(
            np.load(folders / "out" / f"{clip}.npy"), np.load(folders / "vggish" / f"{clip[:11]}.npy")
        )


def test_an_export_lists_the_notes_that_its_files_have_no_place_for(tmp_path):
    note, store = Note(NoteKind.SILENT, "audio"), Store(tmp_path / "store", create=True)
    store.register(NetworkInfo("ears", "audio", 2, "made"))
    for clip, notes in (("a", [note]), ("b", [])):
        store.write("ears", Origin(clip, "made", clip), np.zeros((1, 2), np.float32), notes=notes)
    report = commands.export_features(tmp_path / "out", store=tmp_path / "store", network="ears")
    assert (report.count, report.clip_notes, report.exit_code) == (2, {"a": (note,)}, 0)
    assert report.text().splitlines()[1:] == ["1 clip with notes:", "  a: its audio track is digital silence"]
    assert report.as_json()["clip_notes"] == {"a": [note.as_json()]}


def test_without_labels_every_file_is_a_clip(folders):
    take(folders, "vggish", "audio", labels=[], prefix=0)
    assert Store(folders / "store").clips("vggish") == {clip[:11] for clip in CLIPS}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((10, 64), np.float32), r"float32 of shape \(10, 64\), expected numbers of shape \(T, 128\)"),
        (np.zeros(128, np.float32), r"shape \(128,\)"),
        (np.full((10, 128), np.inf, np.float32), "not finite"),
        (np.array([{"a": 1}], dtype=object), "pickled objects"),
        (b"\x93NUMPY\x01", "can't be read"),
        (None, "no such file"),
    ],
)
def test_bad_files_are_named_and_the_others_taken(folders, content, message):
    file = folders / "vggish" / f"{CLIPS[1][:11]}.npy"
    file.unlink()
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        np.save(file, content, allow_pickle=True)
    report = take(folders, "vggish", "audio")
    assert (report.count, report.exit_code) == (1, 1)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(report.failed[CLIPS[1]])
    assert str(file) in report.text()


def test_frames_must_fill_the_segments(folders):
    report = take(folders, "vggish", "audio", frames=8)
    assert r"(8 × T, width)" in report.text()
    assert report.count == 0


def test_an_empty_folder(tmp_path):
    with pytest.raises(SeehearError, match="no such file or folder"):
        commands.import_features(tmp_path / "none", store=tmp_path / "s", network="n", modality="audio")
    (tmp_path / "empty").mkdir()
    (tmp_path / "labels.csv").write_text("filename\tevent_labels\na\tDog\n")
    for labels in ([], [tmp_path / "labels.csv"]):
        with pytest.raises(SeehearError, match=r"holds no \.npy, \.npz, \.h5, \.hdf5, \.pt, \.pth files"):
            commands.import_features(
                tmp_path / "empty", store=tmp_path / "s", network="n", modality="audio", labels=labels
            )
    assert not (tmp_path / "s").exists()


def test_clips_of_one_video_do_not_share_a_file_unasked(folders):
    other = f"{CLIPS[0][:11]}_40_50"
    (folders / "labels.csv").write_text(f"filename\tevent_labels\n{CLIPS[0]}\tSpeech\n{CLIPS[1]}\tDog\n{other}\tDog\n")
    with pytest.raises(SeehearError) as error:
        take(folders, "vggish", "audio")
    assert f"{CLIPS[0][:11]}.npy: {CLIPS[0]}, {other}" in str(error.value)
    assert "--shared" in str(error.value)
    assert not (folders / "store" / "vggish").exists()
    assert take(folders, "vggish", "audio", shared=True).count == 3
    kept = Store(folders / "store")
    np.testing.assert_array_equal(kept.read("vggish", CLIPS[0]), kept.read("vggish", other))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_of_files_in_either_normal_form(tmp_path, form):
    (tmp_path / "npy").mkdir()
    np.save(tmp_path / "npy" / f"{unicodedata.normalize(form, 'Vögel')}.npy", np.ones((3, 2)))
    (tmp_path / "w.csv").write_text("filename\tevent_labels\nVögel\tDog\n", "utf-8")
    for labels in ([], [tmp_path / "w.csv"]):
        options = {"store": tmp_path / f"store{len(labels)}", "network": "ears", "modality": "audio"}
        assert commands.import_features(tmp_path / "npy", labels=labels, **options).count == 1
        assert Store(options["store"]).clips("ears") == {unicodedata.normalize("NFC", "Vögel")}
