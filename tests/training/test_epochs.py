"""Progress of trainings: all seeds count, and epochs that early stopping leaves out do not."""

import json

import numpy as np
import pytest

import seehear as sh
from seehear.parsing.seeds import processes_for
from seehear.training.epochs import EpochProgress, Watched


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    arrays = {"audio": rng.normal(size=(12, 5, 6)), "visual": rng.normal(size=(12, 5, 8))}
    return sh.Dataset.from_arrays(arrays, np.eye(3)[rng.integers(3, size=12)], classes=["Cat", "Dog", "Fish"])


def last_line(capsys):
    return capsys.readouterr().err.splitlines()[-1]


def test_seeds_are_one_task_and_stop_early(data, capsys, tmp_path):
    settings = {"recipe": "small", "epochs": 9, "patience": 1, "learning_rate": 0.5}
    parsers = sh.train(data, data, seeds=[0, 1], out=tmp_path / "runs", **settings)
    took = sum(len(parser.history) for parser in parsers)
    assert took < 18
    assert f"training 2 seeds: {took} of {took}, " in last_line(capsys)
    sh.train(data, data, seeds=[0, 1, 2], out=tmp_path / "runs", **settings)
    again = sum(len(parser.history) for parser in [*parsers, sh.load(tmp_path / "runs/seed-2")])
    assert f"training 3 seeds: {again} of {again}, " in last_line(capsys)


def test_the_last_epoch_is_certain_without_patience():
    assert not sh.load_recipe("paper").may_stop
    assert sh.load_recipe("small").may_stop
    assert not sh.load_recipe("small", epochs=5, patience=4).may_stop  # which ends with the last epoch anyway


def test_trainings_of_other_processes_count_what_their_histories_hold(tmp_path, capsys):
    files = {key: tmp_path / f"{key}.json" for key in "ab"}
    watched = {key: Watched(key, 10, file, may_stop=True) for key, file in files.items()}
    with EpochProgress("training", watched) as progress:
        for key, file in files.items():
            file.write_text(json.dumps([{}] * 4))
            progress.ended(key)
    assert last_line(capsys).startswith("training: 8 of 8, ")


def test_trainings_of_other_processes_in_memory_count_whole(capsys):
    with EpochProgress("training", {"a": Watched("a", 10), "b": Watched("b", 10)}) as progress:
        for _ in range(3):
            progress.on_epoch("a")
        progress.ended("a")  # of this process
        progress.ended("b")
    assert last_line(capsys).startswith("training: 13 of 13, ")


def test_long_trainings_of_small_models_are_done_at_once(data, monkeypatch):
    monkeypatch.setenv("SEEHEAR_THREADS", "4")
    long = sh.load_recipe("small", epochs=1000, patience=0)
    assert [processes_for(data, long, seeds, "cpu") for seeds in (1, 2, 3, 9)] == [1, 2, 3, 4]
    assert processes_for(data, sh.load_recipe(long, epochs=10), 3, "cpu") == 1
    assert processes_for(data, sh.load_recipe(long, width=2048), 3, "cpu") == 1
    monkeypatch.setenv("SEEHEAR_MEMORY", str(2.5 * 12 * 5 * (6 + 8) * 4 / 2**30))  # features twice
    assert processes_for(data, long, 9, "cpu") == 2
