"""Scores, evaluations and comparisons as one asks for them in a notebook: objects and arrays, no folder needed."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import commands
import seehear as sh
from scoring import oracle
from seehear.data import Dataset
from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.evaluation import Evaluation, Verdict
from seehear.events import Activity
from seehear.parsing.parser import Parser, load, train
from seehear.scoring.references import Reference
from training.conftest import CLASSES, World

pytestmark = pytest.mark.usefixtures("few_draws")

MODALITIES = ("audio", "visual")
SMALL = {"width": 16, "feed_forward": 16, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def toy():
    """A data set in memory: clips of several lengths, one without features, and ground truth."""
    rng = np.random.default_rng(0)
    directions = {name: 3 * rng.normal(size=(3, 6)) for name in MODALITIES}
    lengths = [5, 5, 3, 5, 9, 5, 5, 4, 5, 5, 5, 5]
    truth = {name: [rng.random((length, 3)) < 0.4 for length in lengths] for name in MODALITIES}
    features = {
        name: [active @ directions[name] + 0.3 * rng.normal(size=(len(active), 6)) for active in truth[name]]
        for name in MODALITIES
    }
    features["audio"][2] = features["visual"][2] = None
    labels = np.array([np.any([truth[name][n].any(axis=0) for name in MODALITIES], axis=0) for n in range(12)])
    return Dataset.from_arrays(features, labels=labels.astype(np.float32), classes=CLASSES, truth=truth)


@pytest.fixture(scope="module")
def parser(toy):
    return Parser("small", epochs=8, device="cpu", **SMALL).fit(toy.usable(), progress=False)


@pytest.fixture(scope="module")
def seeds(toy):
    return train(toy.usable(), recipe="small", seeds=(1, 2), device="cpu", progress=False, epochs=8, **SMALL)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The same in a store and tables, with a system of two seeds in run folders."""
    made = World(tmp_path_factory.mktemp("world"), clips=12)
    commands.train(**made.training(set=["epochs=3", "width=16", "feed_forward=16"], seeds=[4, 7]))
    return made


def one_line(thing):
    text = repr(thing)
    assert "\n" not in text
    assert len(text) < 200
    return text


# Arrays


@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_arrays_are_scored_as_the_loops_do(data):
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 6), st.just(3)))
    predicted, true = ({name: data.draw(arrays(bool, shape)) for name in MODALITIES} for _ in range(2))
    expected, average = oracle.scores(predicted, true)
    found = sh.score(predicted, true)
    for level, by_name in expected.items():
        assert found.level(level) == pytest.approx(by_name, abs=1e-9)
    assert found.average == pytest.approx(average, abs=1e-9)


def test_arrays_need_no_signature_and_no_names():
    active = {"audio": np.ones((2, 4, 3), dtype=int)}
    scores = sh.score(active, active)
    assert scores.average == 100
    assert "decoding:given|labels:arrays|clips:2" in str(scores.signature)
    assert [row.label for row in scores.classes[:3]] == ["0", "1", "2"]
    assert [row.label for row in sh.score(active, active, CLASSES).classes[:3]] == list(CLASSES)
    assert one_line(scores) == "Scores(audio 100.0 segment, 100.0 event; average 100.0; 2 clips)"
    both = sh.score(active | {"visual": active["audio"]}, active | {"visual": active["audio"]})
    assert one_line(both) == "Scores(Type@AV 100.0 segment, 100.0 event; average 100.0; 2 clips)"


def test_the_order_of_modalities_does_not_matter():
    rng = np.random.default_rng(0)
    predicted, true = ({name: rng.random((2, 4, 3)) < 0.5 for name in MODALITIES} for _ in range(2))
    turned = {name: predicted[name] for name in reversed(MODALITIES)}
    assert sh.score(turned, true).as_json() == sh.score(predicted, true).as_json()


