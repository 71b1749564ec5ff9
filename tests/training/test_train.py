"""Training, evaluating and going on: through the same functions as the command line."""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import commands
import seehear
from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.files import sha256
from seehear.parsing.parser import Parser, load
from seehear.training.runs import Run, differences_but_seed, load_tensors
from training.conftest import KILLED, World


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_tensors(run / "model.safetensors")[0]


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_training_learns(world):
    trained = commands.train(**world.training(set=["epochs=30", "width=32", "learning_rate=0.003", "decay_every=0"]))
    assert trained.exit_code == 0
    history = json.loads((world.folder / "run/history.json").read_text())
    assert [entry["epoch"] for entry in history] == list(range(30))
    assert history[-1]["loss"] < 0.6 * history[0]["loss"]
    report = world.evaluate([world.folder / "run"])
    scores = report.scores[0].level("segment")
    assert scores["type_at_av"] > report.references["nothing"].level("segment")["type_at_av"] + 20
    assert report.references["truth"].average == 100.0
    assert trained.epochs[0]["val"]["type_at_av"] == pytest.approx(scores["type_at_av"])


def test_the_seed_fixes_the_run(world):
    for out in ("one", "other"):
        commands.train(**world.training(out=world.folder / out))
    assert same(world.folder / "one", world.folder / "other")
    commands.train(**world.training(out=world.folder / "third", seeds=[1]))
    assert not same(world.folder / "one", world.folder / "third")


def test_training_again_changes_nothing(world):
    commands.train(**world.training())
    before = {file: file.stat().st_mtime_ns for file in (world.folder / "run").iterdir()}
    again = commands.train(**world.training())
    assert {file: file.stat().st_mtime_ns for file in (world.folder / "run").iterdir()} == before
    assert again.epochs[0]["epoch"] <= 3


def test_goes_on_bit_exactly_after_kill_9(world):
    settings = ["epochs=30", "width=16", "feed_forward=16", "learning_rate=0.003"]
    options = world.training(set=settings, out=world.folder / "killed")
    text = json.dumps(options, default=str)
    process = subprocess.Popen([sys.executable, "-c", KILLED, text], stderr=subprocess.DEVNULL)
    checkpoint = world.folder / "killed/checkpoint.safetensors"
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up and process.poll() is None:
        if checkpoint.exists() and len(load_tensors(checkpoint)[1]) >= 3:
            break
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, history = load_tensors(checkpoint)
    assert 3 <= len(history) < 30  # it was in the middle
    with pytest.raises(SeehearError, match="has not finished"):
        Run(world.folder / "killed").model()

    commands.train(**options)
    commands.train(**world.training(set=settings, out=world.folder / "whole"))
    assert same(world.folder / "killed", world.folder / "whole")
    one, other = (Run(world.folder / name).history() for name in ("killed", "whole"))
    assert [{**e, "seconds": 0} for e in one] == [{**e, "seconds": 0} for e in other]
    assert not checkpoint.exists()


def test_another_run_is_not_overwritten(world):
    commands.train(**world.training())
    with pytest.raises(SeehearError, match=r"recipe\.epochs 4 → 2"):
        commands.train(**world.training(set=["epochs=2"]))


def test_seeds_are_taken_together(world):
    commands.train(**world.training(seeds=[3, 5]))
    report = world.evaluate([world.folder / "run"])
    assert [Path(run).name for run in report.runs] == ["seed-3", "seed-5"]
    assert "seed SD" in report.text()
    found = report.as_json()
    each = [one["segment"]["audio"] for one in found["each"]]
    assert found["segment"]["audio"] == pytest.approx(np.mean(each))
    assert found["intervals"]["segment"]["audio"]["low"] <= found["segment"]["audio"]
    assert json.loads(json.dumps(found, allow_nan=False))["signature"].startswith("F1|")
    assert (world.folder / "run/seed-3/scores-labels.json").exists()


def test_runs_that_differ_are_not_averaged(world):
    commands.train(**world.training(out=world.folder / "one"))
    changed = ["epochs=2", *world.training()["set"][1:]]
    commands.train(**world.training(out=world.folder / "other", set=changed))
    with pytest.raises(SeehearError, match=r"differ in recipe\.epochs 4 → 2: evaluate"):
        world.evaluate([world.folder / "one", world.folder / "other"])


