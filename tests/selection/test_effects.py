"""Effects and their test against least squares on dummies, nested models and worlds whose answer is known."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seehear.errors import SeehearError
from seehear.selection.effects import Pairing, effects
from seehear.selection.views import effects_sentence

shapes = st.sampled_from([(2, 2), (3, 4), (2, 2, 3), (5,), (1, 4), (2, 1, 3)])
scores = st.floats(0, 100).map(lambda x: round(x, 3))


def cells_of(shape):
    return list(itertools.product(*map(range, shape)))


def dummies(shape):
    """One row a collocation: 1, and for each option whether it has it."""
    return np.array(
        [
            [1.0, *(float(at == option) for at, options in zip(cell, shape, strict=True) for option in range(options))]
            for cell in cells_of(shape)
        ]
    )


def additive_fit(cells, shape):
    design = dummies(shape)
    return design @ np.linalg.lstsq(design, cells, rcond=None)[0]


def anova(seeds, shape):
    """Sums of squares of nested models over all trainings (n, S), one training at a time; f and its freedoms."""
    n, n_seeds = seeds.shape
    means = [sum(row) / n_seeds for row in seeds.tolist()]
    fitted = additive_fit(np.array(means), shape)
    of_additive = sum((seeds[i, s] - fitted[i]) ** 2 for i in range(n) for s in range(n_seeds))
    of_cells = sum((seeds[i, s] - means[i]) ** 2 for i in range(n) for s in range(n_seeds))
    free = n - int(np.linalg.matrix_rank(dummies(shape)))
    rest = n * (n_seeds - 1)
    return (of_additive - of_cells) / free / (of_cells / rest), free, rest


@given(data=st.data(), shape=shapes, n_seeds=st.integers(1, 3))
@settings(deadline=None, max_examples=80)
def test_parts_are_the_least_squares_fit(data, shape, n_seeds):
    seeds = data.draw(arrays(float, (math.prod(shape), n_seeds), elements=scores))
    found = effects(seeds, shape)
    means = seeds.mean(axis=1)
    fitted = additive_fit(means, shape)
    np.testing.assert_allclose(found.interaction.ravel(), means - fitted, atol=1e-8)
    for n, cell in enumerate(cells_of(shape)):
        parts = found.grand + sum(of[at] for of, at in zip(found.main, cell, strict=True))
        assert parts == pytest.approx(fitted[n], abs=1e-8)
    for axis, of_options in enumerate(found.main):
        for option, effect in enumerate(of_options):
            own = [mean for mean, cell in zip(means, cells_of(shape), strict=True) if cell[axis] == option]
            assert effect == pytest.approx(sum(own) / len(own) - means.mean(), abs=1e-8)


@given(data=st.data(), shape=shapes, n_seeds=st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_shares_sum_to_one(data, shape, n_seeds):
    seeds = data.draw(arrays(float, (math.prod(shape), n_seeds), elements=scores))
    shares = effects(seeds, shape).shares
    parts = [*shares.main, shares.interaction]
    if n_seeds > 1:
        parts.append(shares.noise)
    else:
        assert math.isnan(shares.noise)
    if np.ptp(seeds.mean(axis=1)) < 1e-9:
        assert all(math.isnan(part) for part in parts)
    else:
        assert sum(parts) == pytest.approx(1)
        assert min(parts) >= -1e-12


def test_shares_are_the_loops():
    rng = np.random.default_rng(0)
    shape, seeds = (2, 3), rng.normal(50, 1, size=(6, 4)) + np.array([[0.0], [5], [1], [9], [2], [0]])
    means = seeds.mean(axis=1)
    variance = sum((seeds[i, s] - means[i]) ** 2 for i in range(6) for s in range(4)) / 18
    total = sum((mean - means.mean()) ** 2 for mean in means)
    left = means - additive_fit(means, shape)
    found = effects(seeds, shape)
    audio = sum(3 * (means.reshape(shape)[a].mean() - means.mean()) ** 2 for a in range(2))
    visual = sum(2 * (means.reshape(shape)[:, v].mean() - means.mean()) ** 2 for v in range(3))
    expected = [(audio - variance / 4) / total, (visual - 2 * variance / 4) / total]
    assert min(expected) > 0
    assert found.shares.main == pytest.approx(expected)
    assert found.shares.interaction == pytest.approx(((left**2).sum() - 2 * variance / 4) / total)
    assert found.shares.noise == pytest.approx(5 * variance / 4 / total)
    assert found.interaction_deviation == pytest.approx(math.sqrt((left**2).sum() / 2 - variance / 4))


@given(data=st.data(), shape=st.sampled_from([(2, 3), (3, 4), (2, 2, 3)]))
@settings(deadline=None, max_examples=40)
def test_order_of_modalities_and_options_does_not_matter(data, shape):
    seeds = data.draw(arrays(float, (math.prod(shape), 2), elements=scores))
    axes = data.draw(st.permutations(range(len(shape))))
    names = [data.draw(st.permutations(range(options))) for options in shape]
    moved = seeds.reshape(*shape, 2)[np.ix_(*names)].transpose(*axes, len(shape))
    one, other = effects(seeds, shape), effects(moved.reshape(-1, 2), moved.shape[:-1])
    assert other.grand == pytest.approx(one.grand)
    for axis, of in zip(axes, other.main, strict=True):
        np.testing.assert_allclose(of, one.main[axis][names[axis]], atol=1e-9)
    np.testing.assert_allclose(other.interaction, one.interaction[np.ix_(*names)].transpose(axes), atol=1e-9)
    assert other.shares.main == pytest.approx([one.shares.main[axis] for axis in axes], nan_ok=True)
    assert other.shares.interaction == pytest.approx(one.shares.interaction, nan_ok=True, abs=1e-9)
    assert (other.f, other.p) == pytest.approx((one.f, one.p), nan_ok=True, abs=1e-6)


@pytest.mark.parametrize("shape", [(2, 3), (3, 4), (2, 2, 2), (2, 2, 3)])
def test_f_is_that_of_nested_models(shape):
    seeds = np.random.default_rng(1).normal(50, 2, size=(math.prod(shape), 3))
    f, _, _ = anova(seeds, shape)
    assert effects(seeds, shape).f == pytest.approx(f)


@pytest.mark.parametrize(("shape", "n_seeds"), [((2, 3), 2), ((2, 3), 5), ((3, 2), 3)])
def test_p_of_two_degrees_of_freedom(shape, n_seeds):
    """The F distribution's tail has a closed form where its first degrees of freedom are 2."""
    seeds = np.random.default_rng(n_seeds).normal(50, 2, size=(6, n_seeds))
    f, free, rest = anova(seeds, shape)
    assert free == 2
    assert effects(seeds, shape).p == pytest.approx((1 + 2 * f / rest) ** (-rest / 2))