def test_classes_are_brought_onto_their_union():
    """A false positive of a class that the ground truth does not have counts; so does a class in another column."""
    true = Activity({"audio": np.array([[[1, 0], [1, 0]]])}, classes=["Cat", "Dog"])
    same = Activity({"audio": np.array([[[0, 1], [0, 1]]])}, classes=["Dog", "Cat"])
    assert sh.score(same, true).average == 100
    more = Activity({"audio": np.array([[[1, 1], [1, 0]]])}, classes=["Cat", "Bird"])
    scores = sh.score(more, true)
    assert scores.level("segment")["audio"] == pytest.approx(50)  # Cat 1, Bird 0
    assert {row.label for row in scores.classes} == {"Cat", "Dog", "Bird"}


def test_the_shorter_is_padded():
    long, short = np.zeros((1, 6, 1), bool), np.ones((1, 3, 1), bool)
    long[:, :3] = True
    assert sh.score({"audio": short}, {"audio": long}).average == 100
    assert sh.score({"audio": long}, {"audio": short}).average == 100


ONE = np.zeros((2, 3, 2), bool)


@pytest.mark.parametrize(
    ("predicted", "truth", "options", "message"),
    [
        ({"audio": ONE}, {"visual": ONE}, {}, "the same modalities"),
        ({"audio": ONE}, {"audio": ONE[:1]}, {}, "predictions for 2 clips and truth of 1"),
        ({"audio": ONE}, {"audio": ONE[..., :1]}, {}, "give the names of the classes"),
        ({"audio": ONE[0]}, {"audio": ONE}, {}, "predicted: audio: has the shape"),
        ({"audio": ONE + 0.3}, {"audio": ONE}, {}, "decode probabilities first"),
        ({"audio": ONE}, {"audio": ONE}, {"classes": ["Cat"]}, "1 class names for arrays of 2"),
        ({"audio": ONE}, {"audio": ONE}, {"iou": 0}, "iou must be"),
        ({"audio": ONE[:0]}, {"audio": ONE[:0]}, {}, "no clip to score"),
        ([ONE], {"audio": ONE}, {}, "must map each modality"),
    ],
)
def test_arrays_that_do_not_fit(predicted, truth, options, message):
    with pytest.raises(SeehearError, match=message):
        sh.score(predicted, truth, **options)


def test_predictions_of_a_parser_are_scored(toy, parser):
    scores = sh.score(parser.predict(toy), toy.truth)
    evaluation = sh.evaluate(parser, toy)
    assert scores.signature.decoding == str(Decoding())
    for key, values in evaluation.scores[0].per_clip.items():
        assert scores.per_clip[key].tolist() == values.tolist()


# Evaluations


