"""Extraction by several processes: whatever happens, each clip is made, unchanged or left out; see test_output too."""

from __future__ import annotations

import threading
import time

import pytest

from engines.world import COUNT, DANGEROUS, accounted, content, wait_for_some
from seehear import files
from seehear.errors import SeehearError
from seehear.features.extraction import extract


def test_dangerous_clips_alone_are_left_out(world, tmp_path):
    folders = [world.clips, world.dangerous]
    extraction = extract(folders, world.network, store=tmp_path / "s", workers=2, progress=False)
    accounted(extraction, tmp_path / "s", *folders)
    assert set(extraction.failed) == set(DANGEROUS)
    assert content(tmp_path / "s") == world.undisturbed
    assert "MemoryError" in str(extraction.failed["eats"])
    for clip in ("kills", "crashes"):
        (why,) = extraction.failed[clip]
        assert why.startswith(f"{world.dangerous / clip}.wav: the process that worked on it ended")


def test_a_dangerous_clip_that_is_left_alone_ends_its_process_only(world, tmp_path):
    clips = [world.clips, world.dangerous / "kills.wav"]
    extract(world.clips, world.network, store=tmp_path / "s", progress=False)
    extraction = extract(clips, world.network, store=tmp_path / "s", workers=2, progress=False)
    assert (extraction.unchanged, extraction.made, set(extraction.failed)) == (COUNT, 0, {"kills"})


def test_a_node_that_dies(nodes, world, tmp_path):
    node = nodes.cluster.add_node(num_cpus=1)

    def kill():
        wait_for_some(tmp_path / "s", 2)
        nodes.cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    with world.slow(0.4):
        extraction = extract(world.clips, world.network, store=tmp_path / "s", engine="ray", progress=False)
    killer.join()
    assert not extraction.failed
    assert len(accounted(extraction, tmp_path / "s", world.clips)) == COUNT
    assert content(tmp_path / "s") == world.undisturbed


@pytest.mark.parametrize("kind", ["local", "ray"])
def test_a_store_that_is_away_for_a_moment(kind, world, tmp_path, request):
    if kind == "ray":
        request.getfixturevalue("nodes")
    store = tmp_path / "s"
    made_anew = []

    def away():
        wait_for_some(store, 2)
        store.rename(tmp_path / "away")
        time.sleep(1)
        made_anew.append(store.exists())
        (tmp_path / "away").rename(store)

    mover = threading.Thread(target=away)
    mover.start()
    with world.slow(0.1):
        extraction = extract(world.clips, world.network, store=store, engine=kind, progress=False)
    mover.join()
    assert made_anew == [False]
    assert not extraction.failed
    assert len(accounted(extraction, store, world.clips)) == COUNT
    assert content(store) == world.undisturbed


def test_a_store_that_stays_away_ends_the_work(world, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "AWAY_PAUSES", (0.01,))
    store = tmp_path / "s"
    mover = threading.Thread(target=lambda: (wait_for_some(store, 2), store.rename(tmp_path / "away")))
    mover.start()
    with world.slow(0.1), pytest.raises(SeehearError, match=r"was deleted or unmounted meanwhile.*run the same"):
        extract(world.clips, world.network, store=store, progress=False)
    mover.join()
    (tmp_path / "away").rename(store)
    extraction = extract(world.clips, world.network, store=store, progress=False)
    assert extraction.unchanged > 1
    assert not extraction.failed
    assert len(accounted(extraction, store, world.clips)) == COUNT
    assert content(store) == world.undisturbed
