"""Selection as a notebook calls it: on arrays in memory, and on a store."""

import json
import pickle

import numpy as np
import pytest

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.parsing.parser import Parser
from seehear.selection.collocation import Collocation
from seehear.selection.effects import Pairing
from seehear.selection.result import Status
from seehear.selection.select import plan_selection, select
from selection.conftest import QUICK, world

BEST = {"audio": ["clear"], "visual": ["sharp"]}


def test_ridge_ranks_arrays(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = select(train, by="ridge", progress=False)
    assert found.best == Collocation.of(BEST)
    assert found.best.as_json() == BEST
    assert found.ranking[0].collocation == found.best
    assert found.ranking[0].status is Status.MEASURED
    assert found.tied[0] == found.best
    assert sum(found.p_best.values()) == pytest.approx(1)
    assert found.effects is not None
    assert found.effects.verdict is Pairing.UNTESTED
    assert found.traversal_seconds is None
    assert list(tmp_path.iterdir()) == []


def test_memory_gives_what_worker_processes_and_a_folder_give(train, val, tmp_path, doubtful):
    """The budget is that of four full trainings, which are done at once."""
    options = {"by": ["pilots", "ridge@val"], "seeds": (0, 1), "budget": 0.5, "device": "cpu", "progress": False}
    options |= QUICK
    memory = select(train, val, **options)
    kept = select(train, val, out=tmp_path / "kept", workers=2, **options)
    assert memory.best == Collocation.of(BEST)
    assert memory.estimates[0].trainings == 4
    assert kept.estimates[0].trials.full == memory.estimates[0].trials.full
    np.testing.assert_array_equal(kept.standing.scores, memory.standing.scores)
    np.testing.assert_array_equal(kept.standing.p_best, memory.standing.p_best)
    np.testing.assert_array_equal(kept.estimates[1].scores, memory.estimates[1].scores)
    assert len(list((tmp_path / "kept").rglob("judged-*"))) == 4


def test_the_best_trains_a_parser(train, val):
    found = select(train, by="ridge", progress=False)
    parser = Parser(device="cpu", **QUICK).fit(train.with_networks(found.best), progress=False)
    assert parser.predict_proba(val.with_networks(found.best.as_json())).shape == (20, 4, 2, 3)


def test_judged_in_memory(train, val):
    quick = {**QUICK, "scale": False}  # larger features are the good ones here
    found = select(train, val, by="ridge", seeds=(0, 1), device="cpu", progress=False, **quick)
    judged = found.judge(world(20, 3, truth=True), estimators=["ridge", "chance"])
    assert judged.best == Collocation.of(BEST)
    rows = {row.name: row for row in judged.rows}
    assert rows["ridge@train"].agreement.regret == 0
    assert judged.deviation > 0
    assert judged.by_agreement[0].name == "ridge@train"
    assert repr(judged) == "Judgement(clear × sharp is the best of 4 collocations × 2 seeds; 2 estimators compared)"
    frame = judged.to_frame()
    assert list(frame["estimator"]) == ["ridge@train", "chance@train"]
    assert judged._repr_html_().count("<tr>") == 3
    json.dumps(judged.as_json(), allow_nan=False)


def test_a_selection_shows_itself(train):
    found = select(train, by=["ridge", "logme"], progress=False)
    assert repr(found).startswith("Selection(clear × sharp of 4 by ridge@train, P(best) ")
    assert "\n" not in repr(found)
    assert found._repr_html_().count("<tr>") == 5
    frame = found.to_frame()
    assert (frame["audio"][0], frame["visual"][0]) == ("clear", "sharp")
    assert list(frame["rank"]) == sorted(frame["rank"])
    assert "use audio=clear visual=sharp" in found.text()
    figure = found.plot()
    assert figure.axes
    assert found.plot_effects().axes
    json.dumps(found.as_json(), allow_nan=False)


def test_networks_in_every_form(train):
    for networks in ({"audio": ["clear"], "visual": "sharp,blurred"}, ["audio=clear", "visual=sharp,blurred"]):
        found = select(train, networks=networks, by="logme", progress=False)
        assert len(found.grid) == 2
        assert found.best == Collocation.of(BEST)
    together = select(train, by="ridge", together=2, progress=False)
    assert len(together.grid) == 9


def test_one_modality_is_enough(train):
    found = select(train, networks={"audio": ["clear", "dull"]}, by="ridge", progress=False)
    assert dict(found.best) == {"audio": ["clear"]}
    assert found.effects is None
    with pytest.raises(SeehearError, match="no effects to draw"):
        found.plot_effects()


def test_a_store_by_path_or_string(choice):
    for store, table in (
        (str(choice.store), str(choice.folder / "train.csv")),
        (choice.store, choice.folder / "train.csv"),
    ):
        train = Dataset.from_tables(table, store=store)
        found = select(train, by="ridge", progress=False)
        assert dict(found.best) == {"audio": ["ears"], "visual": ["eyes"]}


def test_saved_it_can_be_read_and_not_judged_by_the_command(train, tmp_path):
    from commands import judge
    from seehear.selection.record import read_selection

    found = select(train, by="ridge", progress=False)
    files = found.save(tmp_path / "selection")
    assert {path.name for path in files} == {"ranking.png", "pairing.png", "selection.html"}
    assert read_selection(tmp_path / "selection").ranking == found.ranking
    with pytest.raises(SeehearError, match="saved from Python without the tables"):
        judge(tmp_path / "selection", labels="test.csv")


def test_the_plan_is_an_object(train, val, tmp_path):
    plan = plan_selection(train, val, by="pilots", seeds=(0, 1), device="cpu", progress=False, **QUICK)
    assert plan.collocations == 4
    assert plan.traversal.trainings == 8
    assert repr(plan).startswith("Plan(4 collocations × 2 seeds; traversal ")
    assert plan.estimators[0].name == "pilots@val"


def test_held_out_clips_are_those_of_the_command(choice):
    (train,) = choice.datasets(("train",))
    task = choice.task(out=None)
    found = select(train, by="ridge@val", progress=False)
    assert "no validation clips: 8 of the training clips are held out to validate" in found.notes
    held_out = set(found.task.bench.datasets["val"].clips)
    assert len(held_out) == 8
    assert held_out == set(np.array(train.clips)[np.random.default_rng(3).permutation(40)[:8]])
    assert not held_out & set(found.task.bench.datasets["train"].clips)
    assert len(task.bench.datasets["val"]) == 20


def test_named_clips_may_not_choose_and_judge():
    names = [f"clip{n}" for n in range(20)]
    train = world(20, 1, names=names)
    found = select(train, by="ridge", progress=False)
    with pytest.raises(SeehearError, match="20 of its clips were used in the selection, for example clip0"):
        found.judge(world(20, 1, truth=True, names=names))


def test_a_data_set_travels_without_its_packs(train):
    train.packed("clear")
    copied = pickle.loads(pickle.dumps(train))
    assert copied._packs == {}
    np.testing.assert_array_equal(copied.arrays("clear")[3], train.arrays("clear")[3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "rigde"}, "did you mean ridge"),
        ({"by": []}, "at least one estimator"),
        ({"by": "ridge@test"}, "looks at the clips of train or val"),
        ({"networks": {"audio": ["nobody"]}}, "no features of 'nobody'"),
        ({"networks": {"audio": ["sharp"]}}, "sharp is a network of modality visual"),
        ({"budget": -1}, "budget is a share"),
        ({"seeds": ()}, "seeds must be"),
        ({"protocol": "paper"}, "leave the validation clips out"),
        ({"epoch": 3}, "epoch"),
    ],
)
def test_bad_arguments_are_named(train, val, options, message):
    with pytest.raises(SeehearError, match=message):
        select(train, val, progress=False, **options)
