"""Runs trained at once against the same runs trained one by one."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.features.packed import Packed
from seehear.features.store import NetworkInfo
from seehear.fusion.model import ParsingModel
from seehear.fusion.pooling import Output
from seehear.losses.weak import weak_loss
from seehear.training.bags import Bags, Split
from seehear.training.fit import fit
from seehear.training.inference import predict
from seehear.training.recipe import Recipe
from seehear.training.runs import Run, RunFacts, load_tensors
from seehear.training.stacked import Stack, fit_many, stackable

CLASSES = ("Cat", "Dog", "Fish")
WIDTHS = {"audio": [3], "visual": [4, 2]}
EVEN, UNEVEN = (4,), (4, 2, 7)  # segments of the clips, in turn; windows of 4
SMALL = {
    "width": 8,
    "feed_forward": 8,
    "heads": 2,
    "dropout": 0.0,
    "epochs": 4,
    "batch": 4,
    "learning_rate": 0.01,
    "decay_every": 2,
}


def split(clips=14, lengths=UNEVEN, rng_seed=0, truth=True, dtype=torch.float32, device="cpu"):
    """Clips in which a class adds its direction to the features."""
    rng = np.random.default_rng(rng_seed)
    every = np.resize(lengths, clips)
    offsets = np.concatenate([[0], np.cumsum(every)])
    directions = {m: 2 * np.random.default_rng(9).normal(size=(3, sum(w))) for m, w in WIDTHS.items()}
    active = {m: rng.random((clips, max(lengths), 3)) < 0.4 for m in WIDTHS}  # (N, T, C)
    packs = {}
    for modality, widths in WIDTHS.items():
        active[modality] &= (np.arange(max(lengths)) < every[:, None])[..., None]
        rows = np.concatenate([one[:length] for one, length in zip(active[modality], every, strict=True)])
        features = (rows @ directions[modality] + 0.5 * rng.normal(size=(offsets[-1], sum(widths)))).astype(np.float32)
        cuts = np.split(features, np.cumsum(widths)[:-1], axis=1)
        packs[modality] = [Packed(np.ascontiguousarray(cut), offsets, "") for cut in cuts]
    labels = np.any([a.any(axis=1) for a in active.values()], axis=0)
    weak = torch.from_numpy(labels).to(device, dtype)
    return Split(Bags(packs, device), weak, active if truth else None)


def run(folder, seed, window=4, **recipe):
    networks = {
        modality: [NetworkInfo(f"{modality}{i}", modality, width, "made") for i, width in enumerate(widths)]
        for modality, widths in WIDTHS.items()
    }
    return Run.start(folder, RunFacts(Recipe(**SMALL | recipe), seed, networks, CLASSES, 1.0, window, {}))


def runs(folder, seeds=(0, 1, 5), **recipe):
    return [run(folder / f"seed-{seed}", seed, **recipe) for seed in seeds]


def one_by_one(folder, train, val, seeds=(0, 1, 5), device="cpu", **recipe):
    alone = runs(folder, seeds, **recipe)
    return alone, [fit(each, train, val, device) for each in alone]


def assert_same_histories(found, expected, rtol):
    for one, other in zip(found, expected, strict=True):
        assert [(e["epoch"], e["best"]) for e in one] == [(e["epoch"], e["best"]) for e in other]
        for a, b in zip(one, other, strict=True):
            assert a.keys() == b.keys()
            assert a["loss"] == pytest.approx(b["loss"], rel=rtol)
            assert a.get("val") == pytest.approx(b.get("val"), rel=max(rtol, 1e-5))  # validation is in float32


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield torch.float64
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("lengths", "recipe"),
    [
        (EVEN, {}),
        (UNEVEN, {"weight_decay": 0.1, "layers": 2}),
        (UNEVEN, {"standardise": True, "choose": "loss"}),
        (EVEN, {"supervision": "dense"}),
        (UNEVEN, {"supervision": "dense", "weight_decay": 0.1}),
    ],
)
def test_without_dropout_it_is_fit(tmp_path, double, lengths, recipe):
    train, val = split(lengths=lengths, dtype=double), split(lengths=lengths, rng_seed=1)
    alone, expected = one_by_one(tmp_path / "alone", train, val, **recipe)
    together = runs(tmp_path / "together", **recipe)
    assert_same_histories(fit_many(together, train, val), expected, rtol=1e-10)
    for one, other in zip(together, alone, strict=True):
        assert {file.name for file in one.path.iterdir()} == {file.name for file in other.path.iterdir()}
        first, second = ((each.path / "done").read_text().splitlines() for each in (one, other))
        assert first[0] == second[0]
        assert [line.split()[1] for line in first[1:4]] == ["model.safetensors", "run.json", "history.json"]
        assert len(first) == len(second) == 5
        (found, facts), (wanted, wanted_facts) = (load_tensors(r.path / "model.safetensors") for r in (one, other))
        assert facts == wanted_facts
        assert found.keys() == wanted.keys()
        for name, tensor in found.items():
            torch.testing.assert_close(tensor, wanted[name], rtol=1e-8, atol=1e-9)


def test_in_single_precision_models_say_the_same(tmp_path):
    train, val = split(), split(rng_seed=1)
    alone, expected = one_by_one(tmp_path / "alone", train, val)
    together = runs(tmp_path / "together")
    assert_same_histories(fit_many(together, train, val), expected, rtol=1e-4)
    # Weights that change nothing, as the bias of attention's keys, follow the rounding: what the models say does not.
    for one, other in zip(together, alone, strict=True):
        found, wanted = (predict(r.model(), val.bags, 4) for r in (one, other))
        np.testing.assert_allclose(found.segment, wanted.segment, atol=1e-4)
        np.testing.assert_allclose(found.clip, wanted.clip, atol=1e-4)


def test_each_run_has_its_own_patience(tmp_path, double):
    recipe = {"patience": 2, "epochs": 12, "learning_rate": 0.02, "decay_every": 0, "choose": "loss"}
    train, val = split(dtype=double), split(rng_seed=1)
    _, expected = one_by_one(tmp_path / "alone", train, val, **recipe)
    shown = []
    found = fit_many(
        runs(tmp_path / "together", **recipe),
        train,
        val,
        on_epoch=lambda run, entry: shown.append((run.facts.seed, entry["epoch"])),
    )
    assert len({len(history) for history in expected}) > 1  # they end one before the other
    assert max(len(history) for history in expected) < 12
    assert_same_histories(found, expected, rtol=1e-8)
    assert sorted(shown) == [(seed, e["epoch"]) for seed, h in zip((0, 1, 5), found, strict=True) for e in h]


def test_without_validation_the_last_epoch_is_kept(tmp_path):
    together = runs(tmp_path)
    for history in fit_many(together, split(), None):
        assert [entry["best"] for entry in history] == [True] * 4
        assert "val" not in history[0]
    assert all((each.path / "done").read_text().startswith("epoch 3, chosen by last\n") for each in together)


def test_what_is_done_is_left_alone(tmp_path):
    train, val = split(), split(rng_seed=1)
    first, *others = runs(tmp_path)
    before = fit(first, train, val)
    files = {file: file.stat().st_mtime_ns for file in first.path.iterdir()}
    histories = fit_many([*others, first], train, val)
    assert histories[-1] == before
    assert {file: file.stat().st_mtime_ns for file in first.path.iterdir()} == files
    assert all(each.done for each in others)
    assert fit_many([*others, first], train, val) == histories
    assert fit_many([], train, val) == []


class Killed(Exception):
    pass


def test_a_killed_stack_starts_again_and_ends_the_same(tmp_path):
    train, val = split(), split(rng_seed=1)
    whole, killed = (runs(tmp_path / name, dropout=0.3) for name in ("whole", "killed"))
    fit_many(whole, train, val)

    def kill(run, entry):
        if entry["epoch"] == 2:
            raise Killed

    (killed[0].path / "checkpoint.safetensors").write_bytes(b"of an earlier fit")
    with pytest.raises(Killed):
        fit_many(killed, train, val, on_epoch=kill)
    with pytest.raises(SeehearError, match="has not finished"):
        killed[1].model()
    fit_many(killed, train, val)
    for one, other in zip(whole, killed, strict=True):
        assert {file.name for file in other.path.iterdir()} == {"run.json", "history.json", "model.safetensors", "done"}
        a, b = (load_tensors(r.path / "model.safetensors")[0] for r in (one, other))
        assert all(torch.equal(a[name], b[name]) for name in a)


def test_each_model_has_dropout_of_its_own_and_none_in_validation(tmp_path):
    train, val = split(truth=False), split(rng_seed=1, truth=False)
    twins = [run(tmp_path / name, seed=3, dropout=0.5, input_dropout=0.2, choose="last") for name in ("a", "b")]
    one, other = fit_many(twins, train, val)
    assert one[0]["loss"] != other[0]["loss"]  # equal but for their masks
    for twin, history in zip(twins, (one, other), strict=True):
        said = torch.from_numpy(predict(twin.model(), val.bags, 4).clip)
        inside = torch.from_numpy(np.arange(said.shape[1]) < val.bags.lengths[:, None])
        clip = torch.stack([p[i].mean(dim=0) for p, i in zip(said, inside, strict=True)])
        f1 = [
            2 * float((p & t).sum()) / float(p.sum() + t.sum()) if (p | t).any() else 1.0
            for p, t in zip(clip >= 0.5, val.labels > 0.5, strict=True)
        ]
        assert history[-1]["val"]["label_f1"] == pytest.approx(100 * np.mean(f1))


def test_dropout_has_the_mean_and_variance_of_its_share():
    """Without attention a logit is b + w·x: dropout p of x leaves its mean, and varies it by p / (1 - p) Σ (w x)²."""
    torch.manual_seed(0)
    n_models, p = 4000, 0.2
    model = ParsingModel({"audio": [6]}, 1, width=4, layers=0, input_dropout=p).double()
    x = torch.randn(1, 1, 6, dtype=torch.float64)
    stack = Stack([model] * n_models)
    drawn = stack.forward({"audio": x.expand(n_models, 1, 1, 6)}, None).segment.logit().flatten().detach()  # (K,)
    project, into = model.project["audio"], model.pooling.into
    weight = (into.weight[0] @ project.weight).detach()  # (6,)
    mean = float((weight @ x.flatten() + into.weight[0] @ project.bias + into.bias[0]).detach())
    variance = p / (1 - p) * float(((weight * x) ** 2).sum())
    assert float(drawn.mean()) == pytest.approx(mean, abs=5 * (variance / n_models) ** 0.5)
    assert float(drawn.var()) == pytest.approx(variance, rel=0.15)


@settings(deadline=None, max_examples=20)
@given(
    n_models=st.integers(1, 3),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    modalities=st.integers(1, 3),
    seed=st.integers(0, 100),
)
def test_a_stack_is_its_models_one_by_one(n_models, lengths, modalities, seed):
    torch.manual_seed(seed)
    widths = {f"m{i}": [i + 2] for i in range(modalities)}
    models = [ParsingModel(widths, 2, width=4, feed_forward=4, dropout=0.0).double() for _ in range(n_models)]
    stack = Stack(models)
    longest = max(lengths)
    shape = (n_models, len(lengths), longest)
    features = {name: torch.randn(*shape, sum(width), dtype=torch.float64) for name, width in widths.items()}
    labels = (torch.rand(n_models, len(lengths), 2) < 0.5).double()
    inside = torch.arange(longest) < torch.tensor(lengths)[:, None]
    present = None if inside.all() else inside.expand(shape)

    def first(mask):
        return None if mask is None else mask[0]

    available = torch.rand(*shape[:2], modalities) < 0.7  # (K, B, M)
    available[..., 0] |= ~available.any(dim=-1)
    available = None if available.all() else available
    output = stack.forward(features, present, available)
    sure = [0.9] * modalities
    sum(
        weak_loss(Output(*(part[k] for part in output)), labels[k], sure, None if available is None else available[k])
        for k in range(n_models)
    ).backward()
    with torch.no_grad():
        beside = stack.side_by_side({name: x[0] for name, x in features.items()}, first(present), first(available))
    for k, model in enumerate(models):
        masks = [None if mask is None else mask[k] for mask in (present, available)]
        alone = model({name: x[k] for name, x in features.items()}, *masks)
        weak_loss(alone, labels[k], sure, masks[1]).backward()
        for one, other in zip(output, alone, strict=True):
            torch.testing.assert_close(one[k], other)
        for name, parameter in model.named_parameters():
            gradient = stack.parameters[name].grad
            torch.testing.assert_close(None if gradient is None else gradient[k], parameter.grad)
        with torch.no_grad():
            shared = model({name: x[0] for name, x in features.items()}, first(present), first(available))
        for one, other in zip(beside, shared, strict=True):
            torch.testing.assert_close(one[..., 2 * k : 2 * k + 2], other)


@settings(deadline=None, max_examples=30)
@given(chosen=st.lists(st.sampled_from(range(6)), max_size=8))
def test_groups_differ_in_nothing_but_the_seed(tmp_path_factory, chosen):
    pool = tmp_path_factory.getbasetemp() / "pool"
    every = [
        run(pool / f"{seed}-{width}-{window}", seed, window, width=width)
        for seed, width, window in [(0, 8, 4), (1, 8, 4), (2, 8, 4), (0, 16, 4), (1, 16, 4), (0, 8, 5)]
    ]
    some = [every[i] for i in chosen]
    groups = stackable(some)
    assert sorted(str(each.path) for group in groups for each in group) == sorted(str(each.path) for each in some)
    for n, group in enumerate(groups):
        for m, other in enumerate(groups):
            for one in group:
                for two in other:
                    a, b = ({**r.facts.as_json(), "seed": 0} for r in (one, two))
                    assert (json.dumps(a) == json.dumps(b)) == (n == m)


@pytest.mark.parametrize("supervision", ["weak", "dense"])
def test_a_stack_with_clips_that_lack_a_modality_is_one_by_one(tmp_path, supervision):
    train, val = (lacking(split(rng_seed=seed)) for seed in (0, 1))
    recipe = {"supervision": supervision, "scale": True}
    _, expected = one_by_one(tmp_path / "alone", train, val, **recipe)
    together = runs(tmp_path / "together", **recipe)
    assert_same_histories(fit_many(together, train, val), expected, rtol=1e-3)


def lacking(whole):
    """The same clips, the third of which and the fifth lack a modality each."""
    packs = {}
    for m, (modality, parts) in enumerate(whole.bags._rows.items()):
        available = np.arange(len(whole.bags)) != 2 + 2 * m
        rows = np.concatenate([np.asarray(part) for part in parts], axis=1)
        rows = np.where(np.repeat(available, whole.bags.lengths)[:, None], rows, 0).astype(np.float32)
        packs[modality] = [Packed(rows, whole.bags.offsets, "", available=available)]
    return Split(Bags(packs), whole.labels, whole.truth)


def test_runs_of_other_recipes_are_refused(tmp_path):
    mixed = [run(tmp_path / "a", 0), run(tmp_path / "b", 1, epochs=5)]
    with pytest.raises(ValueError, match="stackable"):
        fit_many(mixed, split(), None)
    with pytest.raises(SeehearError, match="dense labels of the training clips"):
        fit_many([run(tmp_path / "c", 0, supervision="dense")], split(truth=False), None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("lengths", [EVEN, UNEVEN])
def test_on_cuda_it_is_fit(tmp_path, lengths):
    train, val = (split(lengths=lengths, rng_seed=n, device="cuda") for n in (0, 1))
    _, expected = one_by_one(tmp_path / "alone", train, val, device="cuda")
    found = fit_many(runs(tmp_path / "together"), train, val, "cuda")
    assert_same_histories(found, expected, rtol=1e-2)
    (dropped,) = fit_many(runs(tmp_path / "dropout", seeds=(0,), dropout=0.3), train, val, "cuda")
    assert all(np.isfinite(entry["loss"]) for entry in dropped)
