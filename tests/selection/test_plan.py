"""The forecast cost of a selection, compared with what it takes."""

import numpy as np
import pytest

from seehear.selection.estimate import estimate
from seehear.selection.estimators import REGISTRY, find
from seehear.selection.flops import step_flops
from seehear.selection.plan import duration, forecast, memory
from seehear.selection.trainings import Part
from seehear.training.recipe import load_recipe
from seehear.training.runs import Run


def test_forecast_operations_are_those_done(choice):
    task = choice.task()
    pairs = [pair for name in ("traversal", "short-run", "upper-bound-weak-clip-best", "ridge") for pair in find(name)]
    plan = forecast(task, pairs)
    for (estimator, split), row in zip(pairs, plan.estimators, strict=True):
        found = estimate(task, estimator, split)
        assert row.trainings == found.trainings
        assert row.flops == pytest.approx(found.flops, rel=0.02)
        assert row.seconds[0] == row.seconds[1] > 0
    assert plan.traversal.flops == plan.estimators[0].flops
    assert plan.estimators[0].ratio == pytest.approx(1)


def test_patience_gives_a_range(choice):
    recipe = load_recipe("paper").model_copy(update={"epochs": 10, "patience": 3, "width": 16, "feed_forward": 16})
    plan = forecast(choice.task(recipe=recipe), find("traversal"))
    least, most = plan.traversal.seconds
    assert 2 < (most - 8 * plan.t1) / (least - 8 * plan.t1) < 3  # 4 epochs or 10
    assert recipe.least_epochs == 4
    assert recipe.model_copy(update={"patience": 0}).least_epochs == 10
    assert recipe.model_copy(update={"patience": 50}).least_epochs == 10


def test_operations_of_a_step_are_three_times_those_of_a_look(choice):
    """Forward, and back to weights and to inputs; the first layer needs no way back to its inputs."""
    task = choice.task()
    training = REGISTRY["traversal"].plan(task.setting("val"), task.grid.collocations[0])[0]
    run = Run.start(choice.folder / "run", task.bench.facts(training))
    split = task.bench.split(training.collocation, Part("train"))
    step, look = step_flops(run, split)
    assert 2 * look < step <= 3 * look
    # By hand: both modalities' maps, the attention's six and two maps, scores and sums, feed-forward, heads.
    clips, segments, d, hidden, classes = 1, 4, 16, 16, 3
    rows = clips * segments
    by_hand = sum(2 * rows * width * d for width in (6, 8))
    by_hand += 2 * (2 * rows * d * (6 * d + 2 * d) + 2 * (2 * 2 * rows * segments * d) + 2 * 2 * rows * d * hidden)
    by_hand += 2 * (2 * rows * d * 3 * classes)
    assert look == pytest.approx(by_hand)


def test_memory_is_the_stated_formula():
    assert memory(1000, 10, 2, 100, 4) == 2 * (1000 + 160 + 450 * 2**20) + 650 * 2**20 + 8 * 16 * 10_000


@pytest.mark.parametrize(("seconds", "text"), [(0.012, "12 ms"), (3.4, "3.4 s"), (300, "5 min"), (7560, "2.1 h")])
def test_durations_are_read_in_their_own_units(seconds, text):
    assert duration(seconds) == text


def test_nothing_is_written(choice):
    before = {str(path) for path in choice.folder.rglob("*")}
    forecast(choice.task(), find("all"))
    new = {str(path) for path in choice.folder.rglob("*")} - before
    assert all("/store/packed" in path for path in new)
    assert np.all([path.endswith((".npy", ".safetensors", "packed")) for path in new])
