"""Correlations, permutations, regret and ceilings against plain loops, and the traps that grids set."""

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kendalltau

from seehear.errors import SeehearError
from seehear.selection.agreement import agreement, ceiling, expected_by_chance, tau_b
from seehear.selection.ranking import draws_of, seed_deviation

shapes = st.sampled_from([(2, 3), (3, 2), (4,), (2, 2, 2), (1, 4), (3, 3)])
tied_scores = st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
maybe = st.one_of(tied_scores, tied_scores, tied_scores, st.just(np.nan))


def sign(x):
    return int(x > 0) - int(x < 0)


def pair_tau(x, y, weight=lambda i, j: 1.0):
    """Correlation of signs over pairs, one pair at a time."""
    x, y = [float(a) for a in x], [float(b) for b in y]
    ahead = of_x = of_y = 0.0
    for i in range(len(x)):
        for j in range(i):
            w = weight(i, j)
            ahead += w * sign(x[i] - x[j]) * sign(y[i] - y[j])
            of_x += w * sign(x[i] - x[j]) ** 2
            of_y += w * sign(y[i] - y[j]) ** 2
    return ahead / math.sqrt(of_x * of_y) if of_x * of_y else math.nan


def weighted(x, y):
    """Mean of two sums: ranks by (x, y) and by (y, x), 0 the best; a pair weighs 1/(r+1) + 1/(s+1)."""
    taus = []
    for first, second in ((x, y), (y, x)):
        order = sorted(range(len(x)), key=lambda i: (first[i], second[i]), reverse=True)
        rank = {cell: position for position, cell in enumerate(order)}
        taus.append(pair_tau(x, y, lambda i, j, rank=rank: 1 / (rank[i] + 1) + 1 / (rank[j] + 1)))
    return sum(taus) / 2


def middle_ranks(x):
    return [sum(b < a for b in x) + (sum(b == a for b in x) + 1) / 2 for a in x]


def spearman(x, y):
    r, s = np.array(middle_ranks(x)), np.array(middle_ranks(y))
    r, s = r - r.mean(), s - s.mean()
    below = math.sqrt((r**2).sum() * (s**2).sum())
    return (r * s).sum() / below if below else math.nan


def known(estimate, truth):
    return zip(*[(e, t) for e, t in zip(estimate, truth, strict=True) if not math.isnan(e)], strict=True)


def within(estimate, truth, shape):
    """Slice by slice: cells that differ in one option alone."""
    cells = list(itertools.product(*map(range, shape)))
    result = []
    for axis in range(len(shape)):
        slices = {}
        for cell, e, t in zip(cells, estimate, truth, strict=True):
            if not math.isnan(e):
                slices.setdefault((*cell[:axis], *cell[axis + 1 :]), []).append((e, t))
        taus = []
        for pairs in slices.values():
            e, t = zip(*pairs, strict=True)
            if len(set(t)) > 1:
                taus.append(0.0 if len(set(e)) == 1 else pair_tau(e, t))
        result.append(sum(taus) / len(taus) if taus else math.nan)
    return result


def shuffled(estimate, shape):
    """The estimate under every renaming of options, one cell at a time."""
    cells = list(itertools.product(*map(range, shape)))
    for names in itertools.product(*(itertools.permutations(range(options)) for options in shape)):
        moved = [tuple(of[at] for of, at in zip(names, cell, strict=True)) for cell in cells]
        yield [estimate[cells.index(cell)] for cell in moved]


def defined_tau(estimate, truth):
    pairs = list(known(estimate, truth))
    return pair_tau(*pairs) if pairs else math.nan


def trainings(truth):
    """One training on one clip each, (n, 1, 1)."""
    return np.asarray(truth)[:, None, None]


@given(data=st.data(), shape=shapes)
@settings(deadline=None, max_examples=60)
def test_correlations_are_the_loops(data, shape):
    n = math.prod(shape)
    estimate, truth = data.draw(arrays(float, n, elements=maybe)), data.draw(arrays(float, n, elements=tied_scores))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = agreement(estimate, trainings(truth), shape)
    tau = defined_tau(estimate, truth)
    assert found.failed == sum(math.isnan(e) for e in estimate)
    assert found.tau_b == pytest.approx(tau, nan_ok=True)
    assert found.within_tau == pytest.approx(within(estimate, truth, shape), nan_ok=True)
    if math.isnan(tau):
        assert math.isnan(found.weighted_tau)
        assert math.isnan(found.spearman)
        assert found.p == 1
    else:
        pairs = list(known(estimate, truth))
        assert found.weighted_tau == pytest.approx(weighted(*pairs))
        assert found.spearman == pytest.approx(spearman(*pairs))


