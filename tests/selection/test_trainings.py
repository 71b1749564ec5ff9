"""Trainings are kept, resumed and done once, whatever happens to the process."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seehear.selection.trainings import Outcome, Part, Training
from seehear.training.runs import Run
from selection.conftest import Choice


def trainings(task, seeds=(0,), collocations=None):
    return [
        Training("traversal", collocation, task.recipe, seed, Part("train"), Part("val"), Part("val"))
        for collocation in (collocations or task.grid)
        for seed in seeds
    ]


def stamps(folder):
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("model.safetensors")}


def test_outcome_is_what_evaluate_finds(choice):
    from commands import evaluate
    from seehear.cli.options import TruthOptions

    task = choice.task()
    (outcome,) = task.bench.run(trainings(task)[:1], "training")
    truth = TruthOptions(**choice.truth("val"))
    (found,) = evaluate(
        [outcome.path], store=choice.store, labels=choice.folder / "val.csv", truth=truth, device="cpu"
    ).scores
    assert outcome.per_clip["average"].mean() == pytest.approx(found.average, abs=1e-6)
    np.testing.assert_allclose(outcome.per_clip["type_at_av"], 100 * found.per_clip["segment", "type_at_av"])
    assert outcome.clips.tolist() == list(range(20))
    assert outcome.seconds > 0
    assert outcome.flops > 0


def test_processes_give_what_one_process_gives(choice):
    one, two = choice.task(), choice.task(workers=2)
    two.bench.out = choice.folder / "elsewhere"
    for a, b in zip(one.bench.run(trainings(one), "a"), two.bench.run(trainings(two), "b"), strict=True):
        np.testing.assert_array_equal(a.score, b.score)


def test_nothing_is_done_twice_and_a_network_more_leaves_the_rest_alone(choice):
    few = choice.task(networks={"audio": ["ears"], "visual": ["eyes", "fog"]})
    few.bench.run(trainings(few), "few")
    before = stamps(few.bench.out)
    assert len(before) == 2
    all_of_them = choice.task()
    all_of_them.bench.run(trainings(all_of_them), "all")
    after = stamps(few.bench.out)
    assert len(after) == 4
    assert {name: after[name] for name in before} == before


def test_other_labels_or_settings_are_other_trainings(choice):
    task = choice.task()
    training = trainings(task)[0]
    folder = task.bench.folder(training)
    assert task.bench.folder(replace(training, seed=1)).parent == folder.parent
    assert task.bench.folder(replace(training, judged=Part("test"))) == folder
    changed = [
        replace(training, train=Part("train", tuple(range(7)))),
        replace(training, watch=None),
        replace(training, recipe=task.recipe.model_copy(update={"epochs": 3})),
    ]
    folders = {task.bench.folder(other).parent for other in changed}
    assert len(folders | {folder.parent}) == 4
    table = choice.folder / "train.csv"
    table.write_text(table.read_text().replace("Cat", "Dog", 1))
    assert choice.task().bench.folder(training).parent != folder.parent


def test_one_that_fails_stops_no_other(choice):
    task = choice.task()
    good, bad = trainings(task)[0], replace(trainings(task)[1], train=Part("train", (999,)))
    found = task.bench.run([good, bad], "training")
    assert isinstance(found[0], Outcome)
    assert "index 999" in str(found[1])


def test_part_of_the_clips_is_those_clips(choice):
    task = choice.task()
    collocation = task.grid.collocations[0]
    whole = task.bench.split(collocation, Part("val"))
    part = task.bench.split(collocation, Part("val", (3, 11)))
    assert part.bags.lengths.tolist() == whole.bags.lengths[[3, 11]].tolist()
    expected = whole.bags.batch(np.array([3, 11])).features
    for name, features in part.bags.batch(np.array([0, 1])).features.items():
        np.testing.assert_array_equal(features.numpy(), expected[name].numpy())
    np.testing.assert_array_equal(part.labels.numpy(), whole.labels[[3, 11]].numpy())
    np.testing.assert_array_equal(part.truth["audio"], whole.truth["audio"][[3, 11]])


KILLED = """
from pathlib import Path
import sys
sys.path.insert(0, sys.argv[1])
from selection.conftest import Choice
from selection.test_trainings import trainings
if __name__ == "__main__":
    choice = Choice.__new__(Choice)
    choice.folder, choice.store = Path(sys.argv[2]), Path(sys.argv[2]) / "store"
    choice.networks, modalities = (), ("audio", "visual")
    choice.dense = {split: {m: choice.folder / f"{split}-{m}.csv" for m in modalities} for split in ("val", "test")}
    task = choice.task(workers=2)
    task.bench.run(trainings(task, range(50)), "training")
