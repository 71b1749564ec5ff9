"""Several seeds as one: against the mean of what each predicts alone."""

import json

import numpy as np
import pytest

import commands
import seehear as sh
from parsing.conftest import dataset
from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.parsing import folder as parsed_folder
from seehear.parsing.ensemble import Ensemble
from seehear.parsing.parser import Parser, load, train
from seehear.parsing.reading import FileReader

SMALL = {"epochs": 6, "width": 16, "feed_forward": 16, "learning_rate": 0.01}
pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.fixture(scope="module")
def data():
    """Clips of several lengths, one without features, some longer than the window."""
    rng = np.random.default_rng(0)
    lengths = [5, 5, 3, 5, 12, 5, 5, 4, 5, 5, 5, 5]
    truth = {name: [rng.random((length, 3)) < 0.4 for length in lengths] for name in ("audio", "visual")}
    directions = {name: rng.normal(size=(3, 6)) for name in truth}
    features = {
        name: [active @ directions[name] + rng.normal(size=(len(active), 6)) for active in of]
        for name, of in truth.items()
    }
    features["audio"][2] = None
    labels = [np.any([truth[name][n].any(axis=0) for name in truth], axis=0) for n in range(12)]
    return sh.Dataset.from_arrays(features, np.array(labels, np.float32), ["Cat", "Dog", "Fish"], truth=truth)


@pytest.fixture(scope="module")
def seeds(data):
    return train(data.usable(), recipe="small", seeds=(1, 2, 5), device="cpu", progress=False, **SMALL)


@pytest.fixture(scope="module")
def ensemble(seeds):
    return Parser.ensemble(seeds)


# Prediction


def test_probabilities_are_the_mean_of_the_members(data, seeds, ensemble):
    found = ensemble.probabilities(data)
    each = [parser.probabilities(data) for parser in seeds]
    for name in ("segment", "clip", "modality_clip"):
        expected = sum(getattr(one, name).astype(float) for one in each) / 3
        np.testing.assert_allclose(getattr(found, name), expected, atol=1e-6)
    np.testing.assert_array_equal(ensemble.predict_proba(data), found.segment)
    assert not np.array_equal(each[0].segment, each[1].segment)
    expected = ensemble.decoding(found, ensemble.classes, ensemble.modalities)
    for name, active in ensemble.predict(data).items():
        np.testing.assert_array_equal(active, expected[name])


def test_it_looks_like_a_parser(seeds, ensemble, data):
    assert isinstance(ensemble, Parser)
    assert repr(ensemble) == "Ensemble(audio × visual, 3 classes, seeds 1, 2, 5)"
    assert (ensemble.classes, ensemble.modalities, ensemble.seeds) == (data.classes, data.modalities, (1, 2, 5))
    assert ensemble.notes == tuple(dict.fromkeys(note for parser in seeds for note in parser.notes))
    assert ensemble.members == tuple(seeds)


def test_a_folder_of_seeds_is_one(place):
    data = dataset(place)
    members = [load(place.run / f"seed-{seed}", device="cpu") for seed in (3, 8)]
    expected = np.mean([parser.predict_proba(data) for parser in members], axis=0)
    assert not np.allclose(*(parser.predict_proba(data) for parser in members))
    together = load(place.run, ensemble=True, device="cpu")
    listed = load([place.run / "seed-8", str(place.run / "seed-3")], device="cpu")
    for each in (together, listed, Parser.ensemble(members)):
        assert isinstance(each, Ensemble)
        assert each.path == place.run
        np.testing.assert_allclose(each.predict_proba(data), expected, atol=1e-6)
    assert repr(together).endswith(f"seeds 3, 8; {place.run})")


def test_a_file_is_decoded_once_and_parsed_by_all(place, monkeypatch):
    file = place.clips / "clip0.mkv"
    none = Decoding("none", 0.0)
    options = {"device": "cpu", "trust_code": True, "decoding": none}
    each = [load(place.run / f"seed-{seed}", **options).parse(file) for seed in (3, 8)]
    opened = []
    read = FileReader.read
    monkeypatch.setattr(
        FileReader, "read", lambda reader, media, absent: opened.append(media) or read(reader, media, absent)
    )
    parsed = load(place.run, ensemble=True, **options).parse(file)
    assert len(opened) == 1
    for modality, by_class in parsed.probabilities.items():
        for label, probabilities in by_class.items():
            mean = np.mean([one.probabilities[modality][label] for one in each], axis=0)
            assert probabilities == pytest.approx(mean, abs=1.01e-4)  # both are rounded


