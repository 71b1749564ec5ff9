"""Training with a contrastive loss: together with the task, before it, and bad settings."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import commands
from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.features.store import Origin, Store
from seehear.losses import mtsc
from seehear.losses.contrastive.registry import LOSSES
from seehear.training.bags import Split
from seehear.training.checkpoint import resume
from seehear.training.runs import Run, load_tensors
from seehear.training.stacked import fit_many, stackable
from training.conftest import KILLED

SMALL = ["width=16", "feed_forward=16", "learning_rate=0.003", "decay_every=0"]


def trained(world, *settings, out="run", **changed):
    commands.train(**world.training(set=[*SMALL, "epochs=4", *settings], out=world.folder / out, **changed))
    return Run(world.folder / out)


def weights(run):
    return load_tensors(run.path / "model.safetensors")[0]


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def own_loss(run):
    """Return the loss of the trained model's embeddings of all clips."""
    store = Store(Run(run.path).path.parent / "store")
    clips = sorted(store.clips("ears"))
    features = {
        modality: torch.from_numpy(np.stack([store.read(infos[0].name, clip) for clip in clips]))
        for modality, infos in run.facts.networks.items()
    }
    with torch.no_grad():
        embedded = run.model().embed(features)
    return float(mtsc(embedded[0], embedded[1]).mean())


def test_without_weight_it_is_the_control(world):
    """With weight 0, the model is that of g without the loss; without g, it is the baseline."""
    control = trained(world, "contrast.projection=visual", out="control")
    silent = trained(world, "contrast.loss=mtsc", "contrast.weight=0", out="silent")
    assert equal(weights(control), weights(silent))
    baseline = trained(world, out="baseline")
    free = trained(world, "contrast.loss=mtsc", "contrast.weight=0", "contrast.projection=none", out="free")
    assert equal(weights(baseline), weights(free))
    assert not equal(weights(baseline), weights(control))


def test_all_other_weights_start_the_same_with_and_without_g(world):
    runs = [trained(world, f"contrast.projection={name}", out=name) for name in ("none", "visual", "separate")]
    torch.manual_seed(0)
    states = [run.new_model().state_dict() for run in runs[:1]]
    for run in runs[1:]:
        torch.manual_seed(0)
        states.append(run.new_model().state_dict())
    for state in states[1:]:
        assert all(torch.equal(state[name], tensor) for name, tensor in states[0].items())


def test_the_loss_brings_embeddings_to_their_targets(world):
    far, near = (
        own_loss(
            trained(world, "epochs=20", "choose=last", "contrast.loss=mtsc", f"contrast.weight={weight}", out=weight)
        )
        for weight in ("0", "10")
    )
    assert near < 0.7 * far


def test_history_lists_the_contrastive_loss_separately(world):
    run = trained(world, "contrast.loss=simclr", "contrast.weight=0.5")
    assert all(entry["contrast"] > 0 and 0.5 * entry["contrast"] < entry["loss"] for entry in run.history())
    assert "contrast" not in trained(world, out="plain").history()[0]


@pytest.mark.parametrize("projection", ["visual", "shared", "separate", "none", "audio"])
def test_every_reading_of_g_trains_and_scores(uneven_world, projection):
    run = trained(uneven_world, "contrast.loss=mtsc", f"contrast.projection={projection}")
    layers = {name.split(".")[1] for name in weights(run) if name.startswith("projection.")}
    expected = {"separate": {"audio", "visual"}, "none": set()}.get(projection, {projection})
    assert layers == expected
    assert uneven_world.evaluate([run.path]).exit_code == 0


@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_trains_on_three_modalities_of_uneven_clips(uneven_world, loss):
    run = trained(
        uneven_world,
        f"contrast.loss={loss}",
        "contrast.disjoint=0.5",
        collocation=["audio=ears", "visual=eyes", "smell=nose"],
        dense=["smell=" + str(uneven_world.dense["smell"])],
    )
    assert np.isfinite([entry["loss"] for entry in run.history()]).all()


