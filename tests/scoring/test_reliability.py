"""Reliability against plain loops, and its intervals against closed forms and made-up clips."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats

from seehear.errors import SeehearError
from seehear.scoring.reliability import Tally, frequency_interval, reliability


@st.composite
def forecasts(draw):
    """Probabilities and truth of N clips, (N, T, C), many of them at the edges of bins, and the clips' lengths."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3)))
    value = st.one_of(st.integers(0, 10).map(lambda n: n / 10), st.floats(0, 1))
    lengths = draw(arrays(np.int64, shape[0], elements=st.integers(1, shape[1])))
    return draw(arrays(np.float64, shape, elements=value)), draw(arrays(bool, shape)), lengths


@given(forecasts(), st.sampled_from([1, 4, 10]))
@settings(deadline=None)
def test_reliability_is_the_loop(given_forecasts, bins):
    p, true, lengths = given_forecasts
    found = reliability(p, true, lengths, bins)
    pairs = [
        (float(p[n, t, c]), bool(true[n, t, c]), n)
        for n in range(len(p))
        for t in range(lengths[n])
        for c in range(p.shape[2])
    ]
    error = 0.0
    for k, each in enumerate(found.bins):
        assert (each.low, each.high) == (k / bins, (k + 1) / bins)
        inside = [pair for pair in pairs if each.low <= pair[0] < each.high or (k == bins - 1 and pair[0] == 1)]
        assert (each.count, each.clips) == (len(inside), len({clip for _, _, clip in inside}))
        if inside:
            confidence = sum(q for q, _, _ in inside) / len(inside)
            frequency = sum(there for _, there, _ in inside) / len(inside)
            assert each.confidence == pytest.approx(confidence, abs=1e-12)
            assert each.frequency == pytest.approx(frequency)
            assert 0 <= each.frequency_low <= each.frequency <= each.frequency_high <= 1
            error += len(inside) / len(pairs) * abs(confidence - frequency)
        else:
            assert all(math.isnan(value) for value in (each.confidence, each.frequency, each.frequency_low))
    frequency = sum(there for _, there, _ in pairs) / len(pairs)
    assert found.count == len(pairs)
    assert found.error == pytest.approx(error, abs=1e-12)
    assert found.brier == pytest.approx(sum((q - there) ** 2 for q, there, _ in pairs) / len(pairs), abs=1e-12)
    assert found.frequency == pytest.approx(frequency)
    assert found.baseline == pytest.approx(sum((frequency - there) ** 2 for _, there, _ in pairs) / len(pairs))
    json.dumps(found.as_json(), allow_nan=False)


def test_confidences_that_come_true_as_often_have_no_error():
    p = np.repeat([0.25, 0.75], 4)[None, :, None]
    true = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)[None, :, None]
    found = reliability(p, true, np.array([8]))
    assert found.error == 0
    assert found.brier == pytest.approx(0.1875)
    sure = reliability(np.ones((1, 8, 1)), true, np.array([8]))
    assert (sure.error, sure.brier) == (0.5, 0.5)


def test_runs_are_taken_together():
    """The same forecasts of the same clips, five times over, are no more to go by than once."""
    rng = np.random.default_rng(0)
    p = rng.random((6, 4, 3))
    true = rng.random((6, 4, 3)) < p
    tally = Tally(6)
    for n in np.repeat(np.arange(6), 5):
        tally.add(n, p[n], true[n])
    once, often = reliability(p, true, np.full(6, 4)), tally.reliability(runs=5)
    assert often.count == 5 * once.count
    assert (often.error, often.brier) == (pytest.approx(once.error), pytest.approx(once.brier))
    for one, other in zip(once.bins, often.bins, strict=True):
        assert (other.frequency_low, other.frequency_high) == pytest.approx((one.frequency_low, one.frequency_high))


def test_nothing_to_hold_against():
    with pytest.raises(SeehearError, match="no probabilities"):
        Tally(3).reliability()


clips = st.lists(st.tuples(st.integers(0, 6), st.floats(0, 1)), min_size=1, max_size=12)


@given(clips)
@settings(deadline=None)
def test_the_interval_is_the_binomials(given_clips):
    """At either end, what was found or beyond comes by chance in 2.5 of 100 draws of the size that counts."""
    count = np.array([n for n, _ in given_clips])
    true = np.array([round(n * share) for n, share in given_clips])
    low, high = frequency_interval(count, true)
    there = [(n, k) for n, k in zip(count.tolist(), true.tolist(), strict=True) if n]
    if not there:
        assert math.isnan(low)
        assert math.isnan(high)
        return
    total = sum(n for n, _ in there)
    p = sum(k for _, k in there) / total
    size = float(min(len(there), total))
    if len(there) > 1 and 0 < p < 1:
        variance = sum((k - p * n) ** 2 for n, k in there) * len(there) / (len(there) - 1) / total**2
        few, many = (stats.t.ppf(0.975, max(1, n - 1)) for n in (len(there), total))
        size = min(total, p * (1 - p) / variance * (many / few) ** 2) if variance else total
    # P(X >= x) of a binomial is the incomplete beta function, which is there for sizes between whole numbers too.
    assert 0 <= low <= p <= high <= 1
    if p > 0:
        more = [special.betainc(p * size, (1 - p) * size + 1, max(0.0, low + step)) for step in (-1e-9, 1e-9)]
        assert more[0] - 1e-6 <= 0.025 <= more[1] + 1e-6
    if p < 1:
        less = [special.betaincc(p * size + 1, (1 - p) * size, min(1.0, high + step)) for step in (-1e-9, 1e-9)]
        assert less[1] - 1e-6 <= 0.025 <= less[0] + 1e-6
    assert (low == 0) >= (p == 0)
    assert (high == 1) >= (p == 1)


def test_one_forecast_a_clip_is_nearly_drawn_one_by_one():
    true = np.repeat([1, 0], [12, 28])
    found = frequency_interval(np.ones(40, int), true)
    assert found == pytest.approx(stats.binomtest(12, 40).proportion_ci(), abs=0.004)  # of 39, as a variance has it
    of_none = frequency_interval(np.ones(40, int), np.zeros(40, int))
    assert of_none == pytest.approx(stats.binomtest(0, 40).proportion_ci())


def test_few_clips_say_little_however_long():
    low, high = frequency_interval(np.array([0, 50, 0]), np.array([0, 25, 0]))
    assert low < 0.01
    assert high > 0.99
    low, high = frequency_interval(np.array([50, 50]), np.array([50, 50]))
    assert low < 0.2
    assert high == 1.0


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_intervals_hold_the_frequency_in_95_of_100_draws_of_clips(rate):
    """Segments of a clip come true together: as if they were drawn one by one, four draws in ten would miss it."""
    rng = np.random.default_rng(1)
    held = drawn_alone = 0
    for _ in range(400):
        of_clip = rng.beta(rate, 1 - rate, 40)
        count = rng.integers(1, 20, 40)
        true = rng.binomial(count, of_clip)
        low, high = frequency_interval(count, true)
        held += low <= rate <= high
        alone = frequency_interval(np.ones(count.sum(), int), np.repeat([1, 0], [true.sum(), (count - true).sum()]))
        drawn_alone += alone[0] <= rate <= alone[1]
    assert 0.92 <= held / 400 <= 0.99
    assert drawn_alone / 400 < 0.75
