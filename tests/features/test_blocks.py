"""Blocks of clips: a store with many clips per file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import commands
import make_media
from seehear.errors import SeehearError
from seehear.features import blocks
from seehear.features.block import MAX_BLOCK, REPLACING
from seehear.features.extraction import extract
from seehear.features.forms.spec import Form, SharedForm
from seehear.features.npy import import_folder
from seehear.features.packed import pack
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.files import DiskFullError
from seehear.media.notes import Note, NoteKind
from seehear.networks import network
from seehear.storage.place import LocalPlace, Place

WIDTH = 3
INFO = NetworkInfo("net", "audio", WIDTH, "made")
NOTES = (Note(NoteKind.GAP, "audio", 1.5), Note(NoteKind.SILENT, "audio"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache of this test alone."""
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def new_store(path: Path | Place, block: int = 3) -> Store:
    kept = Store(path, create=True, block=block)
    kept.register(INFO)
    return kept


def values(number: int, length: int = 2) -> np.ndarray:
    """Features that no other number has."""
    return np.arange(length * WIDTH, dtype=np.float32).reshape(length, WIDTH) + 1000 * number


def put(kept: Store, clip: str, number: int, length: int = 2) -> None:
    kept.write("net", Origin(clip, "made", f"content {number}", number, number), values(number, length))


def block_files(path: Path) -> list[Path]:
    return sorted((path / "net" / "blocks").glob("*"))


