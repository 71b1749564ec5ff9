"""Features in the forms in which repositories share them: where arrays are, their axes, and when their rows are."""

import io
import os
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import commands
from seehear.errors import SeehearError
from seehear.features.forms import REGISTRY
from seehear.features.forms.spec import Form, SharedForm, resampled
from seehear.features.npy import import_features
from seehear.features.store import NetworkInfo, Origin, Store

CLIPS = ("-0123456789", "abcdefghijk", "zyxwvutsrqp")
SUFFIXES = (".npy", ".npz", ".h5", ".pt")
ROOT = Path(__file__).parent.parent.parent


def write(path: Path, arrays):
    """An array, or arrays by name, or groups of arrays, as a file of that suffix."""
    if path.suffix == ".npy":
        np.save(path, arrays)
    elif path.suffix == ".npz":
        np.savez_compressed(path, **(arrays if isinstance(arrays, dict) else {"arr_0": arrays}))
    elif path.suffix == ".h5":
        h5py = pytest.importorskip("h5py", reason="seehear[h5] is not installed")
        with h5py.File(path, "w") as file:
            for name, value in (arrays if isinstance(arrays, dict) else {"data": arrays}).items():
                for key, array in value.items() if isinstance(value, dict) else [("", value)]:
                    file.create_dataset(f"{name}/{key}".rstrip("/"), data=array, compression="gzip")
    else:
        torch = pytest.importorskip("torch", reason="seehear[train] is not installed")

        def tensors(value):
            if isinstance(value, dict):
                return {name: tensors(each) for name, each in value.items()}
            return torch.from_numpy(np.array(value))

        torch.save(tensors(arrays), path)
    return path


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def take(source, store, **options):
    options = {"network": "net", "modality": "audio"} | options
    return commands.import_features(source, store=store, **options)


# When rows are


def naive(rows, stride, window, segment):
    """By loops: rows by the segment of their middle; a segment without one gets the row whose middle is nearest."""
    end = (len(rows) - 1) * stride + window
    count = max(1, int(np.ceil(end / segment - 0.1)))
    middles = [n * stride + window / 2 for n in range(len(rows))]
    result = []
    for t in range(count):
        own = [rows[n] for n, middle in enumerate(middles) if min(int(middle / segment + 1e-9), count - 1) == t]
        if not own:
            distance = [abs(middle - (t + 0.5) * segment) for middle in middles]
            own = [rows[distance.index(min(distance))]]
        result.append(sum(own) / len(own))
    return np.array(result)


@given(
    st.integers(1, 40), st.sampled_from([0.1, 0.32, 0.3125, 0.96, 1.0, 2.5]), st.sampled_from([0.0, 0.5, 0.96, 3.0]),
    st.sampled_from([0.5, 1.0, 2.0]),
)  # fmt: skip
def test_rows_become_segments_by_time(rows, stride, window, segment):
    values = numbers(rows, 2)
    found = resampled(values, stride, window or stride, segment)
    expected = naive(values.astype(np.float64), stride, window or stride, segment)
    assert found.shape == expected.shape
    for t, row in enumerate(expected):  # of two rows that are equally near, either is right
        assert np.allclose(found[t], row, atol=1e-6) or (values == found[t]).all(axis=1).any()


def test_ten_seconds_of_unav_are_ten_segments():
    rows = 1 + (250 - 24) // 8  # windows of 24 frames, every 8 frames, at 25 frames per second
    middle = (np.arange(rows) * 8 + 12) / 25
    found = resampled(middle[:, None].astype(np.float32), 8 / 25, 24 / 25, 1.0)
    assert np.floor(found[:, 0]).tolist() == list(range(10))