def additive(shape=(3, 4), spread=3.0):
    audio, visual = (spread * np.arange(options) for options in shape)
    return 50 + np.add.outer(audio, visual).ravel()


def world(cells, n_seeds, n_clips, rng, seed_noise=1.0, clip_noise=0.0):
    return (
        cells[:, None, None]
        + rng.normal(0, seed_noise, size=(len(cells), n_seeds, 1))
        + rng.normal(0, 8, size=(1, 1, n_clips))  # hard and easy clips
        + rng.normal(0, clip_noise, size=(len(cells), 1, n_clips))
    )


def test_p_is_uniform_where_nothing_pairs():
    rng = np.random.default_rng(2)
    p = np.array([effects(world(additive(), 3, 1, rng), (3, 4)).p for _ in range(120)])
    assert p.mean() == pytest.approx(0.5, abs=0.07)
    assert 0 < (p < 0.05).mean() < 0.11


def test_pairing_that_matters_is_found():
    cells = additive()
    cells[0] += 20  # the worst networks by themselves, the best together
    found = effects(world(cells, 3, 10, np.random.default_rng(3)), (3, 4))
    assert found.verdict is Pairing.MATTERS
    assert found.p < 0.001
    assert found.additive_choice == 11
    assert found.additive_regret == pytest.approx(cells[0] - cells[11], abs=3)
    assert found.low > 0.5
    assert "p < .001" in effects_sentence(found)
    assert f"loses {found.additive_regret:.2f} points" in effects_sentence(found)


def test_pairing_may_matter_and_leave_the_best_as_they_are():
    cells = additive()
    cells[11] += 20
    found = effects(world(cells, 3, 10, np.random.default_rng(3)), (3, 4))
    assert found.verdict is Pairing.MATTERS
    assert found.additive_regret == 0
    assert effects_sentence(found).endswith("by themselves are still the best together")


def test_pairing_of_these_clips_alone_is_called_so():
    """What pairs is which clips suit whom: beyond the noise of seeds, and yet nothing on other clips."""
    found = effects(world(additive(), 4, 20, np.random.default_rng(1), 0.1, 8.0), (3, 4))
    assert found.verdict is Pairing.MATTERS
    assert found.low == 0 < found.high
    assert effects_sentence(found).endswith("on other clips it may explain nothing")


def test_pairing_that_does_not_matter_is_called_so():
    found = effects(world(additive(), 3, 10, np.random.default_rng(4)), (3, 4))
    assert found.verdict is Pairing.NOT_SIGNIFICANT
    assert found.additive_choice == 11
    assert found.additive_regret == 0
    assert found.low == 0
    share = round(100 * found.shares.interaction)
    assert effects_sentence(found) == (
        f"pairing explains {share} % of the variance between collocations (p = .{round(100 * found.p):02d}): "
        "not significant with 3 seeds; choosing the best network of each modality by itself would do as well"
    )