class InMemory(Place):
    """A place that is no folder of this machine, as object storage is. It counts what is asked of it."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, bytes] = {}
        self.folder, self.reads, self.listings = folder, [], 0

    def __str__(self):
        return "memory://store"

    def exists(self, name):
        return name in self.files

    def names(self, folder=""):
        self.listings += 1
        start = f"{folder}/" if folder else ""
        return sorted({name[len(start) :].split("/")[0] for name in self.files if name.startswith(start)})

    def read(self, name, start=0, stop=None):
        self.reads.append((name, start, stop))
        if name not in self.files:
            raise FileNotFoundError(name)
        return self.files[name][start:stop]

    def write(self, name, data):
        self.files[name] = data

    def create(self, name, data):
        self.files.setdefault(name, data)

    def remove(self, name):
        self.files.pop(name, None)

    def fetch(self, name):
        copy = self.folder / name.replace("/", "-")
        copy.write_bytes(self.read(name))
        return copy


# The layout


def test_many_clips_make_few_files(tmp_path):
    kept = new_store(tmp_path / "s", block=4)
    with kept:
        for n in range(10):
            put(kept, f"c{n}", n, length=1 + n % 3)
    assert json.loads((tmp_path / "s" / "store.json").read_text()) == {"format": 2, "segment": 1.0, "block": 4}
    assert len(block_files(tmp_path / "s")) == 3
    again = Store(tmp_path / "s")
    assert again.block == 4
    assert again.clips("net") == {f"c{n}" for n in range(10)}
    for n in range(10):
        np.testing.assert_array_equal(again.read("net", f"c{n}"), values(n, 1 + n % 3))
        assert again.origin("net", f"c{n}") == Origin(f"c{n}", "made", f"content {n}", n, n)


def test_everything_of_a_clip_comes_back(tmp_path):
    kept = new_store(tmp_path / "s")
    silent = np.array([True, False])
    origin = Origin("ä 1", "made", "abc", 5, 6, audio_track=2)
    with kept:
        kept.write("net", origin, values(1), silent, NOTES)
        put(kept, "other", 2)
    again = Store(tmp_path / "s")
    assert again.notes("net", "ä 1") == NOTES
    assert again.notes("net", "other") == ()
    np.testing.assert_array_equal(again.silent("net", "ä 1"), silent)
    assert again.silent("net", "other") is None
    stored = again.stored("net", "ä 1")
    np.testing.assert_array_equal(stored.features, values(1))
    np.testing.assert_array_equal(stored.silent, silent)
    assert stored.origin == origin


def test_the_layout_of_a_store_stays(tmp_path):
    Store(tmp_path / "files", create=True)
    Store(tmp_path / "blocks", create=True, block=8)
    assert json.loads((tmp_path / "files" / "store.json").read_text()) == {"format": 1, "segment": 1.0}
    assert Store(tmp_path / "files", create=True, block=1).block == 1
    assert Store(tmp_path / "blocks", create=True).block == 8
    with pytest.raises(SeehearError, match="one file per clip, not blocks of 8 clips; use another folder"):
        Store(tmp_path / "files", create=True, block=8)
    with pytest.raises(SeehearError, match="blocks of 8 clips, not one file per clip"):
        Store(tmp_path / "blocks", block=1)
    for block in (0, -1, MAX_BLOCK + 1):
        with pytest.raises(SeehearError, match="a block must have from 1"):
            Store(tmp_path / "new", create=True, block=block)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("block", [0, "8", 2.5, None, True, 10**9])
def test_a_marker_with_another_block(tmp_path, block):
    new_store(tmp_path)
    (tmp_path / "store.json").write_text(json.dumps({"format": 2, "segment": 1.0, "block": block}))
    with pytest.raises(SeehearError, match=r"store\.json: is damaged \(block"):
        Store(tmp_path)


def test_what_is_gathered_is_seen_by_who_wrote_it(tmp_path):
    kept = new_store(tmp_path / "s", block=100)
    put(kept, "a", 1)
    assert Store(tmp_path / "s").clips("net") == frozenset()
    np.testing.assert_array_equal(kept.read("net", "a"), values(1))
    put(kept, "b", 2)
    assert kept.clips("net") == {"a", "b"}
    assert Store(tmp_path / "s").clips("net") == {"a", "b"}


def test_features_may_change_after_they_were_given(tmp_path):
    kept = new_store(tmp_path / "s")
    array = values(1)
    with kept:
        kept.write("net", Origin("a", "made", ""), array)
        array[:] = 7
    np.testing.assert_array_equal(kept.read("net", "a"), values(1))


def test_large_features_and_time_fill_a_block_too(tmp_path, monkeypatch):
    kept = new_store(tmp_path / "s", block=100)
    monkeypatch.setattr(blocks, "MOST_BYTES", 3 * values(0).nbytes)
    for n in range(3):
        assert not block_files(tmp_path / "s")
        put(kept, f"c{n}", n)
    assert len(block_files(tmp_path / "s")) == 1
    monkeypatch.setattr(blocks, "MOST_SECONDS", 0.0)
    put(kept, "d", 4)
    assert len(block_files(tmp_path / "s")) == 2


def test_what_is_forgotten_is_written_when_the_store_is(tmp_path):
    kept = new_store(tmp_path / "s")
    put(kept, "a", 1)
    del kept
    assert Store(tmp_path / "s").clips("net") == {"a"}


def test_a_block_without_anything_current_is_removed(tmp_path):
    kept = new_store(tmp_path / "s", block=2)
    with kept:
        put(kept, "a", 1)
        put(kept, "b", 2)
    (first,) = block_files(tmp_path / "s")
    with kept:
        put(kept, "a", 3)
    assert len(block_files(tmp_path / "s")) == 2  # b is in the first one
    with kept:
        put(kept, "b", 4)
        put(kept, "a", 5)
    assert first not in block_files(tmp_path / "s")
    assert len(block_files(tmp_path / "s")) == 1
    for opened in (kept, Store(tmp_path / "s")):
        np.testing.assert_array_equal(opened.read("net", "a"), values(5))
        np.testing.assert_array_equal(opened.read("net", "b"), values(4))


@pytest.mark.parametrize(
    ("features", "silent"),
    [(np.zeros(3), None), (np.zeros((2, 3, 1)), None), (values(0), np.zeros(3, bool)), (values(0), np.zeros((2, 1)))],
)
def test_features_of_another_form_are_refused(tmp_path, features, silent):
    kept = new_store(tmp_path / "s")
    with pytest.raises(SeehearError, match="clip a: features of shape"):
        kept.write("net", Origin("a", "made", ""), features, silent)


# Against a dictionary

CLIPS = st.sampled_from("abcdefg")


class Sequences(RuleBasedStateMachine):
    """Random writing, replacing, flushing and reopening by two processes, against a dictionary."""

    @initialize(block=st.integers(2, 5), place=st.booleans())
    def begin(self, block, place):
        self.folder = TemporaryDirectory()
        folder = Path(self.folder.name)
        self.place = InMemory(folder) if place else LocalPlace(folder / "s")
        self.stores = [new_store(self.place, block), Store(self.place)]
        self.expected: dict[str, tuple[int, int]] = {}  # clip -> number and length, as written last
        self.number = 0

    @rule(clips=st.lists(CLIPS, min_size=1, max_size=6), who=st.integers(0, 1), length=st.integers(1, 3))
    def write(self, clips, who, length):
        with self.stores[who] as kept:
            for clip in clips:
                self.number += 1
                put(kept, clip, self.number, length)
                self.expected[clip] = self.number, length

    @rule(who=st.integers(0, 1))
    def reopen(self, who):
        self.stores[who] = Store(self.place)

    @rule(who=st.integers(0, 1))
    def look(self, who):
        kept = self.stores[who]
        assert kept.clips("net") == self.expected.keys()
        for clip, (number, length) in self.expected.items():
            np.testing.assert_array_equal(kept.read("net", clip), values(number, length))
            assert kept.origin("net", clip).content == f"content {number}"
            assert not kept.is_damaged("net", clip)

    @invariant()
    def no_block_is_left_of_which_all_is_replaced(self):
        assert len(self.place.names("net/blocks")) <= len(self.expected)

    def teardown(self):
        self.folder.cleanup()


Sequences.TestCase.settings = settings(max_examples=25, stateful_step_count=12)
TestSequences = Sequences.TestCase


# Several processes


def test_of_two_that_wrote_a_clip_at_once_all_see_the_same(tmp_path):
    place = LocalPlace(tmp_path / "s")
    one, other = new_store(place), Store(place)
    with pytest.MonkeyPatch.context() as patch:  # neither sees the block of the other before it writes its own
        patch.setattr(blocks.Index, "refresh", lambda index: None)
        for number, kept in enumerate((one, other), 1):
            put(kept, "a", number)
            kept.flush()
    files = block_files(tmp_path / "s")
    assert len(files) == 2
    found = [Store(place).read("net", "a"), Store(place).read("net", "a")]
    assert Store(place).file("net", "a") == files[0]  # the smallest name
    np.testing.assert_array_equal(found[0], found[1])
    third = Store(place)
    with third:
        put(third, "a", 3)
    assert len(block_files(tmp_path / "s")) == 1  # it replaced both
    np.testing.assert_array_equal(Store(place).read("net", "a"), values(3))


def test_several_threads_fill_one_store(tmp_path):
    new_store(tmp_path / "s")

    def fill(start):
        with Store(tmp_path / "s") as kept:
            for n in range(start, 60, 4):
                put(kept, f"c{n}", n)
                put(kept, "shared", n)

    threads = [threading.Thread(target=fill, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = Store(tmp_path / "s")
    assert kept.clips("net") == {"shared", *(f"c{n}" for n in range(60))}
    for n in range(60):
        np.testing.assert_array_equal(kept.read("net", f"c{n}"), values(n))


def test_features_whose_block_is_removed_meanwhile(tmp_path):
    kept = new_store(tmp_path / "s", block=1000)
    with kept:
        put(kept, "a", 1)
    reader = Store(tmp_path / "s")
    reader.clips("net")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks.Index, "refresh_if_changed", lambda index: None)
        with kept:
            put(kept, "a", 2)
        np.testing.assert_array_equal(reader.read("net", "a"), values(2))


LATER = 4_000_000_000_000_000_000  # nanoseconds: a time of modification that the clock has not passed


def test_changes_within_one_tick_of_the_clock_are_seen(tmp_path):
    """What has just changed may change again without getting another time."""
    kept = new_store(tmp_path / "s")
    with kept:
        put(kept, "a", 1)
    file = kept.file("net", "a")
    os.utime(file, ns=(LATER, LATER))
    assert kept.origin("net", "a") is not None
    whole = file.read_bytes()
    file.write_bytes(bytes([*whole[:-4], whole[-4] ^ 1, *whole[-3:]]))
    os.utime(file, ns=(LATER, LATER))
    assert kept.origin("net", "a") is None
    other = Store(tmp_path / "s")
    os.utime(file.parent, ns=(LATER, LATER))
    assert kept.origin("net", "b") is None
    with other:
        put(other, "b", 2)
    os.utime(file.parent, ns=(LATER, LATER))
    assert kept.origin("net", "b") is not None


def test_a_replaced_block_that_can_not_be_removed_does_no_harm(tmp_path, monkeypatch):
    kept = new_store(tmp_path / "s")

    def refused(place, name):
        raise SeehearError(f"{name}: in use")

    monkeypatch.setattr(LocalPlace, "remove", refused)
    for number in range(3):
        with kept:
            put(kept, "a", number)
    assert len(block_files(tmp_path / "s")) == 3
    monkeypatch.undo()
    np.testing.assert_array_equal(Store(tmp_path / "s").read("net", "a"), values(2))
    with kept:
        put(kept, "a", 4)
    assert len(block_files(tmp_path / "s")) == 1


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from features.test_blocks import new_store, put
kept = new_store(Path({store!r}), block=4)
for n in range(10):
    put(kept, f"c{{n}}", n)
print("gathered", flush=True)
time.sleep(60)
"""