@given(st.integers(1, 8), st.integers(1, 12), st.sampled_from([0.1, 0.5, 1.0, 2.0]))
def test_rows_by_their_number_and_by_their_stride_are_the_same(rows, segments, segment):
    by_number, by_stride = Form(frames=rows), Form(stride=segment / rows)
    values = numbers(rows * segments, 3)
    assert by_number.made_by(segment) == by_stride.made_by(segment)
    np.testing.assert_array_equal(by_number.by_segment(values, segment), by_stride.by_segment(values, segment))
    expected = naive(values.astype(np.float64), segment / rows, segment / rows, segment)
    np.testing.assert_allclose(by_stride.by_segment(values, segment), expected, atol=1e-6)
    assert by_number.count(values.shape, segment) == by_stride.count(values.shape, segment) == segments


@pytest.mark.parametrize(
    ("form", "segment", "made_by"),
    [
        (Form(frames=8), 1.0, "imported/8"),
        (Form(stride=0.125), 1.0, "imported/8"),
        (Form(stride=0.125, window=0.125), 2.0, "imported/16"),
        (Form(stride=0.125, window=0.25), 1.0, "imported/1/stride0.125/window0.25"),
        (Form(stride=0.3125, bands=2), 1.0, "imported/1/stride0.3125/window0.3125/bands2"),
        (Form(stride=1.0, averaged=(7, 7)), 1.0, "imported/1/mean7x7"),
        (Form(stride=1.0), 0.5, "imported/1/stride1/window1"),
        (Form(stride=1e-320), 1.0, "imported/1/stride9.99989e-321/window9.99989e-321"),
    ],
)
def test_the_fingerprint_says_what_decides_the_numbers(form, segment, made_by):
    assert form.made_by(segment) == made_by


def test_rows_that_do_not_fill_the_last_segment():
    values = numbers(7, 2)
    found = Form(stride=0.5).by_segment(values)
    np.testing.assert_allclose(found, naive(values.astype(np.float64), 0.5, 0.5, 1.0), atol=1e-6)
    assert len(found) == 4


