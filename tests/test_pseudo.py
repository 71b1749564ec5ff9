"""Labels per modality that were estimated, and data sets that hold them."""

import numpy as np
import pytest

import seehear as sh
from seehear.errors import SeehearError
from seehear.pseudo import PseudoLabels


def labels(clips=3, segments=4, classes=("Cat", "Dog"), seed=0):
    rng = np.random.default_rng(seed)
    confidence = {name: rng.random((clips, segments, len(classes))).astype(np.float32) for name in ("audio", "visual")}
    confidence["audio"][0, 1, 0] = np.nan
    weak = {name: array[:, 0] > 0.4 for name, array in confidence.items()}
    return PseudoLabels(classes, weak, confidence, "test")


def dataset(clips=3, missing=(), classes=("Cat", "Dog"), lengths=(4, 3, 4)):
    features = [None if n in missing else np.full((lengths[n % 3], 2), n) for n in range(clips)]
    networks = {"audio": {"ears": features}, "visual": {"eyes": features}}
    return sh.Dataset.from_arrays(networks, np.ones((clips, len(classes))), classes)


def test_segments_are_the_confident_ones():
    found = labels().segments
    for name, array in labels().confidence.items():
        for place in np.ndindex(*array.shape):
            assert found[name][place] == (array[place] >= 0.5)  # not a number is not


def test_views():
    whole = labels()
    part = whole.subset(np.array([2, 0])).with_classes(["Dog", "Fish"])
    assert part.classes == ("Dog", "Fish")
    assert np.array_equal(part.weak["visual"][:, 0], whole.weak["visual"][[2, 0], 1])
    assert np.array_equal(part.confidence["audio"][..., 0], whole.confidence["audio"][[2, 0], :, 1])
    assert not part.weak["audio"][:, 1].any()
    assert not part.confidence["audio"][..., 1].any()
    assert repr(whole) == "PseudoLabels(audio, visual: 3 clips × 2 classes; test)"


def test_the_revision_follows_the_content():
    whole = labels()
    assert whole.revision == labels().revision
    assert whole.revision.startswith("test@")
    changed = labels(seed=1)
    swapped = PseudoLabels(("Dog", "Cat"), whole.weak, whole.confidence, "test")
    flipped = PseudoLabels(
        whole.classes, {name: ~array for name, array in whole.weak.items()}, whole.confidence, "test"
    )
    nearly = {name: np.clip(array + 1e-7, 0, 1) for name, array in whole.confidence.items()}
    assert len({each.revision for each in (whole, changed, swapped, flipped)}) == 4
    assert PseudoLabels(whole.classes, whole.weak, nearly, "test").revision.startswith("test@")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda weak, confidence: confidence["audio"].fill(1.5),
            "audio: a confidence must be a number from 0 to 1, not 1.5",
        ),
        (lambda weak, confidence: confidence["audio"].fill(-0.5), "number from 0 to 1, not -0.5"),
        (lambda weak, confidence: weak.update(audio=np.ones((2, 2), bool)), r"\(2, 2\) do not fit"),
        (lambda weak, confidence: confidence.pop("audio"), "audio: confidences must be"),
        (lambda weak, confidence: weak.pop("audio"), "differ in shape"),
        (lambda weak, confidence: confidence.update(visual=np.zeros((3, 9, 2))), "differ in shape"),
    ],
)
def test_bad_arrays_are_named(change, message):
    whole = labels()
    weak = dict(whole.weak)
    confidence = {name: array.copy() for name, array in whole.confidence.items()}
    change(weak, confidence)
    with pytest.raises(SeehearError, match=message):
        PseudoLabels(whole.classes, weak, confidence, "test")


# In a data set


def test_a_data_set_keeps_them_with_its_clips_and_classes():
    whole = dataset().with_pseudo(labels())
    part = whole[[2, 1]].with_classes(["Dog"])
    assert np.array_equal(part.pseudo.weak["audio"][:, 0], labels().weak["audio"][[2, 1], 1])
    assert whole.usable().pseudo is whole.pseudo
    assert dataset().pseudo is None


def test_labels_come_in_the_classes_of_the_data_set():
    found = dataset(classes=("Dog", "Bird", "Cat")).with_pseudo(labels()).pseudo
    assert found.classes == ("Dog", "Bird", "Cat")
    assert np.array_equal(found.weak["audio"][:, 2], labels().weak["audio"][:, 0])


def test_labels_of_the_clips_with_features_alone():
    whole = dataset(4, missing=(1,), lengths=(4, 4, 4)).with_pseudo(labels())
    assert np.array_equal(whole.pseudo.confidence["visual"][[0, 2, 3]], labels().confidence["visual"])
    assert not whole.pseudo.weak["visual"][1].any()
    assert np.array_equal(whole.usable().pseudo.weak["audio"], labels().weak["audio"])


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(SeehearError, match="labels per modality of 2 clips for a data set of 3"):
        dataset().with_pseudo(labels(clips=2))
    with pytest.raises(SeehearError, match="have 3 segments, but the longest clip has 4"):
        dataset().with_pseudo(labels(segments=3))
    heard = PseudoLabels(("Cat", "Dog"), {"audio": labels().weak["audio"]}, {"audio": labels().confidence["audio"]}, "")
    with pytest.raises(SeehearError, match="are for audio, but not for visual"):
        dataset().with_pseudo(heard)
