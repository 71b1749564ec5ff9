"""The metrics of papers against loops, and against what must hold of them."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import metric_oracles as oracle
from seehear.errors import SeehearError
from seehear.events import ActiveSegments, event_spans
from seehear.scoring.intervals import bootstrap, bootstrap_values
from seehear.scoring.metrics import METRICS, list_metrics
from seehear.scoring.metrics.average_precision import THRESHOLDS, TIOUS, proposals
from seehear.scoring.metrics.inputs import Clips, Prediction, Spans, Truth, with_pair
from seehear.scoring.metrics.interface import Grain, Key, Kinds, Ratios, limits_of
from seehear.scoring.metrics.psds import SCENARIOS

PSDS = pytest.mark.skipif(not importlib.util.find_spec("sed_scores_eval"), reason="needs the extra psds")
SEEDS = st.integers(0, 2**32 - 1)
CLASSES = ("Cat", "Dog", "Fish")


class Case:
    """Random clips of several lengths, their truth and a prediction of both modalities."""

    def __init__(self, seed, clips=6, segments=7, several=True):
        rng = np.random.default_rng(seed)
        shape = (clips, segments, len(CLASSES))
        self.lengths = rng.integers(1, segments + 1, clips)
        self.lengths[0] = segments
        self.clips = Clips(tuple(f"clip{n}" for n in range(clips)), CLASSES, self.lengths, segments)
        inside = self.clips.inside[..., None]
        true = {name: (rng.random(shape) < 0.4) & inside for name in ("audio", "visual")}
        if not several:
            first = rng.integers(len(CLASSES), size=(clips, 1, 1)) == np.arange(len(CLASSES))
            true = {name: array & first for name, array in true.items()}
        steps = np.round(rng.random((2, *shape)), 1).astype(np.float32)  # equal ones occur
        scores = {name: array * inside for name, array in zip(("audio", "visual"), steps, strict=True)}
        self.prediction = prediction(scores, {name: array >= 0.5 for name, array in scores.items()})
        self.truth = truth(true)

    def of(self, name):
        """Name of each score -> its value over all clips."""
        measured = METRICS[name].measure(self.prediction, self.truth, self.clips)
        values = measured.values(np.ones((1, len(self.clips))))[0]
        return dict(zip(measured.keys, values.tolist(), strict=True))


def prediction(scores, active, **others):
    labels = with_pair({kind: array.any(axis=1) for kind, array in active.items()})
    of_clips = with_pair({kind: array.max(axis=1) for kind, array in scores.items()}, np.minimum)
    return Prediction(labels, with_pair(active), with_pair(scores, np.minimum), of_clips, **others)


def truth(active):
    labels = with_pair({kind: array.any(axis=1) for kind, array in active.items()})
    spans = {kind: Spans.of_segments(array, 1.0) for kind, array in active.items()}
    return Truth(labels, with_pair(active), spans, dict.fromkeys(active, "arrays"))


@given(SEEDS)
def test_segment_accuracy(seed):
    case = Case(seed)
    joint = case.prediction.scores["audio_visual"], case.prediction.active["audio_visual"]
    expected = oracle.segment_accuracy(*joint, case.truth.active["audio_visual"], case.lengths)
    assert case.of("segment-accuracy") == {Key("audio_visual", "accuracy"): pytest.approx(expected, abs=1e-12)}


@given(SEEDS)
def test_ov_avel_f1(seed):
    case = Case(seed, several=False)
    joint = case.prediction.scores["audio_visual"], case.prediction.active["audio_visual"]
    for level in ("segment", "event"):
        expected = oracle.ov_avel_f1(*joint, case.truth.active["audio_visual"], case.lengths, level)
        assert case.of("ov-avel-f1")[Key("audio_visual", f"{level} f1")] == pytest.approx(expected, abs=1e-12)


def random_spans(rng, count, clips=4, tied=True):
    onset = np.round(rng.random(count) * 8, 1)
    length = np.round(0.1 + rng.random(count) * 4, 1)
    confidence = np.round(rng.random(count), 1) if tied else rng.permutation(count) / max(count, 1)
    columns = rng.integers(clips, size=count), rng.integers(len(CLASSES), size=count), onset, onset + length, confidence
    return [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def mean_average_precision(predicted, true, clips=4, weights=None):
    """kind and score -> value. predicted, true: rows."""
    of = Clips(tuple(f"clip{n}" for n in range(clips)), CLASSES, np.full(clips, 12), 12)
    given = Prediction({}, spans={"audio": Spans.of(predicted)})
    known = Truth({}, spans={"audio": Spans.of(true)})
    measured = METRICS["map"].measure(given, known, of)
    values = measured.values(np.ones((1, clips)) if weights is None else np.asarray(weights, dtype=float)[None])[0]
    return {key.score: value for key, value in zip(measured.keys, values.tolist(), strict=True)}


@given(SEEDS, st.integers(0, 40), st.integers(1, 20))
def test_mean_average_precision(seed, found, there):
    rng = np.random.default_rng(seed)
    predicted, true = random_spans(rng, found), random_spans(rng, there)
    ours = mean_average_precision(predicted, true)
    expected = [oracle.mean_average_precision(predicted, [row[:4] for row in true], least) for least in TIOUS]
    assert [ours[f"tIoU {least:g}"] for least in TIOUS] == pytest.approx(expected, abs=1e-9)
    assert ours["mean 0.1 to 0.9"] == pytest.approx(np.mean(expected), abs=1e-9)
    assert ours["mean 0.5 to 0.9"] == pytest.approx(np.mean(expected[4:]), abs=1e-9)
    assert all(0 <= value <= 1 + 1e-12 for value in ours.values())
    assert sorted(expected, reverse=True) == pytest.approx(expected)  # a stricter tIoU never helps


@given(SEEDS, st.integers(1, 20))
def test_map_of_the_truth_itself_is_1(seed, there):
    true = random_spans(np.random.default_rng(seed), there, tied=False)
    assert mean_average_precision(true, true)["mean 0.1 to 0.9"] == pytest.approx(1)


@given(SEEDS, st.integers(1, 30), st.integers(1, 15))
def test_only_the_order_of_confidences_counts_and_what_comes_last_costs_nothing(seed, found, there):
    rng = np.random.default_rng(seed)
    predicted, true = random_spans(rng, found, tied=False), random_spans(rng, there)
    before = mean_average_precision(predicted, true)
    squared = [(*row[:4], row[4] ** 3 / 2) for row in rng.permutation(np.array(predicted)).tolist()]
    assert mean_average_precision(squared, true) == pytest.approx(before)
    false = [(n % 4, n % 3, 20.0, 21.0, -1.0) for n in range(5)]
    assert mean_average_precision(predicted + false, true) == pytest.approx(before)


@given(SEEDS, st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any))
def test_a_clip_that_counts_twice_is_two_clips(seed, counts):
    rng = np.random.default_rng(seed)
    predicted, true = random_spans(rng, 30, tied=False), random_spans(rng, 12)
    copies = [clip for clip, count in enumerate(counts) for _ in range(count)]
    copied = [
        [(n, *row[1:]) for n, clip in enumerate(copies) for row in rows if row[0] == clip] for rows in (predicted, true)
    ]
    if not copied[1]:
        assert np.isnan([*mean_average_precision(predicted, true, weights=counts).values()]).all()
        return
    expected = mean_average_precision(*copied, clips=len(copies))
    assert mean_average_precision(predicted, true, weights=counts) == pytest.approx(expected)


@given(SEEDS)
def test_proposals_are_the_runs_at_every_threshold_each_once(seed):
    rng = np.random.default_rng(seed)
    lengths = np.array([6, 5])
    scores = np.round(rng.random((2, 6, 2)), 1).astype(np.float32)
    scores[1, 5:] = 0
    expected = {}
    for threshold in THRESHOLDS:
        for n, c in np.ndindex(2, 2):
            for run in oracle.events((scores[n, :, c] >= np.float32(threshold)).tolist()):
                far = max(1, round(len(run) / 4))
                near = {*range(min(run) - far, min(run)), *range(max(run) + 1, max(run) + 1 + far)}
                inside, outside = (
                    [float(scores[n, t, c]) for t in each if 0 <= t < lengths[n]] for each in (run, near)
                )
                contrast = sum(inside) / len(inside) - (sum(outside) / len(outside) if outside else 0)
                expected[n, c, 2.0 * min(run), 2.0 * (max(run) + 1)] = contrast
    found = proposals(scores, Clips(("a", "b"), ("Cat", "Dog"), lengths, 6, 2.0))
    columns = found.clip, found.label, found.onset, found.offset
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert len(rows) == len(expected)
    assert dict(zip(rows, found.confidence.tolist(), strict=True)) == pytest.approx(expected)


def test_proposals_of_nothing():
    assert len(proposals(np.zeros((2, 3, 1), np.float32), Clips(("a", "b"), ("Cat",), np.full(2, 3), 3))) == 0


@given(SEEDS)
def test_segment_map(seed):
    case = Case(seed)
    ours = case.of("segment-map")
    assert [str(key) for key in ours] == ["audio map", "visual map", "audio_visual map", "average map"]
    heard, seen = (case.prediction.scores[kind] for kind in ("audio", "visual"))
    scores = {"audio": heard, "visual": seen, "audio_visual": heard * seen}
    expected = [oracle.segment_map(each, case.truth.active[kind], case.lengths) for kind, each in scores.items()]
    assert [*ours.values()] == pytest.approx([*expected, np.mean(expected)], abs=1e-9, nan_ok=True)


@given(SEEDS)
def test_segment_map_of_the_truth_is_1_and_of_one_modality_its_own(seed):
    case = Case(seed)
    certain = case.truth.active["audio"].astype(np.float32)
    case.prediction = prediction({"audio": certain}, {"audio": case.truth.active["audio"]})
    expected = pytest.approx(1) if certain.any() else pytest.approx(np.nan, nan_ok=True)
    assert case.of("segment-map") == {Key("audio", "map"): expected}


def test_segment_map_in_closed_cases():
    """Of three true segments two come first and one after a false one; then all are equal."""
    clips = Clips(("a", "b"), ("Cat",), np.array([3, 2]), 3)
    true = {"audio": np.array([[1, 0, 1], [1, 0, 0]], bool)[..., None]}
    for scores, value in (([[0.9, 0.1, 0.3], [0.8, 0.5, 0]], (1 + 1 + 3 / 4) / 3), ([[0.5] * 3, [0.5, 0.5, 0]], 3 / 5)):
        given = prediction({"audio": np.array(scores, np.float32)[..., None]}, true)
        measured = METRICS["segment-map"].measure(given, truth(true), clips)
        assert measured.values(np.ones((1, 2))).tolist() == [[pytest.approx(value)]]
        assert [(each.label, each.support) for each in measured.classes] == [("Cat", 3)]


@given(SEEDS, st.lists(st.integers(0, 3), min_size=6, max_size=6).filter(any))
def test_a_clip_that_counts_twice_is_two_clips_of_segments(seed, counts):
    case = Case(seed)
    copies = [clip for clip, count in enumerate(counts) for _ in range(count)]
    measured = METRICS["segment-map"].measure(case.prediction, case.truth, case.clips)
    ours = measured.values(np.array([counts], dtype=float))[0]
    heard, seen = (case.prediction.scores[kind][copies] for kind in ("audio", "visual"))
    scores = {"audio": heard, "visual": seen, "audio_visual": heard * seen}
    expected = [
        oracle.segment_map(each, case.truth.active[kind][copies], case.lengths[copies]) for kind, each in scores.items()
    ]
    assert ours[:3] == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.skipif(not importlib.util.find_spec("sklearn"), reason="scikit-learn is not installed")
@given(SEEDS)
def test_segment_map_has_the_curve_of_scikit_learn(seed):
    from sklearn.metrics import average_precision_score, precision_recall_curve

    case = Case(seed)
    inside, true = case.clips.inside, case.truth.active["audio"]
    classes = METRICS["segment-map"].measure(case.prediction, case.truth, case.clips).classes
    ours = {each.label: each.value for each in classes if each.key.kind == "audio"}
    for c, name in enumerate(CLASSES):
        own = true[..., c][inside], case.prediction.scores["audio"][..., c][inside]
        if own[0].any():
            precision, recall, _ = precision_recall_curve(*own)
            best = np.maximum.accumulate(precision)  # at this recall or a higher one
            assert ours[name] == pytest.approx(-np.sum(np.diff(recall) * best[:-1]))
            assert ours[name] >= average_precision_score(*own) - 1e-9  # which is not interpolated


@given(SEEDS)
def test_label_f1(seed):
    case = Case(seed)
    rng = np.random.default_rng(seed + 1)
    alone = {name: rng.random((len(case.clips), len(CLASSES))) < 0.5 for name in ("audio", "visual")}
    case.prediction = prediction(
        {kind: case.prediction.scores[kind] for kind in alone}, {kind: case.prediction.active[kind] for kind in alone},
        alone=alone,
    )  # fmt: skip
    ours = case.of("label-f1")
    true = {kind: oracle.sets(array) for kind, array in case.truth.labels.items()}
    said = {kind: oracle.sets(case.prediction.active[kind].any(axis=1)) for kind in alone}
    said["audio_visual"] = [heard & seen for heard, seen in zip(*said.values(), strict=True)]
    heard, seen = (true[kind] for kind in ("audio", "visual"))
    only = {
        "audio_only": [h - s for h, s in zip(heard, seen, strict=True)],
        "visual_only": [s - h for h, s in zip(heard, seen, strict=True)],
    }
    for kind, labels in {**true, **only}.items():
        of = kind.removesuffix("_only")
        if any(labels):
            expected = oracle.label_scores(said[of], labels)
            assert [ours[Key(kind, name)] for name in ("f1", "accuracy", "hit")] == pytest.approx(expected)
            top = [{int(np.argmax(row))} for row in case.prediction.clip_scores[of]]
            expected = oracle.label_scores(top, labels)
            assert [ours[Key(kind, name)] for name in ("f1@1", "accuracy@1", "hit@1")] == pytest.approx(expected)
        elif kind in only:
            assert Key(kind, "f1") not in ours
        else:
            assert np.isnan(ours[Key(kind, "f1")])
    both = [heard | seen for heard, seen in zip(said["audio"], said["visual"], strict=True)]
    anything = [heard | seen for heard, seen in zip(true["audio"], true["visual"], strict=True)]
    if any(anything):
        expected = oracle.confusion(*map(oracle.sets, alone.values()), both, anything)
        assert [ours[Key(kind, "mu")] for kind in ("audio", "visual", "audio_visual")] == pytest.approx(expected)


CLOSED = {"dtc": 0.7, "gtc": 0.7}


@pytest.mark.parametrize(
    ("scores", "true", "value"),
    [
        ([0, 1, 1, 0], [(0, 0, 1.0, 3.0)], 1.0),  # as it is
        ([0, 0, 0, 0], [(0, 0, 1.0, 3.0)], 0.0),  # nothing is found without all that is there being found
        ([1, 0, 0, 0], [(0, 0, 1.0, 3.0)], 0.0),  # and a false positive in 4 s is 900 per hour
    ],
)
def test_the_oracle_of_psds_in_closed_cases(scores, true, value):
    assert oracle.psds(np.array(scores, dtype=float)[None, :, None], true, **CLOSED) == pytest.approx(value)


def test_the_oracle_of_psds_integrates_up_to_100_per_hour():
    """One event in 72 s: found only after a false positive, which is 50 per hour."""
    scores = np.zeros((1, 72, 1))
    scores[0, 2], scores[0, 10] = 0.9, 0.5
    assert oracle.psds(scores, [(0, 0, 10.0, 11.0)], **CLOSED) == pytest.approx(0.5)


@PSDS
@pytest.mark.parametrize("seed", range(6))
def test_psds(seed):
    case = Case(seed, clips=12, segments=30)
    case.clips = Clips(case.clips.names, CLASSES, np.full(12, 30), 30)
    ours = case.of("psds")
    settings = {
        name: {"dtc": s["dtc_threshold"], "gtc": s["gtc_threshold"], "cttc": s["cttc_threshold"]}
        | {"alpha_ct": s["alpha_ct"], "alpha_st": s["alpha_st"], "most": 100.0}
        for name, s in SCENARIOS.items()
    }
    for kind in ("audio", "visual"):
        runs = event_spans(ActiveSegments.of(case.truth.active[kind]))
        columns = (column.tolist() for column in (runs.clip, runs.label, runs.start, runs.stop))
        true = [(n, c, float(start), float(stop)) for n, c, start, stop in zip(*columns, strict=True)]
        for name, of_scenario in settings.items():
            expected = oracle.psds(case.prediction.scores[kind].astype(float), true, **of_scenario)
            assert ours[Key(kind, name)] == pytest.approx(expected, abs=1e-9)


@pytest.mark.skipif(bool(importlib.util.find_spec("sed_scores_eval")), reason="the extra psds is installed")
def test_psds_says_what_to_install():
    with pytest.raises(SeehearError, match=r"seehear\[psds\]"):
        Case(0).of("psds")


@pytest.mark.parametrize("name", [name for name in list_metrics() if name != "psds"])
def test_every_metric_weighs_clips(name):
    """No clip but the first two counts: what the others hold changes nothing."""
    one, other = Case(1), Case(1)
    for array in (*other.prediction.active.values(), *other.prediction.labels.values()):
        array[2:] = False
    for array in (*other.prediction.scores.values(), *other.prediction.clip_scores.values()):
        array[2:] = 0.1
    weights = np.array([[2, 1, 0, 0, 0, 0], [0, 3, 0, 0, 0, 0]], dtype=float)
    found = [METRICS[name].measure(each.prediction, each.truth, each.clips).values(weights) for each in (one, other)]
    assert found[0].shape[0] == 2
    assert found[0] == pytest.approx(found[1], nan_ok=True)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_what_a_metric_declares(metric):
    assert METRICS[metric.name] is metric
    assert metric.meaning
    assert metric.paper
    assert metric.grain in Grain
    assert metric.kinds in Kinds


def test_an_unknown_metric_is_answered_with_close_names():
    with pytest.raises(SeehearError, match="segment-accuracy"):
        METRICS["segment-acuracy"]


def test_what_the_truth_cannot_say_is_an_error():
    case = Case(0)
    per_clip = Truth({"audio": case.truth.labels["audio"]}, given={"audio": "weak_audio.csv"})
    with pytest.raises(
        SeehearError, match=r"per second. Given: audio per clip.*weak_audio.csv.*says nothing of when.*Give KIND=TABLE"
    ):
        METRICS["map"].check(case.prediction, per_clip)
    joint = Truth(
        {"audio_visual": case.truth.labels["audio_visual"]}, {"audio_visual": case.truth.active["audio_visual"]},
        {"audio_visual": case.truth.spans["audio"]}, {"audio_visual": "av.csv"},
    )  # fmt: skip
    METRICS["segment-accuracy"].check(case.prediction, joint)
    with pytest.raises(SeehearError, match=r"one modality or more.*says nothing of what is only heard or only seen"):
        METRICS["parsing-f1"].check(case.prediction, joint)
    heard = truth({"audio": case.truth.active["audio"]})
    with pytest.raises(SeehearError, match=r"heard and seen at once.*truth of audio alone.*audio_visual=TABLE"):
        METRICS["segment-accuracy"].check(case.prediction, heard)
    only = prediction({"visual": case.prediction.scores["visual"]}, {"visual": case.prediction.active["visual"]})
    with pytest.raises(SeehearError, match="nothing is predicted of audio"):
        METRICS["map"].check(only, heard)
    assert limits_of(case.truth) == []


def test_intervals_of_values_are_those_of_means():
    values = np.random.default_rng(0).random((3, 20))
    runs = [Ratios((Key("audio", "x"),), row[:, None], np.ones((20, 1))).values for row in values]
    (found,) = bootstrap_values(runs, 20)
    assert vars(found) == pytest.approx(vars(bootstrap(values)))


def test_no_draws_no_interval():
    run = Ratios((Key("audio", "x"),), np.ones((4, 1)), np.ones((4, 1))).values
    (found,) = bootstrap_values([run], 4, draws=0)
    assert found.mean == 1
    assert np.isnan([found.low, found.high]).all()
