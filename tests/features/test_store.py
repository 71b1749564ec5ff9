"""The feature store and its packs."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear import files
from seehear.errors import SeehearError
from seehear.features.packed import pack
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.files import atomic_json

INFO = NetworkInfo("net", "audio", 3, "made")


@pytest.fixture(params=[1, 3], ids=["files", "blocks"])
def block(request):
    """Clips per file: what a store promises holds for both layouts."""
    return request.param


def store(path, clips=("a", "b"), lengths=None, block=1):
    kept = Store(path, create=True, block=block)
    kept.register(INFO)
    for n, clip in enumerate(clips):
        length = (lengths or {}).get(clip, 4)
        values = np.arange(length * 3, dtype=np.float32).reshape(length, 3) + 100 * n
        kept.write("net", Origin(clip, "made", f"content of {clip}"), values)
    kept.flush()
    return kept


def write(kept, origin, values, silent=None):
    """Write the features of one clip into a file."""
    with kept:
        kept.write("net", origin, values, silent)


def clip_file(path: Path, content: bytes = b"film") -> Path:
    path.write_bytes(content)
    return path


def test_features_come_back(tmp_path, block):
    kept = Store(store(tmp_path / "s", block=block).path)
    assert kept.networks() == {"net": INFO}
    assert kept.clips("net") == {"a", "b"}
    np.testing.assert_array_equal(kept.read("net", "b")[0], [100, 101, 102])
    assert kept.origin("net", "a") == Origin("a", "made", "content of a")


def test_segments_are_known_without_the_features(tmp_path, block):
    kept = Store(store(tmp_path / "s", lengths={"a": 7}, block=block).path)
    assert (kept.segments("net", "a"), kept.segments("net", "b")) == (7, 4)
    with pytest.raises(SeehearError, match="clip c has no features of net"):
        kept.segments("net", "c")


@pytest.mark.parametrize("shape", ["", "[4]", "[4,-3]", "[true,3]", "[4.0,3]", "[4000000000,3]", "4", "{}"])
def test_a_damaged_header_says_no_segments(tmp_path, shape):
    kept, header = store(tmp_path / "s"), f'{{"features":{{"shape":{shape}}}}}'.encode()
    kept.file("net", "a").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(SeehearError, match=r"a\.safetensors: damaged"):
        kept.segments("net", "a")


@given(st.text(st.characters(exclude_characters="/\\", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40))
def test_any_file_name_in_one_line_is_a_clip_name(tmp_path_factory, name):
    kept = store(tmp_path_factory.mktemp("s") / "s", [f"x{name}"])
    assert kept.clips("net") == {f"x{name}"}
    assert kept.read("net", f"x{name}").shape == (4, 3)


def test_current_until_clip_or_settings_change(tmp_path, block):
    kept = store(tmp_path / "s", [], block=block)
    clip = clip_file(tmp_path / "a.mp4")
    write(kept, Origin.of("a", clip, "made"), np.zeros((1, 3), np.float32))
    assert kept.is_current("net", "a", "made", clip)
    assert not kept.is_current("net", "a", "made otherwise", clip)
    assert not kept.is_current("net", "b", "made", clip)
    os.utime(clip, ns=(1, 1))  # touched, not changed
    assert kept.is_current("net", "a", "made", clip)
    clip_file(clip, b"mlif")  # changed, of the same size
    assert not kept.is_current("net", "a", "made", clip)


def test_a_damaged_feature_is_not_current_and_is_named(tmp_path):
    kept = store(tmp_path / "s")
    clip = clip_file(tmp_path / "a.mp4")
    kept.file("net", "a").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    assert not kept.is_current("net", "a", "made", clip)
    with pytest.raises(SeehearError, match=r"a\.safetensors: damaged"):
        kept.read("net", "a")


def test_a_folder_that_is_no_store(tmp_path, block):
    with pytest.raises(SeehearError, match="no feature store here"):
        Store(tmp_path / "none")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(SeehearError, match="holds other files"):
        Store(tmp_path / "full", create=True, block=block)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("inside", ["", "s"])
def test_a_file_is_no_folder_of_a_store(tmp_path, create, inside):
    (tmp_path / "afile").touch()
    with pytest.raises(SeehearError, match="afile: is a file, not a folder; name the folder of a store"):
        Store(tmp_path / "afile" / inside, create=create)


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2", b"\xff\xfe\x00", b"\0\0\0\0", b"[" * 100 + b"]" * 100, b"7"])
def test_what_to_do_about_a_marker_that_can_not_be_read(tmp_path, content, block):
    kept = store(tmp_path / "s", block=block)
    (tmp_path / "s" / "net" / "network.json").write_bytes(content)
    with pytest.raises(SeehearError, match=r"network\.json\b.*; delete .*net and extract again$"):
        kept.networks()
    (tmp_path / "s" / "store.json").write_bytes(content)
    for create in (True, False):
        with pytest.raises(SeehearError, match=r"store\.json\b.*; extract into a new folder$"):
            Store(tmp_path / "s", create=create)


def test_a_store_from_another_version(tmp_path):
    atomic_json(tmp_path / "s" / "store.json", {"format": 99, "segment": 1.0})
    with pytest.raises(SeehearError, match="format 99"):
        Store(tmp_path / "s")


def test_one_segment_length_a_store(tmp_path, block):
    Store(tmp_path / "s", segment=0.5, create=True, block=block)
    assert Store(tmp_path / "s").segment == 0.5
    with pytest.raises(SeehearError, match=r"0\.5 s, not 1 s"):
        Store(tmp_path / "s", segment=1.0)


def test_unknown_and_changed_networks(tmp_path, block):
    kept = store(tmp_path / "s", block=block)
    with pytest.raises(SeehearError, match="available: net"):
        kept.network("other")
    with pytest.raises(SeehearError, match="width 3"):
        kept.register(replace(INFO, width=4))


def test_pack_keeps_order_and_lengths(tmp_path, block):
    kept = store(tmp_path / "s", ["a", "b", "c"], {"b": 2}, block=block)
    packed = pack(kept, "net", ["c", "b"])
    np.testing.assert_array_equal(packed.lengths(), [4, 2])
    np.testing.assert_array_equal(packed.rows, np.concatenate([kept.read("net", "c"), kept.read("net", "b")]))
    assert isinstance(packed.rows, np.memmap)


def test_pack_is_made_again_only_when_a_clip_changes(tmp_path, block):
    kept = store(tmp_path / "s", block=block)
    first = pack(kept, "net", ["a", "b"])
    files = {file: file.stat().st_mtime_ns for file in (kept.path / "packed").iterdir()}
    again = pack(kept, "net", ["a", "b"])
    assert {file: file.stat().st_mtime_ns for file in (kept.path / "packed").iterdir()} == files
    assert again.contents == first.contents
    write(kept, Origin("a", "made", "new content"), np.full((4, 3), 7, np.float32))
    changed = pack(kept, "net", ["a", "b"])
    assert changed.contents != first.contents
    assert changed.rows[0, 0] == 7
    assert first.rows[0, 0] == 0  # whoever reads the old pack goes on reading it
    assert len(list((kept.path / "packed").iterdir())) == len(files)


def test_contents_do_not_depend_on_the_folder(tmp_path, block):
    one, other = store(tmp_path / "one", block=block), store(tmp_path / "other", block=block)
    assert pack(one, "net", ["a", "b"]).contents == pack(other, "net", ["a", "b"]).contents


@pytest.mark.parametrize(
    ("origin", "values", "message"),
    [
        (Origin("a", "otherwise", ""), np.zeros((4, 3)), "different settings"),
        (Origin("a", "made", ""), np.zeros((4, 2)), r"\(T, 3\)"),
        (Origin("a", "made", ""), np.full((4, 3), np.nan), "not finite"),
    ],
)
def test_packs_refuse_what_can_not_be_trained_on(tmp_path, origin, values, message, block):
    kept = store(tmp_path / "s", block=block)
    write(kept, origin, values)
    with pytest.raises(SeehearError, match=message):
        pack(kept, "net", ["b", "a"])


@pytest.mark.parametrize("silent", [None, np.array([True, False, True, False])])
def test_any_flipped_byte_of_the_content_is_damage(tmp_path, silent):
    kept = store(tmp_path / "s")
    write(kept, Origin("b", "made", ""), np.ones((4, 3), np.float32), silent)
    file = kept.file("net", "b")
    whole = file.read_bytes()
    for place in range(8 + int.from_bytes(whole[:8], "little"), len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        assert kept.is_damaged("net", "b")
        assert not kept.is_damaged("net", "a")
        with pytest.raises(SeehearError, match=r"b\.safetensors: damaged .*; delete it and extract again"):
            pack(kept, "net", ["a", "b"])
    file.write_bytes(whole)
    assert not kept.is_damaged("net", "b")
    assert not kept.is_damaged("net", "none")


def test_features_of_unknown_origin_are_no_other_settings(tmp_path):
    kept = store(tmp_path / "s")
    file = kept.file("net", "b")
    file.write_bytes(file.read_bytes().replace(b"origin", b"nigiro"))
    with pytest.raises(SeehearError, match=r"b\.safetensors: damaged .*; delete it and extract again"):
        pack(kept, "net", ["a", "b"])


def test_pack_names_a_missing_clip(tmp_path, block):
    with pytest.raises(SeehearError, match="clip z has no features of net"):
        pack(store(tmp_path / "s", block=block), "net", ["a", "z"])


def _read_all(kept: Store) -> None:
    kept.read("net", "clip")
    kept.silent("net", "clip")


def test_what_a_loss_of_power_left_is_found_and_made_again(tmp_path, block):
    """A file may be empty, cut off, or have zeros for what was not written yet."""
    kept = Store(tmp_path / "s", create=True, block=block)
    kept.register(replace(INFO, width=500))
    path = clip_file(tmp_path / "clip.mp4")
    values = np.random.default_rng(0).normal(size=(4, 500)).astype(np.float32)
    silent = np.array([True, False, True, True])
    for length in (0, 4, 30, 4096, -600, -1):
        write(kept, Origin.of("clip", path, "made"), values, silent)
        assert kept.is_current("net", "clip", "made", path)
        np.testing.assert_array_equal(kept.silent("net", "clip"), silent)
        file = kept.file("net", "clip")
        whole = file.read_bytes()
        for damaged in (whole[:length], whole[:length].ljust(len(whole), b"\0")):
            if damaged.rstrip(b"\0") == whole.rstrip(b"\0"):
                continue  # it ends in zeros anyway
            file.write_bytes(damaged)
            for opened in (kept, Store(kept.path)):
                assert not opened.is_current("net", "clip", "made", path)
                with pytest.raises(SeehearError, match=rf"{file.stem}.* damaged"):
                    _read_all(opened)


def test_a_store_that_vanishes_is_not_made_again_by_halves(tmp_path, block, monkeypatch):
    import shutil

    monkeypatch.setattr(files, "AWAY_PAUSES", (0.0,))
    kept = store(tmp_path / "s", block=block)
    shutil.rmtree(tmp_path / "s")
    with pytest.raises(SeehearError, match="was deleted or unmounted"):
        write(kept, Origin("c", "made", ""), np.zeros((4, 3), np.float32))
    assert not (tmp_path / "s").exists()


def test_a_pack_that_is_damaged_or_incomplete_is_made_again(tmp_path, block):
    kept = store(tmp_path, block=block)
    before = np.array(pack(kept, "net", ["b", "a"]).rows)
    for suffix in ("safetensors", "npy"):
        for damage in (b"", b"{", None):
            (file,) = (tmp_path / "packed").glob(f"*.{suffix}")
            if damage is None:
                file.unlink()
            else:
                file.write_bytes(damage)
            np.testing.assert_array_equal(pack(kept, "net", ["b", "a"]).rows, before)
    orphan = tmp_path / "packed" / "net-0123-4567.npy"  # of a process that was killed before it wrote the index
    orphan.write_bytes(b"gigabytes")
    pack(kept, "net", ["a"])
    assert not orphan.exists()


def test_packs_of_a_store_that_can_only_be_read_are_in_the_cache(tmp_path, monkeypatch, capsys, block):
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path / "cache"))
    kept = store(tmp_path / "s", block=block)
    expected = np.array(pack(kept, "net", ["b", "a"]).rows)
    (tmp_path / "s" / "packed").rename(tmp_path / "old")
    (tmp_path / "s" / "packed").touch()  # root may write anywhere, so a file stands in the way
    packed = pack(kept, "net", ["b", "a"])
    np.testing.assert_array_equal(packed.rows, expected)
    assert f"packed in {tmp_path / 'cache' / 'packed'}" in capsys.readouterr().err
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 1
    pack(kept, "net", ["b", "a"])