@pytest.mark.parametrize("deviation", [0.0, 2.0])
def test_the_interval_covers_what_is_true_of_all_clips(deviation):
    """Clips, of which others could have been had, pair collocations too: that is noise, not pairing."""
    rng = np.random.default_rng(5)
    covered, raw = 0, []
    pattern = rng.normal(size=(3, 4))
    pattern -= pattern.mean(0) + pattern.mean(1, keepdims=True) - pattern.mean()
    pattern *= deviation / math.sqrt((pattern**2).sum() / 6)
    for _ in range(60):
        found = effects(world(additive() + pattern.ravel(), 3, 25, rng, clip_noise=4.0), (3, 4))
        covered += found.low <= deviation <= found.high
        raw.append(found.interaction_deviation)
    assert covered / 60 >= 0.85
    assert np.mean(raw) > deviation  # without taking out the noise of clips it is too high


def test_seeds_that_average_out_leave_the_component_unbiased():
    rng = np.random.default_rng(6)
    pattern = 2.0 * np.outer([1, -1], [1, -1]).ravel()  # sum of squares 16, one degree of freedom
    found = [effects(world(50 + pattern, 2, 1, rng), (2, 2)).interaction_deviation ** 2 for _ in range(200)]
    assert np.mean(found) == pytest.approx(16, rel=0.08)


def test_a_modality_without_a_choice_has_no_pairs():
    for shape in ((4,), (1, 4), (4, 1, 1)):
        found = effects(np.random.default_rng(0).normal(size=(4, 3)), shape)
        assert found.verdict is Pairing.NO_CHOICE
        assert math.isnan(found.f)
        assert math.isnan(found.interaction_deviation)
        np.testing.assert_allclose(found.interaction, 0, atol=1e-12)
        assert found.shares.interaction == pytest.approx(0, abs=1e-12)
        assert "no pairing" in effects_sentence(found)
        assert found.additive_regret == 0


def test_one_seed_gives_the_interval_alone():
    rng = np.random.default_rng(7)
    once = rng.normal(50, 3, size=(12, 1))
    found = effects(once, (3, 4))
    assert found.verdict is Pairing.UNTESTED
    assert math.isnan(found.low)
    assert "interval" not in effects_sentence(found)
    left = once[:, 0] - additive_fit(once[:, 0], (3, 4))
    assert found.interaction_deviation == pytest.approx(math.sqrt((left**2).sum() / 6))

    draws = once[:, 0] + rng.normal(0, 0.3, size=(300, 12))
    found = effects(once, (3, 4), draws=draws)
    drawn = sorted(((draw - additive_fit(draw, (3, 4))) ** 2).sum() / 6 for draw in draws)
    few, many = np.quantile(drawn, [0.025, 0.975])
    variance = found.interaction_deviation**2
    assert (found.low, found.high) == pytest.approx((math.sqrt(2 * variance - many), math.sqrt(2 * variance - few)))
    assert math.isnan(found.p)
    assert f"interval {found.low:.3g} to {found.high:.3g}" in effects_sentence(found)
    assert effects(rng.normal(size=(12, 1, 30)), (3, 4)).high > 0  # clips alone


def test_seeds_that_do_not_differ_test_nothing():
    same = np.repeat(np.random.default_rng(8).normal(50, 3, size=(6, 1)), 3, axis=1)
    assert effects(same, (2, 3)).verdict is Pairing.UNTESTED
    flat = effects(np.full((6, 2, 4), 99.5), (2, 3))
    assert flat.verdict is Pairing.ALL_EQUAL
    assert "the same score" in effects_sentence(flat)
    assert flat.interaction_deviation == 0


def test_rounding_is_no_difference():
    rounding = 1e-13 * np.random.default_rng(0).normal(size=(6, 3))
    flat = effects(99.5 + rounding, (2, 3))
    assert math.isnan(flat.shares.interaction)
    assert math.isnan(flat.p)
    assert math.isnan(effects(np.array([1.0, 5, 2, 9, 4, 4])[:, None] + rounding, (2, 3)).f)


def test_clips_and_seeds_of_means_alone_agree():
    values = world(additive(), 4, 20, np.random.default_rng(9))
    whole, means = effects(values, (3, 4)), effects(values.mean(axis=2), (3, 4))
    assert (whole.f, whole.p) == pytest.approx((means.f, means.p))
    assert whole.shares.main == pytest.approx(means.shares.main)
    assert (whole.low, whole.high) != (means.low, means.high)  # only the one knows how clips differ


@pytest.mark.parametrize(
    ("values", "draws"),
    [
        (np.zeros((5, 2)), None),
        (np.zeros((6, 2)), np.zeros((10, 5))),
        (np.full((6, 2), np.nan), None),
        (np.zeros((6, 1)), np.full((10, 6), np.nan)),
    ],
)
def test_what_can_not_be_taken_apart(values, draws):
    with pytest.raises(SeehearError):
        effects(values, (2, 3), draws=draws)
