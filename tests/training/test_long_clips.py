"""Long clips: steps in parts, windows in losses and predictions, and the memory that is said beforehand."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import seehear as sh
from seehear.errors import SeehearError
from seehear.features.packed import Packed
from seehear.features.store import NetworkInfo
from seehear.losses.contrastive.module import ContrastiveLoss
from seehear.losses.contrastive.windows import over_windows
from seehear.training import footprint
from seehear.training.bags import Bags, Split
from seehear.training.fit import fit
from seehear.training.inference import predict
from seehear.training.objective import Objective
from seehear.training.parts import OVERHEAD, fits, is_cut, parts_of, rows_of
from seehear.training.recipe import Recipe, load_recipe
from seehear.training.runs import MemoryRun, Run, RunFacts
from seehear.training.stacked import fit_many
from seehear.windows import BATCH, BATCH_SEGMENTS, _batches, window_length

WIDTHS = {"audio": [5], "visual": [4, 3]}
LENGTHS = np.array([9, 3, 70, 20, 70, 41, 8, 33, 66, 5])
SMALL = {"width": 8, "feed_forward": 8, "batch": 4, "epochs": 3, "dropout": 0.0, "learning_rate": 0.01}


def split(lengths=LENGTHS, classes=3, truth=True):
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    packs = {
        modality: [Packed(rng.normal(size=(offsets[-1], width)).astype(np.float32), offsets, "") for width in widths]
        for modality, widths in WIDTHS.items()
    }
    active = {name: rng.random((len(lengths), max(lengths), classes)) < 0.1 for name in WIDTHS}
    labels = torch.from_numpy(rng.random((len(lengths), classes)) < 0.4).float()
    return Split(Bags(packs), labels, active if truth else None)


def facts(lengths=LENGTHS, **recipe):
    networks = {
        modality: [NetworkInfo(f"{modality}{i}", modality, width, "made") for i, width in enumerate(widths)]
        for modality, widths in WIDTHS.items()
    }
    made = Recipe(**SMALL | recipe)
    return RunFacts(made, 0, networks, ("a", "b", "c"), 1.0, window_length(np.array(lengths), made.window), {})


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 300), st.sampled_from([0.0, 1.0]))
def test_parts_hold_every_clip_once_and_no_more_than_fits(lengths, bound, recombine):
    recipe = Recipe(batch_segments=bound, recombine=recombine, batch=20, refine={"teacher": "given"})
    every = np.array([*lengths, 99])  # the last is in no step
    clips = np.random.default_rng(0).permutation(len(lengths))
    parts = parts_of(clips, every, recipe)
    assert sorted(np.concatenate(parts)) == list(range(len(lengths)))
    for part in parts:
        assert len(part) == 1 or rows_of(len(part), recipe) * every[part].max() <= bound
    for part, other in pairwise(parts):
        assert every[part].min() >= every[other].max()
    if rows_of(len(clips), recipe) * max(lengths) <= bound:
        assert len(parts) == 1
        assert (parts[0] == clips).all()


@given(st.lists(st.integers(1, 900), min_size=2, max_size=9), st.integers(200, 3000))
def test_parts_are_those_that_cost_least(lengths, bound):
    """Of all ways to cut the clips, sorted by length."""
    recipe, every = Recipe(batch_segments=bound), np.array(lengths)
    if fits(len(lengths), max(lengths), recipe):
        return
    costs = []
    for cuts in product([False, True], repeat=len(lengths) - 1):
        parts = np.split(np.sort(every)[::-1], 1 + np.flatnonzero(cuts))
        if all(len(part) == 1 or len(part) * part[0] <= bound for part in parts):
            costs.append(sum(len(part) * part[0] + OVERHEAD for part in parts))
    found = parts_of(np.arange(len(lengths)), every, recipe)
    assert sum(len(part) * every[part].max() + OVERHEAD for part in found) == min(costs)


def test_default_bound_leaves_short_clips_alone():
    """Ten seconds, in every recipe that is shipped: the steps are those of versions without the setting."""
    for name in sh.list_recipes():
        recipe = load_recipe(name)
        assert fits(recipe.batch, 10, recipe)
        assert not is_cut(np.full(10_000, 10), recipe)


@pytest.mark.parametrize("supervision", ["weak", "dense"])
def test_gradient_of_the_parts_is_that_of_the_step(supervision):
    """The oracle is the mean over clips, one by one."""
    train, own = split(), facts(batch_segments=150, batch=10, supervision=supervision)
    torch.manual_seed(0)
    model = MemoryRun(own).new_model()
    objective = Objective(own, train, model)
    objective.begin(0)
    parts = parts_of(np.arange(10), LENGTHS, own.recipe)
    assert len(parts) > 2
    losses = []
    for part in parts:
        loss, _ = objective(part)
        (loss * len(part) / 10).backward()
        losses.append(float(loss.detach()) * len(part))
    found = [parameter.grad.clone() for parameter in model.parameters()]
    if supervision == "weak":
        model.zero_grad()
        each = torch.stack([objective(np.array([n]))[0] for n in range(10)])
        each.mean().backward()
        assert sum(losses) == pytest.approx(float(each.detach().sum()), rel=1e-5)
        for one, parameter in zip(found, model.parameters(), strict=True):
            torch.testing.assert_close(one, parameter.grad, atol=1e-6, rtol=1e-4)
    assert all(grad.isfinite().all() for grad in found)


def test_training_in_parts_differs_by_rounding_alone():
    train = split()
    histories = []
    for bound in (100, 10_000):
        run = MemoryRun(facts(batch_segments=bound))
        histories.append(fit(run, train, train))
    for one, other in zip(*histories, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)


@pytest.mark.parametrize("changed", [{"window": 7}, {"window": 7, "layers": 2, "contrast": {"loss": "mtsc"}}])
def test_resumes_bit_exactly(changed, tmp_path):
    train, own = split(), facts(batch_segments=100, dropout=0.2, **changed)
    whole = Run.start(tmp_path / "whole", own)
    fit(whole, train, train)
    killed = Run.start(tmp_path / "killed", own)

    def kill(entry):
        if entry["epoch"] == 1:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seehear.training.fit.SAVE_EVERY", 0.0)
        with pytest.raises(KeyboardInterrupt):
            fit(killed, train, train, on_epoch=kill)
    fit(Run(killed.path), train, train)
    assert (killed.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()


def test_pretraining_in_parts_differs_by_rounding_alone():
    train = split()
    contrast = {"loss": "mtsc", "stage": "pretrain", "epochs": 2}
    states = []
    for bound in (100, 10_000):
        run = MemoryRun(facts(batch_segments=bound, epochs=1, learning_rate=1e-5, contrast=contrast))
        fit(run, train, None)
        states.append(run.weights())
    for name, one in states[0].items():
        torch.testing.assert_close(one, states[1][name], atol=1e-4, rtol=1e-3)


def test_several_seeds_of_long_clips_are_those_one_by_one(tmp_path):
    train, own = split(), facts(batch_segments=100, window=5)
    together = [MemoryRun(own), MemoryRun(own)]
    fit_many(together, train, train)
    alone = MemoryRun(own)
    fit(alone, train, train)
    for run in together:
        assert all(torch.equal(one, alone.weights()[name]) for name, one in run.weights().items())
    assert fit_many([], train, None) == []


@pytest.mark.parametrize("loss", ["mtsc", "simclr", "time-weighted"])
@pytest.mark.parametrize("disjoint", [0.0, 0.5])
def test_losses_over_windows_are_the_loop(loss, disjoint):
    torch.manual_seed(0)
    x, lengths, labels = torch.randn(2, 3, 11, 6), [11, 4, 9], torch.eye(3)
    mask = torch.arange(11) < torch.tensor(lengths)[:, None]
    settings = {"loss": loss, "disjoint": disjoint}
    found = ContrastiveLoss(settings, window=4)(x, labels, mask)
    whole, expected = ContrastiveLoss(settings), 0.0
    for n, start in product(range(3), range(0, 11, 4)):
        part = slice(start, start + 4)
        of_window = whole._per_clip(labels, x[0][:, part], x[1][:, part], mask[:, part])[n]
        expected += float(of_window) * max(0, min(4, lengths[n] - start)) / lengths[n] / 3
    assert float(found) == pytest.approx(expected, rel=1e-5)
    assert torch.equal(ContrastiveLoss(settings, window=11)(x, labels, mask), whole(x, labels, mask))
    assert "window=4" in repr(ContrastiveLoss(settings, window=4))


def test_windows_past_the_end_of_a_clip_do_not_count():
    mask = torch.tensor([[True, True, True, False, False, False]])
    values = torch.tensor([[1.0, 2.0, 3.0, 9.0, 9.0, 9.0]])

    def mean(x, within):
        return (x * within).sum(dim=1) / within.sum(dim=1).clamp(min=1)

    assert over_windows(mean, 2, mask, values).tolist() == [2.0]


@given(st.lists(st.integers(1, 9000), min_size=1, max_size=200))
def test_predictions_at_once_are_bounded(lengths):
    every = np.array(lengths)
    batches = list(_batches(every))
    assert [n for batch in batches for n in range(*batch.indices(len(every)))] == list(range(len(every)))
    for batch in batches:
        own = every[batch]
        assert len(own) <= BATCH
        assert len(own) == 1 or len(own) * own.max() <= BATCH_SEGMENTS


def test_clips_of_training_are_predicted_whole_if_attention_has_a_window():
    assert window_length(LENGTHS, 7) == 70
    assert window_length(np.array([5] * 19 + [9]), 10) == window_length(np.array([5] * 19 + [9])) == 5
    assert window_length(np.array([5] * 19 + [90]), 0) == 5
    own, train = facts(window=7), split()
    model = MemoryRun(own).new_model().eval()
    found = predict(model, train.bags, own.window)
    with torch.no_grad():
        output = model(*train.bags.batch(np.arange(len(LENGTHS))))
    np.testing.assert_allclose(found.segment, output.segment.numpy(), atol=1e-6)
    for n, length in enumerate(LENGTHS):
        np.testing.assert_allclose(
            found.clip[n, :length], np.repeat(output.clip[n : n + 1].numpy(), length, 0), atol=1e-6
        )


CASES = [
    {},
    {"window": 6},
    {"layers": 2, "heads": 2, "blend": 0.3},
    {"contrast": {"loss": "mtsc", "disjoint": 1.0}},
    {"contrast": {"loss": "simclr"}, "window": 6},
]


@pytest.mark.parametrize("changed", CASES)
@pytest.mark.parametrize("length", [6, 60, 240])
def test_memory_that_is_said_is_that_of_the_step(changed, length):
    """What torch keeps for the way back is less, but not much less."""
    lengths = np.full(6, length)
    own = facts(lengths, width=64, feed_forward=64, **changed)
    train = split(lengths, truth=False)
    objective = Objective(own, train, MemoryRun(own).new_model())
    objective.begin(0)
    kept = {}

    def keep(x):
        kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        objective(np.arange(4))
    said = footprint.Footprint.of(own, lengths).step_memory()
    parameters = 4 * sum(parameter.numel() for parameter in MemoryRun(own).new_model().parameters())
    measured = sum(kept.values())
    assert measured - parameters <= said <= 4 * measured


def dataset(lengths):
    rng = np.random.default_rng(0)
    features = {name: [rng.normal(size=(n, 6)).astype(np.float32) for n in lengths] for name in ("audio", "visual")}
    return sh.Dataset.from_arrays(features, labels=rng.random((len(lengths), 2)) < 0.6, classes=["a", "b"])


def test_what_long_clips_cost_is_said_before_training(capsys):
    changed = {"width": 8, "feed_forward": 8, "epochs": 1}
    sh.train(dataset([80, 100, 90]), recipe="paper", **changed)
    err = capsys.readouterr().err
    assert "clips have 80 to 100 segments, 90 in the middle" in err
    assert "attention is between all segments of a clip (window=0)" in err
    assert "GiB of memory" in err
    sh.train(dataset([80, 100, 90]), recipe="paper", window=20, **changed)
    assert "segments less than 20 apart (window=20)" in capsys.readouterr().err
    sh.train(dataset([10, 10, 10]), recipe="paper", **changed)
    assert "segments" not in capsys.readouterr().err


def test_too_little_memory_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setattr(footprint, "free_memory", lambda: 1 << 20)
    with pytest.raises(SeehearError, match=r"takes about .* GiB of memory.*longest clip has 900.*set window=30"):
        sh.train(dataset([900, 100, 90]), recipe="paper", epochs=1)
    with pytest.raises(SeehearError, match="leave the longest clips out"):
        sh.train(dataset([900, 100, 90]), recipe="paper", epochs=1, window=30)
    monkeypatch.setattr(footprint, "free_memory", lambda: None)
    sh.train(dataset([90, 10, 9]), recipe="paper", epochs=1, width=8, feed_forward=8, progress=False)


def test_runs_of_versions_without_these_settings_are_read_as_what_they_were():
    old = facts().as_json()
    for name in ("window", "batch_segments"):
        del old["recipe"][name]
    read = RunFacts.from_json(old, "run.json")
    assert (read.recipe.window, read.recipe.batch_segments) == (0, Recipe().batch_segments)


def test_what_is_kept_at_once_does_not_grow_with_the_batch():
    """Bytes that the largest part of a step keeps for the way back."""
    largest = []
    for batch in (2, 12):
        lengths = np.full(12, 50)
        own = facts(lengths, batch=batch, batch_segments=100)
        train = split(lengths, truth=False)
        objective = Objective(own, train, MemoryRun(own).new_model())
        objective.begin(0)
        sizes = []
        for part in parts_of(np.arange(batch), lengths, own.recipe):
            kept = {}

            def keep(x, kept=kept):
                kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
                return x

            with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
                objective(part)
            sizes.append(sum(kept.values()))
        largest.append(max(sizes))
    assert largest[1] <= largest[0]