def test_a_parser_in_memory(toy, parser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evaluation = sh.evaluate(parser, toy)
    assert isinstance(evaluation, Evaluation)
    assert evaluation.missing == ["2"]
    assert evaluation.signature.clips == len(toy)
    assert evaluation.references["truth"].average == 100
    assert evaluation.average.low <= evaluation.average.mean <= evaluation.average.high
    assert evaluation.verdict() in Verdict
    assert evaluation.interval("segment", "audio").mean == pytest.approx(evaluation.scores[0].level("segment")["audio"])
    assert one_line(evaluation).startswith("Evaluation(parser in memory: average ")
    assert evaluation.details is None
    assert "clip without usable features" in evaluation.text()
    assert not list(tmp_path.iterdir())
    with pytest.raises(SeehearError, match="no score segment nose"):
        evaluation.interval("segment", "nose")


def test_clips_without_features_score_as_without_predictions(toy, parser):
    evaluation = sh.evaluate(parser, toy)
    nothing = evaluation.references["nothing"].per_clip
    for key, values in evaluation.scores[0].per_clip.items():
        assert values[2] == nothing[key][2]
    rest = sh.evaluate(parser, toy.usable())
    for key, values in rest.scores[0].per_clip.items():
        assert values.tolist() == np.delete(evaluation.scores[0].per_clip[key], 2).tolist()


def test_a_clip_without_audio_is_scored_by_what_is_seen(toy, parser):
    features = {name: [array if len(array) else None for array in toy.arrays(name)] for name in MODALITIES}
    features["audio"][0] = None
    mute = Dataset.from_arrays(features, labels=toy.labels, classes=CLASSES, truth=toy.truth)
    evaluation = sh.evaluate(parser, mute, details=True)
    (note,) = (note for note in evaluation.notes if "no audio features" in note)
    assert note == "1 clip has no audio features, for example 0: they are used by what they have"
    assert note in evaluation.text()
    assert evaluation.missing == ["2"]  # and exit code 1 for it alone
    assert sh.evaluate(parser, mute.usable()).exit_code == 0
    predicted = parser.predict(mute)
    assert not predicted["audio"][0].any()
    assert predicted["visual"][0].any()
    alone = sh.score(predicted, toy.truth).per_clip
    for key, values in evaluation.scores[0].per_clip.items():
        assert values.tolist() == alone[key].tolist()
    forecasts = {name: each.count for name, each in evaluation.details.reliability.items()}
    assert forecasts["audio"] == forecasts["visual"] - 3 * 5  # nothing is forecast of what the clip lacks
    rest = sh.evaluate(parser, toy)
    for key, values in evaluation.scores[0].per_clip.items():  # other clips are scored as before
        assert np.delete(values, 0).tolist() == pytest.approx(np.delete(rest.scores[0].per_clip[key], 0).tolist())


def test_a_data_set_with_more_networks_than_the_parser(toy, parser):
    """A clip that lacks features of another network alone is predicted, and each prediction stays with its clip."""
    features = {name: [array if len(array) else None for array in toy.arrays(name)] for name in MODALITIES}
    other = [None if n == 0 or array is None else array[:, :2] for n, array in enumerate(features["visual"])]
    both = {"audio": features["audio"], "visual": {"visual": features["visual"], "other": other}}
    more = Dataset.from_arrays(both, labels=toy.labels, classes=CLASSES, truth=toy.truth)
    assert (more.missing, more.incomplete) == (("2",), ("0", "2"))
    expected, found = parser.predict(toy), parser.predict(more)
    for name in MODALITIES:
        assert found[name].tolist() == expected[name].tolist()
    assert sh.evaluate(parser, more).average.mean == sh.evaluate(parser, toy).average.mean


def test_several_seeds_together(toy, seeds):
    evaluation = sh.evaluate(seeds, toy)
    each = [sh.evaluate(parser, toy).scores[0].average for parser in seeds]
    assert evaluation.average.mean == pytest.approx(np.mean(each))
    assert evaluation.seeds == [1, 2]
    assert [one.average.mean for one in evaluation.by_seed()] == pytest.approx(each)
    assert "2 seeds" in one_line(evaluation)


def test_folders_as_text_and_as_paths(world):
    folder = world.folder / "run"
    expected = sh.evaluate(folder, world.dataset(), device="cpu")
    assert [run.endswith(("seed-4", "seed-7")) for run in expected.runs] == [True, True]
    assert expected.system == "run"
    both = [str(folder / "seed-4"), folder / "seed-7"]
    parsers = [load(run, device="cpu") for run in both]
    for systems in (str(folder), both, parsers):
        assert sh.evaluate(systems, world.dataset(), device="cpu").as_json() == expected.as_json()
    assert not list(folder.glob("*/scores-*"))  # nothing is written


def test_differences_from_any_reference(toy, seeds):
    """Paired by clip; beside the weak-label baseline's, the class prior's is in the JSON."""
    evaluation = sh.evaluate(seeds, toy)
    assert evaluation.baselines == ["weak labels", "class prior"]
    content = evaluation.as_json()
    for name, key in (("nothing", ""), ("weak labels", "beyond_baseline"), ("class prior", "beyond_class_prior")):
        beyond = evaluation.beyond(name)["event", "type_at_av"]
        reference = evaluation.references[name].per_clip["event", "type_at_av"]
        expected = evaluation.per_clip("event", "type_at_av") - 100 * reference
        assert beyond.mean == pytest.approx(expected.mean())
        assert beyond.low <= beyond.mean <= beyond.high
        if key:
            assert content[key]["event"]["type_at_av"]["low"] == beyond.low
            assert content[key]["average"]["verdict"] == evaluation.verdict(baseline=name)
    assert evaluation.beyond_baseline == evaluation.beyond("weak labels")
    with pytest.raises(SeehearError, match="no reference 'everything'; available: nothing"):
        evaluation.beyond("everything")


def test_a_parser_brings_references_of_its_own(toy, seeds, monkeypatch):
    """As a model of its teachers alone would: with its classes in another order, and fewer segments."""
    turned = [CLASSES[n] for n in (2, 0, 1)]
    arrays = {name: array[:, :4][..., [2, 0, 1]] for name, array in toy.truth.items()}
    own = {"four seconds": Reference("the truth of four seconds", Activity(arrays, classes=turned))}
    monkeypatch.setattr(Parser, "reference_predictions", lambda self, dataset: own)
    evaluation = sh.evaluate(seeds, toy)
    assert list(evaluation.references) == ["nothing", "weak labels", "class prior", "four seconds", "truth"]
    expected = sh.score({name: array[:, :4] for name, array in toy.truth.items()}, toy.truth)
    assert evaluation.references["four seconds"].average == pytest.approx(expected.average)
    text, content = evaluation.text(), evaluation.as_json()
    assert "four seconds: the truth of four seconds" in text
    assert re.search(r"(worse than|inconclusive against) the four seconds: ", text)
    assert content["beyond_four_seconds"]["average"]["mean"] < 0
    assert content["meanings"]["four seconds"] == "the truth of four seconds"


def test_modality_and_time_are_given(toy, seeds):
    """Scores of each seed, means over them; with both wrong by one thing alone, that thing given is 100."""
    evaluation = sh.evaluate(seeds, toy)
    assert len(evaluation.given) == 2
    for n, one in enumerate(evaluation.by_seed()):
        for name, scores in evaluation.given[n].items():
            assert one.given_intervals[name]["", "average"].mean == pytest.approx(scores.average)
    for name, intervals in evaluation.given_intervals.items():
        averages = [of_seed[name].average for of_seed in evaluation.given]
        assert intervals["", "average"].mean == pytest.approx(np.mean(averages))
        assert intervals["", "average"].deviation == pytest.approx(np.std(averages, ddof=1))
        assert evaluation.as_json()["given"][name]["average"]["mean"] == intervals["", "average"].mean
    heard = {"audio": toy.truth["audio"], "visual": np.zeros_like(toy.truth["audio"])}
    data = Dataset.from_arrays({}, truth=heard, classes=CLASSES)
    mistaken = sh.evaluate({"audio": heard["visual"], "visual": heard["audio"]}, data)
    assert mistaken.given[0]["modality"].average == 100
    assert mistaken.given[0]["time"].average == pytest.approx(mistaken.average.mean)
    late = sh.evaluate({"audio": np.roll(heard["audio"], 1, axis=1), "visual": heard["visual"]}, data)
    assert late.given[0]["time"].average == 100
    assert late.given[0]["modality"].average == pytest.approx(late.average.mean)
    assert re.search(r"^time given +100\.00  100\.00 to 100\.00", late.text(), re.MULTILINE)


def test_what_is_in_one_modality_alone(toy, parser):
    evaluation = sh.evaluate(parser, toy)
    names = [("segment", "audio_only"), ("segment", "visual_only"), ("event", "audio_only"), ("event", "visual_only")]
    assert [row.key for row in evaluation.only_rows] == names
    scores = sh.score(parser.predict(toy), toy.truth)
    for row in evaluation.only_rows:
        assert row.interval.mean == pytest.approx(100 * scores.only[row.key].mean())
        assert evaluation.interval(*row.key) == row.interval
        assert evaluation.as_json()["only"][row.key[0]][row.key[1]]["low"] == row.interval.low
        assert re.search(rf"^{row.name} +{row.interval.mean:.2f} ", evaluation.text(), re.MULTILINE)
    assert len(evaluation.rows) == 11
    one = Dataset.from_arrays({}, truth={"audio": toy.truth["audio"]}, classes=CLASSES)
    alone = sh.evaluate({"audio": toy.truth["audio"]}, one)
    assert alone.only_rows == ()
    assert "exactly one modality" not in alone.text()
    assert [row.name for row in alone.rows] == ["segment audio", "event audio", "average"]
    assert list(alone.to_frame().kind) == ["audio", "audio", "average"]
    assert list(alone.as_json()["segment"]) == ["audio"]
    assert list(alone.as_json()["intervals"]["event"]) == ["audio"]
    assert "type_at_av" not in alone.text()
    assert "no Type@AV" in alone.text()
    assert "no Type@AV" not in evaluation.text()
    compared = sh.compare({name: {"audio": toy.truth["audio"]} for name in ("one", "other")}, one)
    assert [(row.level, row.score) for row in compared.rows["other"]] == [row.key for row in alone.rows]


def test_classes_that_no_seed_found(toy):
    """Found once by one seed is found. Those with more segments come first."""
    nothing = {name: np.zeros_like(array) for name, array in toy.truth.items()}
    once = {name: array.copy() for name, array in nothing.items()}
    once["audio"][..., 1] = True
    support = {name: array.sum(axis=(0, 1)) for name, array in toy.truth.items()}
    evaluation = sh.evaluate([nothing, once], toy)
    expected = sorted((0, 2), key=lambda c: -support["audio"][c])
    assert list(evaluation.never_found["audio"].items()) == [(CLASSES[c], support["audio"][c]) for c in expected]
    assert set(evaluation.never_found["visual"]) == set(CLASSES)
    named = [f"{CLASSES[c]} ({support['audio'][c]})" for c in expected]
    assert f"never found, audio: {', '.join(named)}" in evaluation.text()
    assert "never found, audio: none" in sh.evaluate(toy.truth, toy).text()


def test_details_without_a_folder(toy, seeds):
    details = sh.evaluate(seeds, toy, details=True).details
    assert details.confusion["audio"].true == toy.truth["audio"].sum()
    assert len(details.clips) == 11
    assert [predicted.shape for predicted in details.predicted] == [(12, 9, 3)] * 2
    assert set(details.examples.best) <= set(toy.clips)
    one_line(details)


def test_a_folder_on_request(toy, parser, tmp_path):
    evaluation = sh.evaluate(parser, toy, out=tmp_path / "out")
    assert evaluation.page == tmp_path / "out" / "evaluation.html"
    assert evaluation.page.exists()
    kept = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert kept["average"] == evaluation.average.mean
    assert (tmp_path / "out" / "predictions" / "audio.csv").exists()
    later = sh.evaluate(parser, toy, details=True)
    later.save(tmp_path / "later")
    assert (tmp_path / "later" / "evaluation.html").read_text() == evaluation.page.read_text()
    with pytest.raises(SeehearError, match="details=True"):
        sh.evaluate(parser, toy).save(tmp_path / "never")


def test_another_decoding(toy, parser):
    none = sh.evaluate(parser, toy, decoding=Decoding("none", 1.0))
    assert none.signature.decoding == "none,seg1"
    assert none.average.mean == pytest.approx(none.references["nothing"].average)


def test_a_class_that_the_parser_does_not_know(toy, parser):
    wider = toy.with_classes([*CLASSES, "Bird", "Train"])
    wider.truth["audio"][0, :2, 3:] = True
    evaluation = sh.evaluate(parser, wider)
    (note,) = (note for note in evaluation.notes if "Bird" in note)
    assert note.startswith("2 classes only in the labels, which the model does not know: Bird")
    assert note.endswith("; their events count as false negatives")
    (bird,) = (r for r in evaluation.scores[0].classes if (r.label, r.kind, r.level) == ("Bird", "audio", "segment"))
    assert (bird.support, bird.recall) == (2, 0.0)


@pytest.mark.parametrize(
    ("systems", "message"),
    [([], "no system"), ([3], "is not a system"), ("nowhere", "no run in this folder")],
)
def test_what_is_no_system(toy, systems, message):
    with pytest.raises(SeehearError, match=message):
        sh.evaluate(systems, toy)


def test_what_can_not_be_evaluated(toy, parser):
    unlabelled = Dataset.from_arrays({name: [np.ones((3, 6))] for name in MODALITIES}, classes=CLASSES)
    with pytest.raises(SeehearError, match="ground truth"):
        sh.evaluate(parser, unlabelled)
    with pytest.raises(SeehearError, match="not trained"):
        sh.evaluate(Parser(), toy)
    longer = Parser("small", epochs=9, device="cpu", **SMALL).fit(toy.usable(), progress=False)
    with pytest.raises(SeehearError, match="evaluate them one by one"):
        sh.evaluate([parser, longer], toy)


# Comparisons


def test_parsers_in_memory_compared(toy, parser, seeds):
    comparison = sh.compare({"one": parser, "two": seeds}, toy)
    expected = sh.evaluate(seeds, toy).average.mean - sh.evaluate(parser, toy).average.mean
    assert comparison.average("two").difference.mean == pytest.approx(expected)
    assert comparison.verdict("two") in Verdict
    assert comparison.settings == {"two": "same settings"}
    assert one_line(comparison).startswith("Comparison(average against one: two ")
    assert "two against one" in comparison.text()
    assert json.loads(json.dumps(comparison.as_json()))["systems"]["two"][0]["verdict"] in set(Verdict)
    with pytest.raises(SeehearError, match="no score segment nose"):
        comparison.verdict("two", "segment", "nose")


def test_predictions_compared(toy, parser):
    """Arrays, an Activity, several of them, and a parser: each beside the others."""
    predicted = parser.predict(toy)
    nothing = {name: np.zeros(array.shape, int) for name, array in predicted.items()}
    systems = {"nothing": nothing, "activity": predicted, "several": [predicted, nothing], "parser": parser}
    comparison = sh.compare(systems, toy)
    assert comparison.average("activity").difference.mean == pytest.approx(comparison.average("parser").difference.mean)
    assert comparison.average("several").difference.mean == pytest.approx(
        comparison.average("activity").difference.mean / 2
    )
    assert "2 and 1 runs of unknown seeds" in comparison.text()
    perfect = sh.compare({"nothing": nothing, "truth": toy.truth}, toy)
    row = perfect.average("truth")
    assert row.verdict is Verdict.BETTER
    assert not row.significant  # one run says nothing about other seeds
    assert sh.compare({"truth": toy.truth, "nothing": nothing}, toy).verdict("nothing") is Verdict.WORSE


def test_evaluations_are_not_made_again(toy, parser, seeds):
    evaluations = {"one": sh.evaluate(parser, toy), "two": sh.evaluate(seeds, toy)}
    again, whole = (sh.compare(systems, toy) for systems in (evaluations, {"one": parser, "two": seeds}))
    assert again.evaluations == evaluations
    assert again.rows == whole.rows


def test_a_comparison_is_written_on_request(toy, parser, seeds, tmp_path):
    comparison = sh.compare({"one": parser, "two": seeds}, toy, out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "comparison.html",
        "comparison.json",
        "comparison.png",
        "comparison.svg",
    }
    assert comparison.page == tmp_path / "comparison.html"


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        ({"one": 1}, "two systems or more"),
        ("a", "two systems or more"),
        (["a", "a"], "named twice"),
        ([1, 2], "need names"),
    ],
)
def test_what_can_not_be_compared(toy, systems, message):
    with pytest.raises(SeehearError, match=message):
        sh.compare(systems, toy)


