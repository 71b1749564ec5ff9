"""The cache of files from elsewhere: bounded, shared by processes, and never with a file that isn't whole."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from seehear.errors import ClipError, SeehearError
from seehear.storage import cache as caching
from seehear.storage.cache import keep, lent

SIZE = 100_000
FEW = 3.5 * SIZE / caching.GIB  # room for three files


def fill(content: bytes):
    return lambda path: path.write_bytes(content)


def content(n: int) -> bytes:
    return np.random.default_rng(n).bytes(SIZE)


def use(n: int) -> bool:
    """Use a file, and return whether it had to be fetched."""
    fetches = []

    def fetch(path: Path) -> None:
        fetches.append(n)
        path.write_bytes(content(n))

    with lent(f"file {n}", ".mp4", SIZE, fetch) as file:
        assert file.suffix == ".mp4"
        assert file.read_bytes() == content(n)
    return bool(fetches)


def files_in(cache: Path) -> list[Path]:
    return [file for file in (cache / "clips").rglob("*") if file.is_file() and not file.name.startswith(".")]


def test_a_file_is_fetched_once(cache):
    assert [use(1), use(2), use(1), use(2)] == [True, True, False, False]
    assert len(files_in(cache)) == 2
    assert not [file for file in (cache / "clips").iterdir() if file.name.startswith(".") and file.name != ".bytes"]


def test_what_was_not_used_for_the_longest_time_goes_first(cache, monkeypatch):
    monkeypatch.setenv("SEEHEAR_CLIP_CACHE", str(FEW))
    for n in (1, 2, 3):
        use(n)
    for age, n in enumerate((2, 1, 3)):  # 3 was used first
        file = next(file for file in files_in(cache) if file.read_bytes() == content(n))
        os.utime(file, ns=(10**9, 10**18 - age * 10**9))
    assert not use(3)
    assert use(4)
    assert sum(file.stat().st_size for file in files_in(cache)) <= caching.bound()
    assert [use(3), use(4)] == [False, False]
    assert use(1)


def test_a_file_in_use_stays_and_a_larger_one_than_the_bound_passes(cache, monkeypatch):
    monkeypatch.setenv("SEEHEAR_CLIP_CACHE", str(0.5 * SIZE / caching.GIB))
    with lent("kept", ".mp4", SIZE, fill(content(0))) as file:
        for n in (1, 2, 3):
            assert use(n)
        assert file.read_bytes() == content(0)
        assert len(files_in(cache)) == 2  # and the one that was used last
    use(4)
    assert len(files_in(cache)) == 1


def test_what_is_kept_stays_for_some_dozens_of_others(cache, monkeypatch):
    monkeypatch.setattr(caching, "MAX_KEPT", 2)
    monkeypatch.setenv("SEEHEAR_CLIP_CACHE", str(0.5 * SIZE / caching.GIB))
    first = keep("0", "", SIZE, fill(content(0)))
    assert keep("0", "", SIZE, fill(b"")) == first
    keep("1", "", SIZE, fill(content(1)))
    use(5)
    assert first.read_bytes() == content(0)
    keep("2", "", SIZE, fill(content(2)))
    use(6)
    assert not first.exists()


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_file_is_fetched_again(cache, damage):
    use(1)
    (file,) = files_in(cache)
    file.unlink() if damage is None else file.write_bytes(damage)
    assert use(1)
    (cache / "clips" / ".bytes").write_text("nonsense")
    assert use(2)
    assert int((cache / "clips" / ".bytes").read_text()) == 2 * SIZE


def test_a_fetch_that_fails_leaves_nothing(cache):
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise ClipError("broke off")

    with pytest.raises(ClipError, match="broke off"), lent("1", ".mp4", SIZE, fail):
        pass
    assert files_in(cache) == []
    assert not [file for file in (cache / "clips").iterdir() if file.name != ".bytes"]


def test_several_threads_and_processes_share_it(cache, monkeypatch):
    """Each finds what it asks for, while all remove what others fetched."""
    monkeypatch.setenv("SEEHEAR_CLIP_CACHE", str(FEW))
    code = "import sys; from storage.test_cache import share; share(int(sys.argv[1]))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    others = [subprocess.Popen([sys.executable, "-c", code, str(n)], env=environment) for n in (1, 2)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(share, (3, 4)))  # raises what they raise
    assert [other.wait() for other in others] == [0, 0]
    use(99)
    assert sum(file.stat().st_size for file in files_in(cache)) <= caching.bound()
    assert len(files_in(cache)) > 1


def share(seed: int) -> None:
    for n in np.random.default_rng(seed).integers(0, 8, 60):
        use(int(n))


@pytest.mark.parametrize("bound", ["none", "0", "-1", "nan"])
def test_the_bound_is_a_number(monkeypatch, bound):
    monkeypatch.setenv("SEEHEAR_CLIP_CACHE", bound)
    with pytest.raises(SeehearError, match="SEEHEAR_CLIP_CACHE must be a number of GiB above 0"):
        use(1)


def test_a_cache_that_can_not_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path / "file"))
    with pytest.raises(SeehearError, match="can't be written"):
        use(1)
