"""A folder of .npy files into a store, where what they must hold is known."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.features.forms.spec import Form, SharedForm
from seehear.features.npy import import_folder
from seehear.features.store import Store

CLIPS = ("a", "b", "c")
FORM = Form(frames=2, width=4, segments=5)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for clip in CLIPS:
        np.save(tmp_path / f"{clip}.npy", rng.normal(size=(10, 4)))
    return tmp_path


def take(folder, clips=CLIPS, form=FORM):
    store = Store(folder / "store", create=True)
    return import_folder(folder, clips, store, "net", SharedForm("mine", "me", "touch", "skin", form)), store


@given(st.integers(1, 5), st.integers(0, 5), st.integers(0, 5), st.lists(st.integers(0, 12), max_size=3))
def test_shapes_that_fit(frames, width, segments, shape):
    fits = len(shape) == 2 and 0 not in shape
    if fits:
        fits = any(shape[0] == n * frames for n in ([segments] if segments else range(1, 13)))
        fits = fits and (shape[1] == width or not width)
    assert Form(frames, width, segments).fits(tuple(shape)) == fits


def test_segments_are_means_of_frames(folder):
    report, store = take(folder)
    assert (report.count, report.failed) == (3, {})
    assert (store.network("net").modality, store.network("net").width) == ("touch", 4)
    raw = np.load(folder / "b.npy")
    np.testing.assert_allclose(store.read("net", "b"), [(raw[2 * t] + raw[2 * t + 1]) / 2 for t in range(5)], rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((10, 3)), "has float64 of shape (10, 3), expected numbers of shape (10, 4)"),
        (np.zeros((8, 4)), "has float64 of shape (8, 4), expected numbers of shape (10, 4)"),
        (np.zeros((0, 4)), "shape (0, 4)"),
        (np.zeros((10, 4), dtype=complex), "complex128"),
        (np.full((10, 4), 1e300), "not finite"),  # as float32
        (np.full((10, 4), np.nan), "not finite"),
        (np.array([{}]), "holds pickled objects"),
    ],
)
def test_files_that_do_not_fit_are_named(folder, values, message):
    np.save(folder / "a.npy", values, allow_pickle=True)
    report, store = take(folder)
    assert list(report.failed) == ["a"]
    assert report.failed["a"].startswith(f"{folder / 'a.npy'}: ")
    assert message in report.failed["a"]
    assert (report.count, store.clips("net")) == (2, {"b", "c"})


def test_files_that_are_no_arrays_are_named(folder):
    whole = (folder / "a.npy").read_bytes()
    (folder / "a.npy").write_bytes(whole[: len(whole) // 2])
    (folder / "b.npy").write_bytes(b"")
    np.savez(folder / "c.npz", np.zeros((10, 4)))
    os.replace(folder / "c.npz", folder / "c.npy")
    report, _ = take(folder, (*CLIPS, "d"))
    assert report.count == 0
    assert "can't be read" in report.failed["a"]
    assert "can't be read" in report.failed["b"]
    assert "archive" in report.failed["c"]
    assert report.failed["d"] == f"{folder / 'd.npy'}: no such file"


def test_current_features_are_kept(folder):
    _, store = take(folder)
    before = store.file("net", "a").stat().st_mtime_ns, store.file("net", "b").stat().st_mtime_ns
    np.save(folder / "b.npy", np.ones((10, 4)))
    report, store = take(folder)
    assert report.count == 3
    after = store.file("net", "a").stat().st_mtime_ns, store.file("net", "b").stat().st_mtime_ns
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)
    assert (store.read("net", "b") == 1).all()