def test_a_killed_process_loses_only_what_it_gathered(tmp_path):
    code = KILLED.format(tests=str(Path(__file__).parents[1]), store=str(tmp_path / "s"))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "gathered\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert Store(tmp_path / "s").clips("net") == {f"c{n}" for n in range(8)}


@pytest.mark.parametrize("step", ["write", "remove"])
def test_killed_between_two_steps(tmp_path, step):
    """After a kill before a new block, or before those that it replaces are removed, nothing is half done."""

    class Killed(BaseException):
        pass

    class Dying(LocalPlace):
        def write(self, name, data):
            if step == "write":
                raise Killed
            super().write(name, data)

        def remove(self, name):
            raise Killed

    with new_store(tmp_path / "s") as kept:
        put(kept, "a", 1)
        put(kept, "b", 2)
    dying = Store(Dying(tmp_path / "s"))
    put(dying, "a", 3)
    put(dying, "b", 4)
    with pytest.raises(Killed):
        dying.flush()
    dying._layout._gathered.clear()  # as if the process had ended
    again = Store(tmp_path / "s")
    expected = {"write": (1, 2), "remove": (3, 4)}[step]
    for clip, number in zip("ab", expected, strict=True):
        np.testing.assert_array_equal(again.read("net", clip), values(number))
    with again:  # what the killed process left is cleared up by the next one that writes these clips
        put(again, "a", 5)
        put(again, "b", 6)
    assert len(block_files(tmp_path / "s")) == 1
    np.testing.assert_array_equal(Store(tmp_path / "s").read("net", "b"), values(6))


