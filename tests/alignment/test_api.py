"""Alignment as a notebook uses it: data sets, parsers and arrays, no files."""

import json

import numpy as np
import pytest

from seehear.alignment import Search, align, align_arrays
from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.parsing.parser import Parser

SMALL = {"epochs": 2, "width": 16, "feed_forward": 16, "learning_rate": 0.003}
CLASSES = ["Cat", "Dog", "Fish"]


def arrays(clips=20, segments=5, seed=0):
    """Features that follow the ground truth, of another width per modality; weak labels; the ground truth."""
    rng = np.random.default_rng(seed)
    directions = {"audio": rng.normal(size=(3, 6)), "visual": rng.normal(size=(3, 8))}
    present = rng.random((clips, 1, 3)) < 0.5
    truth = {name: present & (rng.random((clips, segments, 3)) < 0.7) for name in directions}
    features = {
        name: (3 * active @ directions[name] + 0.3 * rng.normal(size=(clips, segments, directions[name].shape[1])))
        for name, active in truth.items()
    }
    return features, present[:, 0].astype(float), truth


@pytest.fixture(scope="module")
def dataset():
    features, labels, truth = arrays()
    return Dataset.from_arrays(features, labels, CLASSES, truth=truth, clips=[f"clip{n}" for n in range(20)])


@pytest.fixture(scope="module")
def parsers(dataset):
    return [Parser("paper", seed=seed, device="cpu", **SMALL).fit(dataset, progress=False) for seed in (0, 1)]


@pytest.fixture(scope="module")
def result(dataset, parsers):
    return align({"baseline": parsers}, dataset, progress=False)


def test_parsers_in_memory(result):
    assert [system.name for system in result.systems] == ["features", "baseline"]
    assert result["baseline"].seeds == (0, 1)
    assert result["baseline"].type_at_av.mean > 0
    with pytest.raises(KeyError):
        result["other"]


def test_result_shows_itself(result):
    assert repr(result).startswith("Alignment(audio → visual, recall-top1: baseline ")
    assert len(repr(result)) < 120
    assert "\n" not in repr(result)
    assert repr(result["baseline"]) == "AlignedSystem(baseline, 2 seeds, 8 searches)"
    html = result._repr_html_()
    assert html.count("<table>") == len(result.searches)
    assert "baseline" in html
    json.dumps(result.as_json())


def test_frame_has_a_row_per_system_search_and_measure(result):
    pytest.importorskip("pandas")
    frame = result.to_frame()
    assert len(frame) == 4 * 5 + 8 * 5  # the features have no common width
    row = frame.query("system == 'baseline' and queries == 'audio' and gallery == 'visual' and exclude == 'none'")
    measure = result["baseline"].measures[Search("audio", "visual")]["distinguish"]
    assert row.set_index("measure").loc["distinguish", "value"] == measure.value


def test_plot_is_a_figure(result):
    from matplotlib.figure import Figure

    assert isinstance(result.plot("clip3"), Figure)
    with pytest.raises(SeehearError, match="no clip 'other' among the 20"):
        result.plot("other")


def test_nothing_is_written(dataset, parsers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    align(parsers, dataset, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_systems_may_come_as_a_list(dataset, parsers):
    names = [system.name for system in align([parsers[0]], dataset, features=False, progress=False).systems]
    assert names == ["system 1"]
    result = align([parsers, [Parser("paper", device="cpu", **SMALL).fit(dataset, progress=False)]], dataset)
    assert [system.seeds for system in result.systems] == [(), (0, 1), (0,)]
    assert set(result.differences[Search("audio", "visual")]) == {"system 2"}


def test_only_the_searches_that_are_named(dataset, parsers):
    search = Search("audio", "visual")
    result = align({"baseline": parsers}, dataset, searches=[search], features=False, progress=False)
    assert result.searches == [search]
    assert "features:" not in result.signature
    every = align({"baseline": parsers}, dataset, progress=False)
    assert result["baseline"].measures[search] == every["baseline"].measures[search]


def test_features_under_a_projection(dataset):
    """The same clips that a projection is fitted to may not be measured, whatever they are called."""
    features, _, truth = arrays(seed=1)
    test = Dataset.from_arrays(features, truth=truth)
    fitted = align(None, test, fit=dataset, width=3, progress=False)
    assert Search("audio", "visual") in fitted["features"].measures
    assert "features:cca3@arrays@" in fitted.signature
    with pytest.raises(SeehearError, match=r"20 clips of arrays@.* are measured too"):
        align(None, test, fit=Dataset.from_arrays(features), progress=False)


def test_arrays_of_the_labels_are_aligned_perfectly():
    rng = np.random.default_rng(3)
    truth = {name: rng.random((10, 4, 3)) < 0.5 for name in ("audio", "visual")}
    truth["visual"] = truth["audio"]
    result = align_arrays({name: active - 0.5 for name, active in truth.items()}, truth, progress=False)
    measures = result["features"].measures[Search("audio", "visual")]
    assert measures["recall_exact"].value == 1
    assert measures["precision_exact"].value == 1
    assert measures["recall_exact"].chance < 0.5
    assert "features:as given|labels:arrays@" in result.signature


def test_arrays_of_clips_of_different_length():
    rng = np.random.default_rng(4)
    lengths = (3, 5, 1)
    truth = {name: [rng.random((length, 2)) < 0.5 for length in lengths] for name in ("audio", "visual")}
    embedded = {name: [rng.normal(size=(length, 4)) for length in lengths] for name in truth}
    assert "|clips:3|segments:9|" in align_arrays(embedded, truth, progress=False).signature


def test_arrays_without_a_common_width_are_refused():
    features, _, truth = arrays()
    with pytest.raises(SeehearError, match="one width, not audio 6, visual 8"):
        align_arrays(features, truth, progress=False)


def test_what_is_needed_is_named(dataset, parsers):
    features, labels, truth = arrays()
    with pytest.raises(SeehearError, match="ground truth of every modality"):
        align(parsers, Dataset.from_arrays(features, labels, CLASSES))
    with pytest.raises(SeehearError, match="only audio"):
        align(None, Dataset.from_arrays({"audio": features["audio"]}, truth={"audio": truth["audio"]}))
    with pytest.raises(SeehearError, match="nothing to measure"):
        align([], dataset, features=False)
    with pytest.raises(SeehearError, match="choose from"):
        align(None, dataset, projection="pca")
    with pytest.raises(SeehearError, match="can't be compared with itself"):
        align({"one": parsers, "other": parsers[0]}, dataset)
