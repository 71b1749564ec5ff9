"""Estimators that look at each modality's networks by themselves, against their definitions in loops."""

import math

import numpy as np
import pytest

import seehear as sh
from refinement.made import CLASSES, clips
from seehear.errors import SeehearError
from seehear.scoring.tuning import tune
from seehear.selection.collocation import Collocation
from seehear.selection.estimate import estimate
from seehear.selection.estimators import REGISTRY, find
from seehear.selection.estimators.interface import Separate
from seehear.selection.estimators.static import PUBLISHED
from seehear.selection.estimators.teachers import teacher_of
from seehear.selection.prepare import prepare
from seehear.selection.ranking import standing
from seehear.selection.select import plan_selection, select

SEPARATE = {name: estimator for name, estimator in REGISTRY.items() if isinstance(estimator, Separate)}
every = pytest.mark.parametrize("name", SEPARATE)
NOISE = {"ears": ("audio", 0.25), "cotton": ("audio", 3.0), "eyes": ("visual", 0.25), "fog": ("visual", 3.0)}


def data(count, seed, truth=True, networks=NOISE):
    """Clips of which it is known where each class is, with a good and a poor network per modality."""
    of_noise = {noise: clips(count, seed, noise) for noise in {noise for _, noise in NOISE.values()}}
    features = {}
    for name in networks:
        modality, noise = NOISE[name]
        source = "ears" if modality == "audio" else "eyes"
        features.setdefault(modality, {})[name] = of_noise[noise].arrays(source)
    made = of_noise[0.25]
    known = {name: [made.truth[name][n, : made.lengths[n]] for n in range(count)] for name in features}
    return sh.Dataset.from_arrays(features, made.labels, CLASSES, truth=known if truth else None)


def task_of(train, val, **options):
    return prepare(train, val, networks=options.pop("networks", None), progress=False, device="cpu", **options)


@pytest.fixture(scope="module")
def train():
    return data(40, 0)


@pytest.fixture(scope="module")
def task(train):
    return task_of(train, data(24, 1))


@pytest.fixture(scope="module")
def unknown(train):
    """The same without the ground truth of the validation clips."""
    return task_of(train, data(24, 1, truth=False))


def looks(task, name, split, collocation):
    return [SEPARATE[name].look(task, split, Collocation((choice,))) for choice in collocation.options]


def taught(task, collocation):
    """The teachers of both modalities, fitted to one data set; and the validation clips."""
    train, val = (task.bench.datasets[split].with_networks(collocation.as_json()) for split in ("train", "val"))
    return sh.refine(train).teachers, val


def f1(predicted, true):
    return 2 * len(predicted & true) / (len(predicted) + len(true)) if predicted or true else 1.0


# What holds of all


@every
@pytest.mark.parametrize("networks", [["ears", "cotton"], [*NOISE]], ids=["one modality", "two"])
def test_any_number_of_modalities_and_networks(name, networks):
    task = task_of(data(16, 0, networks=networks), data(8, 1, networks=networks), together=2)
    found = estimate(task, *find(name)[0])
    assert len(found.scores) == len(task.grid) == 3 ** len(task.grid.modalities)
    assert np.isfinite(found.scores).all()
    assert not found.failures
    assert found.trainings == 0


@every
def test_more_of_the_same_does_not_change_a_score(name, task):
    """What other networks there are to choose from has no part in a score."""
    alone = task_of(data(40, 0, networks=["ears", "eyes"]), data(24, 1, networks=["ears", "eyes"]))
    (pair,) = find(name)
    assert estimate(alone, *pair).scores[0] == pytest.approx(estimate(task, *pair).scores[0], rel=1e-12)


@pytest.mark.parametrize("name", ["teachers", "explained"])
@pytest.mark.parametrize("truth", [True, False])
def test_good_networks_are_found(name, train, truth):
    found = select(train, data(24, 1, truth=truth), by=name, device="cpu", progress=False)
    assert found.best.as_json() == {"audio": ["ears"], "visual": ["eyes"]}
    assert found.traversal_seconds is None  # nothing is trained, so nothing is timed


def test_each_networks_are_looked_at_once(task):
    seen = []

    def look(task, split, alone):
        seen.append(str(alone))
        return len(seen)

    def score(task, split, looks):
        return np.array([10.0 * looks[0] + looks[1]])

    estimator = Separate("count", "", "", "none", look, score)
    found = estimate(task, estimator, "train")
    assert seen == ["ears", "cotton", "eyes", "fog"]
    assert found.scores.tolist() == [13, 14, 23, 24]  # the looks in the order of modalities
    assert (found.unit, found.draws) == ("count", None)


