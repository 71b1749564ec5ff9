"""Thresholds by false alarms per hour, against counts and thresholds in plain loops."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.decoding import ByModality, Decoding, Probabilities
from seehear.errors import SeehearError
from seehear.scoring.false_alarms import (
    Evidence,
    LabelledClips,
    alarm_spans,
    limit_false_alarms,
    poisson_interval,
)

CLASSES, MODALITIES = ("Cat", "Dog"), ("audio", "visual")
FILTERS = ("none", "global", "per-modality")
OWN = 0.35  # the threshold before


def made(seed, clips=12, segments=6):
    """Probabilities in steps of .1, so that many are the same, and all that is known of the clips."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, segments + 1, size=clips)
    segment = (rng.integers(0, 11, (clips, segments, 2, 2)) / 10).astype(np.float32)
    segment[np.arange(segments) >= lengths[:, None]] = 0
    clip = np.repeat(segment.max(axis=(1, 2))[:, None] ** 2, segments, axis=1)
    by_modality = np.repeat(segment.max(axis=1, keepdims=True), segments, axis=1)
    truth = {name: rng.random((clips, segments + 1, 2)) < 0.2 for name in MODALITIES}
    available = rng.random((clips, 2)) < 0.9
    labels = np.any([*truth.values()], axis=(0, 2))
    known = LabelledClips(lengths, labels, available, truth, segment=600.0)
    return Probabilities(segment, clip, by_modality), known


def counted(active, known, modality, c, dense):
    """False alarms and hours, clip by clip and segment by segment."""
    alarms, seconds = 0, 0.0
    for n, length in enumerate(known.lengths):
        if not known.available[n, MODALITIES.index(modality)] or (not dense and known.labels[n, c]):
            continue
        seconds += length * known.segment
        t = 0
        while t < length:
            if not active[modality][n, t, c]:
                t += 1
                continue
            right = False
            while t < length and active[modality][n, t, c]:
                right |= dense and bool(known.truth[modality][n, t, c])
                t += 1
            alarms += not right
    return alarms, seconds / 3600


def wanted(p, known, modality, c, decoding, dense, limit):
    """The thresholds in steps of .05 from 1 down to the first with too many false alarms."""
    good = []
    for step in range(20, 0, -1):
        at = Decoding(decoding.filter, step / 20, decoding.clip_threshold)(p, CLASSES, MODALITIES)
        alarms, hours = counted(at, known, modality, c, dense)
        if alarms > limit * hours + 1e-9:
            break
        good.append(step / 20)
    return good


@given(st.integers(0, 9999), st.sampled_from(FILTERS), st.booleans(), st.sampled_from([0.01, 0.4, 1.0, 3.0]))
@settings(deadline=None, max_examples=60)
def test_the_least_threshold_below_which_there_are_too_many_or_its_own(seed, filter_, dense, rate):
    p, known = made(seed)
    given_ = known if dense else LabelledClips(known.lengths, known.labels, known.available, segment=known.segment)
    before = Decoding(filter_, OWN, 0.5)
    found = limit_false_alarms(p, given_, rate, before, CLASSES, MODALITIES)
    assert (found.decoding.filter, found.decoding.clip_threshold) == (filter_, 0.5)
    active = found.decoding(p, CLASSES, MODALITIES)
    assert len(found.rows) == 4
    for row in found.rows:
        c, m = CLASSES.index(row.label), MODALITIES.index(row.modality)
        alarms, hours = counted(active, known, row.modality, c, dense)
        assert row.hours == pytest.approx(hours)
        if not hours:
            assert (row.threshold, row.evidence) == (pytest.approx(OWN), Evidence.NO_HOURS)
            continue
        assert row.count == alarms
        assert row.threshold >= np.float32(OWN) - 1e-7
        good = wanted(p, known, row.modality, c, before, dense, rate)
        if len(good) == 20:  # any threshold will do
            assert row.threshold == pytest.approx(OWN)
        elif not good:
            assert (row.threshold, row.evidence) == (1.0, Evidence.EXCEEDED)
            continue
        else:
            least = Decoding(filter_, max(good[-1], OWN), 0.5)(p, CLASSES, MODALITIES)[row.modality][..., c]
            assert (active[row.modality][..., c] == least).all()
        assert alarms <= rate * hours + 1e-9
        if dense:
            true = [
                bool(active[row.modality][n, t, c])
                for n, length in enumerate(known.lengths)
                for t in range(length)
                if known.truth[row.modality][n, t, c] and known.available[n, m]
            ]
            assert row.recall == pytest.approx(np.mean(true)) if true else math.isnan(row.recall)
        else:
            assert math.isnan(row.recall)


def test_a_false_alarm_is_an_event_that_overlaps_no_true_segment():
    active = np.array([[1, 1, 0, 1, 0, 1, 1], [1, 0, 0, 0, 0, 0, 1]], dtype=bool)[..., None]
    true = np.array([[0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]], dtype=bool)[..., None]
    spans = alarm_spans(active, true)
    assert [*zip(spans.clip.tolist(), spans.start.tolist(), spans.stop.tolist(), strict=True)] == [
        (0, 3, 4),
        (0, 5, 7),
        (1, 0, 1),
        (1, 6, 7),
    ]