def test_a_parser_is_not_compared_with_itself(toy, parser):
    with pytest.raises(SeehearError, match="with itself"):
        sh.compare({"one": parser, "two": parser}, toy)


# Views


def views(toy, parser, seeds):
    yield sh.score(parser.predict(toy), toy.truth)
    yield sh.evaluate(seeds, toy)
    yield sh.compare({"one": parser, "two": seeds}, toy)


def test_every_result_shows_itself(toy, parser, seeds):
    from matplotlib.figure import Figure

    for result in views(toy, parser, seeds):
        assert "<table>" in result._repr_html_()
        assert isinstance(result.plot(), Figure)


def test_details_are_drawn(toy, parser):
    from matplotlib.figure import Figure

    details = sh.evaluate(parser, toy, details=True).details
    assert isinstance(details.plot_reliability(), Figure)
    assert isinstance(details.plot_confusion("audio"), Figure)
    with pytest.raises(SeehearError, match="available: audio, visual"):
        details.plot_confusion("smell")


def test_names_are_escaped_in_notebooks(toy, parser):
    hostile = "<script>alert(1)</script>"
    html = sh.compare({"a": parser, hostile: parser.predict(toy)}, toy)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_plots_go_into_given_axes(toy, parser):
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.subplots()
    assert sh.score(parser.predict(toy), toy.truth).plot(ax) is figure
    assert len(ax.get_yticklabels()) == 11
    assert sh.evaluate(parser, toy).plot(figure.subplots()) is figure