def test_pretraining_keeps_t_and_drops_g(world):
    run = trained(world, "contrast.loss=mtsc", "contrast.stage=pretrain", "contrast.epochs=30", "choose=last")
    assert not [name for name in weights(run) if name.startswith("projection.")]
    pretraining = json.loads((run.path / "pretraining.json").read_text())
    assert [entry["epoch"] for entry in pretraining] == list(range(30))
    assert pretraining[-1]["contrast"] < 0.7 * pretraining[0]["contrast"]
    assert [entry["epoch"] for entry in run.history()] == list(range(4))
    assert "contrast" not in run.history()[0]
    assert not (run.path / "pretraining.safetensors").exists()
    # The task starts from other weights than without pretraining.
    plain = trained(world, "choose=last", out="plain")
    assert run.history()[0]["loss"] != plain.history()[0]["loss"]


def test_pretraining_resumes_bit_exactly_after_kill_9(world):
    settings = [*SMALL, "epochs=3", "contrast.loss=mtsc", "contrast.stage=pretrain", "contrast.epochs=60"]
    options = world.training(set=settings, out=world.folder / "killed")
    process = subprocess.Popen([sys.executable, "-c", KILLED, json.dumps(options, default=str)], stderr=-3)
    checkpoint = world.folder / "killed/pretraining.safetensors"
    while process.poll() is None and not (checkpoint.exists() and len(load_tensors(checkpoint)[1]) >= 3):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 3 <= len(load_tensors(checkpoint)[1]) < 60
    commands.train(**options)
    commands.train(**world.training(set=settings, out=world.folder / "whole"))
    assert equal(weights(Run(world.folder / "killed")), weights(Run(world.folder / "whole")))


def test_a_killed_task_resumes_from_its_own_checkpoint(world):
    """It does not pretrain again."""
    settings = ["contrast.loss=mtsc", "contrast.stage=pretrain", "contrast.epochs=2", "choose=last"]
    whole = trained(world, *settings, out="whole")
    model = whole.new_model()
    optimiser = torch.optim.Adam(model.parameters())
    assert resume(world.folder / "nothing.safetensors", model, optimiser) == []
    again = commands.train(**world.training(set=[*SMALL, "epochs=4", *settings], out=whole.path))
    assert again.epochs[0]["epoch"] == 3


def test_weight_warms_up(world):
    """In the first epoch of a long warm-up the loss has hardly any effect."""
    slow, plain = (
        trained(world, "epochs=1", "contrast.loss=mtsc", "contrast.weight=9", f"contrast.warmup={warmup}", out=warmup)
        for warmup in ("9999", "0")
    )
    silent = trained(world, "epochs=1", "contrast.projection=visual", out="silent")
    first = silent.history()[0]["loss"]
    assert abs(slow.history()[0]["loss"] - first) < 0.01 < plain.history()[0]["loss"] - first


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["contrast.weight=-1"], r"contrast\.weight"),
        (["contrast.temperature=0"], r"contrast\.temperature"),
        (["contrast.loss=nope"], "no contrastive loss 'nope'"),
        (["contrast.wieght=1"], r"did you mean contrast\.weight"),
        (["contrast.projection=nose"], r"contrast\.projection=nose: choose from"),
        (["contrast.loss=mtsc", "contrast.between=['audio+smell']"], "two of the modalities audio, visual"),
    ],
)
def test_bad_settings_are_named(world, settings, message):
    with pytest.raises(SeehearError, match=message):
        trained(world, *settings)


def test_one_modality_can_not_be_compared(world):
    with pytest.raises(SeehearError, match=r"compares two modalities, and the collocation has only audio"):
        trained(world, "contrast.loss=mtsc", collocation=["audio=ears"])