@pytest.mark.parametrize("error", [SeehearError("nothing learnt"), np.linalg.LinAlgError("no eigenvalues")])
def test_a_look_that_fails_fails_the_collocations_of_its_networks_alone(task, error):
    def look(task, split, alone):
        if "cotton" in alone.networks:
            raise error
        return np.arange(6.0)

    estimator = Separate("picky", "", "", "none", look, lambda task, split, looks: looks[0] + looks[1])
    found = estimate(task, estimator, "train")
    assert found.failures == {"cotton × eyes": str(error), "cotton × fog": str(error)}
    np.testing.assert_array_equal(found.failed, [False, False, True, True])
    assert found.scores[:2].tolist() == [5, 5]
    np.testing.assert_array_equal(np.isnan(found.draws), np.tile(found.failed, (len(found.draws), 1)))
    assert found.draws[:, 0].std() > 0
    assert standing(found.scores, found.draws).p_best.tolist() == [0.5, 0.5, 0, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_fails_or_is_not_finite_is_a_failure(task, bad):
    def score(task, split, looks):
        if looks == [("ears",), ("fog",)]:
            raise SeehearError("these do not go together")
        return np.array([bad if looks == [("cotton",), ("fog",)] else 1.0])

    estimator = Separate("picky", "", "", "none", lambda task, split, alone: alone.networks, score)
    found = estimate(task, estimator, "train")
    assert found.failures == {"ears × fog": "these do not go together", "cotton × fog": "its score is not finite"}
    np.testing.assert_array_equal(found.scores, [1, np.nan, 1, np.nan])
    with pytest.raises(SeehearError, match="picky failed for every collocation: no label"):
        estimate(task, Separate("picky", "", "", "none", failing, score), "train")


def failing(task, split, alone):
    raise SeehearError("no label")


def test_forecasts_name_them(train):
    names = [*SEPARATE, "shared"]
    plan = plan_selection(train, data(24, 1), by=names, device="cpu", progress=False, width=16, feed_forward=16)
    assert [row.name for row in plan.estimators] == [f"{estimator.name}@{split}" for estimator, split in find(names)]
    for row in plan.estimators:
        assert row.trainings == (row.name == "shared@val")
        assert np.isfinite(row.seconds).all()
        assert 0 <= row.seconds[0] <= row.seconds[1]
        assert row.name in plan.text()


def test_they_look_at_their_usual_clips():
    assert {f"{estimator.name}@{split}" for estimator, split in find([*SEPARATE])} == {
        "teachers@val",
        "explained@train",
        "static@train",
    }
    assert find("teachers@train") == [(SEPARATE["teachers"], "train")]


# teachers


def test_teachers_is_the_parse_of_both_modalities(task):
    """Modalities are independent: to fit their teachers together gives the same as one by one."""
    found = estimate(task, SEPARATE["teachers"], "val")
    assert found.unit == "score, %"
    for n, collocation in enumerate(task.grid):
        teachers, val = taught(task, collocation)
        probabilities = teachers.probabilities(val)
        tuned = tune(probabilities, val.truth, val.modalities)
        active = tuned.decoding(probabilities, val.classes, val.modalities)
        scores = sh.score(active, val.truth)
        per_clip = np.mean([*scores.per_clip.values()], axis=0)  # (N,)
        value = SEPARATE["teachers"].score(task, "val", looks(task, "teachers", "val", collocation))
        np.testing.assert_allclose(value, 100 * per_clip, atol=1e-4)
        assert found.scores[n] == pytest.approx(value.mean())
        assert found.scores[n] == pytest.approx(scores.average, abs=1e-4) == tuned.average


def test_teachers_without_ground_truth_is_f1_of_the_classes_found(unknown):
    found = estimate(unknown, SEPARATE["teachers"], "val")
    for n, collocation in enumerate(unknown.grid):
        teachers, val = taught(unknown, collocation)
        active = teachers.predict(val)
        each = []
        for clip in range(len(val)):
            predicted = {c for c in range(3) for name in val.modalities if active[name][clip, :, c].any()}
            each.append(100 * f1(predicted, {c for c in range(3) if val.labels[clip, c]}))
        value = SEPARATE["teachers"].score(unknown, "val", looks(unknown, "teachers", "val", collocation))
        assert value.tolist() == pytest.approx(each)
        assert found.scores[n] == pytest.approx(np.mean(each))


def test_teachers_with_ground_truth_beyond_the_features(train):
    val = data(10, 1)
    longer = {name: np.pad(array, [(0, 0), (0, 3), (0, 0)]) for name, array in val.truth.items()}
    features = {m: {name: val.arrays(name) for name in names} for m, names in val.collocation.items()}
    padded = sh.Dataset.from_arrays(features, val.labels, CLASSES, truth=longer)
    expected, found = (estimate(task_of(train, each), SEPARATE["teachers"], "val") for each in (val, padded))
    np.testing.assert_allclose(found.scores, expected.scores)


@pytest.mark.parametrize(("teacher", "used"), [("none", "ridge-logits"), ("ridge", "ridge")])
def test_teachers_takes_the_teacher_of_the_recipe(train, teacher, used):
    """And the default one if it has none."""
    task = task_of(train, data(24, 1), settings={"refine.teacher": teacher, "refine.false_alarms": 0.2})
    teachers = teacher_of(task, Collocation.of({"audio": ["ears"]}))
    assert teachers.source == f"{used},α0.2,5folds"


def test_fewer_clips_than_folds():
    found = estimate(task_of(data(3, 0), data(4, 1)), SEPARATE["teachers"], "val")
    assert np.isfinite(found.scores).all()
    with pytest.raises(SeehearError, match="failed for every collocation: 2 folds of 1 clips"):
        estimate(task_of(data(1, 0), data(4, 1)), SEPARATE["teachers"], "val")


# explained


def test_explained_is_the_loop(task):
    found = estimate(task, SEPARATE["explained"], "train")
    for n, collocation in enumerate(task.grid):
        dataset = task.bench.datasets["train"].with_networks(collocation.as_json())
        margins = sh.refine(dataset).margins
        labels, kinds = 0, {"audio": 0, "visual": 0, "both": 0}
        for clip in range(len(dataset)):
            for c in range(3):
                if dataset.labels[clip, c]:
                    labels += 1
                    where = [name for name in dataset.modalities if margins[name][clip, c] > 0]
                    if where:
                        kinds["both" if len(where) > 1 else where[0]] += 1
        explained = sum(kinds.values())
        shares = [count / explained for count in kinds.values() if count]
        balance = -sum(share * math.log(share) for share in shares) / math.log(3)
        assert found.scores[n] == pytest.approx(explained / labels + balance)
        assert 0 < balance <= 1


def test_explained_of_one_modality_is_the_share(train):
    task = task_of(train, data(24, 1), networks={"visual": ["eyes", "fog"]})
    margins = sh.refine(train.with_networks({"visual": ["eyes"]})).margins["visual"]
    of_labels = [margins[n, c] > 0 for n, c in zip(*np.nonzero(train.labels), strict=True)]
    assert estimate(task, SEPARATE["explained"], "train").scores[0] == pytest.approx(np.mean(of_labels))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (([1, 1, 0, 0], [0, 0, 1, 1]), 1 + math.log(2) / math.log(3)),
        (([1, 0, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0]), 0.5 + 1),
        (([1, 1, 1, 1], [0, 0, 0, 0]), 1),
        (([0, 0], [0, 0]), 0),
        (([1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0]), 1 + 1),
    ],
)
def test_explained_by_hand(seen, expected):
    value = SEPARATE["explained"].score(None, "train", [np.array(each, dtype=bool) for each in seen])
    assert value.tolist() == pytest.approx([expected])