def test_what_could_not_be_written_does_not_count(tmp_path, monkeypatch):
    kept = new_store(tmp_path / "s")
    put(kept, "a", 1)

    def full(*_):
        raise DiskFullError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(LocalPlace, "write", full)
        with pytest.raises(DiskFullError):
            kept.flush()
    kept.flush()
    assert kept.clips("net") == frozenset()
    assert kept.origin("net", "a") is None


# Damage


def check_never_wrong(path: Path, expected: dict[str, int]) -> int:
    """Check that every clip is as it was written or stale, and can't be read if so. Return how many are stale."""
    kept = Store(path)
    stale = 0
    for clip, number in expected.items():
        origin = kept.origin("net", clip)
        current = origin == Origin(clip, "made", f"content {number}", number, number)
        stale += not current
        fault = ""
        try:
            np.testing.assert_array_equal(kept.read("net", clip), values(number))
        except SeehearError as error:
            fault = str(error)
        assert "damaged" in fault if fault else current
    return stale


@pytest.mark.parametrize("replacing", [False, True])
def test_any_flipped_byte_is_damage_or_does_no_harm(tmp_path, replacing):
    kept = new_store(tmp_path / "s", block=3)
    expected = {"a": 1, "b": 2, "c": 3}
    for clip, number in expected.items():
        put(kept, clip, number)
    if replacing:  # if this is not seen, the old features look current
        expected |= {"a": 4, "b": 5}
        put(kept, "a", 4)
        put(kept, "b", 5)
        kept.flush()
    file = kept.file("net", "a")
    assert file.stem.endswith(REPLACING) == replacing
    whole = file.read_bytes()
    data = 8 + int.from_bytes(whole[:8], "little")
    rows = 2 * (3 - replacing)  # bytes at the end that stand for silence, of which nothing is known here
    for place in [*range(0, data, 7), *range(data, len(whole))]:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        stale = check_never_wrong(tmp_path / "s", expected)
        if place < len(whole) - rows:
            assert stale >= 1
    for length in range(0, len(whole) - rows, 11):
        file.write_bytes(whole[:length])
        assert check_never_wrong(tmp_path / "s", expected) >= 1
    file.write_bytes(whole)
    assert check_never_wrong(tmp_path / "s", expected) == 0