def test_rows_of_hours_do_not_fill_the_memory():
    with pytest.raises(SeehearError, match="more than fit into memory"):
        resampled(numbers(3, 4), 1e7, 1e7, 1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "0 frames"),
        ({"stride": -1.0}, "stride of -1 s"),
        ({"stride": float("nan")}, "stride of nan s"),
        ({"window": 1.0}, "needs the stride"),
        ({"frames": 2, "stride": 1.0}, "leave one out"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(SeehearError, match=message):
        Form(**options)


# Where arrays are: the same features in every container


def containers(folder: Path, suffix: str, arrays):
    """Options of the import -> what is imported."""
    (folder / "each").mkdir()
    for clip, array in arrays.items():
        write(folder / "each" / f"{clip}{suffix}", array)
    yield folder / "each", {}
    stack, names = np.stack([*arrays.values()]), folder / "names.txt"
    names.write_text("".join(f"{clip}\n" for clip in arrays))
    yield write(folder / f"stack{suffix}", stack), {"order": [names]}
    if suffix == ".npy":
        return
    yield write(folder / f"all{suffix}", arrays), {}
    if suffix != ".npz":
        grouped = {clip: {"features": array, "times": np.arange(3.0)} for clip, array in arrays.items()}
        yield write(folder / f"grouped{suffix}", grouped), {"key": "features"}
    (folder / "keyed").mkdir()
    for clip, array in arrays.items():
        write(folder / "keyed" / f"{clip}{suffix}", {"features": array, "times": np.arange(3.0)})
    yield folder / "keyed", {"key": "features"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_container_gives_the_same_features(tmp_path, suffix):
    arrays = {clip: numbers(6, 4, seed=n) for n, clip in enumerate(CLIPS)}
    for n, (source, options) in enumerate(containers(tmp_path, suffix, arrays)):
        store = tmp_path / f"store{n}"
        for _ in range(2):  # the second finds them current
            report = take(source, store, frames=2, **options)
            assert (report.count, report.failed, report.exit_code) == (3, {}, 0), source
        for clip, array in arrays.items():
            expected = [(array[2 * t] + array[2 * t + 1]) / 2 for t in range(3)]
            np.testing.assert_allclose(Store(store).read("net", clip), expected, rtol=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
def test_a_file_that_changed_is_imported_again(tmp_path, suffix):
    arrays = {"a": numbers(3, 2), "b": numbers(3, 2, seed=1)}
    source, store = write(tmp_path / f"all{suffix}", arrays), tmp_path / "store"
    take(source, store)
    arrays["b"] = arrays["b"] + 1
    write(source, arrays)
    take(source, store)
    np.testing.assert_array_equal(Store(store).read("net", "b"), arrays["b"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_clips_that_do_not_fit_are_told_and_counted(tmp_path, suffix):
    """One bad clip never stops the others."""
    arrays = {
        "good": numbers(4, 3),
        "wide": numbers(4, 5),
        "wider": numbers(4, 5),
        "deep": numbers(4, 2, 3),
        "nan": np.where(np.arange(12).reshape(4, 3) == 5, np.nan, numbers(4, 3)),
        "inf": np.full((4, 3), np.inf, np.float32),
        "text": np.zeros((4, 3), bool),
    }
    labels = tmp_path / "labels.csv"
    labels.write_text("filename\tevent_labels\n" + "".join(f"{clip}\tDog\n" for clip in (*arrays, "absent")))
    (tmp_path / "each").mkdir()
    for clip, array in arrays.items():
        write(tmp_path / "each" / f"{clip}{suffix}", array)
    sources = [tmp_path / "each", *([] if suffix == ".npy" else [write(tmp_path / f"all{suffix}", arrays)])]
    for source in sources:
        report = take(source, tmp_path / f"store-{source.stem}", labels=[labels])
        assert (report.count, report.exit_code) == (1, 1)
        assert list(report.failed) == [*list(arrays)[1:], "absent"]
        wide, deep, text = ("float32", (4, 5)), ("float32", (4, 2, 3)), ("bool", (4, 3))
        assert report.shapes == {wide: 2, deep: 1, text: 1}
        assert "4 clips of another type or shape than numbers (T, 3): float32 (4, 5) of 2 clips" in report.text()
        assert {"type": "float32", "shape": [4, 5], "clips": 2} in report.as_json()["shapes"]
        assert "shape (4, 5), expected numbers of shape (T, 3)" in report.failed["wide"]
        assert all("not finite" in report.failed[clip] for clip in ("nan", "inf"))
        assert "no such file" in report.failed["absent"] or "has no entry absent" in report.failed["absent"]


# The forms of the field


def axes(shared: SharedForm):
    form = shared.form
    return (form.total or 12, *form.averaged, form.width)


@pytest.mark.parametrize(
    "shared", [shared for shared in REGISTRY.values() if not shared.order], ids=lambda each: each.name
)
def test_folders_that_the_field_shares(tmp_path, shared):
    names = [f"{clip}_30_40" if shared.prefix else clip for clip in CLIPS]
    for n, clip in enumerate(names):
        np.save(tmp_path / f"{shared.file_of(clip)}.npy", numbers(*axes(shared), seed=n))
        np.save(tmp_path / f"{clip[:11]}_other.npy", numbers(2, 2))  # of another network, in the same folder
    (tmp_path / "w.csv").write_text("filename\tevent_labels\n" + "".join(f"{clip}\tDog\n" for clip in names))
    report = take(tmp_path, tmp_path / "store", form=shared.name, modality=shared.modality, labels=[tmp_path / "w.csv"])
    assert (report.count, report.failed) == (3, {})
    for n, clip in enumerate(names):
        raw = numbers(*axes(shared), seed=n).astype(np.float64)
        if shared.form.bands > 1:
            steps = len(raw) // shared.form.bands
            raw = np.array([(raw[t] + raw[t + steps]) / 2 for t in range(steps)])
        expected = naive(raw, shared.form.stride, shared.form.window or shared.form.stride, 1.0)
        np.testing.assert_allclose(Store(tmp_path / "store").read("net", clip), expected, atol=1e-5)
        assert len(expected) == 10 or not shared.form.rows


def test_a_folder_for_three_networks_without_labels(tmp_path):
    """UnAV's folder: `<id>_rgb.npy`, `<id>_flow.npy`, `<id>_vggish.npy`; frames and audio can differ by a row."""
    for kind, rows, width in (("rgb", 29, 1024), ("flow", 29, 1024), ("vggish", 26, 128)):
        np.save(tmp_path / f"__2MwJ2uHu0_{kind}.npy", numbers(rows, width))
    store = tmp_path / "store"
    for kind, modality in (("rgb", "visual"), ("flow", "visual"), ("vggish", "audio")):
        report = take(tmp_path, store, form=f"unav-{kind}", network=kind, modality=modality)
        assert (report.count, report.fitted) == (1, kind == "vggish")
    assert {Store(store).read(kind, "__2MwJ2uHu0").shape[0] for kind in ("rgb", "flow", "vggish")} == {10}
    assert "1 clip made a segment longer or shorter" in report.text()


def ave(folder: Path, dtype=np.float32):
    """AVE's files: two arrays for all clips, the clips' names, and rows of a split. One video is there twice."""
    h5py = pytest.importorskip("h5py", reason="seehear[h5] is not installed")
    names = ["first", "second", "first", "third"]
    rows = "".join(f"Church bell&{name}&good&0&10\n" for name in names)
    (folder / "Annotations.txt").write_text(rows)
    for file, shape in (("audio_feature.h5", (10, 128)), ("visual_feature.h5", (10, 7, 7, 512))):
        values = numbers(4, *shape).astype(dtype)
        values[2] = values[0] * (1 + 1e-5)  # of the same video, computed again
        with h5py.File(folder / file, "w") as opened:
            opened["avadataset"] = values
    with h5py.File(folder / "train_order.h5", "w") as opened:
        opened["order"] = np.array([3, 0])
    return names


def test_one_array_for_all_clips_in_the_order_of_a_list(tmp_path):
    ave(tmp_path)
    order = tmp_path / "Annotations.txt"
    for form, modality, file in (
        ("ave-vggish", "audio", "audio_feature.h5"),
        ("ave-vgg19", "visual", "visual_feature.h5"),
    ):
        report = take(tmp_path / file, tmp_path / "store", form=form, network=form, modality=modality, order=[order])
        assert (report.count, report.failed) == (3, {})
    raw = numbers(4, 10, 7, 7, 512)[1]
    expected = np.zeros((10, 512))
    for row in range(7):
        for column in range(7):
            expected += raw[:, row, column] / 49
    np.testing.assert_allclose(Store(tmp_path / "store").read("ave-vgg19", "second"), expected, atol=1e-6)
    np.testing.assert_array_equal(Store(tmp_path / "store").read("ave-vggish", "third"), numbers(4, 10, 128)[3])


def test_the_rows_of_a_split_alone(tmp_path):
    ave(tmp_path)
    order = [tmp_path / "Annotations.txt", tmp_path / "train_order.h5"]
    report = take(tmp_path / "audio_feature.h5", tmp_path / "store", form="ave-vggish", order=order)
    assert report.count == 2
    assert Store(tmp_path / "store").clips("net") == {"first", "third"}


def test_rows_of_one_name_that_differ(tmp_path):
    names = tmp_path / "names.csv"
    names.write_text("filename\tevent_labels\na\tDog\na\tDog\nb\tDog\n")
    report = take(write(tmp_path / "x.npy", numbers(3, 2, 2)), tmp_path / "store", order=[names])
    assert list(report.failed) == ["a"]
    assert "the rows 0 and 1 have its name and differ" in report.failed["a"]


def test_another_list_of_names_is_another_import(tmp_path):
    source, names = write(tmp_path / "x.npy", numbers(2, 3, 2)), tmp_path / "names.txt"
    for lines in ("a\nb\n", "b\na\n"):
        names.write_text(lines)
        take(source, tmp_path / "store", order=[names])
    np.testing.assert_array_equal(Store(tmp_path / "store").read("net", "a"), numbers(2, 3, 2)[1])


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        ("audio_feature.h5", {"form": "ave-vggish"}, "name them by --order Annotations.txt"),
        ("audio_feature.h5", {"form": "ave-vgg19"}, "features of visual, not audio"),
        ("audio_feature.h5", {"form": "ave-vggish", "order": ["few.txt"]}, "shape (4, 10, 128), but few.txt names 2"),
        ("audio_feature.h5", {"form": "ave-vggish", "order": ["train_order.h5"]}, "takes one list of the clips' names"),
        ("audio_feature.h5", {"form": "ave-vggish", "order": ["Annotations.txt", "far.h5"]}, "far.h5: names row 9"),
        ("audio_feature.h5", {"order": ["Annotations.txt"], "key": "x"}, "no array 'x', but avadataset"),
        ("audio_feature.h5", {"form": "ave-vggish", "frames": 2}, "leave"),
        ("audio_feature.h5", {"form": "ave-vgish"}, "did you mean ave-vggish"),
        (".", {"order": ["Annotations.txt"]}, "leave out --order"),
        ("one.npy", {}, "--order takes a list"),
        ("Annotations.txt", {}, "features are read from .npy, .npz"),
        ("absent.h5", {}, "no such file or folder"),
    ],
)
def test_what_does_not_fit_together(tmp_path, monkeypatch, file, options, message):
    ave(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("few.txt").write_text("a\nb\n")
    write(Path("one.npy"), numbers(2, 2, 2))
    write(Path("far.h5"), np.array([0, 9]))
    with pytest.raises(SeehearError) as error:
        take(file, "store", **options)
    assert message in str(error.value)


def test_forms_are_in_the_docs():
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert [name for name in REGISTRY if f"`{name}`" not in page] == []


# Nothing in a file is run, or leads elsewhere


class Evil:
    """Runs when it is unpickled."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self):
        return os.mkdir, (str(self.sign),)


def poisoned(folder: Path, sign: Path):
    torch = pytest.importorskip("torch", reason="seehear[train] is not installed")
    evil, good = np.array([Evil(sign)], dtype=object), numbers(3, 2)
    yield "objects.npy", lambda path: np.save(path, evil, allow_pickle=True)
    yield "objects.npz", lambda path: np.savez(path, x=evil)
    yield "pickle.npz", lambda path: zipped(path, {"x.npy": pickle.dumps(Evil(sign))})
    yield "class.pt", lambda path: torch.save(Evil(sign), path)
    yield "nested.pt", lambda path: torch.save({"x": torch.zeros(3, 2), "y": [{"z": Evil(sign)}]}, path)
    yield "legacy.pt", lambda path: torch.save({"x": Evil(sign)}, path, _use_new_zipfile_serialization=False)
    yield "plain.pt", lambda path: path.write_bytes(pickle.dumps(Evil(sign)))
    yield "protocol5.pt", lambda path: path.write_bytes(pickle.dumps({"x": Evil(sign)}, protocol=5))
    yield "numpy.pt", lambda path: torch.save({"x": good}, path)
    yield "plain.h5", lambda path: path.write_bytes(pickle.dumps(Evil(sign)))


def zipped(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_no_pickle_is_run(tmp_path):
    sign, refused = tmp_path / "ran", []
    for name, fill in poisoned(tmp_path, sign):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        fill(folder / name)
        report = take(folder, tmp_path / "store")
        assert (report.count, len(report.failed)) == (0, 1), name
        refused += report.failed.values()
        if not name.endswith(".npy"):
            with pytest.raises(SeehearError):  # as one file for all clips
                raise SeehearError(next(iter(take(folder / name, tmp_path / "store").failed.values())))
    assert not sign.exists()
    assert sum("holds more than tensors" in message for message in refused) >= 4
    assert not any("weights_only" in message for message in refused)


def described(shape, dtype="<f4", rest=b""):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue() + rest


ARCHIVES = {
    "more than it holds": {"x.npy": described((1 << 40, 4))},
    "overflow": {"x.npy": described((1 << 32, 1 << 32))},
    "negative": {"x.npy": described((-1, 4), rest=bytes(64))},
    "less than it holds": {"x.npy": described((1, 4), rest=bytes(64))},
    "header without end": {"x.npy": b"\x93NUMPY\2\0\xff\xff\xff\xff" + b" " * 4096},
    "no array": {"x.npy": b"text"},
    "nothing": {},
    "bomb": {"x.npy": described((1 << 25, 1), "|i1", bytes(1 << 25))},
}


@pytest.mark.parametrize("kind", list(ARCHIVES))
def test_archives_declare_what_they_hold(tmp_path, kind, monkeypatch):
    from seehear.features.forms import arrays

    monkeypatch.setattr(arrays, "MAX_BYTES", 1 << 24)
    zipped(tmp_path / "x.npz", ARCHIVES[kind])
    with pytest.raises(SeehearError):
        raise SeehearError(next(iter(take(tmp_path / "x.npz", tmp_path / "store").failed.values())))


def test_tensors_of_other_kinds(tmp_path):
    torch = pytest.importorskip("torch", reason="seehear[train] is not installed")
    tensors = {
        "half": torch.ones(3, 2, dtype=torch.float16),
        "brain": torch.ones(3, 2, dtype=torch.bfloat16),
        "gradient": torch.ones(3, 2, requires_grad=True),
        "turned": torch.ones(2, 3).T,
        "expanded": torch.ones(1, 1).expand(1 << 40, 1),
        "sparse": torch.ones(3, 2).to_sparse(),
        "complex": torch.ones(3, 2, dtype=torch.complex64).conj(),
        "meta": torch.ones(3, 2, device="meta"),
        "number": 3,
    }
    torch.save(tensors, tmp_path / "x.pt")
    report = take(tmp_path / "x.pt", tmp_path / "store")
    assert report.count == 4
    assert set(report.failed) == {"expanded", "sparse", "complex", "meta"}
    assert f"number in {tmp_path / 'x.pt'} is no array: passed over" in report.text()
    np.testing.assert_array_equal(Store(tmp_path / "store").read("net", "brain"), np.ones((3, 2)))


def test_a_compressed_archive_of_tensors_is_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="seehear[train] is not installed")
    torch.save({"x": torch.zeros(1000, 2)}, tmp_path / "x.pt")
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    zipped(tmp_path / "x.pt", members)
    with pytest.raises(SeehearError, match="is compressed"):
        take(tmp_path / "x.pt", tmp_path / "store")


def test_links_and_arrays_elsewhere_are_not_followed(tmp_path):
    h5py = pytest.importorskip("h5py", reason="seehear[h5] is not installed")
    write(tmp_path / "secret.h5", {"secret": numbers(3, 2)})
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["good"] = numbers(3, 2)
        file["external"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "secret")
        file["soft"] = h5py.SoftLink("/good")
        layout = h5py.VirtualLayout(shape=(3, 2), dtype="f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "secret", shape=(3, 2))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset(
            "stored elsewhere", (3, 2), "f4", external=[(str(tmp_path / "secret.h5"), 0, h5py.h5f.UNLIMITED)]
        )
        file.create_dataset("declared", (1 << 20, 1 << 19), "f4", chunks=(1 << 10, 1))
        file.create_dataset("words", data=["a", "b"], dtype=h5py.string_dtype())
        file.create_group("group")
    report = take(tmp_path / "x.h5", tmp_path / "store")
    assert report.count == 1
    assert set(report.failed) == {"external", "soft", "virtual", "stored elsewhere", "declared", "words", "group"}
    assert "is a link" in report.failed["external"]
    assert report.failed["group"].endswith("group is no array")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_are_cut_off_or_changed(tmp_path, suffix):
    """Whatever bytes are missing or other ones, the file or its clips are refused or read; nothing else is raised."""
    source = write(
        tmp_path / f"x{suffix}", {"a": numbers(3, 2), "b": numbers(3, 2)} if suffix != ".npy" else numbers(3, 2)
    )
    whole, rng = source.read_bytes(), np.random.default_rng(0)
    cuts = [whole[: int(at)] for at in np.linspace(0, len(whole) - 1, 40)]
    for _ in range(40):
        data = bytearray(whole)
        for at in rng.integers(len(whole), size=4):
            data[at] = rng.integers(256)
        cuts.append(bytes(data))
    refused = 0
    folder = tmp_path / "each"
    folder.mkdir()
    for n, data in enumerate(cuts):
        source = folder / f"x{suffix}"
        source.write_bytes(data)
        try:
            report = take(source if suffix != ".npy" else folder, tmp_path / f"store{n}")
        except SeehearError:
            refused += 1
        else:
            refused += bool(report.failed)
    assert refused >= 40


@pytest.mark.parametrize(
    ("suffix", "package", "remedy"), [(".h5", "h5py", "seehear[h5]"), (".pt", "torch", "seehear[train]")]
)
def test_what_to_install_is_said(tmp_path, monkeypatch, suffix, package, remedy):
    write(tmp_path / f"x{suffix}", {"a": numbers(3, 2)})
    monkeypatch.setitem(sys.modules, package, None)
    for source in (tmp_path / f"x{suffix}", tmp_path):
        with pytest.raises(SeehearError) as error:
            take(source, tmp_path / "store")
        assert f"pip install '{remedy}'" in str(error.value)


def test_a_form_of_ones_own(tmp_path):
    mine = SharedForm("mine", "me", "touch", "skin", Form(width=2, stride=0.5), file="touch-{clip}", key="skin")
    write(tmp_path / "x.h5", {"touch-a": {"skin": numbers(4, 2)}})
    report = import_features(
        tmp_path / "x.h5", store=tmp_path / "store", network="skin", modality="touch", form=mine, progress=False
    )
    assert (report.count, Store(tmp_path / "store").read("skin", "a").shape) == (1, (2, 2))


def test_lengths_that_differ_by_more_stay(tmp_path):
    store = Store(tmp_path / "store", create=True)
    store.register(NetworkInfo("eyes", "visual", 2, "made"))
    store.write("eyes", Origin("a", "made", "a"), numbers(9, 2))
    write(tmp_path / "x.npz", {"a": numbers(6, 2)})
    report = take(tmp_path / "x.npz", tmp_path / "store", stride=1.0)
    assert (report.fitted, len(Store(tmp_path / "store").read("net", "a"))) == (0, 6)


@pytest.mark.parametrize("stride", [0.0, 1.0])
def test_a_truncated_clip_is_told_at_import(tmp_path, stride):
    store = Store(tmp_path / "store", create=True)
    store.register(NetworkInfo("eyes", "visual", 2, "made"))
    for clip in ("good", "near", "short"):
        store.write("eyes", Origin(clip, "made", clip), numbers(9, 2))
    arrays = {"good": numbers(9, 2), "near": numbers(8, 2), "short": numbers(4, 2), "alone": numbers(3, 2)}
    write(tmp_path / "x.npz", arrays)
    for _ in range(2):  # the second finds them current
        report = take(tmp_path / "x.npz", tmp_path / "store", stride=stride)
        told = {"short": 4} if stride else {"near": 8, "short": 4}  # with a time base, a segment may differ
        assert {clip: found.segments for clip, found in report.lengths.items()} == told
        assert (report.count, report.exit_code) == (4, 0)
        count = "1 clip has" if stride else "2 clips have"
        assert f"{count} another number of segments than by other networks of the store" in report.text()
        assert f"with {min(told.values()) if stride else 8}, but 9 by eyes" in report.text()
        assert report.as_json()["lengths"]["short"] == {"segments": 4, "other": "eyes", "other_segments": 9}


def test_damaged_features_of_another_network_do_not_stop_an_import(tmp_path):
    store = Store(tmp_path / "store", create=True)
    store.register(NetworkInfo("eyes", "visual", 2, "made"))
    store.write("eyes", Origin("a", "made", "a"), numbers(9, 2))
    store.file("eyes", "a").write_bytes(b"damaged")
    write(tmp_path / "x.npz", {"a": numbers(9, 2), "b": numbers(9, 2)})
    assert take(tmp_path / "x.npz", tmp_path / "store", stride=1.0).count == 2


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
def test_the_key_of_a_dictionary_of_clips(tmp_path, suffix):
    arrays = {"a": numbers(3, 2), "b": numbers(4, 2, seed=1)}
    inside = {f"feats/{clip}": array for clip, array in arrays.items()} if suffix == ".npz" else {"feats": arrays}
    source = write(tmp_path / f"x{suffix}", inside | {"mean": numbers(2)})
    report = take(source, tmp_path / "store", key="feats")
    assert (report.count, report.failed, report.exit_code) == (2, {}, 0)
    for clip, array in arrays.items():
        np.testing.assert_array_equal(Store(tmp_path / "store").read("net", clip), array)
    with pytest.raises(SeehearError, match="mean in it is one array"):
        take(source, tmp_path / "store", key="mean")
    if suffix != ".npz":
        whole = take(source, tmp_path / "other")
        assert "a, b" in whole.failed["feats"]
        assert whole.failed["feats"].endswith("; if these are clips, give --key feats, else --key names one of them")
        (tmp_path / "w.csv").write_text("filename\tevent_labels\na\tDog\n")
        assert "has no entry a, but " in take(source, tmp_path / "third", labels=[tmp_path / "w.csv"]).failed["a"]


def test_numbers_and_texts_beside_tensors_are_no_clips(tmp_path):
    torch = pytest.importorskip("torch", reason="seehear[train] is not installed")
    clips = {"a": torch.ones(3, 2), "fps": 25}
    torch.save({"feats": clips, "model": "i3d", "epoch": 3}, tmp_path / "x.pt")
    report = take(tmp_path / "x.pt", tmp_path / "store", key="feats")
    assert (report.count, report.failed) == (1, {})
    assert f"fps in {tmp_path / 'x.pt'} is no array: passed over" in report.text()
    flat = {"a": torch.ones(3, 2), "model": "i3d", "epoch": 3}
    torch.save(flat, tmp_path / "flat.pt")
    report = take(tmp_path / "flat.pt", tmp_path / "store")
    assert (report.count, report.failed) == (1, {})
    assert "model, epoch in " in report.text()


@pytest.mark.parametrize("name", [shared.name for shared in REGISTRY.values() if shared.prefix])
def test_a_form_with_names_cut_short_asks_for_the_labels(tmp_path, name):
    np.save(tmp_path / "4YdbENYcIyE.npy", numbers(*axes(REGISTRY[name])))
    with pytest.raises(SeehearError, match=f"form {name} are named by the first 11 .* --labels"):
        take(tmp_path, tmp_path / "store", form=name, modality=REGISTRY[name].modality)
    assert not (tmp_path / "store").exists()


def test_files_of_another_suffix_are_told(tmp_path):
    np.save(tmp_path / "a.npy", numbers(3, 2))
    write(tmp_path / "b.npz", {"x": numbers(3, 2)})
    report = take(tmp_path, tmp_path / "store")
    assert report.count == 1
    assert f"1 .npz file was passed over: {tmp_path} has .npy files too" in report.text()
    assert len(report.as_json()["passed_over"]) == 1


def test_arrays_of_another_type_and_empty_ones_are_called_that(tmp_path):
    write(tmp_path / "x.npz", {"a": numbers(160, 4), "b": numbers(160, 4) * 1j, "c": np.zeros((0, 4), np.float32)})
    report = take(tmp_path / "x.npz", tmp_path / "store")
    assert report.failed["b"].endswith("b: has complex64 of shape (160, 4), expected numbers of shape (T, 4)")
    assert report.failed["c"].endswith("c: is empty: float32 of shape (0, 4), expected numbers of shape (T, 4)")
    found = "complex64 (160, 4) of 1 clip, float32 (0, 4) of 1 clip"
    assert f"2 clips of another type or shape than numbers (T, 4): {found}" in report.text()
