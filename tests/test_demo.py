"""The demo's clips: no source serves two splits, every source is credited, and the tables name the clips."""

import importlib.util
import sys
from itertools import combinations
from pathlib import Path

import pytest

from seehear.labels import read_weak

DEMO = Path(__file__).parent.parent / "demo"
SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def sources():
    spec = importlib.util.spec_from_file_location("demo_sources", DEMO / "sources.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # its data classes look there
    spec.loader.exec_module(module)
    return module


def kinds(sources):
    return [sources.RECORDINGS, sources.PICTURES, {"": sources.BACKGROUND_SOUNDS}, {"": sources.BACKGROUND_PICTURES}]


def test_no_source_serves_two_splits(sources):
    for classes in kinds(sources):
        used = {split: {source for by_split in classes.values() for source in by_split[split]} for split in SPLITS}
        assert all(used.values())
        assert [used[one] & used[other] for one, other in combinations(SPLITS, 2)] == [set()] * 3


def test_every_source_is_credited(sources):
    credits = (DEMO / "SOURCES.md").read_text(encoding="utf-8")
    for classes in kinds(sources):
        for source in (source for by_split in classes.values() for split in SPLITS for source in by_split[split]):
            package, path = source.split(":")
            if package == "gcompris":
                assert f"/{Path(path).name}` |" in credits, source
            if package == "opensfx":
                assert f"\n| {int(path)} | " in credits, source


def test_tables_name_the_clips(sources):
    named = [name for split in SPLITS for name in read_weak(DEMO / f"{split}.csv").clips]
    assert sorted(named) == sorted(path.stem for path in (DEMO / "clips").glob("*.mp4"))
    classes = {name for split in SPLITS for names in read_weak(DEMO / f"{split}.csv").labels.values() for name in names}
    assert classes == {*sources.RECORDINGS, *sources.PICTURES}