def test_no_label_to_explain(train):
    nothing = [np.zeros(0, dtype=bool)] * 2
    with pytest.raises(SeehearError, match="no clip has a label"):
        SEPARATE["explained"].score(None, "train", nothing)


# static


def test_static_is_what_was_published_and_a_little_for_width():
    rng = np.random.default_rng(0)

    def arrays(widths):
        return {name: rng.normal(size=(8, 2, width)) for name, width in widths.items()}

    widths = {"audio": {"yamnet": 4, "mine": 32}, "visual": {"clip": 8, "wide": 16}}
    features = {modality: arrays(of_modality) for modality, of_modality in widths.items()}
    train = sh.Dataset.from_arrays(features, np.arange(8)[:, None] % 2)
    task = task_of(train, None, together=2)
    found = estimate(task, SEPARATE["static"], "train")
    for n, collocation in enumerate(task.grid):
        expected = 0.0
        for modality, names in collocation.items():
            width = sum(widths[modality][name] for name in names)
            expected += max({"yamnet": 0.306, "clip": 0.632}.get(name, 0) for name in names) + 0.001 * math.log2(width)
        assert found.scores[n] == pytest.approx(expected)
    by_name = dict(zip(map(str, task.grid), found.scores, strict=True))
    assert by_name["mine × wide"] > 0
    assert max(by_name, key=by_name.get) == "yamnet+mine × clip+wide"


def test_published_networks_are_registered():
    from seehear import networks

    assert {*PUBLISHED} <= {*networks.REGISTRY}
    assert all(0 < share < 1 for share in PUBLISHED.values())


def test_what_has_no_label_can_still_be_ranked_by_width():
    """Closed forms of labels fail there; the pairing is then unknown, and that ends nothing."""
    rng = np.random.default_rng(0)
    features = {m: {f"{m}{width}": rng.normal(size=(6, 2, width)) for width in (2, 3)} for m in ("audio", "visual")}
    train = sh.Dataset.from_arrays(features, np.zeros((6, 1)), ["Dog"])
    found = select(train, by="static", device="cpu", progress=False)
    assert str(found.best) == "audio3 × visual3"
    assert found.effects is None
