"""The default selection as a user sees it: what it trains, what it says of certainty, and what stops it."""

import json

import numpy as np
import pytest

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.selection import certainty
from seehear.selection.collocation import Collocation
from seehear.selection.estimate import estimate
from seehear.selection.estimators import REGISTRY, ridge
from seehear.selection.prepare import prepare
from seehear.selection.prior import Prior, Slope, stored
from seehear.selection.ranking import standing
from seehear.selection.record import FORMAT, selection_from_json
from seehear.selection.result import Status
from seehear.selection.select import plan_selection, select
from selection.conftest import DOUBTFUL, QUICK, world

pytestmark = pytest.mark.filterwarnings("error")

BEST = Collocation.of({"audio": ["clear"], "visual": ["sharp"]})
OPTIONS = {"seeds": (0, 1), "device": "cpu", "progress": False, **QUICK}
LONG = {**OPTIONS, "recipe": "paper", "epochs": 400}  # beside which a pilot training is short


@pytest.fixture
def known(monkeypatch):
    """Return a function that makes known how far estimators are off, on every kind of grid."""

    def set_to(**priors):
        monkeypatch.setattr(certainty, "prior_of", lambda task, name: priors.get(name.partition("@")[0]))
        monkeypatch.setattr("seehear.selection.estimators.pilots.prior_of", certainty.prior_of)

    return set_to


