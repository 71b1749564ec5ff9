"""Every experiment that comes with seehear, and messages about a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from seehear.errors import SeehearError
from seehear.networks import REGISTRY
from seehear.paper import list_experiments, load_experiment
from seehear.paper.claims import Source
from seehear.paper.reproduction import KINDS, runner
from seehear.selection import estimators
from seehear.training.recipe import load_recipe


def test_all_tables_of_the_paper():
    assert {"table1", "table2", "table3", "table4", "table5", "figure5"} <= set(list_experiments())


@pytest.mark.parametrize("name", list_experiments())
def test_can_be_run_as_it_is_written(name):
    experiment = load_experiment(name)
    runner(experiment.kind)
    for networks in (experiment.baseline, experiment.networks):
        for modality, names in networks.items():
            assert [REGISTRY[network].modality for network in names] == [modality] * len(names)
    for system in experiment.systems.values():
        settings = dict(system.settings)
        if system.tune:
            settings[system.tune.setting] = system.tune.values[0]
        load_recipe("paper", settings).contrast.check(("audio", "visual"))
        for value in system.paper.values():
            assert 0 <= value <= 100
    for estimator in experiment.estimators:
        estimators.find(estimator.partition("@")[0])
    texts = [claim.text for claim in experiment.claims]
    assert len(set(texts)) == len(texts)
    assert any(claim.source is Source.PAPER for claim in experiment.claims)


def test_every_kind_is_used():
    assert {load_experiment(name).kind for name in list_experiments()} == set(KINDS)


def test_table_5_adds_up_where_it_should():
    """Type@AV is the mean of its parts, but for the misprints that its notes name."""
    misprinted = {("baseline", "segment"), ("part", "segment"), ("combination", "event")}
    wrong_sums = set()
    for name, system in load_experiment("table5").systems.items():
        for level in ("segment", "event"):
            parts = [system.paper[f"{level} {kind}"] for kind in ("audio", "visual", "audio-visual")]
            if abs(sum(parts) / 3 - system.paper[f"{level} Type@AV"]) > 0.101:
                wrong_sums.add((name, level))
    assert wrong_sums == misprinted


def test_the_example_in_the_documentation_is_one(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "extend.md").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(page.partition("## An experiment")[2].split("```")[1].removeprefix("toml"))
    assert load_experiment(tmp_path / "mine.toml").systems["without"].settings == {"dropout": 0}


GOOD = """
title = "t"
source = "s"
kind = "trainings"
notes = ["n"]
[baseline]
audio = ["yamnet"]
[scores]
a = { metric = "average" }
[systems.x]
paper = { a = 1.0 }
[[claims]]
text = "c"
level = { system = "x", score = "a", least = 1 }
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "trainings"', 'kind = "dreaming"', "kind: Input should be"),
        ("paper = { a = 1.0 }", "paper = { b = 1.0 }", r"systems.x.paper: 'b' is no score"),
        ('system = "x"', 'system = "y"', "'y' is no system"),
        ('score = "a"', 'score = "b"', "'b' is no score"),
        ('notes = ["n"]', "", "notes: Field required"),
        ('title = "t"', 'title = "t"\nfoo = 1', "foo: Extra inputs"),
        ('title = "t"', "title", "not a TOML file"),
        ('audio = ["yamnet"]', "", "needs systems, and the networks of a baseline"),
        ('kind = "trainings"', 'kind = "selection"', "it needs networks to compare"),
        ("[systems.x]", '[systems.x]\nnetworks = "selected"', "it needs networks to compare"),
        ("least = 1", "least = 1, most = 2", r"claims\.0\.level: a level has either least or most"),
    ],
)
def test_a_bad_file_is_named_with_its_problem(tmp_path, old, new, message):
    path = tmp_path / "own.toml"
    path.write_text(GOOD)
    assert load_experiment(str(path)).title == "t"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(SeehearError, match=rf"own\.toml: (.|\n)*{message}"):
        load_experiment(str(path))


def test_unknown_experiment():
    with pytest.raises(SeehearError, match="no experiment is called 'table55': did you mean table5"):
        load_experiment("table55")
    with pytest.raises(SeehearError, match="there are figure5, table1"):
        load_experiment("qqq")
