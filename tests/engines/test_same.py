"""The same results to the bit, whatever does the work; extraction is compared in test_extracting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import commands
from engines.world import content
from selection.conftest import Choice

QUICK = ["epochs=2", "width=16", "feed_forward=16"]
TIMES = ("seconds", "took", "traversal_seconds")


class Done:
    """Labels of the clips, and what one process makes of them."""

    def __init__(self, world, folder: Path) -> None:
        self.world, self.folder, self.labels = world, folder, folder / "labels.csv"
        rows = [f"{clip.stem}\t{('Low', 'High')[n > 5]}" for n, clip in enumerate(sorted(world.clips.iterdir()))]
        self.labels.write_text("\n".join(["filename\tevent_labels", *rows]) + "\n")
        self.trained, self.parsed = self.train("one"), self.parse("one")

    def train(self, name: str, **engine: Any) -> dict[str, bytes]:
        out, table = self.folder / name / "run", self.labels
        kept = dict(store=self.world.store, labels=table, val=table, collocation=["audio=tones"], device="cpu")
        commands.train(**kept, out=out, recipe="paper", set=QUICK, seeds=[0, 1], **engine)
        return {name: data for name, data in content(out).items() if name.endswith(".safetensors")}

    def parse(self, name: str, **engine: Any) -> dict[str, bytes]:
        out = self.folder / name / "parsed"
        run = [self.folder / "one/run/seed-0", self.world.clips]
        commands.parse(*run, out=out, figures=["html"], device="cpu", trust_code=True, **engine)
        return content(out)


@pytest.fixture(scope="module")
def done(world, tmp_path_factory):
    return Done(world, tmp_path_factory.mktemp("done"))


@pytest.fixture(params=["local", "ray"])
def engine(request) -> dict[str, Any]:
    """Options of an engine with several processes."""
    if request.param == "ray":
        request.getfixturevalue("nodes")
    return {"engine": request.param, "workers": 2}


def test_trainings_of_several_seeds(done, engine):
    assert len(done.trained) == 2
    assert done.train(engine["engine"], **engine) == done.trained


def test_parsed_clips(done, engine):
    assert len(done.parsed) > 24
    assert done.parse(engine["engine"], **engine) == done.parsed


def test_a_selection(nodes, tmp_path):
    kept = {}
    for name, engine in {"one": {}, "ray": {"engine": "ray", "workers": 2}}.items():
        (tmp_path / name).mkdir()
        choice = Choice(tmp_path / name, clips=20)
        commands.select(**choice.selecting(set=QUICK, **engine))
        text = (choice.folder / "selection/selection.json").read_text().replace(str(choice.folder), "")
        kept[name] = without_times(json.loads(text))
    assert kept["ray"] == kept["one"]


def without_times(value: Any) -> Any:
    """A JSON value without how long things took."""
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items() if name not in TIMES}
    return [without_times(each) for each in value] if isinstance(value, list) else value