@pytest.fixture(scope="module")
def doubted(train, val):
    """A selection with the budget of two full trainings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certainty, "stored", lambda: {kind: {"pilots": DOUBTFUL} for kind in stored()})
        return select(train, val, budget=0.25, **OPTIONS)


def test_without_budget_nothing_is_trained(train, val, doubtful):
    found = select(train, val, budget=0, **OPTIONS)
    first = found.estimates[0]
    assert (first.name, first.trainings) == ("pilots", 0)
    assert first.trials.trainings == {}
    assert first.trials.spent == 0
    assert found.outlook == ()
    assert found.best == BEST  # by the closed form
    assert len(found.tied) > 1
    assert {row.status for row in found.ranking} == {Status.ORDERED}
    assert {row.trainings for row in found.ranking} == {0}
    assert "no training was done: a budget of " in found.text()


def test_a_budget_is_spent_on_trainings(doubted):
    first = doubted.estimates[0]
    assert first.trainings == sum(first.trials.trainings.values()) == 2
    assert first.trials.spent == pytest.approx(0.25)
    assert sum(row.trainings for row in doubted.ranking) == 2
    for row in doubted.ranking:
        assert row.status is (Status.MEASURED if row.trainings else Status.ORDERED)
        assert np.isnan(row.score) == (not row.trainings)
    assert doubted.standing.p_best.sum() == pytest.approx(1)
    assert max(doubted.p_best.values()) < 1
    assert first.seconds > 0
    assert f"pilots took {first.trainings} trainings" in doubted.text()


def test_it_trains_and_decodes_as_the_default_recipe_does(doubted):
    assert doubted.settings.recipe.decode == "tuned"
    assert doubted.settings.recipe.refine.teacher != "none"
    assert "decoding:tuned" in doubted.signature


def test_the_outlook_is_of_growing_times(doubted):
    assert len(doubted.tied) > 1
    seconds = [each.seconds for each in doubted.outlook]
    assert seconds == sorted(seconds)
    assert all(0 <= each.probability <= 1 for each in doubted.outlook)
    assert "of training would settle it with probability" in doubted.text()


def test_it_is_read_back_as_it_was_written(doubted):
    content = json.loads(json.dumps(doubted.as_json(), allow_nan=False))
    assert content["format"] == FORMAT == 3
    again = selection_from_json(content)
    assert again.estimates[0].trials == doubted.estimates[0].trials
    assert again.estimates[0].of_traversals
    assert again.outlook == doubted.outlook
    assert again.tied == doubted.tied
    assert again.text() == doubted.text()
    assert again.as_json() == doubted.as_json()


def test_pilot_trainings_are_those_that_cost_less(train, val, doubtful):
    found = select(train, val, budget=0.04, **LONG)  # a full training is an eighth
    trials = found.estimates[0].trials
    assert trials.full == {}
    assert sum(trials.pilots.values()) == 2
    assert trials.spent <= 0.04
    plan = plan_selection(train, val, budget=0.04, **LONG)
    assert plan.estimators[0].trainings == 2
    assert plan.estimators[0].adaptive


def test_what_closed_forms_settle_is_not_trained(train, val, known):
    known(pilots=Prior({"unimodal@train": Slope(1000.0, 1.0)}, 0.1, 0.1, 1.0, 1.0, 0.1, 1.0, 0.1, 30.0))
    found = select(train, val, budget=1.0, **OPTIONS)
    assert found.estimates[0].trainings == 0
    assert found.tied == (BEST,)
    assert not found.estimates[0].trials.worthwhile
    assert "nothing else is as good: P(best) 1.00" in found.text()


def test_trainings_that_would_show_nothing_are_not_done(train, val, known):
    known(pilots=Prior({"unimodal@train": Slope(0.1, 0.1)}, 0.01, 0.01, 1.0, 1.0, 9.0, 9.0, 20.0, 30.0))
    found = select(train, val, budget=1.0, **OPTIONS)
    assert found.estimates[0].trainings == 0
    assert len(found.tied) == 4
    assert "no training was done, since none is expected to change the choice: it takes more clips" in found.text()


def test_a_training_that_fails_is_listed_and_stops_no_other(doubtful):
    train, val = world(40, 1, loud=("dull",)), world(20, 2, truth=True, loud=("dull",))
    with np.errstate(over="ignore"):
        found = select(train, val, budget=1.0, **{**OPTIONS, "recipe": "paper"})
    failures = found.estimates[0].failures
    assert failures
    assert all(name.startswith("dull × ") for name in failures)
    for row in found.ranking:
        assert (row.status is Status.FAILED) == (row.name in failures)
        assert not (row.tied and row.name in failures)
    assert sum(found.estimates[0].trials.trainings.values()) == found.estimates[0].trainings - len(failures)
    assert found.best == BEST
    assert found.exit_code == 1
    assert all(f"{name}: training diverged" in found.text() for name in failures)


def test_if_every_training_fails_that_is_said(doubtful):
    given = ("clear", "dull")
    datasets = world(40, 1, loud=given), world(20, 2, truth=True, loud=given)
    with np.errstate(over="ignore"):
        task = prepare(
            *datasets, recipe="paper", settings=QUICK, seeds=(0, 1), budget=9.0, device="cpu", progress=False
        )
    with pytest.raises(SeehearError, match="every training failed: training diverged"):
        estimate(task, REGISTRY["pilots"], "val")


def test_one_network_per_modality(train, val):
    found = select(train, val, networks={"audio": "clear", "visual": "sharp"}, **OPTIONS)
    assert found.estimates[0].trainings == 0
    assert found.tied == (BEST,)
    assert found.p_best == {BEST: 1}
    assert "there is nothing to select" in found.text()


@pytest.mark.parametrize(("clips", "scored"), [(4, 2), (3, 1)])
def test_fewer_clips_than_networks(clips, scored, doubtful):
    found = select(world(clips, 1), world(scored, 2, truth=True), budget=0.5, **OPTIONS)
    assert len(found.ranking) == 4
    assert np.isfinite(found.standing.p_best).all()
    json.dumps(found.as_json(), allow_nan=False)


# How certain estimates are


def test_what_was_never_measured_is_said(train, doubtful):
    found = select(train, by="ridge", progress=False)
    (note,) = (note for note in found.notes if "too certain" in note)
    assert note.startswith("how far ridge@train is off")
    assert note in found.text()
    pilots = select(train, networks={"audio": "clear", "visual": "sharp"}, **OPTIONS)
    assert not any("too certain" in note for note in pilots.notes)


def test_possible_traversals_are_wider_than_samples_of_clips(train, val, known):
    task = prepare(train, val, seeds=(0, 1), progress=False)
    found = estimate(task, ridge.ESTIMATORS[0], "train")
    known()
    assert certainty.possible_traversals(task, found) is None
    slope = 60.0
    known(ridge=Prior({"ridge@train": Slope(slope, 20.0)}, 3.0, 1.0, 1.0, 1.0, 2.0, 2.0, 20.0, 8.0))
    draws = certainty.possible_traversals(task, found)
    assert draws.shape[1:] == (4,)
    differences, sampled = (each[:, :1] - each[:, 1:] for each in (draws, slope * found.draws))
    assert (differences.std(axis=0) > sampled.std(axis=0)).all()
    np.testing.assert_allclose(differences.mean(axis=0), slope * (found.scores[0] - found.scores[1:]), atol=1.0)
    known_to_be_off, by_clips = (standing(found.scores, each) for each in (draws, found.draws))
    assert known_to_be_off.p_best.max() < by_clips.p_best.max()
    assert known_to_be_off.tied.sum() >= by_clips.tied.sum()
    selected = select(train, val, by="ridge", seeds=(0, 1), progress=False)
    np.testing.assert_array_equal(selected.standing.p_best, known_to_be_off.p_best)
    assert not any("too certain" in note for note in selected.notes)


def test_what_failed_has_no_traversals(known):
    rng = np.random.default_rng(0)
    features = {name: rng.normal(size=(20, 4, 8)) for name in ("ears", "eyes", "fog")}
    features["dead"] = np.ones((20, 4, 3))
    audio, visual = ({name: features[name] for name in names} for names in (("ears", "dead"), ("eyes", "fog")))
    train = Dataset.from_arrays({"audio": audio, "visual": visual}, rng.integers(0, 2, (20, 2)), ("Cat", "Dog"))
    task = prepare(train, seeds=(0,), progress=False)
    known(ridge=Prior({"ridge@train": Slope(60.0, 20.0)}, 3.0, 1.0, 1.0, 1.0, 2.0, 2.0, 20.0, 8.0))
    found = estimate(task, ridge.ESTIMATORS[0], "train")
    assert found.failed.sum() == 2
    draws = certainty.possible_traversals(task, found)
    np.testing.assert_array_equal(np.isnan(draws).all(axis=0), found.failed)
    np.testing.assert_array_equal(np.isnan(draws).any(axis=0), found.failed)


def test_pilots_answer_for_themselves(train, val, known):
    known(pilots=DOUBTFUL)
    task = prepare(train, val, seeds=(0, 1), budget=0.0, device="cpu", progress=False)
    found = estimate(task, REGISTRY["pilots"], "val")
    assert certainty.possible_traversals(task, found) is found.draws