@given(data=st.data(), shape=st.sampled_from([(2, 3), (4,), (2, 2, 2), (1, 3)]))
@settings(deadline=None, max_examples=25)
def test_p_counts_every_renaming(data, shape):
    n = math.prod(shape)
    estimate, truth = data.draw(arrays(float, n, elements=maybe)), data.draw(arrays(float, n, elements=tied_scores))
    tau = defined_tau(estimate, truth)
    assume(not math.isnan(tau))
    taus = [defined_tau(moved, truth) for moved in shuffled(estimate.tolist(), shape)]
    expected = sum(other >= tau - 1e-9 for other in taus) / len(taus)
    assert agreement(estimate, trainings(truth), shape).p == pytest.approx(expected)


@given(data=st.data(), shape=shapes, transform=st.sampled_from([lambda x: x**3 - 7, np.exp, lambda x: x / 1e6]))
@settings(deadline=None, max_examples=40)
def test_only_the_order_of_the_estimate_counts(data, shape, transform):
    n = math.prod(shape)
    estimate, truth = data.draw(arrays(float, n, elements=maybe)), data.draw(arrays(float, n, elements=tied_scores))
    one, other = (agreement(x, trainings(truth), shape) for x in (estimate, transform(estimate)))
    assert (one.chosen, one.regret, one.p) == (other.chosen, other.regret, other.p)
    assert one.within_tau == pytest.approx(other.within_tau, nan_ok=True)
    for name in ("tau_b", "weighted_tau", "spearman"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), nan_ok=True)


@given(data=st.data(), shape=st.sampled_from([(2, 3), (2, 2, 3), (3, 3)]))
@settings(deadline=None, max_examples=30)
def test_p_does_not_depend_on_how_options_are_ordered(data, shape):
    n = math.prod(shape)
    estimate, truth = data.draw(arrays(float, n, elements=maybe)), data.draw(arrays(float, n, elements=tied_scores))
    axes = data.draw(st.permutations(range(len(shape))))
    names = [data.draw(st.permutations(range(options))) for options in shape]

    def moved(x):
        return x.reshape(shape)[np.ix_(*names)].transpose(axes)

    one = agreement(estimate, trainings(truth), shape)
    other = agreement(moved(estimate).ravel(), trainings(moved(truth).ravel()), moved(truth).shape)
    assert other.p == pytest.approx(one.p)
    assert other.within_tau == pytest.approx([one.within_tau[axis] for axis in axes], nan_ok=True)


def test_tau_is_scipys():
    x, y = np.random.default_rng(0).integers(0, 6, (2, 30)).astype(float)
    assert tau_b(x, y) == pytest.approx(kendalltau(x, y).statistic)
    assert tau_b(x, -x) == pytest.approx(-1)


def test_random_permutations_come_near_the_exact_p():
    """5 × 6 options have 86,400 renamings, too many to look at; here 4,000 others, one at a time."""
    rng = np.random.default_rng(3)
    truth = (rng.normal(size=(5, 1)) + rng.normal(size=(1, 6))).ravel()
    estimate = truth + rng.normal(0, 8, size=30)
    found = agreement(estimate, trainings(truth), (5, 6))
    cells = np.arange(30).reshape(5, 6)
    signs = np.sign(np.subtract.outer(truth, truth))
    hits = []
    for _ in range(4000):
        moved = estimate[cells[np.ix_(rng.permutation(5), rng.permutation(6))].ravel()]
        tau = (np.sign(np.subtract.outer(moved, moved)) * signs).sum() / (30 * 29)  # no ties
        hits.append(tau >= found.tau_b - 1e-12)
    assert 0.02 < found.p < 0.5
    assert found.p == pytest.approx(np.mean(hits), abs=0.03)
    assert found.p * 10_001 == pytest.approx(round(found.p * 10_001))
    assert found.p == agreement(estimate, trainings(truth), (5, 6)).p
    assert 1 / 10_001 <= agreement(truth, trainings(truth), (5, 6)).p < 0.001


