"""The fuzzer itself: the same damage for the same seed, and no way for a reader to hide a fault."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from fuzz import worker
from fuzz.mutate import mutate
from fuzz.registry import TARGETS
from fuzz.target import Target
from seehear.errors import SeehearError


def make(folder: Path) -> None:
    (folder / "a.json").write_text('{"x": [1, 2.5, "three"], "y": {"z": null}}')


def loop() -> None:
    while True:
        pass


def refuse() -> None:
    raise SeehearError("no")


def allocate() -> None:
    for chunk in [bytearray(1 << 26) for _ in range(64)]:
        chunk[::4096] = b"x" * len(chunk[::4096])


@pytest.mark.parametrize(
    ("do", "outcome"),
    [
        (lambda: None, worker.READ),
        (refuse, worker.REFUSED),
        (lambda: 1 // 0, worker.TRACEBACK),
        (lambda: sys.exit(1), worker.TRACEBACK),
        (allocate, worker.MEMORY),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), worker.CRASH),
        (loop, worker.TIME),
    ],
)
def test_what_a_reader_does_is_seen(do: Callable[[], object], outcome, tmp_path):
    sound, place = tmp_path / "sound", tmp_path / "place"
    sound.mkdir()
    place.mkdir()
    make(sound)
    target = Target("t", make, ("*.json",), lambda folder, file: do(), seconds=0.5 if do is loop else 20, memory=256)
    found = list(worker.outcomes(target, 0, [0, 1], sound, place))
    assert [(each.number, each.outcome) for each in found] == [(0, outcome), (1, outcome)]


@pytest.mark.parametrize("suffix", [".json", ".toml", ".npy", ".safetensors", ".txt"])
def test_the_same_seed_gives_the_same_damage(suffix):
    from random import Random

    data = b'{"a": 1, "b": [2, 3]}\nx = 1\n'
    first = [mutate(data, suffix, Random(f"0/{n}")) for n in range(50)]
    assert first == [mutate(data, suffix, Random(f"0/{n}")) for n in range(50)]
    assert len(set(first)) > 20


def test_targets_have_names_of_their_own():
    assert len({target.name for target in TARGETS}) == len(TARGETS)
