"""Extraction into a store by several processes, whatever happens to them: each clip is made, unchanged or left out."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from engines import own_network
from make_media import tone, write
from seehear.features.extraction import extract
from seehear.features.store import Store

NETWORK = f"{Path(own_network.__file__)}:heard"
NAME = "tones"


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Clips of a second, of which three are dangerous."""
    folder = tmp_path_factory.mktemp("clips")
    for n in range(24):
        sounding(folder / f"clip{n:02}.wav", 100 + 10 * n)
    return folder


@pytest.fixture(scope="module")
def dangerous(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dangerous")
    for name, hertz in {"kills": own_network.KILL, "crashes": own_network.CRASH, "eats": own_network.EAT}.items():
        sounding(folder / f"{name}.wav", hertz)
    return folder


@pytest.fixture(scope="module")
def undisturbed(clips, tmp_path_factory):
    """The store that one process fills."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    extract(clips, NETWORK, store=store, progress=False)
    return content(store)


def sounding(path: Path, hertz: float) -> Path:
    return write(path, sound=tone(hertz, 1.0, own_network.RATE), rate=own_network.RATE, sound_codec="pcm_f32le")


def content(store: Path) -> dict[str, bytes]:
    """Every file of a store, hidden ones included."""
    return {str(file.relative_to(store)): file.read_bytes() for file in store.rglob("*") if file.is_file()}


def accounted(extraction, store: Path, names: set[str]) -> set[str]:
    """Check that each clip was made, or left out with a reason, and that the store holds exactly the made ones."""
    made = set(extraction)
    assert made | set(extraction.failed) == names
    assert not made & set(extraction.failed)
    assert all(extraction.failed.values())
    assert extraction.made + extraction.unchanged == len(made)
    kept = Store(store)
    assert kept.clips(NAME) == made
    for clip in made:
        assert kept.read(NAME, clip).shape == (1, 2)
    return made


def test_dangerous_clips_alone_are_left_out(several, clips, dangerous, undisturbed, tmp_path):
    names = {file.stem for folder in (clips, dangerous) for file in folder.iterdir()}
    extraction = extract([clips, dangerous], NETWORK, store=tmp_path / "s", engine=several, progress=False)
    made = accounted(extraction, tmp_path / "s", names)
    assert set(extraction.failed) == {"kills", "crashes", "eats"}
    assert content(tmp_path / "s") == undisturbed
    assert "MemoryError" in str(extraction.failed["eats"])
    for clip in ("kills", "crashes"):
        assert str(dangerous / f"{clip}.wav") in str(extraction.failed[clip])
    again = extract([clips, dangerous], NETWORK, store=tmp_path / "s", engine=several, progress=False)
    assert (again.unchanged, set(again.failed)) == (len(made), {"kills", "crashes", "eats"})


def test_a_node_that_dies(nodes, clips, undisturbed, tmp_path, monkeypatch):
    node = nodes.cluster.add_node(num_cpus=1, env_vars={own_network.SLOW: "0.5"})

    def kill():
        wait_for_some(tmp_path / "s", 3)
        nodes.cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    extraction = extract(clips, NETWORK, store=tmp_path / "s", engine="ray", progress=False)
    killer.join()
    assert len(accounted(extraction, tmp_path / "s", {file.stem for file in clips.iterdir()})) == 24
    assert content(tmp_path / "s") == undisturbed


def wait_for_some(store: Path, count: int) -> None:
    while len(list(store.rglob("*.safetensors"))) < count:
        time.sleep(0.01)


@pytest.mark.parametrize("kind", ["one process", "two processes", "ray"])
def test_a_store_that_is_away_for_a_moment(kind, clips, undisturbed, tmp_path, request):
    if kind == "ray":
        request.getfixturevalue("nodes")
    engine, workers = ("ray", None) if kind == "ray" else ("local", 1 + (kind == "two processes"))
    os.environ[own_network.SLOW] = ".05"
    store = tmp_path / "s"

    def away():
        wait_for_some(store, 2)
        store.rename(tmp_path / "away")
        time.sleep(1)
        assert not store.exists()
        (tmp_path / "away").rename(store)

    mover = threading.Thread(target=away)
    mover.start()
    extraction = extract(clips, NETWORK, store=store, engine=engine, workers=workers, progress=False)
    mover.join()
    assert len(accounted(extraction, store, {file.stem for file in clips.iterdir()})) == 24
    assert content(store) == undisturbed
