"""Scores with the true modality or time given, against plain loops and against what is known of real tables."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring import oracle
from seehear.labels import classes_of, read_dense, read_weak
from seehear.scoring.given import modality_given, score_given, time_given
from seehear.scoring.references import references, score_references
from seehear.scoring.signature import Signature

SHARED = Path(__file__).parents[3] / "shared"
CLASSES = ("Cat", "Dog", "Bird")


@st.composite
def systems(draw, modalities):
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 6), st.just(3)))
    return tuple({name: draw(arrays(bool, shape)) for name in modalities} for _ in range(2))


def loops(predicted, true):
    """Both corrections, one clip, class and modality at a time."""
    modality, time = ({name: np.zeros_like(array) for name, array in true.items()} for _ in range(2))
    clips, segments, classes = next(iter(true.values())).shape
    for n in range(clips):
        for c in range(classes):
            for name in true:
                for t in range(segments):
                    if any(true[name][n, :, c]):
                        source = [name] if any(predicted[name][n, :, c]) else list(predicted)
                        modality[name][n, t, c] = any(predicted[other][n, t, c] for other in source)
                    if any(predicted[name][n, :, c]):
                        time[name][n, t, c] = any(true[other][n, t, c] for other in true)
    return {"modality": modality, "time": time}


@pytest.mark.parametrize("modalities", [("audio",), ("audio", "visual"), ("audio", "visual", "touch")])
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_scores_are_the_loops(modalities, data):
    predicted, true = data.draw(systems(modalities))
    expected = loops(predicted, true)
    for name, correct in (("modality", modality_given), ("time", time_given)):
        found = correct(predicted, true)
        assert list(found) == list(modalities)
        assert all((found[modality] == expected[name][modality]).all() for modality in modalities)
    scores = score_given(predicted, true, CLASSES, Signature("global", "test@0", len(true["audio"])))
    for name, of_name in scores.items():
        by_level, average = oracle.scores(expected[name], true)
        assert of_name.average == pytest.approx(average, abs=1e-9)
        for level, by_kind in by_level.items():
            assert of_name.level(level) == pytest.approx(by_kind, abs=1e-9)
        assert f"decoding:global+true-{name}|" in str(of_name.signature)


def row(*texts):
    """One clip and class: a modality a text, a segment a sign."""
    return {
        name: np.array([[[sign == "x"] for sign in text]])
        for name, text in zip(("audio", "visual"), texts, strict=True)
    }


@pytest.mark.parametrize(
    ("predicted", "true", "modality", "time"),
    [
        (("xx..", "...."), ("....", ".xx."), ("....", "xx.."), (".xx.", "....")),  # heard in place of seen
        (("xx..", "xx.."), ("x...", "...x"), ("xx..", "xx.."), ("x..x", "x..x")),  # times are of any modality
        (("xx..", "...."), ("....", "...."), ("....", "...."), ("....", "....")),  # occurs nowhere
        (("....", "...."), ("xx..", "xx.."), ("....", "...."), ("....", "....")),  # not predicted in the clip
        (("xx..", "..xx"), ("x...", "x..."), ("xx..", "..xx"), ("x...", "x...")),  # each keeps its own times
    ],
)
def test_known_corrections(predicted, true, modality, time):
    for correct, expected in ((modality_given, modality), (time_given, time)):
        found = correct(row(*predicted), row(*true))
        for name, active in row(*expected).items():
            assert found[name].tolist() == active.tolist()


def test_the_truth_stays_the_truth():
    rng = np.random.default_rng(0)
    heard = rng.random((5, 6, 3)) < 0.3
    true = {"audio": heard, "visual": heard}
    for name, scores in score_given(true, true, CLASSES, Signature("given", "test@0", 5)).items():
        assert scores.average == 100, name


@pytest.mark.skipif(not SHARED.is_dir(), reason="the tables of LLP and real14 are not on this machine")
@pytest.mark.parametrize(
    ("tables", "painted", "modality", "time", "prior"),
    [
        (
            ("llp/AVVP_test_pd.csv", "llp/AVVP_eval_audio.csv", "llp/AVVP_eval_visual.csv"),
            (63.0, 54.5), (83.5, 73.3), (71.3, 68.3), (70.0, 61.4),
        ),
        (
            ("real14/test.csv", "real14/eval_audio.csv", "real14/eval_visual.csv"),
            (59.0, 43.5), (77.6, 57.8), (64.2, 54.4), (60.4, 44.0),
        ),
    ],
    ids=["llp", "real14"],
)  # fmt: skip
def test_what_modality_and_time_are_worth_to_weak_labels(tables, painted, modality, time, prior):
    """Segment and event Type@AV of the weak-label baseline, alone and with the truth about either."""
    weak, *dense = (read(SHARED / file) for read, file in zip((read_weak, read_dense, read_dense), tables, strict=True))
    classes = classes_of([weak, *dense])
    true = {name: table.array(weak.clips, classes, 10) for name, table in zip(("audio", "visual"), dense, strict=True)}
    signature = Signature("given", "test@0", len(weak.clips))
    beside = references(true, weak.array(weak.clips, classes), np.full(len(weak.clips), 10))
    scores = score_references(beside, true, classes, "test@0")
    corrected = score_given(beside["weak labels"].active, true, classes, signature)
    found = (scores["weak labels"], corrected["modality"], corrected["time"], scores["class prior"])
    for expected, of in zip((painted, modality, time, prior), found, strict=True):
        assert [of.level(level)["type_at_av"] for level in ("segment", "event")] == pytest.approx(expected, abs=0.06)
