"""Where to train next, against many outcomes drawn one by one; and what an outlook promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.selection.allocation import chance_to_settle, knowledge_gradient, next_trainings
from seehear.selection.belief import Belief, Observation
from seehear.selection.prior import Kind, Prior

COST = {Kind.FULL: 10.0, Kind.PILOT: 1.0}


def prior(**changed):
    given = {"network": 3.0, "pairing": 1.0, "pilot_network": 1.0, "pilot_pairing": 0.7, "seed": 1.0, "pilot_seed": 2.0}
    return Prior({}, **{**given, "clip": 10.0, "freedom": 8.0, **changed})


def believed(shape=(2, 2), observations=((0, 52.0), (1, 50.0), (3, 49.0)), **changed):
    seen = [Observation(cell, Kind.PILOT, score, 1) for cell, score in observations]
    return Belief.of(shape, {}, prior(**changed), seen, clips=100)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("cells", [[0, 1, 2, 3], [1, 3]])
def test_knowledge_gradient_is_the_mean_rise_of_the_best(kind, cells):
    belief = believed().with_known_levels()
    rng = np.random.default_rng(0)
    for cell, found in zip(cells, knowledge_gradient(belief, kind, cells), strict=True):
        entry = kind * 4 + cell
        deviation = np.sqrt(belief.covariance[entry, entry] + belief.prior.seed_variance(kind))
        rises = []
        for outcome in belief.mean[entry] + deviation * rng.standard_t(belief.freedom, 6000):
            after = belief.after([cell], [kind], np.array([outcome])).scores
            rises.append(after[cells].max() - belief.scores[cells].max())
        # The numerical integral is exact but for the kinks of a maximum.
        assert found == pytest.approx(np.mean(rises), abs=4 * np.std(rises) / np.sqrt(len(rises)) + 0.01)


def test_nothing_is_gained_where_nothing_can_change():
    belief = believed((2,), [(0, 90.0), (1, 10.0)], pilot_seed=0.01).with_known_levels()
    assert knowledge_gradient(belief, Kind.PILOT, [0, 1]) == pytest.approx([0, 0], abs=1e-3)
    assert knowledge_gradient(belief, Kind.PILOT, [0]) == pytest.approx([0], abs=1e-9)  # one alone is the best


def test_a_collocation_that_is_out_does_not_count_as_the_best():
    """The first one leads by far; among the others there is as much to gain as if it did not."""
    seen = [(0, 90.0), (1, 50.0), (2, 50.0)]
    far = believed((3,), seen, network=100.0)
    assert knowledge_gradient(far.with_known_levels(), Kind.FULL, [0, 1, 2]).max() < 0.1
    assert knowledge_gradient(far.with_known_levels(), Kind.FULL, [1, 2]).min() > 0.5
    assert chance_to_settle(far, COST, 10.0, [0, 1, 2], 5) > 0.9
    alike = believed((3,), seen, network=100.0, seed=50.0)
    assert chance_to_settle(alike, COST, 10.0, [1, 2], 5) < 0.5


@given(
    st.fixed_dictionaries({}, optional={kind: st.floats(0.1, 5) for kind in Kind}),
    st.floats(0, 20),
    st.integers(0, 6),
    st.sets(st.integers(0, 3)),
)
@settings(deadline=None, max_examples=50)
def test_trainings_are_affordable_few_and_of_what_is_left(cost, affordable, count, left):
    chosen = next_trainings(believed(), cost, affordable, count, sorted(left))
    assert len(chosen) <= count
    assert {cell for cell, _ in chosen} <= left
    assert {kind for _, kind in chosen} <= set(cost)
    spent = sum(cost[kind] for _, kind in chosen)
    assert spent <= affordable + 1e-9
    if left and len(chosen) < count:  # it stops where nothing more can be paid
        assert all(price > affordable - spent - 1e-9 for price in cost.values())


def test_the_first_training_gains_most_for_its_cost():
    belief, left = believed(), [0, 1, 3]
    per_cost = {}
    for kind, price in COST.items():
        gains = knowledge_gradient(belief.with_known_levels(), kind, left)
        per_cost |= {(cell, kind): gain / price for cell, gain in zip(left, gains, strict=True)}
    assert next_trainings(belief, COST, 100.0, 1, left) == [max(per_cost, key=per_cost.get)]


def test_trainings_are_spread_although_none_has_come_out_yet():
    chosen = next_trainings(Belief.of((3,), {}, prior(), clips=100), {Kind.PILOT: 1.0}, 100.0, 6, [0, 1, 2])
    assert {cell for cell, _ in chosen} == {0, 1, 2}


def test_a_training_that_says_little_is_not_worth_its_cost():
    cheap = next_trainings(believed(), COST, 100.0, 3, [0, 1, 2, 3])
    assert {kind for _, kind in cheap} == {Kind.PILOT}
    useless = next_trainings(believed(pilot_network=90.0, pilot_seed=90.0), COST, 100.0, 3, [0, 1, 2, 3])
    assert {kind for _, kind in useless} == {Kind.FULL}


@given(st.floats(0, 300), st.floats(0.1, 20), st.floats(0.1, 20))
@settings(deadline=None, max_examples=8)
def test_a_chance_is_a_probability(time, network, seed):
    assert 0 <= chance_to_settle(believed(network=network, seed=seed), COST, time, [0, 1, 2, 3], 2) <= 1


def test_without_time_nothing_settles():
    assert chance_to_settle(believed(), COST, 0.0, [0, 1, 2, 3], 5) == 0
    assert chance_to_settle(believed(), COST, 0.9, [0, 1, 2, 3], 5) == 0


def test_differences_that_only_noise_of_seeds_hides_can_be_settled():
    """Networks differ by 30 points or so, and one pilot has an SD of 40 between seeds: more of them tell."""
    noisy = {"network": 30.0, "pilot_network": 0.1, "pilot_pairing": 0.1, "pilot_seed": 40.0, "seed": 0.5, "clip": 1.0}
    belief = believed((2,), [(0, 50.0), (1, 49.0)], **noisy)
    before = belief.traversals(5, 1000, np.random.default_rng(0)).argmax(axis=1)
    assert 0.3 < before.mean() < 0.7
    assert chance_to_settle(belief, {Kind.FULL: 10.0}, 100.0, [0, 1], 5) > 0.85


def test_networks_that_are_alike_can_not_be_settled():
    alike = believed((2,), [(0, 50.0), (1, 49.0)], network=0.1, pairing=0.1, seed=5.0)
    assert chance_to_settle(alike, COST, 1000.0, [0, 1], 5) < 0.05


def test_an_outlook_is_the_same_each_time():
    assert len({chance_to_settle(believed(), COST, 50.0, [0, 1, 2, 3], 3) for _ in range(3)}) == 1