def test_networks_that_differ_are_named(world):
    commands.train(**world.training(out=world.folder / "one"))
    commands.train(**world.training(out=world.folder / "other", collocation=["audio=ears"]))
    found = differences_but_seed(*(Run(world.folder / name) for name in ("one", "other")))
    assert found[0] == 'networks.visual "eyes" → null'
    assert [part.partition(" ")[0] for part in found[1:]] == ["inputs.val"]  # which has no truth of what is seen


@pytest.mark.parametrize("collocation", [["audio=ears"], ["audio=ears", "visual=eyes", "smell=nose"]])
def test_any_number_of_modalities(world, collocation):
    dense = ["smell=" + str(world.dense["smell"])]
    commands.train(**world.training(collocation=collocation, dense=dense))
    report = world.evaluate([world.folder / "run"], dense=dense)
    assert list(report.scores[0].level("segment"))[: len(collocation)] == [part.split("=")[0] for part in collocation]


def test_several_networks_feed_one_modality(world):
    kept = commands.export_features(world.folder / "npy", store=world.store, network="eyes")
    assert kept.count == 24
    commands.import_features(world.folder / "npy", store=world.store, network="eyes2", modality="visual")
    commands.train(**world.training(collocation=["audio=ears", "visual=eyes+eyes2"]))
    assert Run(world.folder / "run").facts.widths == {"audio": [6], "visual": [8, 8]}


def test_clips_of_different_length(uneven_world):
    commands.train(**uneven_world.training())
    assert Run(uneven_world.folder / "run").facts.window == 9
    report = uneven_world.evaluate([uneven_world.folder / "run"])
    assert report.references["truth"].average == 100.0


def test_early_stopping(world):
    changed = ["epochs=40", "patience=2", "width=16", "feed_forward=16", "learning_rate=0.05"]
    trained = commands.train(**world.training(set=changed))
    history = Run(world.folder / "run").history()
    assert len(history) < 40
    assert history[-1]["epoch"] - trained.epochs[0]["epoch"] == 2


@pytest.mark.parametrize("rule", ["loss", "average", "type_at_av"])
def test_the_rule_chooses_the_epoch(world, rule):
    trained = commands.train(**world.training(set=["epochs=8", "width=16", f"choose={rule}", "learning_rate=0.01"]))
    values = [entry["val"][rule] for entry in Run(world.folder / "run").history()]
    best = min(values) if rule == "loss" else max(values)
    assert trained.epochs[0]["val"][rule] == best
    first, *hashes, check = (world.folder / "run/done").read_text().splitlines()
    assert first == f"epoch {values.index(best)}, chosen by {rule}"
    names = ("model.safetensors", "run.json", "history.json")
    assert hashes == [f"{sha256(world.folder / 'run' / name)}  {name}" for name in names]
    assert check.startswith("crc32 ")


def test_a_labelled_clip_without_features_is_told(world):
    with world.labels.open("a") as table:
        table.write("lost\tDog\n")
    trained = commands.train(**world.training())
    assert trained.missing == ["lost"]  # in training and in validation, and listed once
    assert trained.exit_code == 1
    report = world.evaluate([world.folder / "run"])
    assert report.missing == ["lost"]
    assert "clips:25" in report.text()
    assert report.exit_code == 1


def test_a_class_the_run_does_not_know_counts_as_missed(world):
    commands.train(**world.training())
    rows = world.labels.read_text().replace("clip00\t", "clip00\tBird,")
    world.labels.write_text(rows)
    with world.dense["audio"].open("a") as table:
        table.write("clip00\t0\t3\tBird\n")
    report = world.evaluate([world.folder / "run"])
    (bird,) = (r for r in report.scores[0].classes if (r.label, r.kind, r.level) == ("Bird", "audio", "segment"))
    assert (bird.support, bird.recall) == (3, 0.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"collocation": ["audio=eyes", "visual=eyes"]}, "modality visual: it can't feed audio"),
        ({"collocation": ["audio=tongue"]}, "available: ears, eyes, nose"),
        ({"collocation": ["ears"]}, "MODALITY=NETWORK"),
        ({"collocation": ["audio=ears", "audio=ears"]}, "given twice"),
        ({"val": None}, "name these with --val"),
        ({"dense_visual": None}, "give a dense table for visual"),
        ({"device": "toaster"}, "toaster"),
        ({"dense": ["nonsense"]}, "MODALITY=FILE"),
    ],
)
def test_mistakes_are_named(world, changed, message):
    with pytest.raises(SeehearError, match=message):
        commands.train(**world.training(**changed))