def test_frames(toy, parser, seeds):
    pytest.importorskip("pandas")
    scores = sh.score(parser.predict(toy), toy.truth)
    frame = scores.to_frame()
    assert list(frame.columns) == ["level", "kind", "score"]
    assert frame["score"].iloc[-1] == scores.average
    by_class = scores.to_frame(by="class")
    assert len(by_class) == 2 * 3 * 3
    assert set(by_class["label"]) == set(CLASSES)
    with pytest.raises(SeehearError, match="choose score or class"):
        scores.to_frame(by="clip")
    evaluation = sh.evaluate(seeds, toy)
    frame = evaluation.to_frame()
    assert frame["score"].iloc[-1] == evaluation.average.mean
    assert set(frame["verdict"]) <= set(Verdict)
    row = frame.set_index(["level", "kind"]).loc["event", "visual_only"]
    assert row["low"] <= row["score"] <= row["high"]
    assert row["class_prior_difference"] == pytest.approx(row["score"] - row["class_prior"])
    assert len(frame) == 10 + 4 + 1
    comparison = sh.compare({"one": parser, "two": seeds}, toy)
    assert len(comparison.to_frame()) == 11
    assert set(comparison.to_frame()["system"]) == {"two"}


def test_predictions_of_any_system_are_evaluated_and_compared():
    """They need no features: a data set of ground truth alone is enough."""
    rng = np.random.default_rng(0)
    truth = {name: rng.random((12, 5, 3)) < 0.4 for name in ("audio", "visual")}
    data = Dataset.from_arrays({}, truth=truth, classes=["Cat", "Dog", "Fish"])
    noisy = [{name: array ^ (rng.random(array.shape) < 0.1) for name, array in truth.items()} for _ in range(3)]
    evaluation = sh.evaluate(noisy, data)
    assert evaluation.average.mean == pytest.approx(np.mean([sh.score(one, truth).average for one in noisy]))
    comparison = sh.compare({"exact": [truth] * 3, "noisy": noisy}, data)
    assert comparison.average("noisy").difference.mean < 0
    with pytest.raises(SeehearError, match="dataset must be a Dataset, not dict"):
        sh.compare({"exact": truth, "noisy": noisy}, truth)