# The commands


def test_parsing_into_a_folder(place, tmp_path):
    options = {"figures": (), "trust_code": True, "device": "cpu"}
    with pytest.raises(SeehearError, match=r"name one, such as .*seed-3, or take them as one with --ensemble"):
        commands.parse(place.run, [place.clips], out=tmp_path / "out", **options)
    found = commands.parse(place.run, [place.clips], out=tmp_path / "out", ensemble=True, **options)
    assert len(found.clips) == 6
    expected = load(place.run, ensemble=True, trust_code=True, device="cpu").parse(place.clips / "clip0.mkv")
    assert parsed_folder.read(tmp_path / "out" / "clip0.json").events == expected.events
    again = commands.parse(place.run, [place.clips], out=tmp_path / "out", ensemble=True, **options)
    assert again.unchanged == 6
    turned = load([place.run / "seed-8", place.run / "seed-3"], trust_code=True, device="cpu")
    assert turned.parse_clips(place.clips, out=tmp_path / "out", figures=()).unchanged == 6  # in any order
    with pytest.raises(SeehearError, match="another run or decoding"):
        commands.parse(place.run / "seed-3", [place.clips], out=tmp_path / "out", **options)


def test_every_member_marks_the_folder(place, tmp_path, seeds):
    one = load(place.run, ensemble=True, trust_code=True, device="cpu")
    one.parse_clips(place.clips / "clip0.mkv", out=tmp_path / "out", figures=())
    marker = json.loads((tmp_path / "out" / ".parsed").read_text())["run"]
    assert marker not in {parser.run.identity for parser in one.members}
    with pytest.raises(SeehearError, match="save it first"):
        Parser.ensemble(seeds).parse_clips(place.clips, out=tmp_path / "memory")


def test_evaluated_on_the_command_line(place, tmp_path):
    shared = {"store": place.folder / "store", "labels": place.folder / "labels.csv", "device": "cpu"}
    truth = {f"dense_{name}": table for name, table in place.dense.items()}
    before = sorted(place.run.rglob("*"))
    report = commands.evaluate([place.run], ensemble=True, out=tmp_path / "out", **shared, **truth)
    assert sorted(place.run.rglob("*")) == before  # the scores are no member's
    expected = sh.evaluate(load(place.run, ensemble=True, device="cpu"), dataset(place))
    assert {**report.as_json(), **expected.as_json()} == report.as_json()
    text = report.text()
    assert "per cent; run, ensemble of 2 seeds; intervals by bootstrap over clips\n" in text
    assert "|ensemble:2|labels:" in text
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert "An ensemble of 2 seeds" in page
    assert {file.name for file in (tmp_path / "out" / "predictions").iterdir()} == {
        "audio.csv",
        "visual.csv",
        "audio_visual.csv",
    }
    with pytest.raises(SeehearError, match="joins two seeds or more"):
        commands.evaluate([place.run / "seed-3"], ensemble=True, **shared, **truth)


# Evaluations


def test_scores_are_those_of_its_predictions(data, seeds, ensemble):
    report = sh.evaluate(ensemble, data)
    expected = sh.score(ensemble.predict(data), data.truth)
    assert report.average.mean == pytest.approx(expected.average)
    assert len(report.scores) == 1
    assert report.seeds == [1, 2, 5]
    assert report.signature.ensemble == 3
    assert "|ensemble:3|" in str(report.signature)
    assert "ensemble of 3 seeds" in repr(report)
    assert report.average.deviation == 0 or np.isnan(report.average.deviation)
    assert list(report.by_seed()) == []
    assert sh.evaluate(seeds, data, ensemble=True).as_json() == report.as_json()
    single = sh.evaluate(seeds, data)
    assert (single.signature.ensemble, len(single.scores)) == (1, 3)
    assert "ensemble" not in single.text() + repr(single) + str(single.signature)


