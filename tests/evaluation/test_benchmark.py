"""Scores that papers report, as a user gets them: from runs, from tables and from arrays."""

import importlib.util
import json

import numpy as np
import pytest

import commands
import seehear as sh
from seehear.errors import SeehearError
from seehear.labels import Event, write_dense
from training.conftest import CLASSES, World

pytestmark = pytest.mark.usefixtures("few_draws")

LENGTHS = (5, 5, 3, 5, 5, 9)
EVERY = ["segment-accuracy", "ov-avel-f1", "map", "label-f1", "parsing-f1", "segment-map"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Clips of several lengths, and a system of two seeds."""
    made = World(tmp_path_factory.mktemp("world"), lengths=LENGTHS)
    settings = ["epochs=10", "width=16", "feed_forward=16", "learning_rate=0.01"]
    commands.train(**made.training(set=settings, seeds=[4, 7]))
    return made


def of_run(world, metrics, *seeds, truth=None, **changed):
    runs = [world.folder / "run" / f"seed-{seed}" for seed in seeds] or [world.folder / "run"]
    options = {"labels": world.labels, "store": world.store, "device": "cpu"} | changed
    return commands.benchmark(runs, metrics=metrics, truth=truth or dense(world), **options)


def dense(world, *modalities):
    return [f"{name}={world.dense[name]}" for name in modalities or ("audio", "visual")]


@pytest.fixture(scope="module")
def both(world):
    return of_run(world, EVERY)


def test_the_eleven_scores_are_those_of_evaluate(world, both):
    evaluated = world.evaluate([world.folder / "run"])
    for row in evaluated.rows:
        level, kind = row.key
        found = both.interval("parsing-f1", f"{level} f1".strip(), kind)
        assert found.mean == pytest.approx(row.interval.mean)
        assert found.deviation == pytest.approx(row.interval.deviation)
    assert both.seeds == [4, 7]


def test_the_interval_of_one_seed_is_that_of_evaluate(world):
    evaluated = world.evaluate([world.folder / "run/seed-4"])
    found = of_run(world, ["parsing-f1"], 4)
    assert vars(found.interval("parsing-f1", "f1", "average")) == pytest.approx(vars(evaluated.average))


def test_seeds_are_their_mean_and_spread_and_no_best_one(world, both):
    each = [of_run(world, EVERY, seed) for seed in (4, 7)]
    for row, *single in zip(both.rows, *(one.rows for one in each), strict=True):
        values = [other.interval.mean for other in single]
        assert row.interval.mean == pytest.approx(np.mean(values), nan_ok=True)
        assert row.interval.deviation == pytest.approx(np.std(values, ddof=1), nan_ok=True)
    assert "seed SD" in both.text()
    assert "mean of 2 seeds" in both.text()


@pytest.mark.parametrize("metric", EVERY)
def test_predictions_are_worse_for_other_clips(world, metric):
    data, parser = world.dataset(), sh.load(world.folder / "run/seed-4", device="cpu")
    p = parser.predict_proba(data)
    arrays = {name: p[:, :, m] for m, name in enumerate(parser.modalities)}
    rolled = {name: np.roll(array, 1, axis=0) for name, array in arrays.items()}
    own, other = (sh.benchmark(each, data, metrics=metric, draws=0).rows for each in (arrays, rolled))
    assert sum(row.interval.mean for row in own) > sum(row.interval.mean for row in other)


def test_what_is_printed_and_kept(both):
    assert json.loads(json.dumps(both.as_json(), allow_nan=False))["metrics"][0]["metric"] == "segment-accuracy"
    assert "segment-accuracy|joint:min,background:decoding|decoding:by-run@" in both.text() or (
        "segment-accuracy|joint:min,background:decoding|decoding:" in both.text()
    )
    assert str(both["map"].signature) in both.text()
    assert "<table>" in both._repr_html_()
    assert "\n" not in repr(both)
    frame = both.to_frame()
    assert list(frame.columns) == ["metric", "kind", "score", "value", "low", "high", "seed_deviation"]
    assert (frame.low <= frame.value + 1e-9).all()
    assert set(both.to_frame("class").label) == {*CLASSES, "background"}
    with pytest.raises(SeehearError, match="score or class"):
        both.to_frame("clip")
    with pytest.raises(SeehearError, match="available: audio tIoU"):
        both.interval("map", "tIoU 0.95")
    with pytest.raises(SeehearError, match="no scores of 'psds'"):
        both["psds"]


@pytest.fixture(scope="module")
def at_once(world):
    """A table of what is heard and seen at once, and nothing else."""
    active = np.logical_and(*(world.dataset().truth[name] for name in ("audio", "visual")))
    clips = list(world.weak)
    path = world.folder / "eval_audio_visual.csv"
    write_dense(path, [Event(clips[n], float(t), t + 1.0, CLASSES[c]) for n, t, c in np.argwhere(active).tolist()])
    return path


def test_truth_of_both_at_once(world, both, at_once):
    found = of_run(world, ["segment-accuracy", "ov-avel-f1", "map"], truth=[f"audio_visual={at_once}"])
    for metric, score in (("segment-accuracy", "accuracy"), ("ov-avel-f1", "event f1")):
        assert found.interval(metric, score).mean == pytest.approx(both.interval(metric, score).mean)
    assert {row.key.kind for row in found["map"].rows} == {"audio_visual"}
    assert found.limits == ["truth of audio_visual says nothing of what is only heard or only seen"]
    assert found.limits[0] in found.text()
    with pytest.raises(SeehearError, match="only heard or only seen"):
        of_run(world, ["parsing-f1"], truth=[f"audio_visual={at_once}"])


def test_truth_per_clip(world):
    weak = world.folder / "weak_audio.csv"
    rows = [f"{clip}\t{','.join(names)}" for clip, names in world.weak.items()]
    weak.write_text("\n".join(["filename\tevent_labels", *rows[:-2]]) + "\n")
    found = of_run(world, ["label-f1"], 4, truth=[f"audio={weak}"])
    assert {row.key.kind for row in found.rows} == {"audio", "visual", "audio_visual"}  # of the latter two mu alone
    assert {row.key.score for row in found.rows if row.key.kind == "visual"} == {"mu"}
    with pytest.raises(SeehearError, match=r"weak_audio.csv.*says nothing of when"):
        of_run(world, ["map"], 4, truth=[f"audio={weak}"])


def test_a_run_without_features_of_a_clip(world, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text(world.labels.read_text() + "elsewhere\tDog\n")
    found = of_run(world, ["segment-accuracy"], 4, labels=labels)
    assert found.missing == ["elsewhere"]
    assert found.exit_code == 1
    assert any("has labels but no row in" in note and "for example" in note for note in found.notes)
    assert any(note.startswith("1 clip is of unknown length: it counts up to the end") for note in found.notes)
    assert "|length:last-event|" in str(found.signatures[0])


def test_clips_without_features_add_no_background_that_is_right(world, tmp_path):
    """However many there are: what is true in them is missed, and what happens later is not known."""
    many, heard, seen = (tmp_path / name for name in ("labels.csv", "audio.csv", "visual.csv"))
    many.write_text(world.labels.read_text() + "".join(f"far{n}\tDog\n" for n in range(40)))
    for path, name in ((heard, "audio"), (seen, "visual")):
        path.write_text(world.dense[name].read_text() + "far0\t0\t2\tDog\n")
    metrics = ["segment-accuracy", "ov-avel-f1", "parsing-f1"]
    own = of_run(world, metrics, 4, draws=0)
    found = of_run(world, metrics, 4, labels=many, truth=[f"audio={heard}", f"visual={seen}"], draws=0)
    (plain, more), (of_clips, of_more) = (
        [each.interval(metric, score).mean for each in (own, found)]
        for metric, score in (("segment-accuracy", "accuracy"), ("ov-avel-f1", "segment f1"))
    )
    segments = sum(world.dataset().lengths.tolist())
    assert more == pytest.approx(plain * segments / (segments + 2))  # of far0 two seconds are missed
    assert of_more == pytest.approx(of_clips * 24 / 25)  # and of the others nothing counts
    assert any("score 100 where nothing is true" in note and "audio_visual 39" in note for note in found.notes)
    assert not any("score 100" in note for note in own.notes)
    evaluated = world.evaluate([world.folder / "run"], labels=many, dense_audio=heard, dense_visual=seen)
    assert any("score 100 where nothing is true" in note for note in evaluated.notes)


def test_what_is_predicted_after_the_last_true_event_counts(tmp_path):
    (tmp_path / "labels.csv").write_text("filename\tevent_labels\nc0\tDog\n")
    for name, offset in (("truth", 2), ("right", 2), ("later", 4)):
        write_dense(tmp_path / f"{name}.csv", [Event("c0", 0, offset, "Dog")])

    def accuracy(system):
        found = sh.benchmark(
            {"audio_visual": system},
            tmp_path / "labels.csv",
            truth={"audio_visual": tmp_path / "truth.csv"},
            metrics="segment-accuracy",
            draws=0,
        )
        assert "|length:last-event|" in str(found.signatures[0])
        return found.interval("segment-accuracy", "accuracy").mean

    assert accuracy(tmp_path / "right.csv") == pytest.approx(100)
    assert accuracy(tmp_path / "later.csv") == pytest.approx(50)


def test_an_ensemble_is_one_system(world):
    found = of_run(world, ["map"], ensemble=True)
    assert "ensemble:2" in str(found["map"].signature)
    assert found.interval("map", "mean 0.5 to 0.9").deviation == 0


# Predictions of any system


def test_tables_of_events_with_confidences(world, tmp_path):
    events = world.dataset().truth.to_frame(list(world.weak))
    events = events[events.modality == "audio"]
    exact, wrong = tmp_path / "exact.csv", tmp_path / "wrong.csv"
    header = "filename\tonset\toffset\tevent_labels\tconfidence\n"
    rows = [f"{e.clip}\t{e.onset}\t{e.offset}\t{e.label}\t0.9\n" for e in events.itertuples()]
    exact.write_text(header + "".join(rows))
    late = [f"{e.clip}\t{e.onset}\t{e.offset + 0.1}\t{e.label}\t0.1\n" for e in events.itertuples()]
    wrong.write_text(header + "".join(rows + late))
    options = {"labels": world.labels, "metrics": ["map"], "truth": dense(world, "audio")}
    assert commands.benchmark(predictions=[f"audio={exact}"], **options).interval("map", "mean 0.5 to 0.9").mean == 100
    found = commands.benchmark(predictions=[f"audio={wrong}"], **options)
    assert found.interval("map", "mean 0.5 to 0.9").mean == 100  # what is wrong has the lowest confidence
    assert any(note.startswith("24 clips are of unknown length: each counts up to") for note in found.notes)
    assert found["map"].signature.decoding == "given"
    without = world.dense["audio"]
    found = commands.benchmark(predictions=[f"audio={without}"], **options, length=9)
    assert any("no confidences" in note for note in found.notes)
    assert found.interval("map", "mean 0.5 to 0.9").mean == 100  # its rows of a second each are events that touch


def test_a_confidence_that_is_empty_is_named(world, tmp_path):
    table = tmp_path / "audio.csv"
    table.write_text("filename\tonset\toffset\tevent_labels\tconfidence\nclip00\t0\t1\tDog\t\n")
    with pytest.raises(SeehearError, match=r"audio.csv:2: has no confidence"):
        commands.benchmark(
            predictions=[f"audio={table}"], labels=world.labels, metrics=["map"], truth=dense(world, "audio")
        )


def test_tables_per_clip(world, tmp_path):
    weak = tmp_path / "weak.csv"
    weak.write_text(world.labels.read_text())
    options = {"labels": world.labels, "predictions": [f"audio={weak}"]}
    found = commands.benchmark(**options, metrics=["label-f1"], truth=[f"audio={world.labels}"])
    assert found.interval("label-f1", "accuracy").mean == 100
    with pytest.raises(SeehearError, match="the predictions are per clip"):
        commands.benchmark(**options, metrics=["map"], truth=dense(world, "audio"))


def test_arrays_are_scored_like_the_run_that_made_them(world, both):
    data, parsers = world.dataset(), [sh.load(world.folder / f"run/seed-{seed}", device="cpu") for seed in (4, 7)]
    arrays = []
    for parser in parsers:
        p = parser.predict_proba(data)
        arrays.append({name: p[:, :, m] for m, name in enumerate(parser.modalities)})
    found = sh.benchmark(arrays, data, metrics="map, segment-accuracy", decoding=parsers[0].decoding)
    for row in found["map"].rows:
        assert row.interval.mean == pytest.approx(both.interval("map", row.key.score, row.key.kind).mean)
    active = parsers[0].predict(data)
    evaluated = sh.score(active, data.truth)
    one = sh.benchmark(active, data, metrics="parsing-f1")
    assert one.interval("parsing-f1", "f1", "average").mean == pytest.approx(evaluated.average)
    order = [2, 0, 1]  # classes that are named are found, in whatever order
    names = [CLASSES[c] for c in order]
    other = sh.Activity({name: array[..., order] for name, array in active.items()}, classes=names)
    two = sh.benchmark(other, data, metrics="parsing-f1")
    assert two.interval("parsing-f1", "f1", "average").mean == pytest.approx(evaluated.average)


def test_the_truth_itself_has_all_the_points(world):
    data = world.dataset()
    found = sh.benchmark(dict(data.truth), data, metrics=EVERY)
    full = [row for row in found.rows if row.key.score != "mu" and row.metric != "ov-avel-f1"]  # which is of one class
    assert [row.interval.mean for row in full] == pytest.approx([100] * len(full))


def test_no_draws(world):
    found = of_run(world, ["map"], 4, draws=0)
    assert "no intervals" in found.text()
    assert found.as_json()["metrics"][0]["scores"][0]["low"] is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metrics": ["mapp"]}, "no metric is called 'mapp'"),
        ({"metrics": []}, "name a metric"),
        ({"draws": -1}, "draws is a number"),
        ({"store": None}, "give --store"),
        ({"predictions": ["audio=a.csv"]}, "one of both"),
        ({"truth": ["audio"]}, "KIND=TABLE"),
        ({"truth": "audio.csv"}, "audio.csv: name its modality too, as in {'audio': 'audio.csv'}"),
        ({"length": -3.0}, "length is in seconds"),
    ],
)
def test_what_is_refused(world, changed, message):
    options = {"metrics": ["map"], **changed}
    with pytest.raises(SeehearError, match=message):
        of_run(world, options.pop("metrics"), 4, **options)


def test_truth_of_other_clips_is_refused(world, tmp_path):
    other = tmp_path / "other.csv"
    write_dense(other, [Event("nobody", 0.0, 1.0, "Dog")])
    with pytest.raises(SeehearError, match=r"other.csv: names none of the clips"):
        of_run(world, ["map"], 4, truth=[f"audio={other}"])
    write_dense(other, [Event("clip00", 0.0, 60.0, "Dog")])
    with pytest.raises(SeehearError, match="after the end of its clip"):
        of_run(world, ["map"], 4, truth=[f"audio={other}"])


def test_arrays_that_do_not_fit_are_refused(world):
    data = world.dataset()
    shape = data.truth["audio"].shape
    with pytest.raises(SeehearError, match="clips"):
        sh.benchmark({"audio": np.zeros((3, *shape[1:]), bool)}, data, metrics="map")
    with pytest.raises(SeehearError, match="classes"):
        sh.benchmark({"audio": np.zeros((*shape[:2], 7), bool), "visual": data.truth["visual"]}, data, metrics="map")
    with pytest.raises(SeehearError, match="from 0 to 1"):
        sh.benchmark({name: np.full(shape, 3.0) for name in data.truth}, data, metrics="map")
    with pytest.raises(SeehearError, match="the same of every kind"):
        sh.benchmark({"audio": np.zeros(shape, bool), "visual": np.zeros((shape[0], 3), bool)}, data, metrics="map")


@pytest.mark.skipif(not importlib.util.find_spec("sed_scores_eval"), reason="needs the extra psds")
def test_psds(world):
    found = of_run(world, ["psds"], 4)
    assert [(row.key.kind, row.key.score) for row in found.rows] == [
        (kind, score) for kind in ("audio", "visual") for score in ("psds1", "psds2")
    ]
    assert all(row.interval.low <= row.interval.high for row in found.rows)
    data = world.dataset()
    certain = sh.benchmark(dict(data.truth), data, metrics="psds")
    assert [row.interval.mean for row in certain.rows] == pytest.approx([100] * 4)


# What changes the scores is in the signature or a note


def scored(world, metrics, **changed):
    options = {"labels": world.labels, "metrics": metrics, "truth": dense(world, "audio", "visual")} | changed
    return commands.benchmark(predictions=dense(world, "audio", "visual"), **options)


def test_lengths_and_segments_are_in_the_signature_where_they_matter(world):
    metrics = ["segment-accuracy", "map", "label-f1"]
    plain, longer, coarse = (scored(world, metrics, **more) for more in ({}, {"length": 60}, {"segment": 2}))
    texts = [[str(signature) for signature in each.signatures] for each in (plain, longer, coarse)]
    assert "|segment:1|length:last-event|" in texts[0][0]
    assert "|segment:1|length:60|" in texts[1][0]
    assert "|segment:2|length:last-event|" in texts[2][0]
    assert texts[0][1] == texts[1][1]  # mAP does not depend on where clips end
    assert texts[1][1] != texts[2][1]
    assert len({each[2] for each in texts}) == 1  # classes per clip
    note = "24 clips are of unknown length: taken as 60 s, as given; no event ends after 9 s"
    assert any(each.startswith(note) for each in longer.notes)
    assert not any("unknown length" in note for note in scored(world, ["label-f1"]).notes)
    of_store = of_run(world, ["segment-accuracy"], 4)
    assert "|segment:1|labels:" in str(of_store.signatures[0])  # lengths are those of the features


def test_classes_on_one_side_and_clips_without_a_prediction_are_reported(world, tmp_path):
    rows = world.dense["audio"].read_text().splitlines()
    misspelt = tmp_path / "audio.csv"
    kept = [row for row in rows if not row.startswith(("clip00\t", "clip01\t"))]
    misspelt.write_text("\n".join(kept).replace("Dog", "Dogg") + "\n")
    options = {"labels": world.labels, "metrics": ["map"], "truth": dense(world, "audio")}
    notes = commands.benchmark(predictions=[f"audio={misspelt}"], **options).notes
    assert any("only in the predictions" in note and "Dogg (did you mean Dog?)" in note for note in notes)
    assert any("only in the ground truth" in note and "Dog (did you mean Dogg?)" in note for note in notes)
    bare = [note for note in notes if "have no row in" in note and "nothing is predicted" in note]
    assert bare
    assert str(misspelt) in bare[0]
    exact = commands.benchmark(predictions=dense(world, "audio"), **options)
    assert not any(" only in " in note for note in exact.notes)
    data = world.dataset()
    other = sh.Activity(dict(data.truth), classes=["Dogg", *CLASSES[1:]])
    notes = sh.benchmark(other, data, metrics="map", draws=0).notes
    assert any("Dogg (did you mean Dog?)" in note for note in notes)
    assert not any(" only in " in note for note in sh.benchmark(dict(data.truth), data, metrics="map", draws=0).notes)


def test_a_note_says_when_an_interval_does_not_hold_its_value(world):
    found = of_run(world, ["map", "label-f1"], 4, draws=40)
    outside = [row for row in found["map"].rows if not row.interval.low <= row.interval.mean <= row.interval.high]
    said = [note for note in found["map"].notes if "not hold the value" in note]
    assert len(said) == bool(outside)
    none = of_run(world, ["map"], 4, draws=0)
    assert not any("not hold the value" in note for note in none["map"].notes)


def test_an_interval_beside_its_value_is_explained(world, tmp_path):
    """One class in one clip: a false event of every other clip is ranked before it, and draws repeat the clip."""
    clips = list(world.weak)
    truth, found = tmp_path / "truth.csv", tmp_path / "found.csv"
    write_dense(truth, [Event(clips[n], 0.0, 3.0, "Dog") for n in range(12)])
    rows = [f"{clip}\t0\t3\tDog\t{1 - n / 100}\n" for n, clip in enumerate(reversed(clips))]
    found.write_text("filename\tonset\toffset\tevent_labels\tconfidence\n" + "".join(rows))
    options = {"labels": world.labels, "metrics": ["map"], "truth": [f"audio={truth}"]}
    result = commands.benchmark(predictions=[f"audio={found}"], **options, draws=1)
    row = result.rows[0].interval
    assert row.low == row.high != row.mean  # of a single draw
    assert any("intervals do not hold the value" in note and "more clips" in note for note in result["map"].notes)
    assert "not hold the value" in result.text()


def test_what_arrays_lack_is_said(world):
    data, parser = world.dataset(), sh.load(world.folder / "run/seed-4", device="cpu")
    p = parser.predict_proba(data)
    arrays = {name: p[:, :, m] for m, name in enumerate(parser.modalities)}
    plain = sh.benchmark(arrays, data, metrics="segment-accuracy", draws=0)
    assert any("default decoding, global,clip0.5,seg0.5" in note for note in plain.notes)
    assert any("no probability of clips" in note for note in plain.notes)
    own = sh.benchmark(arrays, data, metrics="segment-accuracy", draws=0, decoding=parser.decoding)
    assert not any("default decoding" in note for note in own.notes)
    run = sh.benchmark(parser, data, metrics="segment-accuracy", draws=0)
    assert str(own.signatures[0]) != str(run.signatures[0])  # the clip filter sees other probabilities
    assert not sh.benchmark(arrays, data, metrics="map", draws=0).notes  # which has no thresholds
    predicted = sh.benchmark(parser.predict(data), data, metrics="segment-accuracy", draws=0)
    assert predicted.signatures[0].decoding == f"{parser.decoding},no-ranking"
    assert any("carry no ranking" in note for note in predicted["segment-accuracy"].notes)


def test_segments_with_several_classes_are_counted(world):
    data = world.dataset()
    joint = np.logical_and(*(data.truth[name] for name in ("audio", "visual")))
    several = sum(int(row.sum() > 1) for clip in joint for row in clip)
    assert several
    found = sh.benchmark(dict(data.truth), data, metrics="segment-accuracy, ov-avel-f1", draws=0)
    for metric, fate in (("segment-accuracy", "each of them counts"), ("ov-avel-f1", "one is predicted")):
        notes = found[metric].notes
        assert any(note.startswith(f"{several} segments have several true classes: {fate}") for note in notes)
        assert any(note.startswith(f"{several} segments have several predicted classes") for note in notes)
        assert any("carry no ranking" in note for note in notes)


def test_label_f1_says_how_many_clips_count(world):
    data = world.dataset()
    heard, seen = (data.truth[name].any(axis=1) for name in ("audio", "visual"))
    number = [int(each.any(axis=1).sum()) for each in (heard, seen, heard & seen)]
    found = of_run(world, ["label-f1"], 4, draws=0)["label-f1"]
    counts = "audio {}, visual {}, audio_visual {}".format(*number)
    assert f"clips that have a label of the kind, and count: {counts}" in found.notes
    assert any(note.startswith("mu needs clips of which one modality alone") for note in found.notes)


@pytest.mark.skipif(importlib.util.find_spec("sed_scores_eval") is not None, reason="the extra psds is installed")
def test_a_metric_whose_package_is_absent_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(SeehearError, match=r"pip install 'seehear\[psds\]'"):
        commands.benchmark(
            predictions=[f"audio={tmp_path / 'none.csv'}"], labels=tmp_path / "none.csv", truth=["audio=none.csv"],
            metrics=["map", "psds"],
        )  # fmt: skip


def test_kinds_that_only_one_side_has_are_refused_with_what_to_give(world, at_once):
    options = {"labels": world.labels, "metrics": ["map"], "truth": [f"audio_visual={at_once}"]}
    with pytest.raises(SeehearError, match=r"--predictions audio_visual=TABLE\), or truth of audio alone"):
        commands.benchmark(predictions=dense(world, "audio"), **options)
    with pytest.raises(SeehearError, match="truth of heard: did you mean audio"):
        of_run(world, ["map"], 4, truth=[f"heard={world.dense['audio']}"])
    data = world.dataset()
    with pytest.raises(SeehearError, match="truth of audoi: did you mean audio"):
        sh.benchmark(dict(data.truth), data, metrics="map", truth={"audoi": data.truth["audio"]})
    with pytest.raises(SeehearError, match="predictions of visaul: did you mean visual"):
        sh.benchmark({"visaul": data.truth["visual"]}, data, metrics="map")


def test_what_is_no_prediction_is_named_by_its_type(world):
    data, parser = world.dataset(), sh.load(world.folder / "run/seed-4", device="cpu")
    with pytest.raises(SeehearError, match="arrays by kind") as error:
        sh.benchmark(parser.predict_proba(data), data, metrics="map")
    assert len(str(error.value)) < 200
    with pytest.raises(SeehearError, match=r"^ndarray: is not a system"):
        sh.benchmark([np.zeros((50, 50))], data, metrics="map")


def test_truth_of_both_at_once_is_for_a_benchmark(world, at_once):
    with pytest.raises(SeehearError, match=r"truth of audio_visual is for sh.benchmark"):
        sh.Dataset.from_tables(world.labels, store=world.store, truth={"audio_visual": at_once})


def test_one_file_for_two_kinds_is_said(world):
    table = world.dense["audio"]
    found = commands.benchmark(
        labels=world.labels, metrics=["map"], truth=dense(world), predictions=[f"audio={table}", f"visual={table}"],
        draws=0,
    )  # fmt: skip
    assert f"{table}: is given for audio and for visual: all that it names counts in each" in found.notes


def test_the_plot_shows_every_score_and_the_repr_the_usual_mean(world, both):
    (ax,) = both.plot().axes
    defined = [row for row in both.rows if not np.isnan(row.interval.mean)]
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"{row.metric}: {row.key}" for row in defined]
    shown = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert shown == pytest.approx([row.interval.mean for row in defined])
    of_run(world, ["map"], 4, draws=0).plot()  # without intervals
    mean = both.interval("map", "mean 0.5 to 0.9", "audio").mean
    assert f"map mean 0.5 to 0.9 {mean:.2f}" in repr(both)
    assert f"mean 0.5 to 0.9 {mean:.2f}" in repr(both["map"])


def test_truth_that_contradicts_itself_is_noted(world, tmp_path):
    def table(name, *labels):
        path = tmp_path / f"{name}.csv"
        path.write_text(
            "\n".join(["filename\tevent_labels", *(f"clip0{n}\t{each}" for n, each in enumerate(labels))]) + "\n"
        )
        return f"{name}={path}"

    heard, seen = table("audio", "Dog,Car", "Dog", "Car"), table("visual", "Dog", "Dog,Car", "Car")
    wrong, right = table("audio_visual", "Dog,Car", "Dog,Car", "Car"), table("audio_visual_2", "Dog", "", "Car")
    right = right.replace("audio_visual_2=", "audio_visual=")
    for joint, contradicts in ((wrong, True), (right, False), (None, False)):
        truth = [heard, seen, *([joint] if joint else [])]
        notes = of_run(world, ["label-f1"], 4, truth=truth, draws=0).notes
        assert (
            any("2 labels of a clip, for example clip00 (Car), are not in both" in note for note in notes)
            == contradicts
        )
        assert not any("the same labels in every clip" in note for note in notes)
    copy = table("visual", "Dog,Car", "Dog", "Car")
    notes = of_run(world, ["label-f1"], 4, truth=[heard, copy], draws=0).notes
    assert any("have the same labels in every clip" in note for note in notes)
    one = of_run(world, ["label-f1"], 4, truth=[heard, heard.replace("audio=", "visual=")], draws=0).notes
    assert any("is given for audio and for visual" in note for note in one)


def test_a_run_of_both_is_scored_by_truth_of_one_modality(world):
    evaluated = world.evaluate([world.folder / "run/seed-4"])
    found = of_run(world, ["parsing-f1"], 4, truth=dense(world, "audio"), draws=0)
    assert [str(row.key) for row in found.rows] == ["audio segment f1", "audio event f1", "average f1"]
    for level in ("segment", "event"):
        assert found.interval("parsing-f1", f"{level} f1").mean == pytest.approx(
            evaluated.interval(level, "audio").mean
        )
    assert "visual: predicted, but not known per second, so not scored" in found["parsing-f1"].notes


def test_every_metric_is_checked_before_anything_is_computed(world, monkeypatch):
    monkeypatch.setattr("seehear.evaluation.benchmarking.benchmark.of_parser", None)  # it would be called otherwise
    with pytest.raises(SeehearError, match=r"(?s)segment-accuracy needs truth of .*ov-avel-f1 needs truth of "):
        of_run(world, ["map", "segment-accuracy", "ov-avel-f1"], 4, truth=dense(world, "audio"))


# One modality alone


def test_audio_alone_is_trained_evaluated_and_scored(world, tmp_path):
    """As for sets of sounds, such as AudioSet-strong and DESED."""
    settings = ["epochs=10", "width=16", "feed_forward=16", "learning_rate=0.01"]
    options = world.training(out=tmp_path / "run", collocation=["audio=ears"], set=settings, dense_visual=None)
    commands.train(**options)
    run = tmp_path / "run"
    evaluated = commands.evaluate([run], **world.evaluation(dense_visual=None))
    found = commands.benchmark(
        [run], labels=world.labels, store=world.store, truth=dense(world, "audio"), device="cpu",
        metrics=["map", "label-f1", "parsing-f1"],
    )  # fmt: skip
    assert found.interval("parsing-f1", "f1", "average").mean == pytest.approx(evaluated.average.mean)
    eleven = found["parsing-f1"]
    assert [str(row.key) for row in eleven.rows] == ["audio segment f1", "audio event f1", "average f1"]
    assert [row.interval.mean for row in eleven.rows] == pytest.approx([row.interval.mean for row in evaluated.rows])
    assert [score["kind"] for score in eleven.as_json()["scores"]] == ["audio", "audio", "average"]
    assert any("no Type@AV" in note for note in eleven.notes)
    assert "type_at_av" not in found.text() + evaluated.text()
    page = commands.evaluate([run], **world.evaluation(dense_visual=None, out=tmp_path / "report")).page.read_text()
    assert "Type@AV" not in page.replace("no Type@AV", "")
    assert ">segment audio</th>" in page
    assert found.interval("map", "tIoU 0.5").mean > 25
    assert "truth of audio alone says nothing of other modalities" in found.text()
    with pytest.raises(SeehearError, match="heard and seen at once"):
        commands.benchmark(
            [run], labels=world.labels, store=world.store, truth=dense(world, "audio"), metrics=["segment-accuracy"]
        )
