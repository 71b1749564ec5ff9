"""The eleven scores against plain loops, known triples, and the official scorer's own output."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import seehear.scoring.scores as module
from scoring import oracle
from seehear.errors import SeehearError
from seehear.labels import classes_of, read_dense, read_weak
from seehear.scoring.f1 import label_f1
from seehear.scoring.given import score_given
from seehear.scoring.references import references
from seehear.scoring.scores import score
from seehear.scoring.signature import Signature, revision

SHARED = Path(__file__).parents[3] / "shared"
CLASSES = ("Cat", "Dog", "Bird")


def signature(clips=1, iou=0.5):
    return Signature("given", "test@0", clips, iou)


def rows(*texts):
    """One clip: a class a text, a segment a sign, `x` where it is active. (1, T, C)"""
    return np.array([[sign == "x" for sign in text] for text in texts]).T[None]


shapes = st.tuples(st.integers(1, 4), st.integers(1, 8), st.just(3))


@st.composite
def systems(draw, modalities):
    shape = draw(shapes)
    return tuple({name: draw(arrays(bool, shape)) for name in modalities} for _ in range(2))


@pytest.mark.parametrize("modalities", [("audio",), ("audio", "visual"), ("audio", "visual", "touch")])
@given(data=st.data(), iou=st.sampled_from([0.3, 0.5, 0.7, 1.0]))
@settings(deadline=None, max_examples=150)
def test_scores_are_the_loops(modalities, data, iou):
    predicted, true = data.draw(systems(modalities))
    found = score(predicted, true, CLASSES, signature(iou=iou))
    expected, average = oracle.scores(predicted, true, iou)
    for level, by_name in expected.items():
        assert found.level(level) == pytest.approx(by_name, abs=1e-9)
    assert found.average == pytest.approx(average, abs=1e-9)


def test_one_modality_has_its_own_scores_alone():
    found = score({"audio": rows("xx..")}, {"audio": rows("xxx.")}, ("Cat",), signature())
    assert found.level("segment") == {"audio": pytest.approx(80)}
    assert found.level("event") == {"audio": 100.0}
    assert found.average == pytest.approx(90)
    assert found.as_json()["segment"] == found.level("segment")
    assert repr(found) == "Scores(audio 80.0 segment, 100.0 event; average 90.0; 1 clip)"


TRIPLES = [  # predicted, true, segment F1, event F1: all of one class in one modality
    ("....", "....", 100.0, 100.0),
    ("xx..", "....", 0.0, 0.0),
    ("....", ".xx.", 0.0, 0.0),
    ("xx..", "xx..", 100.0, 100.0),
    ("xxx.", "xx..", 80.0, 100.0),  # IoU 2/3
    ("xxxx", "xx..", 200 / 3, 100.0),  # IoU 1/2 is enough
    ("xxxx", "x...", 40.0, 0.0),
    ("x.x.", "xxx.", 80.0, 0.0),  # each part covers a third
    ("xx.xx.", "xx....", 200 / 3, 200 / 3),
]


@pytest.mark.parametrize(("predicted", "true", "segment", "event"), TRIPLES)
def test_known_scores(predicted, true, segment, event):
    found = score({"audio": rows(predicted)}, {"audio": rows(true)}, ("Cat",), signature())
    assert found.level("segment")["audio"] == pytest.approx(segment)
    assert found.level("event")["audio"] == pytest.approx(event)


def test_padding_changes_nothing():
    rng = np.random.default_rng(0)
    predicted, true = ({name: rng.random((3, 5, 3)) < 0.5 for name in ("audio", "visual")} for _ in range(2))

    def padded(arrays):
        return {name: np.pad(array, ((0, 0), (0, 4), (0, 0))) for name, array in arrays.items()}

    short, long = (
        score(predicted, true, CLASSES, signature()),
        score(padded(predicted), padded(true), CLASSES, signature()),
    )
    assert short.as_json() == long.as_json()


def test_class_rows_count_over_clips():
    predicted = {"audio": np.concatenate([rows("xx", ".."), rows("..", "..")])}
    true = {"audio": np.concatenate([rows("x.", ".."), rows("xx", "..")])}
    cat, dog = (row for row in score(predicted, true, ("Cat", "Dog"), signature(2)).classes if row.level == "segment")
    assert (cat.precision, cat.recall, cat.f1, cat.support) == (50.0, pytest.approx(100 / 3), 40.0, 3)
    assert np.isnan([dog.precision, dog.recall, dog.f1]).all()
    assert dog.support == 0


@pytest.mark.parametrize(
    ("predicted", "true"),
    [
        ({"audio": np.zeros((1, 2, 3), bool)}, {"visual": np.zeros((1, 2, 3), bool)}),
        ({"audio": np.zeros((1, 2, 3), bool)}, {"audio": np.zeros((1, 3, 3), bool)}),
        ({"audio": np.zeros((0, 2, 3), bool)}, {"audio": np.zeros((0, 2, 3), bool)}),
    ],
)
def test_what_can_not_be_scored(predicted, true):
    with pytest.raises(SeehearError):
        score(predicted, true, CLASSES, signature())


def test_signature_says_what_two_numbers_must_share(tmp_path):
    table = tmp_path / "test.csv"
    table.write_text("filename\tevent_labels\na\tDog\n")
    text = str(Signature("global,clip0.5,seg0.5", revision([table]), 7))
    assert text.startswith("F1|segment+event|iou0.5|decoding:global,clip0.5,seg0.5|labels:test@")
    assert "clips:7" in text
    before = revision([table])
    table.write_text("filename\tevent_labels\na\tCat\n")
    assert revision([table]) != before


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the official scorer's output is not on this machine")


@needs_shared
def test_references_on_llp():
    """The known scores of no prediction and of weak labels painted over everything, per cent."""
    weak = read_weak(SHARED / "llp/AVVP_test_pd.csv")
    classes = classes_of([weak])
    dense = {name: read_dense(SHARED / f"llp/AVVP_eval_{name}.csv") for name in ("audio", "visual")}
    true = {name: table.array(weak.clips, classes, 10) for name, table in dense.items()}
    given = references(true, weak.array(weak.clips, classes), np.full(len(weak.clips), 10))
    found = {name: score(given[name].active, true, classes, signature(len(weak.clips))) for name in given}
    painted = [
        found["weak labels"].level(at)[name] for at in ("segment", "event") for name in ("type_at_av", "event_at_av")
    ]
    assert painted == pytest.approx([63.0, 71.7, 54.5, 61.6], abs=0.05)
    nothing = found["nothing"].level("segment")
    assert (nothing["type_at_av"], nothing["event_at_av"]) == pytest.approx((8.4, 0.0), abs=0.05)
    assert found["truth"].average == 100.0


@needs_shared
@pytest.mark.parametrize("system", ["perfect", "mild", "heavy", "empty", "full"])
def test_agrees_with_the_official_scorer(system):
    with np.load(SHARED / "golden/official_scores.npz") as stored:
        clips = stored["names"].tolist()
        packed = {name: stored[f"{system}_{name}"] for name in ("audio", "visual")}
    official = json.loads((SHARED / "golden/official_scores.json").read_text())[system]
    readme = " ".join((SHARED / "golden/README.md").read_text().split())
    classes = readme.split("LLP's order: ")[1].split(".")[0].replace(" ", "").split(",")
    shape = (len(clips), len(classes), 10)
    predicted = {
        name: np.unpackbits(bits)[: np.prod(shape)].reshape(shape).transpose(0, 2, 1).astype(bool)
        for name, bits in packed.items()
    }
    true = {
        name: read_dense(SHARED / f"llp/AVVP_eval_{name}.csv").array(clips, classes, 10) for name in ("audio", "visual")
    }
    found = score(predicted, true, classes, signature(len(clips)))
    for level in official:
        assert found.level(level) == pytest.approx(official[level], abs=1e-9)


@given(arrays(bool, (6, 3)), arrays(bool, (6, 3)))
def test_label_f1_is_the_loop(predicted, true):
    found = label_f1(predicted, true)
    for n in range(6):
        tp = sum(p and t for p, t in zip(predicted[n], true[n], strict=True))
        wrong = sum(p != t for p, t in zip(predicted[n], true[n], strict=True))
        assert found[n] == (2 * tp / (2 * tp + wrong) if tp + wrong else 1.0)


@pytest.mark.parametrize("cells", [1, 3 * 7 * 4, 10**9])
def test_scores_of_blocks_of_clips_are_those_of_all_at_once(monkeypatch, cells):
    """To the bit, whatever the size of the blocks."""
    rng = np.random.default_rng(5)
    predicted, true = ({name: rng.random((11, 7, 4)) < 0.3 for name in ("audio", "visual")} for _ in range(2))

    def all_scores():
        made = predicted, true, "abcd", signature(11)
        return [score(*made), *score_given(*made).values()]

    monkeypatch.setattr(module, "MAX_CELLS", 10**9)
    whole = all_scores()
    monkeypatch.setattr(module, "MAX_CELLS", cells)
    for one, other in zip(all_scores(), whole, strict=True):
        assert one.classes == other.classes
        for key in [*other.per_clip, *other.only]:
            np.testing.assert_array_equal(one.values(*key), other.values(*key))


def test_memory_of_scores_grows_by_the_scores_alone(monkeypatch):
    """Counts and copies took 8 kB per clip."""
    monkeypatch.setattr(module, "MAX_CELLS", 2**15)
    peaks = {}
    for count in (1000, 4000):
        rng = np.random.default_rng(5)
        predicted, true = ({name: rng.random((count, 10, 25)) < 0.1 for name in ("audio", "visual")} for _ in range(2))
        score(predicted, true, [str(c) for c in range(25)], Signature("given", "made", count))
        tracemalloc.start()
        score(predicted, true, [str(c) for c in range(25)], Signature("given", "made", count))
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (peaks[4000] - peaks[1000]) / 3000 < 2.5 * 14 * 8  # bytes per clip: 14 scores, before and after joining