def test_details_are_of_the_ensemble(data, seeds, ensemble, tmp_path):
    report = sh.evaluate(ensemble, data, out=tmp_path)
    details = report.details
    assert len(details.predicted) == 1
    for name, active in ensemble.predict(data).items():
        np.testing.assert_array_equal(details.predicted[0][name][..., :3], active)
    assert details.history == [parser.history for parser in seeds]
    assert details.tables()[0]["audio"] == "predictions/audio.csv"
    assert (tmp_path / "evaluation.html").exists()


def test_compared_with_its_own_seeds(data, seeds, ensemble, tmp_path):
    comparison = sh.compare({"seeds": seeds, "together": ensemble}, data, out=tmp_path)
    expected = sh.evaluate(ensemble, data).average.mean - sh.evaluate(seeds, data).average.mean
    assert comparison.average("together").difference.mean == pytest.approx(expected)
    assert comparison.ensembles == ["together"]
    assert comparison.settings == {"together": "same settings"}
    line = (
        "seeds 1, 2, 5 against 1, 2, 5: one run says nothing about other seeds; interval and p are over clips alone; "
        "together is an ensemble: its seeds are scored as one"
    )
    assert line in comparison.text()
    assert line in (tmp_path / "comparison.html").read_text()
    assert json.loads((tmp_path / "comparison.json").read_text())["ensembles"] == ["together"]
    assert "ensemble" not in str(comparison.signature)
    with pytest.raises(SeehearError, match="can't be compared with itself"):
        sh.compare({"one": ensemble, "other": Parser.ensemble(seeds)}, data)


def test_compared_on_the_command_line(place, tmp_path):
    shared = {"store": place.folder / "store", "labels": place.folder / "labels.csv", "device": "cpu"}
    truth = {f"dense_{name}": table for name, table in place.dense.items()}
    commands.train(
        **shared,
        collocation=["audio=level", "visual=colours"],
        out=tmp_path / "longer",
        seeds=[3, 8],
        set=["epochs=6", "width=16", "feed_forward=16", "learning_rate=0.01"],
    )
    report = commands.compare([place.run, tmp_path / "longer"], ensemble=True, **shared, **truth)
    assert report.ensembles == ["run", "longer"]
    assert [len(evaluation.scores) for evaluation in report.evaluations.values()] == [1, 1]
    assert "longer is an ensemble" in report.text()
    assert "run is an ensemble" in report.text()


# Mistakes


def test_what_an_ensemble_has_not(data, seeds, ensemble, tmp_path):
    for call, message in (
        (lambda: ensemble.fit(data), "is not trained: train its members"),
        (lambda: ensemble.save(tmp_path / "run"), "is not saved: save its members"),
        (lambda: ensemble.model, "no model of its own"),
        (lambda: ensemble.history, "no history of its own"),
        (lambda: sh.align({"it": ensemble}, data), "no model of its own"),
        (lambda: sh.evaluate([ensemble, seeds[0]], data), "evaluate it alone"),
        (lambda: sh.evaluate(ensemble.predict(data), data, ensemble=True), "predictions have none"),
    ):
        with pytest.raises(SeehearError, match=message):
            call()


def test_what_is_no_ensemble(data, seeds, ensemble, place):
    longer = Parser("small", seed=7, device="cpu", **{**SMALL, "epochs": 7}).fit(data.usable(), progress=False)
    other = Parser.of_run(seeds[1].run, decoding=Decoding("none"))
    for parsers, message in (
        ([], "joins two seeds or more"),
        (seeds[:1], "joins two seeds or more"),
        ([seeds[0], longer], r"differ in recipe\.epochs 6 → 7: an ensemble joins"),
        ([seeds[0], seeds[0]], "seed 1 is there twice"),
        ([seeds[0], other], "decode in different ways"),
        ([seeds[0], Parser()], "not trained"),
        ([seeds[0], "RUN"], "is not a parser"),
        ([ensemble, seeds[0]], "is not a parser of one seed"),
    ):
        with pytest.raises(SeehearError, match=message):
            Parser.ensemble(parsers)
    assert Parser.ensemble([seeds[0], other], decoding=Decoding("none")).decoding == Decoding("none")
    with pytest.raises(SeehearError, match="joins two seeds or more"):
        load(place.run / "seed-3", ensemble=True)
    with pytest.raises(SeehearError, match="a folder of runs: name one"):
        load(place.folder, ensemble=True)
