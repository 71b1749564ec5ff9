"""Precision: bfloat16 is near float32, resumes bit-exactly, and is chosen by the machine and the model alone."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import commands
from seehear import Dataset, Parser, load_recipe
from seehear.device import multiplies_bfloat16
from seehear.errors import SeehearError
from seehear.losses.weak import weak_loss
from seehear.training import fit as fitting
from seehear.training import precision
from seehear.training.bags import Split
from seehear.training.fit import fit
from seehear.training.inference import predict
from seehear.training.objective import Objective
from seehear.training.runs import MemoryRun, Run, RunFacts
from seehear.training.runs.differences import facts_that_differ
from seehear.training.stacked import fit_many

LARGE = 640  # a width at which a model of narrow features has more than two million parameters
CLASSES = ("Cat", "Dog", "Fish")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    arrays = {"audio": rng.normal(size=(12, 5, 6)), "visual": rng.normal(size=(12, 5, 8))}
    labels = rng.random((12, 3)) < 0.5
    labels[0] = True
    return Dataset.from_arrays(arrays, labels, classes=CLASSES)


def facts_of(data, **settings):
    recipe = load_recipe("paper", width=64, feed_forward=64, epochs=2, batch=4, dropout=0.0, **settings)
    networks = {modality: list(infos) for modality, infos in data.networks.items()}
    return RunFacts(recipe, 0, networks, CLASSES, 1.0, 5, {})


def gradients(data, **settings):
    """Return loss and gradients of the first step."""
    facts, split = facts_of(data, **settings), Split.of(data, CLASSES)
    torch.manual_seed(0)
    model = MemoryRun(facts).new_model()
    objective = Objective(facts, split, model)
    objective.begin(0)
    loss, _ = objective(np.arange(8))
    loss.backward()
    return float(loss.detach()), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def naive_loss(data):
    """The weak loss of the first step, clip by clip in float64, without the code of training."""
    facts = facts_of(data, precision="float32")
    torch.manual_seed(0)
    model = MemoryRun(facts).new_model().double().eval()
    features = {name: np.stack(data.arrays(name)[:8]) for name in data.modalities}
    outputs = [model({name: torch.from_numpy(x[n : n + 1]).double() for name, x in features.items()}) for n in range(8)]
    each = [
        weak_loss(output, torch.from_numpy(data.labels[n : n + 1]).double(), [1.0, 0.9])
        for n, output in enumerate(outputs)
    ]
    return float(torch.stack(each).detach().mean())


@pytest.mark.parametrize(("name", "tolerance"), [("float32", 1e-5), ("bfloat16", 2e-2)])
def test_a_step_is_that_of_a_naive_one_up_to_the_precision(data, name, tolerance):
    assert gradients(data, precision=name)[0] == pytest.approx(naive_loss(data), rel=tolerance)


@pytest.mark.parametrize("contrast", ["none", "mtsc"])
def test_gradients_agree_and_stay_float32(data, contrast):
    exact, near = (gradients(data, precision=name, contrast={"loss": contrast}) for name in ("float32", "bfloat16"))
    assert exact[0] != near[0]
    assert exact[0] == pytest.approx(near[0], rel=2e-2)
    for name, gradient in exact[1].items():
        assert near[1][name].dtype == torch.float32
        assert float((near[1][name] - gradient).norm()) <= 0.1 * float(gradient.norm()) + 1e-4, name


def test_weights_and_predictions_are_float32(data):
    parser = Parser("small", epochs=1, precision="bfloat16").fit(data, progress=False)
    assert {tensor.dtype for tensor in parser.run.weights().values()} == {torch.float32}
    split = Split.of(data, CLASSES)
    with torch.no_grad():
        expected = parser.model({name: x for name, x in split.bags.batch(np.arange(12)).features.items()})
    found = predict(parser.model, split.bags, 5).segment
    np.testing.assert_allclose(found, expected.segment.numpy(), rtol=1e-5)


@pytest.mark.parametrize("contrast", [{}, {"loss": "mtsc", "stage": "pretrain", "epochs": 2}])
def test_resumes_bit_exactly(data, tmp_path, monkeypatch, contrast):
    split = Split.of(data, CLASSES)
    facts = facts_of(data, precision="bfloat16", contrast=contrast)
    whole = MemoryRun(facts)
    fit(whole, split)
    monkeypatch.setattr(fitting, "SAVE_EVERY", 0.0)

    def stop(entry):
        if entry["epoch"] == 0:
            raise KeyboardInterrupt

    run = Run.start(tmp_path / "run", facts)
    with pytest.raises(KeyboardInterrupt):
        fit(run, split, on_epoch=stop)
    assert not run.done
    fit(Run.start(tmp_path / "run", facts), split)
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, run.weights()[name]), name


def test_stacked_trainings_agree_with_single_ones(data):
    split, facts = Split.of(data, CLASSES), facts_of(data, precision="bfloat16")
    alone, stacked = ([MemoryRun(replace(facts, seed=seed)) for seed in (0, 1)] for _ in range(2))
    for run in alone:
        fit(run, split)
    fit_many(stacked, split, None)
    for one, other in zip(alone, stacked, strict=True):
        assert one.history()[-1]["loss"] == pytest.approx(other.history()[-1]["loss"], rel=1e-2)


def test_auto_is_for_large_models_on_processors_that_have_it(data, monkeypatch):
    small, large = load_recipe("small"), load_recipe("paper", width=LARGE)
    for has in (True, False):
        monkeypatch.setattr(precision, "multiplies_bfloat16", lambda has=has: has)
        assert precision.settle(small, data, "cpu").precision == "float32"
        assert precision.settle(large, data, "cpu").precision == ("bfloat16" if has else "float32")
    for name in ("float32", "bfloat16"):
        assert precision.settle(load_recipe(large, precision=name), data).precision == name


def test_a_run_goes_on_in_its_precision_on_another_machine(data, tmp_path, monkeypatch):
    settings = {"recipe": "paper", "width": LARGE, "feed_forward": 8, "epochs": 1}
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    parser = Parser(**settings).fit(data, out=tmp_path / "run", progress=False)
    assert parser.recipe.precision == "auto"
    assert json.loads((tmp_path / "run/run.json").read_text())["recipe"]["precision"] == "bfloat16"
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: False)
    again = Parser(**settings).fit(data, out=tmp_path / "run", progress=False)
    assert again.run.facts.recipe.precision == "bfloat16"
    with pytest.raises(SeehearError, match=r'holds another run: recipe.precision "bfloat16" → "float32"'):
        Parser(**settings, precision="float32").fit(data, out=tmp_path / "run", progress=False)


def test_networks_with_other_settings_are_told_in_a_line():
    network = {"name": "eyes", "modality": "visual", "width": 8, "made_by": "cf35" * 16, "fps": 2.0}
    other = {**network, "made_by": "649b" * 16, "fps": 8.0}
    inputs = {"labels": "a", "features": "b", "val_features": "c"}
    old, new = (
        {
            "networks": {"visual": [info]},
            "inputs": {name: f"{value}{info['fps']}" for name, value in inputs.items()},
        }
        for info in (network, other)
    )
    assert facts_that_differ(old, new) == [
        "networks.visual: eyes made_by cf35cf35 → 649b649b, fps 2 → 8",
        'inputs.labels "a2.0" → "a8.0"',
    ]
    nose = {**old, "networks": {"visual": [network, {**network, "name": "nose"}]}}
    assert facts_that_differ(old, nose) == ["networks.visual eyes → eyes+nose"]


def test_runs_of_earlier_versions_were_trained_in_float32(data, tmp_path):
    settings = {"recipe": "small", "epochs": 1}
    Parser(**settings).fit(data, out=tmp_path / "run", progress=False)
    file = tmp_path / "run/run.json"
    content = json.loads(file.read_text())
    del content["recipe"]["precision"]
    file.write_text(json.dumps(content))
    (tmp_path / "run/done").write_text("epoch 0, chosen by last\n")  # without hashes
    assert Run(tmp_path / "run").facts.recipe.precision == "float32"
    Parser(**settings).fit(data, out=tmp_path / "run", progress=False)


def test_a_processor_without_it_can_still_be_told_to(data, monkeypatch):
    from seehear.training import setup

    monkeypatch.setattr(setup, "multiplies_bfloat16", lambda: False)
    parser = Parser("small", epochs=1, precision="bfloat16", device="cpu").fit(data, progress=False)
    assert any("no instructions for bfloat16" in note for note in parser.notes)
    assert parser.run.facts.recipe.precision == "bfloat16"


def test_an_unknown_precision():
    with pytest.raises(SeehearError, match=r"precision.*'auto', 'float32' or 'bfloat16'"):
        load_recipe("small", precision="float16")


def test_the_answer_of_the_processor_is_that_of_its_list_of_instructions():
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        pytest.skip("no /proc/cpuinfo")
    assert multiplies_bfloat16() == bool({"avx512_bf16", "amx_tile"} & set(flags))


def test_the_command_shows_it(world):
    assert "in bfloat16" in commands.train(**world.training(set=["epochs=1", "precision=bfloat16"])).text()
    assert "float32" not in commands.train(**world.training(set=["epochs=1"], out=world.folder / "other")).text()