def test_labels_of_other_clips(world):
    other = world.folder / "other.csv"
    other.write_text("filename\tevent_labels\nstranger\tDog\n")
    with pytest.raises(SeehearError, match="none of the 1 clip of"):
        commands.train(**world.training(labels=other))


def test_class_list_that_lacks_a_class(world):
    (world.folder / "classes.txt").write_text("Cat\nDog\n")
    with pytest.raises(SeehearError, match=r"labels\.csv:\d+: error: class 'Fish'"):
        commands.train(**world.training(classes=world.folder / "classes.txt"))


def test_features_made_otherwise_are_refused(world):
    commands.train(**world.training())
    marker = world.store / "ears/network.json"
    marker.write_text(marker.read_text().replace('"made"', '"made otherwise"'))
    with pytest.raises(SeehearError, match="other settings or weights"):
        world.evaluate([world.folder / "run"])


def test_evaluation_needs_the_truth(world):
    commands.train(**world.training())
    with pytest.raises(SeehearError, match="give a dense table for visual"):
        world.evaluate([world.folder / "run"], dense_visual=None)


def test_truth_of_other_clips_is_refused(world):
    commands.train(**world.training())
    other = world.folder / "other.csv"
    other.write_text("filename\tonset\toffset\tevent_labels\nstranger\t0\t2\tDog\n")
    with pytest.raises(
        SeehearError, match=r"other\.csv: names none of the clips of .*, such as .*, but for example stranger"
    ):
        world.evaluate([world.folder / "run"], dense_audio=other, dense_visual=other)


def test_clips_without_truth_are_told(world):
    commands.train(**world.training())
    for name in ("audio", "visual"):
        rows = world.dense[name].read_text().splitlines()
        world.dense[name].write_text("\n".join(row for row in rows if not row.startswith("clip00")) + "\n")
    report = world.evaluate([world.folder / "run"])
    assert any("1 clip of" in note and "clip00" in note for note in report.notes) == bool(world.weak["clip00"])


def test_several_seeds_are_named(world):
    commands.train(**world.training(seeds=[3, 5]))
    with pytest.raises(SeehearError, match=r"several seeds: name one, such as .*seed-3"):
        commands.parse(world.folder / "run", [world.labels], out=world.folder / "out")


def test_small_models_train_on_one_thread_and_leave_the_number_as_it_was(world):
    threads = torch.get_num_threads()
    commands.train(**world.training())
    assert torch.get_num_threads() == threads