"""


def running(group):
    """Processes of a group that are not yet gone."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="lists children by /proc")
def test_a_process_that_is_killed_loses_no_training(choice):
    task = choice.task(workers=2)
    found = []

    def kill_one():
        while not list(task.bench.out.rglob("judged-*")):
            time.sleep(0.05)
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        workers = [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
        os.kill(int(workers[0]), signal.SIGKILL)
        found.append(workers)

    killer = threading.Thread(target=kill_one)
    killer.start()
    outcomes = task.bench.run(trainings(task, range(4)), "training")
    killer.join()
    assert found
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_killed_it_keeps_what_is_done_and_leaves_no_process(choice, tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    tests = str(Path(__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, str(script), tests, str(choice.folder)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    out = choice.folder / "out"
    while not list(out.rglob("judged-*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for _ in range(600):
        if not running(process.pid):
            break
        time.sleep(0.05)
    assert not running(process.pid)
    kept = {str(file): file.stat().st_mtime_ns for file in out.rglob("judged-*")}
    done = len(kept)
    assert 1 <= done < 200
    task = choice.task()
    half_written = {int(file.parent.name.removeprefix("seed-")) for file in out.rglob("seed-*/.*")}
    outcomes = task.bench.run(trainings(task, sorted({0, 1, *half_written})), "going on")
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    after = {str(file): file.stat().st_mtime_ns for file in out.rglob("judged-*")}
    assert {name: after[name] for name in kept} == kept
    assert not list(out.rglob(".*"))


def test_small_world_is_as_made(tmp_path):
    """The helper itself: a good network tells classes apart, a poor one doesn't."""
    task = Choice(tmp_path).task()
    evidence = task.evidence("train")
    good, poor = (evidence.grams[name] for name in ("ears", "cotton"))
    labels = evidence.labels @ evidence.labels.T
    assert np.corrcoef(good.ravel(), labels.ravel())[0, 1] > 2 * np.corrcoef(poor.ravel(), labels.ravel())[0, 1]


def test_a_recipe_with_a_teacher_trains_on_labels_per_modality(choice):
    from seehear import Parser

    recipe = choice.task().recipe
    refined = recipe.model_copy(update={"refine": recipe.refine.model_copy(update={"teacher": "ridge"})})
    task = choice.task(recipe=refined)
    (outcome,) = task.bench.run(trainings(task)[:1], "training")
    data = [task.bench.dataset(next(iter(task.grid)), Part(split)) for split in ("train", "val")]
    alone = Parser(refined, device="cpu").fit(*data, progress=False)
    assert [entry["loss"] for entry in outcome.history] == [entry["loss"] for entry in alone.history]


def test_one_round_of_refinement_stands_for_several(choice):
    task = choice.task(settings=["refine.teacher=ridge", "refine.rounds=2"])
    assert task.recipe.refine.rounds == 1
    assert task.recipe.refine.teacher == "ridge"


def test_tuned_thresholds_are_those_that_the_training_chose(choice):
    """On the clips that it watched; without any, those that are best on the judged ones."""
    from seehear.training.validation import validate

    task = choice.task(settings="decode=tuned")
    watching = trainings(task)[0]
    apart = replace(watching, watch=Part("val", tuple(range(8))), judged=Part("val", tuple(range(8, 20))))
    alone = replace(apart, watch=None)
    outcomes = task.bench.run([apart, alone], "training")
    for training, outcome in zip([apart, alone], outcomes, strict=True):
        run = Run(outcome.path)
        judged = task.bench.split(training.collocation, training.judged)
        decoding = run.decoding if training.watch else None
        found = validate(run.model("cpu"), judged, task.recipe, task.bench.window, task.bench.classes, decoding)
        assert outcome.per_clip["average"].mean() == pytest.approx(found.scores.average)
    assert "decoding:tuned" in task.bench.signature(Part("val"), task.recipe.decode)