def test_a_damaged_block_that_replaced_others_stops_packing_until_it_is_deleted(tmp_path):
    kept = new_store(tmp_path / "s", block=2)
    with kept:
        for n, clip in enumerate("abc"):
            put(kept, clip, n)
        kept.flush()
        put(kept, "a", 7)
    (file,) = (file for file in block_files(tmp_path / "s") if file.stem.endswith(REPLACING))
    pack(kept, "net", ["a", "b", "c"])
    file.write_bytes(b"\0" * 100)
    again = Store(tmp_path / "s")
    with pytest.raises(SeehearError, match=rf"{file.name}: damaged\. It replaced .* delete it and extract again"):
        pack(again, "net", ["a", "b", "c"])
    assert again.unreadable("net") == [str(file)]
    file.unlink()
    assert again.unreadable("net") == []
    assert again.origin("net", "a").content == "content 0"  # which extraction compares with the file


def test_other_files_among_the_blocks(tmp_path):
    kept = new_store(tmp_path / "s")
    with kept:
        put(kept, "a", 1)
    folder = tmp_path / "s" / "net" / "blocks"
    (folder / "notes.txt").write_text("mine")
    (folder / ".123-0123abcd-0123abcd.safetensors").write_text("half")
    (folder / "copy of a block.safetensors").write_bytes(block_files(tmp_path / "s")[-1].read_bytes())
    assert Store(tmp_path / "s").clips("net") == {"a"}
    np.testing.assert_array_equal(Store(tmp_path / "s").read("net", "a"), values(1))


@pytest.mark.parametrize("name", ["../../victim", "a/b", "", ".hidden", "a\nb"])
def test_no_block_names_a_clip_that_leads_elsewhere(tmp_path, name):
    """A block that someone else made, whole by its hash."""
    from seehear.features.block import encode
    from seehear.features.layout import Entry

    facts = {"made_by": "made", "content": "x", "size": 1, "modified": 1}
    made, data = encode([Entry(name, values(1), None, facts, [])], {})
    kept = new_store(tmp_path / "s")
    LocalPlace(tmp_path / "s").write(f"net/blocks/{made}.safetensors", data)
    assert kept.clips("net") == frozenset()
    assert [Path(file).stem for file in kept.unreadable("net")] == [made]


# Elsewhere


def test_a_store_that_is_no_folder_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = InMemory(tmp_path)
    kept = Store(place, create=True)
    assert kept.block == 64
    kept.register(INFO)
    with kept:
        for n in range(5):
            put(kept, f"c{n}", n)
    again = Store(place)
    assert again.networks() == {"net": INFO}
    place.reads.clear()
    for n in range(5):
        assert again.is_current("net", f"c{n}", "made", Path("none")) is False
        assert again.origin("net", f"c{n}").content == f"content {n}"
        assert again.origin("net", f"missing{n}") is None
    assert len(place.reads) == 1  # the header, for all clips
    np.testing.assert_array_equal(pack(again, "net", ["c1", "c0"]).rows, np.concatenate([values(1), values(0)]))
    assert (tmp_path / "cache" / "packed").is_dir()
    with pytest.raises(SeehearError, match="memory://store: clip x has no features of net"):
        again.read("net", "x")
    with pytest.raises(SeehearError, match="memory://store: no features of 'other'; available: net"):
        again.network("other")
    assert not (tmp_path / "memory:").exists()


