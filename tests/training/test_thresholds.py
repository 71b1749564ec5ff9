"""Thresholds by false alarms per hour, from the command that trains to the one that parses."""

import json

import numpy as np
import pytest

import commands
import seehear as sh
from seehear.cli.app import main
from seehear.errors import SeehearError
from seehear.events import ActiveSegments, event_spans
from seehear.scoring.false_alarms import Evidence
from seehear.texts import read_json

from .conftest import CLASSES, World

HOUR = 3600


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"), clips=40)
    commands.train(**made.training(out=made.folder / "run"))
    return made


def alarms(active, dataset, modality, c):
    """Events that overlap no true segment, in plain loops, and hours."""
    count = 0
    for n in range(len(dataset)):
        (clip,) = [active[modality][n : n + 1, :, c : c + 1]]
        for _, _, start, stop in zip(*_spans(clip), strict=True):
            count += not any(dataset.truth[modality][n, t, c] for t in range(start, stop))
    return count, float(dataset.lengths.sum()) / HOUR


def _spans(active):
    spans = event_spans(ActiveSegments.of(active))
    return spans.clip.tolist(), spans.label.tolist(), spans.start.tolist(), spans.stop.tolist()


def test_a_parser_in_memory_keeps_thresholds_and_saves_them(world, tmp_path):
    data = world.dataset()
    parser = sh.Parser("paper", epochs=3, width=16, feed_forward=16, learning_rate=0.003).fit(data, progress=False)
    before = parser.decoding
    chosen = parser.limit_false_alarms(data, {"Dog": 40})
    assert parser.decoding == before
    parser.keep_thresholds(chosen)
    assert parser.decoding == chosen.decoding
    active = parser.predict(data)
    for row in chosen.rows:
        count, hours = alarms(active, data, row.modality, CLASSES.index("Dog"))
        assert (row.count, row.hours) == (count, pytest.approx(hours))
        assert count <= 40 * hours
    assert sh.load(parser.save(tmp_path / "run")).decoding == chosen.decoding
    assert "Dog" in chosen._repr_html_()


def test_training_keeps_thresholds_that_parsing_and_evaluation_use(world, tmp_path):
    out = tmp_path / "run"
    trained = commands.train(**world.training(out=out, seeds=[0, 1], false_alarms=["100", "Dog=40"]))
    text = trained.text()
    for seed, chosen in zip((0, 1), trained.false_alarms, strict=True):
        run = out / f"seed-{seed}"
        assert [(row.label, row.per_hour) for row in chosen.rows[:3]] == [("Cat", 100), ("Dog", 40), ("Fish", 100)]
        assert chosen.text() in text
        parser = sh.load(run)
        assert parser.decoding == chosen.decoding
        assert read_json(run / "thresholds.json")["false_alarms"]["by"] == "ground_truth"
    report = world.evaluate(out / "seed-0")
    assert str(trained.false_alarms[0].decoding) in str(report.signature)
    # A rerun changes neither the training nor, without the option, the thresholds; with it, it chooses anew.
    again = commands.train(**world.training(out=out, seeds=[0, 1]))
    assert str(trained.false_alarms[0].decoding) in again.text()
    lower = commands.train(**world.training(out=out, seeds=[0, 1], false_alarms=["10"]))
    assert sh.load(out / "seed-0").decoding == lower.false_alarms[0].decoding != trained.false_alarms[0].decoding
    assert "false_alarms" in json.loads(json.dumps(lower.as_json()))
    assert sh.load(out, ensemble=True).decoding.segment_threshold.values["audio"]["Dog"] > 0


def test_thresholds_of_a_run_that_is_there(world, tmp_path):
    run = world.folder / "run"
    options = {key: world.training()[key] for key in ("store", "labels")}
    before = sh.load(run).decoding
    aside = commands.thresholds(run, **options, false_alarms=["Dog=300"], out=tmp_path / "dog.json")
    assert sh.load(run).decoding == before
    (found,) = aside.thresholds
    negatives = sum("Dog" not in names for names in world.weak.values())
    assert all(row.hours == pytest.approx(5 * negatives / HOUR) for row in found.rows)
    assert str(tmp_path / "dog.json") in aside.text()
    scored = world.evaluate(run, thresholds=tmp_path / "dog.json")
    assert str(found.decoding) in str(scored.signature)
    kept = commands.thresholds(run, **options, false_alarms=["1"])
    assert sh.load(run).decoding == kept.thresholds[0].decoding
    assert {row.evidence for row in kept.thresholds[0].rows} <= {Evidence.TOO_FEW_HOURS, Evidence.EXCEEDED}
    (run / "thresholds.json").unlink()
    assert sh.load(run).decoding == before