def poisson_at_most(count, mean):
    """Probability of at most so many."""
    return sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(count + 1))


@pytest.mark.parametrize("count", [0, 1, 2, 7, 30])
def test_the_interval_is_the_exact_one(count):
    low, high = poisson_interval(count)
    assert poisson_at_most(count, high) == pytest.approx(0.025)
    if count:
        assert 1 - poisson_at_most(count - 1, low) == pytest.approx(0.025)
    else:
        assert low == 0


def quiet(hours, alarms, clips=50):
    """Clips without the class: the probability is .1 but for so many seconds of .9, each in a clip of its own."""
    length = int(3600 * hours / clips)
    segment = np.full((clips, length, 1, 1), 0.1, np.float32)
    segment[:alarms, 0] = np.linspace(0.8, 0.9, alarms, dtype=np.float32)[:, None, None]
    known = LabelledClips(np.full(clips, length), np.zeros((clips, 1), bool), np.ones((clips, 1), bool))
    return Probabilities.of_segments(segment), known


@pytest.mark.parametrize(
    ("hours", "rate", "sure", "count", "evidence"),
    [
        (1, 3, False, 3, Evidence.TOO_FEW_HOURS),  # even none in an hour may be 3.7 in one
        (2, 3, False, 6, Evidence.WITHIN),
        (2, 3, True, 1, Evidence.SHOWN),  # the interval of 1 ends at 5.6, that of 2 at 7.2
        (1, 3, True, 0, Evidence.TOO_FEW_HOURS),
        (0.1, 1, False, 0, Evidence.TOO_FEW_HOURS),
    ],
)
def test_what_the_hours_show_is_said(hours, rate, sure, count, evidence):
    p, known = quiet(hours, 10)
    found = limit_false_alarms(p, known, rate, Decoding("none"), ("Dog",), ("audio",), sure=sure)
    (row,) = found.rows
    assert (row.count, row.evidence) == (count, evidence)
    assert row.high * row.hours == pytest.approx(poisson_interval(count)[1])
    assert evidence.value in found.text()


@pytest.mark.parametrize("own", [0.2, 0.7, 0.87, 0.95])
def test_a_limit_never_lowers_a_threshold(own):
    """The least threshold with 3 false alarms in an hour lies between .85 and .89."""
    p, known = quiet(1, 10)
    least = limit_false_alarms(p, known, 3, Decoding("none", 0.0), ("Dog",), ("audio",)).rows[0].threshold
    assert 0.85 < least < 0.89
    (row,) = limit_false_alarms(p, known, 3, Decoding("none", own), ("Dog",), ("audio",)).rows
    assert row.threshold == max(own, least)
    assert row.count == sum(value >= np.float32(row.threshold) for value in p.segment[:10, 0, 0, 0])


def test_too_few_hours_are_said_once_at_the_end():
    few = limit_false_alarms(*quiet(0.1, 0), 1, Decoding("none"), ("Dog",), ("audio",))
    last = few.text().splitlines()[-1]
    assert last.startswith("WARNING: for 1 of 1 rows, 0.097 hours can't show the rate, which takes 3.7 hours")
    assert last.endswith("label more clips without the class")
    many = limit_false_alarms(*quiet(4, 0), 1, Decoding("none"), ("Dog",), ("audio",))
    assert "WARNING" not in many.text()


def test_a_probability_of_one_can_not_be_kept_out():
    p, known = quiet(1, 5)
    p.segment[:5, 0] = 1
    (row,) = limit_false_alarms(p, known, 1, Decoding("none"), ("Dog",), ("audio",)).rows
    assert (row.threshold, row.count, row.evidence) == (1.0, 5, Evidence.EXCEEDED)


def test_classes_without_a_rate_keep_their_thresholds(tmp_path):
    p, known = made(1)
    before = Decoding("none", ByModality({"audio": {"Cat": 0.2}, "visual": 0.7}))
    found = limit_false_alarms(p, known, {"Dog": 0.5}, before, CLASSES, MODALITIES)
    assert [(row.label, row.modality) for row in found.rows] == [("Dog", "audio"), ("Dog", "visual")]
    values = found.decoding.segment_threshold.values
    assert (values["audio"]["Cat"], values["visual"]["Cat"]) == (pytest.approx(0.2), pytest.approx(0.7))
    # A file of them is one of thresholds, and decodes in the same way.
    read = Decoding.from_json(json.loads(found.save(tmp_path / "thresholds.json").read_text()))
    assert read == found.decoding
    assert [*found.to_frame()["threshold"]] == [row.threshold for row in found.rows]


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf, "1"])
def test_rates_are_numbers_above_0(rate):
    p, known = made(0)
    with pytest.raises(SeehearError, match="per hour above 0"):
        limit_false_alarms(p, known, {"Dog": rate}, Decoding(), CLASSES, MODALITIES)


def test_unknown_classes_are_named():
    p, known = made(0)
    with pytest.raises(SeehearError, match="unknown to the parser: Cow"):
        limit_false_alarms(p, known, {"Cow": 1}, Decoding(), CLASSES, MODALITIES)