def test_knowing_one_modality_alone_is_not_knowing_the_pairs():
    """A 2 × 5 grid in which audio decides; the selector knows that and orders the rest at random.

    Were the ten exchangeable, most such selectors would be significant. With names shuffled within modalities p is
    half of what a random order of the visual networks has: the half is for the better of two audio networks.
    """
    rng = np.random.default_rng(0)
    naive, by_name = [], []
    for _ in range(150):
        truth = (10.0 * np.arange(2)[:, None] + rng.permuted(np.tile(np.arange(5.0), (2, 1)), axis=1)).ravel()
        estimate = (10.0 * np.arange(2)[:, None] + rng.permuted(np.tile(np.arange(5.0), (2, 1)), axis=1)).ravel()
        naive.append(kendalltau(estimate, truth, alternative="greater").pvalue)
        by_name.append(agreement(estimate, trainings(truth), (2, 5)).p)
    assert np.median(naive) < 0.05
    assert np.mean(np.array(naive) < 0.05) > 0.6
    assert np.median(by_name) > 0.2
    assert np.mean(np.array(by_name) < 0.05) < 0.17
    assert 0.22 < np.mean(by_name) < 0.35


def test_p_keeps_its_level_where_nothing_is_known():
    rng = np.random.default_rng(1)
    p = []
    for _ in range(200):
        truth, estimate = (
            rng.normal(size=(3, 1)) * 2 + rng.normal(size=(1, 4)) + rng.normal(size=(3, 4)) for _ in "ab"
        )
        p.append(agreement(estimate.ravel(), trainings(truth.ravel()), (3, 4)).p)
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)
    assert np.mean(np.array(p) <= 0.05) < 0.08


def test_within_tau_shows_which_modality_is_known():
    truth = np.add.outer([0.0, 10.0], [0.0, 1.0, 2.0]).ravel()
    audio_alone = np.add.outer([0.0, 10.0], [0.0, 0.0, 0.0]).ravel()
    assert agreement(audio_alone, trainings(truth), (2, 3)).within_tau == (1.0, 0.0)
    wrong_way = np.add.outer([0.0, 10.0], [0.0, -1.0, -2.0]).ravel()
    assert agreement(wrong_way, trainings(truth), (2, 3)).within_tau == pytest.approx((1.0, -1.0))
    assert math.isnan(agreement(truth, trainings(truth), (1, 6)).within_tau[0])


def noisy(n=6, n_seeds=4, n_clips=30, spread=2.0, seed=0):
    rng = np.random.default_rng(seed)
    cells = rng.normal(50, spread, size=(n, 1, 1))
    return cells + rng.normal(0, 1, size=(n, n_seeds, 1)) + rng.normal(0, 5, size=(1, 1, n_clips))


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_regret_is_the_loop(data):
    values = noisy()
    estimate = data.draw(arrays(float, 6, elements=maybe))
    found = agreement(estimate, values, (2, 3))
    truth = [float(np.mean(of_one)) for of_one in values]
    scores = [-math.inf if math.isnan(e) else e for e in estimate]
    top = [i for i in range(6) if scores[i] == max(scores)]
    assert found.chosen == tuple(top)
    assert found.best == truth.index(max(truth))
    assert found.regret == pytest.approx(sum(max(truth) - truth[i] for i in top) / len(top))
    draws, deviation = draws_of(values, 0), seed_deviation(values)
    within_deviation = sum(max(draw) - draw[i] <= deviation for draw in draws.tolist() for i in top)
    assert found.p_regret == pytest.approx(within_deviation / len(top) / len(draws))


def test_the_best_choice_regrets_nothing():
    values = noisy(spread=20)
    found = agreement(values.mean(axis=(1, 2)), values, (2, 3))
    assert found.regret == 0
    assert found.p_regret == 1
    assert found.tau_b == found.weighted_tau == pytest.approx(1)
    assert found.p == 1 / 12  # nothing but the identity among 2!·3! renamings


@pytest.mark.parametrize("estimate", [np.full(6, 0.995), np.full(6, np.nan)])
def test_an_estimate_that_says_nothing_is_chance(estimate):
    values = noisy()
    found, chance = agreement(estimate, values, (2, 3)), expected_by_chance(values)
    assert math.isnan(found.tau_b)
    assert found.p == 1
    truth = values.mean(axis=(1, 2))
    assert found.regret == chance.regret == pytest.approx(truth.max() - truth.mean())
    assert found.p_regret == chance.p_regret
    assert 0 < chance.p_regret < 1