def test_features_too_large_name_clip_and_network(world):
    store = Store(world.store)
    store.write("eyes", Origin("clip03", "made", "x"), np.full((5, 8), 3e30, dtype=np.float32))
    for settings in ([], ["contrast.loss=mtsc"], ["contrast.loss=mtsc", "contrast.stage=pretrain"]):
        with pytest.raises(SeehearError, match=r"clip clip03: its embedding of eyes is not finite: .* reach 3e\+30"):
            trained(world, *settings, out="-".join(["run", *settings]))


def test_too_high_a_learning_rate_is_not_blamed_on_a_clip(world):
    with pytest.raises(SeehearError, match="training diverged"):
        trained(world, "learning_rate=1e30", "epochs=20")


def test_runs_with_a_contrastive_loss_are_not_stacked(world):
    """`fit_many` leaves a run with a contrastive loss to `fit`; a stack of several is refused."""
    for seed in (0, 1):
        trained(world, "contrast.loss=mtsc", "epochs=2", out=f"one/{seed}", seeds=[seed])
    done = [Run(world.folder / f"one/{seed}") for seed in (0, 1)]
    assert [len(group) for group in stackable(done)] == [1, 1]
    run = Run.start(world.folder / "again", done[0].facts)
    data = Dataset.from_tables(world.labels, store=world.store, collocation=run.facts.collocation)
    split = Split.of(data, run.facts.classes)
    (history,) = fit_many([run], split, None)
    assert len(history) == 2
    assert history[0]["contrast"] == pytest.approx(done[0].history()[0]["contrast"])
    with pytest.raises(ValueError, match="stackable"):
        fit_many(done, split, None)


def test_a_run_with_an_unknown_loss_is_named(world):
    run = trained(world, "contrast.loss=mtsc", "epochs=1")
    marker = run.path / "run.json"
    marker.write_text(marker.read_text().replace('"mtsc"', '"elsewhere"'))
    with pytest.raises(
        SeehearError, match=r"run\.json: is damaged \(recipe\.contrast\.loss .*no contrastive loss 'elsewhere'"
    ):
        Run(run.path)


def with_recipe(run, before, after):
    marker = run.path / "run.json"
    text = marker.read_text()
    assert before in text
    marker.write_text(text.replace(before, after))
    (run.path / "done").write_text((run.path / "done").read_text().splitlines()[0] + "\n")  # as earlier versions did


def test_an_old_run_with_a_removed_loss_or_setting_is_refused_by_name(world):
    run = trained(world, "contrast.loss=mtsc", "epochs=1")
    original = (run.path / "run.json").read_text()
    with_recipe(run, '"mtsc"', '"mil-nce"')
    with pytest.raises(
        SeehearError,
        match=r"run\.json: .*'mil-nce' was removed: .*; train again, or use the version of seehear that made it",
    ):
        Run(run.path)
    (run.path / "run.json").write_text(original)
    with_recipe(run, '"disjoint"', '"follow": "agreement", "disjoint"')
    with pytest.raises(
        SeehearError,
        match=r"run\.json: .*'follow' was removed: .*; train again, or use the version of seehear that made it",
    ):
        Run(run.path)


def test_an_old_run_that_did_not_use_the_removed_setting_is_read_and_resumed(world):
    run = trained(world, "contrast.loss=mtsc", "epochs=1")
    with_recipe(run, '"disjoint"', '"follow": "nothing", "disjoint"')
    again = trained(world, "contrast.loss=mtsc", "epochs=1")
    assert again.facts == run.facts


def test_settings_as_a_mapping_train_the_same(world):
    texts = trained(world, "contrast.loss=mtsc", "contrast.weight=0.5", "epochs=2", out="texts")
    settings = {"width": 16, "feed_forward": 16, "learning_rate": 0.003, "decay_every": 0, "epochs": 2}
    settings["contrast"] = {"loss": "mtsc", "weight": 0.5}
    commands.train(**world.training(set=settings, out=world.folder / "mapping"))
    assert equal(weights(texts), weights(Run(world.folder / "mapping")))