def test_what_is_given_wrongly_is_named_before_anything_is_trained(world, tmp_path):
    for false_alarms, message in (
        (["Cow=1"], "no class 'Cow'"),
        (["Dog=many"], "must be a number"),
        (["Dog=1", "Dog=2"], "given twice"),
        (["Dog=0"], "above 0"),
        (["nan"], "above 0"),
    ):
        with pytest.raises(SeehearError, match=message):
            commands.train(**world.training(out=tmp_path / "run", false_alarms=false_alarms))
    without = world.training(out=tmp_path / "run", val=None, dense_audio=None, dense_visual=None, false_alarms=["1"])
    with pytest.raises(SeehearError, match="--val"):
        commands.train(**without)
    assert not (tmp_path / "run").exists()


def test_an_ensemble_gets_thresholds_of_its_own(world, tmp_path):
    out = tmp_path / "run"
    commands.train(**world.training(out=out, seeds=[0, 1]))
    options = {key: world.training()[key] for key in ("store", "labels")}
    with pytest.raises(SeehearError, match="--out"):
        commands.thresholds(out, **options, false_alarms=["1"], ensemble=True)
    found = commands.thresholds(
        out, **options, false_alarms=["1"], ensemble=True, out=tmp_path / "both.json"
    ).thresholds[0]
    ensemble = sh.load(out, ensemble=True)
    ensemble.keep_thresholds(found)
    assert ensemble.decoding == found.decoding
    assert not [*out.glob("*/thresholds.json")]


def test_thresholds_without_a_rate_are_wrong_usage(world, capsys):
    run, training = world.folder / "run", world.training()
    with pytest.raises(SystemExit) as exit_:
        main(["thresholds", str(run), "--store", str(training["store"]), "--labels", str(training["labels"])])
    assert exit_.value.code == 2
    assert "--false-alarms" in capsys.readouterr().err
    assert not (run / "thresholds.json").exists()


def test_no_threshold_falls_below_that_of_the_training(world):
    data, parser = world.dataset(), sh.load(world.folder / "run")
    for own in (0.2, 0.5, 0.8):
        chosen = parser.limit_false_alarms(data, 1000, decoding=sh.Decoding("none", own))
        assert all(row.threshold >= own for row in chosen.rows)


@pytest.mark.parametrize("text", ["{", "[]", '{"segment": 2}', '{"segment": {"Dog": "high"}}'])
def test_damaged_thresholds_are_named(world, text):
    file = world.folder / "run" / "thresholds.json"
    file.write_text(text)
    try:
        with pytest.raises(SeehearError, match=r"thresholds\.json.*delete it"):
            sh.load(world.folder / "run").predict(world.dataset())
    finally:
        file.unlink()


# Negative clips


@pytest.mark.parametrize("recipe", ["paper", "refined"])
def test_clips_without_any_class_train_and_count(tmp_path, recipe):
    """A clip with an empty label is read, kept through refinement and training, scored, and has hours."""
    made = World(tmp_path, clips=60)
    empty = [clip for clip, names in made.weak.items() if not names]
    assert len(empty) >= 3
    data = made.dataset()
    assert len(data) == 60
    assert (~data.labels.any(axis=1)).sum() == len(empty)
    parser = sh.Parser(recipe, epochs=2, width=16, feed_forward=16).fit(data, data, progress=False)
    assert all(np.isfinite(entry["loss"]) for entry in parser.history)
    only = data.subset(empty)
    chosen = parser.limit_false_alarms(only, 1)
    assert all(row.hours == pytest.approx(5 * len(empty) / HOUR) for row in chosen.rows)
    silent = sh.evaluate(parser, only, decoding=sh.Decoding("none", 1.0), progress=False)
    assert silent.average.mean == 100
    assert not silent.notes  # nothing is true there: that all is predicted so is no suspicious draft


def test_train_counts_clips_without_any_class(world, tmp_path):
    empty = sum(not names for names in world.weak.values())
    text = commands.train(**world.training(out=tmp_path / "run")).text()
    assert f"trained on 40 clips, {empty} of them without any class" in text


def test_labels_without_a_single_class_are_refused(world):
    data = world.dataset()
    nothing = sh.Dataset.from_arrays({name: data.arrays(name) for name in data.modalities}, np.zeros((40, 3)), CLASSES)
    with pytest.raises(SeehearError, match="no training clip has a label"):
        sh.Parser("paper", epochs=1).fit(nothing, progress=False)


def test_a_decoder_keeps_only_what_its_clip_filter_keeps(world):
    """Thresholds of a run with a clip filter count false alarms behind the filter."""
    data = world.dataset()
    parser = sh.load(world.folder / "run")
    for filter_ in ("none", "global", "per-modality"):
        before = sh.Decoding(filter_, 0.5, 0.6)
        chosen = parser.limit_false_alarms(data, 30, decoding=before)
        active = parser.predict(data, chosen.decoding)
        for row in chosen.rows:
            assert row.count == alarms(active, data, row.modality, CLASSES.index(row.label))[0]