@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 2)])
def test_tau_by_chance_is_nought_on_average_over_renamings(shape):
    rng = np.random.default_rng(2)
    truth, estimate = rng.normal(size=(2, math.prod(shape)))
    taus = [pair_tau(moved, truth) for moved in shuffled(estimate.tolist(), shape)]
    assert np.mean(taus) == pytest.approx(expected_by_chance(trainings(truth)).tau_b, abs=1e-12)
    assert np.std(taus) > 0.1


def test_one_training_each_has_no_seeds_to_compare_regret_with():
    assert math.isnan(agreement(np.arange(6.0), noisy(n_seeds=1), (2, 3)).p_regret)


def test_ragged_trainings():
    values = noisy()
    ragged = [of_one[: 1 + n % 4] for n, of_one in enumerate(values)]
    found = agreement(np.arange(6.0), ragged, (2, 3))
    truth = [of_one.mean() for of_one in ragged]
    assert found.regret == pytest.approx(max(truth) - truth[5])
    assert 0 <= found.p_regret <= 1


def test_tied_set_holds_the_best_or_not():
    values = noisy(spread=20)
    truth = values.mean(axis=(1, 2))
    order = np.argsort(-truth)
    estimate = np.zeros(6)
    estimate[order[1]], estimate[order[0]] = 1.0, 0.9
    sure = estimate + np.random.default_rng(0).normal(0, 1e-3, size=(400, 6))
    unsure = estimate + np.random.default_rng(0).normal(0, 0.1, size=(400, 6))
    found = agreement(estimate, values, (2, 3), sure)
    assert (found.tied_hit, found.tied_size) == (False, 1)
    found = agreement(estimate, values, (2, 3), unsure)
    assert (found.tied_hit, found.tied_size) == (True, 2)
    found = agreement(estimate, values, (2, 3))
    assert (found.tied_hit, found.tied_size) == (None, None)


@pytest.mark.parametrize(
    ("estimate", "values"),
    [(np.zeros(5), noisy()), (np.zeros(6), noisy(n=5)), (np.zeros(6), np.full((6, 2, 3), np.nan))],
)
def test_what_can_not_be_compared(estimate, values):
    with pytest.raises(SeehearError):
        agreement(estimate, values, (2, 3))


@pytest.mark.parametrize("n_seeds", [2, 3, 4, 5])
def test_ceiling_is_every_split(n_seeds):
    values = noisy(n=8, n_seeds=n_seeds, spread=0.7)
    means = values.mean(axis=2)
    halves = []
    for half in itertools.combinations(range(n_seeds), n_seeds // 2):
        rest = [s for s in range(n_seeds) if s not in half]
        halves.append(pair_tau(*[[np.mean([row[s] for s in part]) for row in means] for part in (half, rest)]))
    ones = []
    for one in range(n_seeds):
        rest = [[row[s] for s in range(n_seeds) if s != one] for row in means]
        ones.append(pair_tau([row[one] for row in means], [np.mean(row) for row in rest]))
    found = ceiling(values)
    assert found.halves == pytest.approx(np.mean(halves))
    assert found.one_seed == pytest.approx(np.mean(ones))


def test_ceiling_of_equal_noise_and_spread():
    """Seed SD equal to the spread between collocations: one seed correlates by 1/2 with another, τ = 2/π·asin(1/2)."""
    values = noisy(n=300, n_seeds=2, spread=1.0)
    assert ceiling(values).halves == pytest.approx(1 / 3, abs=0.07)


def test_many_seeds_are_split_at_random():
    values = noisy(n=8, n_seeds=11, spread=1.0)
    assert math.comb(11, 5) > 200
    one, other = ceiling(values), ceiling(values, seed=1)
    assert one.halves == pytest.approx(other.halves, abs=0.05)
    assert one.halves != other.halves
    assert one == ceiling(values)


def test_clips_of_their_own_lower_the_ceiling():
    rng = np.random.default_rng(4)
    easy = rng.normal(0, 10, size=(12, 1, 20))  # which clips a collocation finds easy, whatever the seed
    values = 50 + rng.normal(0, 1, size=(12, 1, 1)) + easy + rng.normal(0, 0.1, size=(12, 4, 20))
    found = ceiling(values)
    assert found.halves > 0.9
    assert found.halves_and_clips < 0.6


def test_nothing_to_split():
    assert all(math.isnan(tau) for tau in vars(ceiling(noisy(n_seeds=1))).values())
    assert math.isnan(ceiling(noisy(n_clips=1)).halves_and_clips)
    assert math.isnan(ceiling(np.ones((4, 2, 3))).halves)