def test_an_import_fetches_no_features_of_other_networks(tmp_path):
    place = InMemory(tmp_path)
    kept = Store(place, create=True)
    kept.register(INFO)
    with kept:
        for n in range(5):
            put(kept, f"c{n}", n, length=2 + n // 3)
    for n in range(5):
        np.save(tmp_path / f"c{n}.npy", values(n, 4))
    mine = SharedForm("mine", "me", "touch", "skin", Form())
    place.reads.clear()
    report = import_folder(tmp_path, [f"c{n}" for n in range(5)], Store(place), "skin", mine, progress=False)
    assert {clip: found.other_segments for clip, found in report.lengths.items()} == dict(c0=2, c1=2, c2=2, c3=3, c4=3)
    assert not [name for name, start, stop in place.reads if name.startswith("net/blocks") and stop is None]


def test_headers_elsewhere_are_read_once(tmp_path, cache):
    place = InMemory(tmp_path)
    with new_store(place, block=2) as kept:
        for n in range(6):
            put(kept, f"c{n}", n)

    def headers_read():
        place.reads.clear()
        assert Store(place).clips("net") == {f"c{n}" for n in range(6)}
        return [name for name, *_ in place.reads if "blocks" in name]

    assert len(headers_read()) == 3
    assert headers_read() == []
    headers = sorted(file for file in (cache / "blocks").rglob("*") if file.is_file())
    headers[0].write_bytes(b"damaged")
    headers[1].unlink()
    assert len(headers_read()) == 2
    assert headers_read() == []
    name = next(name for name in place.files if "blocks" in name)
    place.remove(name)
    assert len(Store(place).clips("net")) == 4
    assert len([file for file in (cache / "blocks").rglob("*") if file.is_file()]) == 2


def test_a_store_of_files_needs_a_folder(tmp_path):
    place = InMemory(tmp_path)
    place.files["store.json"] = b'{"format": 1, "segment": 1.0}'
    with pytest.raises(SeehearError, match="memory://store: has one file per clip"):
        Store(place)


def test_a_store_in_another_process(tmp_path):
    import pickle

    kept = new_store(tmp_path / "s")
    put(kept, "a", 1)
    kept.flush()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(kept)).read("net", "a"), values(1))


# Commands


def imported(tmp_path: Path, count: int = 5, **options):
    folder = tmp_path / "npy"
    folder.mkdir(exist_ok=True)
    for n in range(count):
        np.save(folder / f"c{n}.npy", values(n))
    return commands.import_features(folder, store=tmp_path / "s", network="net", modality="audio", **options)


def test_import_into_blocks(tmp_path):
    assert imported(tmp_path, block=2).count == 5
    files = block_files(tmp_path / "s")
    assert len(files) == 3
    assert imported(tmp_path).count == 5  # current
    assert block_files(tmp_path / "s") == files
    kept = Store(tmp_path / "s")
    np.testing.assert_array_equal(kept.read("net", "c4"), values(4))
    report = commands.export_features(tmp_path / "out", store=tmp_path / "s", network="net")
    assert report.count == 5
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "c3.npy"), values(3))


def test_an_import_that_is_interrupted_keeps_what_it_had(tmp_path, monkeypatch):
    from seehear.features.forms.spec import Form

    calls = []
    made = Form.by_segment

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return made(*arguments)

    monkeypatch.setattr(Form, "by_segment", interrupted)
    with pytest.raises(KeyboardInterrupt):
        imported(tmp_path, block=100)
    assert Store(tmp_path / "s").clips("net") == {"c0", "c1", "c2"}


@network(name="level", modality="audio", width=1, rate=8000, window=1.0)
def level(waves):
    return np.abs(waves).max(axis=1)[:, None]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for n in range(5):
        make_media.write(folder / f"c{n}.wav", sound=make_media.tone(300, 2), sound_codec="pcm_s16le")
    return folder


def extracted(clips: Path, path: Path, **options):
    return extract(clips, [level], store=path, progress=False, device="cpu", **options)


