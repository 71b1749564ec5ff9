"""Packs against the plain concatenation of what the store holds, in little memory, and damaged."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.test_store import INFO
from features.test_store import store as make_store
from limited import run_limited
from seehear.errors import SeehearError
from seehear.features.packed import pack
from seehear.features.rows import SomeRows, row_numbers
from seehear.features.store import Origin, Store

WIDTH = INFO.width


def filled(path: Path, lengths: list[int], silences: list[list[bool] | None]) -> Store:
    kept = make_store(path, [])
    rng = np.random.default_rng(0)
    for n, (length, silent) in enumerate(zip(lengths, silences, strict=True)):
        known = None if silent is None else np.resize(np.array(silent), length)
        rows = rng.normal(size=(length, WIDTH)).astype(np.float32)
        kept.write("net", Origin(f"clip{n}", "made", f"content {n}"), rows, known)
    return kept


silences = st.one_of(st.none(), st.lists(st.booleans(), min_size=1, max_size=5))


@given(st.lists(st.tuples(st.integers(1, 7), silences), min_size=1, max_size=6), st.data())
@settings(max_examples=40)
def test_a_pack_is_the_concatenation(tmp_path_factory, given, data):
    lengths, silent = [length for length, _ in given], [known for _, known in given]
    kept = filled(tmp_path_factory.mktemp("s") / "s", lengths, silent)
    order = data.draw(st.permutations(range(len(lengths))))
    absent = {f"clip{n}": data.draw(st.integers(1, 9)) for n in data.draw(st.sets(st.sampled_from(order)))}
    clips = [f"clip{n}" for n in order]
    for packed in (pack(kept, "net", clips, absent), pack(kept, "net", clips, absent)):  # made, and found
        expected_rows, expected_silent, expected_offsets = [], [], [0]
        for clip in clips:
            rows = np.zeros((absent[clip], WIDTH)) if clip in absent else kept.read("net", clip)
            known = None if clip in absent else kept.silent("net", clip)
            expected_rows += rows.tolist()
            expected_silent += [False] * len(rows) if known is None else known.tolist()
            expected_offsets.append(expected_offsets[-1] + len(rows))
        assert packed.rows.tolist() == expected_rows
        assert packed.silent.tolist() == expected_silent
        assert packed.offsets.tolist() == expected_offsets
        assert packed.lacks(clips) == set(absent)
        known = [row for n, clip in enumerate(clips) if clip not in absent for row in range(*packed.offsets[n : n + 2])]
        np.testing.assert_array_equal(packed.known(), packed.rows[known])
        if known:
            np.testing.assert_array_equal(packed.sample(10**6), packed.rows[known])


def test_all_of_a_clip_in_one_reading_is_each_of_its_parts(tmp_path):
    kept = filled(tmp_path / "s", [4, 3], [[True, False], None])
    for clip in ("clip0", "clip1"):
        found, silent = kept.stored("net", clip), kept.silent("net", clip)
        np.testing.assert_array_equal(found.features, kept.read("net", clip))
        assert (found.silent is None) == (silent is None)
        assert silent is None or found.silent.tolist() == silent.tolist()
        assert found.origin == kept.origin("net", clip)
    with pytest.raises(SeehearError, match="clip z has no features of net"):
        kept.stored("net", "z")


def test_an_index_with_any_byte_changed_or_cut_off_is_made_again(tmp_path):
    kept, clips = filled(tmp_path, [2, 1], [[True, False], None]), ["clip1", "clip0"]
    before = pack(kept, "net", clips)
    (index,) = (tmp_path / "packed").glob("*.safetensors")
    whole = index.read_bytes()
    flipped = (whole[:n] + bytes([whole[n] ^ 1 << n % 8]) + whole[n + 1 :] for n in range(len(whole)))
    for damaged in itertools.chain(flipped, (whole[:n] for n in range(0, len(whole), 16))):
        index.write_bytes(damaged)
        again = pack(kept, "net", clips)
        assert index.read_bytes() == whole
        for name in ("rows", "offsets", "silent"):
            np.testing.assert_array_equal(getattr(again, name), getattr(before, name))
        assert again.contents == before.contents


def test_packs_of_earlier_versions_are_removed(tmp_path):
    kept = filled(tmp_path, [2], [None])
    old = tmp_path / "packed" / "net-0123-4567"
    old.parent.mkdir()
    np.save(old.with_suffix(".npy"), np.zeros((2, WIDTH), np.float32))
    old.with_suffix(".json").write_text(json.dumps({"offsets": [0, 2], "contents": "x"}))
    pack(kept, "net", ["clip0"])
    assert sorted(file.suffix for file in (tmp_path / "packed").iterdir()) == [".npy", ".safetensors"]


PACKING = """
import sys
import numpy as np
from pathlib import Path
from seehear.features.packed import pack
from seehear.features.store import Store

folder, allowed = Path(sys.argv[1]), int(sys.argv[2])
store = Store(folder)
clips = sorted(store.clips("net"))
pack(store, "net", clips[:1])
limit(allowed)
packed = pack(store, "net", clips)
assert len(packed.lengths()) == len(clips)
print([float(packed.rows[packed.offsets[n], 0]) for n in range(len(clips))])
"""


def test_memory_holds_one_clip_while_packing(tmp_path):
    count, length = 32, 1 << 18  # 3 MiB each
    kept = make_store(tmp_path / "s", [])
    for n in range(count):
        kept.write("net", Origin(f"{n:03}", "made", f"{n}"), np.full((length, WIDTH), n, np.float32))
    done = run_limited(PACKING, kept.path, (count * length * WIDTH * 4) // 4)
    assert done.stdout == f"{[float(n) for n in range(count)]}\n", done.stderr


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.data())
def test_some_rows_are_those_of_the_array(lengths, data):
    rows = np.arange(3 * sum(lengths), dtype=np.float32).reshape(-1, 3)
    first = np.cumsum(lengths) - lengths
    clips = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=7).map(lambda n: np.array(n, dtype=np.int64)))
    numbers = row_numbers(first[clips], np.array(lengths)[clips])
    expected = rows[[row for n in clips for row in range(first[n], first[n] + lengths[n])]]
    some = SomeRows(rows, numbers)
    assert (some.shape, len(some), some.nbytes) == (expected.shape, len(expected), expected.nbytes)
    np.testing.assert_array_equal(some, expected)
    np.testing.assert_array_equal(some[1:3, 1:], expected[1:3, 1:])
    np.testing.assert_array_equal(some[::2], expected[::2])
    chosen = data.draw(st.lists(st.booleans(), min_size=len(some), max_size=len(some)).map(lambda n: np.array(n, bool)))
    np.testing.assert_array_equal(some[chosen], expected[chosen])
    np.testing.assert_array_equal(SomeRows(some, np.flatnonzero(chosen)), expected[chosen])
