"""One model for all collocations, against what it stands for: other networks are not there."""

import numpy as np
import pytest
import torch

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation
from seehear.selection.estimate import estimate
from seehear.selection.estimators import REGISTRY
from seehear.selection.estimators.shared import _batches
from seehear.selection.prepare import prepare
from seehear.selection.select import select
from seehear.selection.trainings import Metric

SHARED = REGISTRY["shared"]
QUICK = {"epochs": 4, "width": 16, "feed_forward": 16, "batch": 8}
NETWORKS = {"audio": {"clear": 0.3, "dull": 6.0}, "visual": {"sharp": 0.3, "blurred": 6.0}}  # noise
WIDTH = 6


def features(clips, seed, modalities=("audio", "visual"), size=None):
    """Features of each network, labels, and where the classes are. size: network -> what its features are times."""
    rng = np.random.default_rng(seed)
    present = rng.random((clips, 3)) < 0.5
    found, truth = {}, {}
    for m, (modality, noise) in enumerate(NETWORKS.items()):
        truth[modality] = present[:, None] & (rng.random((clips, 4, 3)) < 0.7)
        found[modality] = {}
        for n, (name, deviation) in enumerate(noise.items()):
            directions = np.random.default_rng(10 * m + n).normal(size=(3, WIDTH))
            shown = truth[modality] @ directions + deviation * rng.normal(size=(clips, 4, WIDTH))
            found[modality][name] = (size or {}).get(name, 1.0) * shown
    return {name: found[name] for name in modalities}, present, {name: truth[name] for name in modalities}


def data(clips, seed, truth=True, zero=(), **options):
    """A data set. zero: networks whose features are zero in every clip."""
    shown, present, active = features(clips, seed, **options)
    for of_modality in shown.values():
        of_modality.update({name: np.zeros_like(x) for name, x in of_modality.items() if name in zero})
    return Dataset.from_arrays(shown, present.astype(float), ("Cat", "Dog", "Fish"), truth=active if truth else None)


def run(train, val, recipe="paper", **options):
    task = prepare(train, val, recipe=recipe, settings=QUICK, progress=False, device="cpu", **options)
    return task, estimate(task, SHARED, "val")


@pytest.fixture(scope="module")
def train():
    return data(40, 1)


@pytest.fixture(scope="module")
def first(train):
    return run(train, data(20, 2))


def test_the_best_networks_come_first(first):
    task, found = first
    assert str(task.grid.collocations[int(found.scores.argmax())]) == "clear × sharp"
    best, *_, worst = found.scores
    assert best > worst + 10


def test_scores_are_the_mean_of_the_clips_in_per_cent(first):
    task, found = first
    assert task.bench.metric("val") is Metric.AVERAGE
    assert (found.name, found.unit, found.trainings, found.failures) == ("shared", "score, %", 1, {})
    for score, value in zip(found.scores, found.values, strict=True):
        assert value.shape == (1, 20)
        assert ((value >= 0) & (value <= 100)).all()
        assert score == pytest.approx(value.mean())
    assert found.scores.max() > 10  # per cent, not a share
    np.testing.assert_allclose(found.draws.mean(axis=0), found.scores, atol=1)


@pytest.mark.parametrize("recipe", ["paper", "refined"])
def test_a_collocation_scores_as_if_the_others_were_zero(train, recipe):
    """The model is the same, since it was trained on the same clips: on others the features are really zero."""
    task, found = run(train, data(20, 2), recipe)
    for n in (0, 2):
        shown = task.grid.collocations[n].networks
        zero = [name for of_modality in NETWORKS.values() for name in of_modality if name not in shown]
        _, alone = run(train, data(20, 2, zero=zero), recipe)
        np.testing.assert_allclose(alone.values[n], found.values[n], atol=1e-9)
        assert not np.allclose(alone.values[3 - n], found.values[3 - n])


def test_other_features_are_zero_in_training_too(train, monkeypatch):
    """What the linear maps see in training steps: always one network per modality, all of them in turn."""
    from seehear.fusion.model import ParsingModel

    seen, normalise = set(), ParsingModel.normalise

    def watched(model, modality, features):
        scaled = normalise(model, modality, features)
        if model.training:
            parts = scaled.split([WIDTH, WIDTH], dim=-1)
            seen.add((modality, tuple(bool(part.any()) for part in parts)))
        return scaled

    monkeypatch.setattr(ParsingModel, "normalise", watched)
    run(train, data(20, 2))
    assert seen == {(modality, one) for modality in NETWORKS for one in ((True, False), (False, True))}


def test_same_clips_same_answer(train, first):
    _, again = run(train, data(20, 2))
    for one, other in zip(first[1].values, again.values, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first[1].draws, again.draws)


def test_torch_is_left_as_it_was(train):
    torch.manual_seed(7)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(train, data(20, 2))
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), state)
        task = prepare(data(10, 1, truth=False), data(9, 2), settings={"supervision": "dense"}, progress=False)
        with pytest.raises(SeehearError, match="dense labels of the training clips"):
            estimate(task, SHARED, "val")
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(threads)


def test_size_of_features_does_not_matter(train, first):
    """Networks a million times as large as others of their modality: powers of 2, which round nothing."""
    size = {"clear": 2.0**-10, "dull": 2.0**10, "blurred": 2.0**-20}
    _, found = run(data(40, 1, size=size), data(20, 2, size=size))
    np.testing.assert_allclose(found.scores, first[1].scores, atol=0.5)


def test_several_networks_together(train):
    task, found = run(train, data(20, 2), together=2)
    assert len(found.scores) == 9
    assert np.isfinite(found.scores).all()
    by_name = dict(zip(map(str, task.grid), found.scores, strict=True))
    assert by_name["clear+dull × sharp+blurred"] > by_name["dull × blurred"]


def test_one_modality():
    task, found = run(data(40, 1, modalities=["visual"]), data(20, 2, modalities=["visual"]))
    assert [str(each) for each in task.grid] == ["sharp", "blurred"]
    assert found.scores[0] > found.scores[1]


def test_without_ground_truth_the_score_is_label_f1(train):
    task, found = run(train, data(20, 2, truth=False))
    assert task.bench.metric("val") is Metric.LABEL_F1
    assert found.scores.argmax() == 0
    assert ((found.scores >= 0) & (found.scores <= 100)).all()


def test_selects(train):
    chosen = select(train, data(20, 2), by="shared", device="cpu", progress=False, recipe="paper", **QUICK)
    assert chosen.best == Collocation.of({"audio": ["clear"], "visual": ["sharp"]})
    assert chosen.estimates[0].label == "shared@val"
    assert min(chosen.traversal_seconds) > 0


@pytest.mark.parametrize(("count", "batch", "steps"), [(10, 4, 7), (3, 8, 5), (8, 8, 2)])
def test_every_clip_is_seen_once_before_any_is_seen_again(count, batch, steps):
    order = _batches(count, batch, steps, np.random.default_rng(0))
    assert [len(clips) for clips in order] == [batch] * steps
    every = np.concatenate(order)
    for start in range(0, len(every) - count + 1, count):
        assert sorted(every[start : start + count]) == list(range(count))