def test_a_folder_without_a_run(world):
    with pytest.raises(SeehearError, match="no run in this folder"):
        world.evaluate([world.folder / "none"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_trains_on_cuda(world):
    commands.train(**world.training(device="cuda"))
    assert world.evaluate([world.folder / "run"], device="cuda").exit_code == 0


def test_hints_where_something_would_do_better(world):
    few = commands.train(**world.training(set=[], recipe="paper", val=None, dense_audio=None, dense_visual=None))
    assert any("try the recipe `refined`" in hint for hint in few.notes)
    assert any("without validation clips" in hint for hint in few.notes)
    same = commands.train(**world.training(out=world.folder / "other"))
    assert any("for training and for validation" in hint for hint in same.notes)
    assert any("last epoch was the best" in hint for hint in same.notes)
    world.labels.write_text(world.labels.read_text() + "lost\tDoge\n")
    other = commands.train(**world.training(out=world.folder / "third", classes=None, labels=world.without("lost")))
    assert any("Doge (did you mean Dog?)" in hint for hint in other.notes)


def test_tensorboard_events(world):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    commands.train(**world.training(tensorboard=True))
    events = EventAccumulator(str(world.folder / "run/tensorboard"))
    events.Reload()
    history = Run(world.folder / "run").history()
    written = [scalar.value for scalar in events.Scalars("loss/train")]
    assert written == pytest.approx([entry["loss"] for entry in history])
    assert len(events.Scalars("type_at_av/val")) == 4


def test_scaled_features_keep_their_zeros_and_lose_their_loudness(world):
    """A network whose features are a thousand times as loud trains the same model; unscaled it doesn't."""
    store = Store(world.store)
    store.register(NetworkInfo("loud", "audio", 6, "made"))
    for clip in store.clips("ears"):
        store.write("loud", Origin(clip, "made", "x"), 1000 * store.read("ears", clip))
    outputs = {}
    for scale in ("true", "false"):
        for ears in ("ears", "loud"):
            settings = [*world.training()["set"], f"scale={scale}", "dropout=0"]
            collocation = [f"audio={ears}", "visual=eyes"]
            out = world.folder / f"{ears}-{scale}"
            commands.train(**world.training(collocation=collocation, set=settings, out=out))
            outputs[ears, scale] = Run(out).history()[-1]["loss"]
    assert outputs["loud", "true"] == pytest.approx(outputs["ears", "true"], rel=1e-3)
    assert outputs["loud", "false"] != pytest.approx(outputs["ears", "false"], rel=1e-1)


def test_training_into_the_current_folder_leaves_other_hidden_files_alone(world, monkeypatch):
    here = world.folder / "project"
    (here / ".a-b").mkdir(parents=True)
    names = (".pre-commit-config.yaml", ".env-local")
    for name in names:
        (here / name).write_text("mine")
    monkeypatch.chdir(here)
    commands.train(**world.training(out=Path()))
    assert (here / "model.safetensors").exists()
    assert (here / ".a-b").is_dir()
    assert [(here / name).read_text() for name in names] == ["mine"] * 2


def test_a_training_killed_before_its_history_was_written_has_all_of_it(world, monkeypatch):
    """The last checkpoint is written, the history beside it is not: the process was killed in between."""
    from seehear.training.runs import folder as module

    options = world.training(set=[*world.training()["set"], "contrast.loss=none"])
    write = module.atomic_json

    def killed(path, value, **rest):
        if path.name == "history.json" and len(value) == 4:
            raise KeyboardInterrupt
        write(path, value, **rest)

    monkeypatch.setattr(module, "atomic_json", killed)
    with pytest.raises(KeyboardInterrupt):
        commands.train(**options)
    assert not (world.folder / "run/history.json").exists()
    monkeypatch.undo()
    again = commands.train(**options)
    assert len(Run(world.folder / "run").history()) == 4
    assert again.epochs[0]["best"]


DIES = """
import os, signal, sys

what, left = sys.argv[2], 2  # the second time; a checkpoint is removed once

def die(event, given):
    global left
    if event == "os.rename" and os.path.basename(os.fspath(given[1])) == what or (
        event == "os.remove" and what == "remove" and "checkpoint.safetensors" in os.fspath(given[0])
    ):
        left -= 1
        if not left or what in ("done", "remove"):
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
"""


@pytest.mark.parametrize("moment", ["model.safetensors", "checkpoint.safetensors", "history.json", "done", "remove"])
def test_killed_at_any_write_of_the_weights_and_their_hash_it_resumes(world, moment):
    settings = ["epochs=3", "width=16", "feed_forward=16", "contrast.loss=none", "choose=last"]
    killed, whole = world.folder / "killed", world.folder / "whole"
    options = world.training(set=settings, out=killed)
    text = json.dumps(options, default=str)
    process = subprocess.run([sys.executable, "-c", DIES + KILLED, text, moment], stderr=subprocess.DEVNULL)
    assert process.returncode == -signal.SIGKILL
    assert Run(killed).done == (moment == "remove")
    assert (killed / "model.safetensors").exists()
    commands.train(**options)
    commands.train(**world.training(set=settings, out=whole))
    Run(killed).model()
    assert {file.name for file in killed.iterdir()} == {file.name for file in whole.iterdir()}
    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    first, other = ((each / "done").read_text().splitlines() for each in (killed, whole))
    assert first[:3] == other[:3]  # the chosen epoch, and the hashes of the weights and of run.json
    Run(killed).history()


def test_a_changed_byte_in_the_weights_is_noticed(world):
    commands.train(**world.training())
    run = Run(world.folder / "run")
    file, marker = run.path / "model.safetensors", run.path / "done"
    content = file.read_bytes()
    run.model()
    for place in (0, 9, len(content) // 2, len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(SeehearError, match=r"model\.safetensors: is not what .*; copy the run folder again, or"):
            run.model()
    file.write_bytes(content)
    run.model()
    first = marker.read_text().splitlines(keepends=True)[0]
    digest = hashlib.sha256(content).hexdigest()
    file.write_bytes(content[:-4] + np.float32(0.25).tobytes())
    marker.write_text(f"{first}model.safetensors sha256 {digest}\n")  # as an earlier version wrote it
    with pytest.raises(SeehearError, match=r"model\.safetensors: is not what"):
        run.model()
    marker.write_text(first)  # and those before
    run.model()


CHANGES = [
    ("run.json", b'"Dog"', b'"Dig"'),
    ("history.json", b'"seconds": ', b'"seconds": 1'),
    ("teachers.safetensors", None, None),
]


@pytest.mark.parametrize(("name", "before", "after"), CHANGES, ids=[each[0] for each in CHANGES])
def test_a_changed_file_of_a_finished_run_is_noticed(refined_run, tmp_path, name, before, after):
    """Though what it holds then makes sense."""
    shutil.copytree(refined_run, tmp_path / "run")
    file = tmp_path / "run" / name
    content = file.read_bytes()
    changed = content[:-1] + bytes([content[-1] ^ 1]) if before is None else content.replace(before, after, 1)
    assert changed != content
    used = {"run.json": Run, "history.json": lambda path: Run(path).decoding}
    use = used.get(name, lambda path: Run(path).teachers())
    use(tmp_path / "run")
    file.write_bytes(changed)
    with pytest.raises(SeehearError, match=rf"{name}: is not what the training wrote: .*; copy the run folder again"):
        use(tmp_path / "run")
    (tmp_path / "run/done").write_text("epoch 0, chosen by average\n")  # as earlier versions wrote it
    use(tmp_path / "run")


def test_a_lost_file_of_a_finished_run_is_noticed(refined_run, tmp_path):
    shutil.copytree(refined_run, tmp_path / "run")
    (tmp_path / "run/teachers.safetensors").unlink()
    with pytest.raises(SeehearError, match=r"teachers\.safetensors: is missing, and .*done names it: copy the run"):
        Run(tmp_path / "run").teachers()


def test_a_changed_marker_is_named_itself(refined_run, tmp_path):
    shutil.copytree(refined_run, tmp_path / "run")
    marker = tmp_path / "run/done"
    content = marker.read_bytes()
    for place in range(0, len(content), 3):
        marker.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(SeehearError, match=r"done: is damaged: it is not what .*; copy the run folder again, or"):
            Run(tmp_path / "run")
    marker.write_bytes(content[:-20])
    with pytest.raises(SeehearError, match=r"done: is damaged"):
        Run(tmp_path / "run")


def test_a_broken_history_says_what_to_do(refined_run, tmp_path):
    shutil.copytree(refined_run, tmp_path / "run")
    (tmp_path / "run/history.json").write_text("[{")
    with pytest.raises(SeehearError, match=r"history\.json: .*JSON.*; train again"):
        Run(tmp_path / "run").history()


def test_weights_that_replace_others_have_their_own_hash(world):
    commands.train(**world.training())
    run = Run(world.folder / "run")
    state = {name: tensor + 1 for name, tensor in run.weights().items()}
    history = run.history()
    run.keep_weights(state, run.chosen["epoch"])
    with pytest.raises(SeehearError, match="has not finished"):  # as if it was killed here
        run.weights()
    run.finish("last", history)
    assert all(torch.equal(run.weights()[name], tensor) for name, tensor in state.items())


@pytest.fixture(scope="module")
def refined_run(tmp_path_factory):
    """The folder of a finished run with teachers."""
    made = World(tmp_path_factory.mktemp("refined"))
    settings = ["epochs=2", "width=16", "feed_forward=16", "refine.teacher=ridge"]
    commands.train(**made.training(set=settings))
    return made.folder / "run"


def unfeatured(world, network, clips):
    for clip in clips:
        Store(world.store).file(network, clip).unlink()


def test_training_with_clips_that_lack_a_modality(world):
    """They are trained on by what they have: the same as from arrays in which they have none."""
    unfeatured(world, "ears", ["clip03", "clip07"])
    unfeatured(world, "eyes", ["clip05"])
    trained = commands.train(**world.training())
    assert trained.exit_code == 0
    assert trained.missing == []
    assert "trained on 24 clips" in trained.text()
    assert "2 clips have no audio features, for example clip03: they are used by what they have" in trained.text()
    assert "1 clip has no visual features, for example clip05: they are used by what they have" in trained.text()
    assert all(np.isfinite(entry["loss"]) for entry in Run(world.folder / "run").history())
    report = world.evaluate([world.folder / "run"])
    assert (report.exit_code, report.missing) == (0, [])
    assert any("clip05" in note for note in report.notes)

    stored = world.dataset()
    arrays = {name: [each if len(each) else None for each in stored.arrays(name)] for name in ("ears", "eyes")}
    alike = Dataset.from_arrays(
        {"audio": {"ears": arrays["ears"]}, "visual": {"eyes": arrays["eyes"]}},
        stored.labels,
        stored.classes,
        truth=stored.truth,
    )
    parser = load(world.folder / "run", device="cpu")
    memory = Parser(parser.recipe, device="cpu").fit(alike, alike, progress=False)
    assert [entry["loss"] for entry in memory.history] == [entry["loss"] for entry in parser.history]
    probabilities = parser.predict_proba(stored)
    assert np.array_equal(memory.predict_proba(alike), probabilities)
    assert not probabilities[3, :, 0].any()
    assert probabilities[3, :, 1].any()
    part = parser.predict_proba(stored[[3, 5, 0]])
    np.testing.assert_allclose(part, probabilities[[3, 5, 0]], atol=1e-6)


def test_a_truncated_clip_does_not_stop_the_others(world):
    store = Store(world.store)
    store.write("eyes", store.stored("eyes", "clip03").origin, store.read("eyes", "clip03")[:2])
    trained = commands.train(**world.training())
    assert (trained.exit_code, trained.missing) == (1, ["clip03"])
    assert "trained on 23 clips" in trained.text()
    assert "1 clip has fewer segments of eyes than of ears, for example clip03 with 2 and " in trained.text()
    assert "1 labelled clip without usable features, left out:\n  clip03" in trained.text()
    report = world.evaluate([world.folder / "run"])
    assert report.exit_code == int("clip03" in report.missing)


def test_the_order_of_modalities_does_not_matter_where_one_is_missing(world):
    unfeatured(world, "ears", ["clip03", "clip07"])
    train, turned = world.dataset(), world.dataset(collocation={"visual": "eyes", "audio": "ears"})
    weak = [dataclasses.replace(data, truth=None) for data in (train, turned)]
    settings = {"epochs": 2, "width": 16, "feed_forward": 16}
    parser, other = (Parser("small", device="cpu", **settings).fit(train, val, progress=False) for val in weak)
    assert [entry["val"] for entry in parser.history] == [entry["val"] for entry in other.history]
    assert np.array_equal(parser.predict_proba(train), parser.predict_proba(turned))
    one, same = (seehear.evaluate(parser, data, details=True, progress=False) for data in (train, turned))
    assert one.as_json()["reliability"] == same.as_json()["reliability"]


@pytest.mark.parametrize("stage", ["joint", "pretrain"])
def test_contrast_with_clips_that_lack_a_modality(world, stage):
    unfeatured(world, "ears", ["clip03"])
    settings = ["epochs=2", "width=16", "contrast.loss=mtsc", f"contrast.stage={stage}", "contrast.epochs=2", "batch=1"]
    trained = commands.train(**world.training(set=settings))
    assert "1 training clips lack a modality: the contrastive loss does not compare it" in trained.text()
    assert all(np.isfinite(entry["contrast"]) for entry in Run(world.folder / "run").history() if "contrast" in entry)


def test_a_modality_that_no_training_clip_has(world):
    unfeatured(world, "ears", [f"clip{n:02}" for n in range(24)])
    with pytest.raises(SeehearError, match="no training clip has features of ears: extract them, or train without au"):
        commands.train(**world.training())


def test_contrast_of_modalities_that_no_training_clip_has_together(world):
    unfeatured(world, "ears", [f"clip{n:02}" for n in range(12)])
    unfeatured(world, "eyes", [f"clip{n:02}" for n in range(12, 24)])
    with pytest.raises(SeehearError, match=r"no training clip has features of both: set contrast\.loss=none"):
        commands.train(**world.training(set=["contrast.loss=mtsc"]))