def test_extraction_into_blocks_is_as_into_files(tmp_path, clips):
    for block in (1, 2):
        path = tmp_path / str(block)
        done = extracted(clips, path, block=block)
        assert (done.made, done.unchanged, done.notes) == (5, 0, [])
        assert (again := extracted(clips, path)).unchanged == 5
        assert again["c3"]["level"].shape == (2, 1)
    one, other = Store(tmp_path / "1"), Store(tmp_path / "2")
    assert len(list((tmp_path / "2" / "level" / "blocks").iterdir())) == 3
    for clip in one.clips("level"):
        np.testing.assert_array_equal(one.read("level", clip), other.read("level", clip))
        np.testing.assert_array_equal(one.silent("level", clip), other.silent("level", clip))
        assert one.origin("level", clip) == other.origin("level", clip)
        assert one.notes("level", clip) == other.notes("level", clip)
    packs = [pack(kept, "level", sorted(kept.clips("level"))) for kept in (one, other)]
    assert packs[0].contents == packs[1].contents


def test_extraction_makes_damaged_blocks_again(tmp_path, clips):
    extracted(clips, tmp_path / "s", block=2)
    file, other = (Store(tmp_path / "s").file("level", clip) for clip in ("c0", "c2"))
    whole = file.read_bytes()
    file.write_bytes(bytes([*whole[:-20], whole[-20] ^ 1, *whole[-19:]]))  # one clip's features
    done = extracted(clips, tmp_path / "s")
    assert (done.made, done.unchanged) == (1, 4)
    assert done.notes == [f"damaged: 1 file in {tmp_path / 's'}, for example {file}; made again"]
    assert extracted(clips, tmp_path / "s").unchanged == 5
    other.write_bytes(b"")  # nobody knows any more which clips it had
    done = extracted(clips, tmp_path / "s")
    assert (done.made, done.unchanged) == (2, 3)
    (note,) = done.notes
    assert note.startswith(f"{other}: damaged; the features")
    other.unlink()
    assert extracted(clips, tmp_path / "s").notes == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SeehearError("a mistake")])
def test_an_extraction_that_is_interrupted_keeps_what_it_made(tmp_path, clips, monkeypatch, error):
    done = []

    def interrupted(*arguments):
        done.append(1)
        if len(done) == 4:
            raise error
        return Origin.of(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("seehear.features.making.Origin", SimpleNamespace(of=interrupted))
        with pytest.raises(type(error)):
            extracted(clips, tmp_path / "s", block=100)
    assert Store(tmp_path / "s").clips("level") == {"c0", "c1", "c2"}
    assert extracted(clips, tmp_path / "s").made == 2


@pytest.mark.parametrize("error", [DiskFullError("full"), ZeroDivisionError("a bug"), OSError(5, "broken")])
def test_a_block_that_can_not_be_written_ends_the_extraction(tmp_path, clips, monkeypatch, error):
    """It costs several clips, so it is no fault of the one at which the block was full."""
    write = LocalPlace.write

    def failing(place, name, data):
        if "blocks" in name:
            raise error
        write(place, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(LocalPlace, "write", failing)
        with pytest.raises(SeehearError, match=str(error.args[-1])):
            extracted(clips, tmp_path / "s", block=2)
    assert Store(tmp_path / "s").clips("level") == frozenset()
    assert extracted(clips, tmp_path / "s").made == 5


OWN = """
import numpy as np
from seehear import network

@network(name="level", modality="audio", width=1, rate=8000, window=1.0)
def level(waves):
    return np.abs(waves).max(axis=1)[:, None]
"""


def test_several_processes_of_an_engine_make_blocks(tmp_path, clips):
    (tmp_path / "own.py").write_text(OWN)
    for n in range(20):
        (tmp_path / "more").mkdir(exist_ok=True)
        shutil.copy(clips / "c0.wav", tmp_path / "more" / f"d{n}.wav")
    own, options = [f"{tmp_path / 'own.py'}:level"], {"progress": False, "device": "cpu"}
    done = extract(tmp_path / "more", own, store=tmp_path / "s", block=10, workers=2, **options)
    assert (done.made, done.failed) == (20, {})
    assert len(list((tmp_path / "s" / "level" / "blocks").iterdir())) == 2
    assert done["d7"]["level"].shape == (2, 1)
    assert extract(tmp_path / "more", own, store=tmp_path / "s", **options).unchanged == 20
