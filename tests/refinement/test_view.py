"""What a teacher sees, and its map back to features; the classifiers of real networks."""

from dataclasses import replace

import numpy as np
import pytest

import seehear as sh
from networks.conftest import _or_skip
from seehear import networks
from seehear.data import Dataset
from seehear.features.packed import Packed
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.networks.spec import Classifier, Dense
from seehear.refinement.classifiers import classifiers_of
from seehear.refinement.explanation import strongest_sources
from seehear.refinement.refine import FEWEST_LOGITS, _rich, _without_classifier
from seehear.refinement.teachers import REGISTRY, Linear
from seehear.refinement.view import View


def parts(seed=0):
    """Two networks of a modality, of which the second has a classifier of 5 classes."""
    rng = np.random.default_rng(seed)
    packs = [
        Packed((scale * rng.normal(size=(9, width))).astype(np.float32), np.array([0, 4, 9]), "")
        for scale, width in ((10, 3), (0.1, 4))
    ]
    classifier = Classifier(
        rng.normal(size=(4, 5)).astype(np.float32), rng.normal(size=5).astype(np.float32), tuple("vwxyz")
    )
    return packs, (None, classifier)


def test_every_network_has_the_same_scale():
    packs, classifiers = parts()
    seen = View.of(packs, classifiers).bags(packs)
    assert seen.rows.shape == (9, 3 + 5)
    for columns in (slice(0, 3), slice(3, 8)):
        assert np.sqrt(np.mean(seen.rows[:, columns] ** 2)) == pytest.approx(1, rel=1e-5)
    logits = packs[1].rows @ classifiers[1].weight + classifiers[1].bias
    np.testing.assert_allclose(seen.rows[:, 3:] / seen.rows[0, 3], logits / logits[0, 0], rtol=1e-4)


@pytest.mark.parametrize("with_classifier", [True, False])
def test_the_map_of_features_scores_as_the_map_of_the_view(with_classifier):
    packs, classifiers = parts()
    view = View.of(packs, classifiers if with_classifier else (None, None))
    rng = np.random.default_rng(1)
    linear = Linear(rng.normal(size=(view.bags(packs).rows.shape[1], 2)), rng.normal(size=2))
    of_features = view.of_features(linear)
    other, _ = parts(seed=5)  # also for clips that the view was not made of
    rows = np.concatenate([pack.rows for pack in other], axis=1)
    np.testing.assert_allclose(of_features(rows), linear(view.bags(other).rows), rtol=1e-3, atol=1e-4)


def test_strongest_sources_are_the_correlations():
    packs, classifiers = parts()
    margins = np.random.default_rng(2).normal(size=(9, 3)).astype(np.float32)
    labels = np.array([[1, 0, 1], [0, 0, 1]], dtype=np.float32)
    found = strongest_sources(margins, packs, classifiers, labels)
    logits = classifiers[1](packs[1].rows)
    for c in (0, 2):
        each = [(name, float(np.corrcoef(margins[:, c], logits[:, k])[0, 1])) for k, name in enumerate("vwxyz")]
        expected = [pair for pair in sorted(each, key=lambda pair: -pair[1])[:3] if pair[1] >= 0.1]
        assert expected
        assert [name for name, _ in found[c]] == [name for name, _ in expected]
        assert [value for _, value in found[c]] == pytest.approx([value for _, value in expected], abs=1e-5)
    assert found[1] == []  # never occurs
    assert strongest_sources(margins, packs, (None, None), labels) == [[], [], []]


@pytest.mark.parametrize("name", ["yamnet", "efficientnet-lite0", "efficientat-mn04"])
def test_the_classifier_of_a_real_network_gives_its_logits(name):
    spec = networks.REGISTRY[name]
    network = _or_skip(lambda: networks.load(spec, "cpu"))
    from seehear.networks.samples import sample

    batch = sample(spec.input, 3)
    classifier = network.classifier()
    assert classifier.names == network.class_names
    np.testing.assert_allclose(classifier(network.features(batch)), network.logits(batch), rtol=1e-3, atol=1e-3)


def test_logits_that_are_no_affine_map_do_not_stand_for_features():
    rng = np.random.default_rng(0)
    count = FEWEST_LOGITS
    classifier = Classifier(
        rng.normal(size=(4, count)).astype(np.float32), np.zeros(count, np.float32), tuple(map(str, range(count)))
    )
    layered = replace(classifier, hidden=Dense(rng.normal(size=(7, 4)).astype(np.float32), np.zeros(4, np.float32)))
    assert _rich(classifier)
    assert not _rich(layered)
    info = NetworkInfo("ears", "audio", 7, "arrays")
    (note,) = _without_classifier(REGISTRY["ridge-logits"], [info], [layered])
    assert note == "ears: its classifier is no affine map of its features, so ridge-logits learns from the features"
    assert _without_classifier(REGISTRY["ridge-logits"], [info], [classifier]) == []


def test_classifiers_where_they_can_be_had():
    """Arrays and imported features have none; nor has a network of another width than the one registered."""
    infos = [NetworkInfo("ears", "audio", 6, "arrays"), NetworkInfo("yamnet", "audio", 7, "made", reference="yamnet")]
    found, notes = classifiers_of(infos)
    assert found == [None, None]
    assert len(notes) <= 1  # that the weights can't be had


@pytest.mark.parametrize(("name", "by_logits"), [("open-nsfw", False), ("efficientnet-lite0", True)])
def test_only_a_classifier_of_many_classes_stands_for_features(name, by_logits, tmp_path):
    """Stored features under a registered network's name. Two classes of a content filter say little about a clip."""
    spec = networks.REGISTRY[name]
    classifier = _or_skip(lambda: networks.load(spec, "cpu").classifier())
    assert (len(classifier.names) >= FEWEST_LOGITS) is by_logits
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 2  # (N,)
    direction = rng.normal(size=spec.width)
    # Nothing of the classes shows in the two logits.
    direction -= classifier.weight[:, :2] @ np.linalg.lstsq(classifier.weight[:, :2], direction, rcond=None)[0]
    store = Store(tmp_path / "store", create=True)
    store.register(NetworkInfo(name, "visual", spec.width, "made", reference=name))
    for n, label in enumerate(labels):
        features = rng.normal(size=(3, spec.width)) + label * direction
        store.write(name, Origin(f"clip{n:02}", "made", f"{n}"), features.astype(np.float32))
    (tmp_path / "weak.csv").write_text(
        "filename\tevent_labels\n" + "".join(f"clip{n:02}\t{'Dog' * label}\n" for n, label in enumerate(labels))
    )
    clips = Dataset.from_tables(tmp_path / "weak.csv", store=store)
    refined, by_features = (sh.refine(clips, teacher) for teacher in ("ridge-logits", "ridge"))
    same = np.array_equal(refined.margins["visual"], by_features.margins["visual"])
    assert same is not by_logits
    note = f"{name}: its classifier has only 2 classes, so ridge-logits learns from the features"
    assert (note in refined.notes) is not by_logits
    assert not any("its classifier has only" in each for each in by_features.notes)
    assert not any("without a classifier" in each for each in refined.notes)
    found = refined.teachers.predict(clips)["visual"].any(axis=(1, 2))
    assert by_logits or np.array_equal(found, labels > 0)
