"""Refinement of clips of which it is known where each class is."""

import json
from dataclasses import replace

import numpy as np
import pytest

import seehear as sh
from refinement.made import CLASSES, clips, with_labels
from seehear.errors import SeehearError
from seehear.pseudo import CONFIDENT
from seehear.refinement.fitted import Teachers, pseudo_labels
from seehear.refinement.out_of_fold import folds, out_of_fold
from seehear.refinement.refine import refine
from seehear.refinement.teachers import REGISTRY, list_teachers
from seehear.refinement.thresholds import from_negatives
from seehear.refinement.view import View


@pytest.fixture(scope="module")
def made():
    return clips()


@pytest.fixture(scope="module")
def refined(made):
    return sh.refine(made, "ridge")


@pytest.mark.parametrize("teacher", list_teachers())
def test_finds_out_where_a_class_is(made, teacher):
    refined = sh.refine(made, teacher)
    shares = {row.label: row for row in refined.shares}
    for label, kind in (("Bell", "audio"), ("Car", "visual")):
        assert shares[label].only[kind] > 0.7 * shares[label].clips
    assert shares["Dog"].both > 0.6 * shares["Dog"].clips
    painted = {name: np.repeat(made.labels[:, None] > 0, 6, axis=1) for name in made.modalities}
    for array in painted.values():
        array[np.arange(6) >= made.lengths[:, None]] = False
    average = sh.score(refined.segments, made.truth).average
    assert average > sh.score(painted, made.truth).average + 20
    assert average > 80


def test_is_the_definition_in_loops(made, refined):
    """Scores out of fold, a quantile of certain negatives, the best second; one clip and class at a time."""
    labels, fold = made.labels, folds(made.labels, 5)
    scores, thresholds = {}, {}
    for name, packs in made.packs().items():
        bags = View.of(packs, [None]).bags(packs)
        scores[name] = np.split(out_of_fold(REGISTRY["ridge"], bags, labels, fold), bags.offsets[1:-1])
        rows = np.concatenate(scores[name])
        negatives = [rows[np.repeat(labels[:, c] == 0, made.lengths), c] for c in range(3)]
        thresholds[name] = [(np.quantile(each, 0.95), each.std()) for each in negatives]
    for n in range(len(made)):
        for c in range(3):
            margins = {}
            for name in made.modalities:
                value, deviation = thresholds[name][c]
                own = (scores[name][n][:, c] - value) / deviation
                margins[name] = own.max()
                expected = 1 / (1 + np.exp(-own)) if labels[n, c] else np.zeros(len(own))
                np.testing.assert_allclose(refined.confidence[name][n, : len(own), c], expected, atol=1e-4)
                assert not refined.confidence[name][n, len(own) :, c].any()
                assert refined.margins[name][n, c] == pytest.approx(own.max(), abs=1e-4)
            best = max(margins, key=margins.get)
            for name in made.modalities:
                assert refined.weak[name][n, c] == (labels[n, c] > 0 and (margins[name] > 0 or name == best))


@pytest.mark.parametrize("lengths", [(10,), (60,), (40, 80, 120)])
def test_a_label_holds_in_the_right_modality_however_long_clips_are(lengths):
    made = clips(lengths=lengths)
    refined = refine(made, "ridge")
    true = {name: of_modality.any(axis=1) for name, of_modality in made.truth.items()}
    right = np.logical_and.reduce([refined.weak[name] == true[name] for name in true])[made.labels > 0]
    assert right.mean() > 0.75
    assert f"{100 * refined.false_alarms:.3g} % of the segments" in refined.text()
    assert refined.false_alarms == pytest.approx(0.05 * 10 / np.mean(made.lengths))


@pytest.mark.parametrize("seed", range(3))
def test_a_weak_label_is_never_removed_from_every_modality(seed):
    """With teachers that learn nothing, since the labels have nothing to do with the clips."""
    labels = (np.random.default_rng(seed).random((30, 3)) < 0.4).astype(np.float32)
    refined = refine(with_labels(clips(30), labels), "ridge", false_alarms=0.01)
    held = refined.weak["audio"] | refined.weak["visual"]
    assert np.array_equal(held, labels > 0)
    for name in refined.modalities:
        assert not (refined.segments[name].any(axis=1) & ~refined.weak[name]).any()


def test_a_segment_is_confident_exactly_if_it_passes():
    margins = {"audio": np.array([[[0.0], [1e-9]]], np.float32), "visual": np.array([[[-1.0], [2.0]]], np.float32)}
    every = {name: np.ones(1, dtype=bool) for name in margins}
    found = pseudo_labels(margins, np.ones((1, 1), dtype=bool), every, np.array([2]), ("Dog",), "test")
    for name, array in margins.items():
        assert np.array_equal(found.confidence[name] >= CONFIDENT, array > 0)


def test_a_modality_of_which_nothing_can_be_learnt_holds_no_label(made):
    """Digital silence: every feature of audio is zero."""
    silent = {"audio": {"ears": [np.zeros((n, 4)) for n in made.lengths]}, "visual": {"eyes": made.arrays("eyes")}}
    dataset = sh.Dataset.from_arrays(silent, made.labels, CLASSES)
    refined = refine(dataset, "ridge")
    assert not refined.segments["audio"].any()
    seen = refined.margins["visual"] > 0
    assert not (refined.weak["audio"] & seen).any()


def test_a_class_that_cannot_be_learnt_keeps_its_weak_label(made):
    labels = np.column_stack([made.labels, np.ones(60), np.zeros(60), np.zeros(60)]).astype(np.float32)
    labels[7, 4] = 1  # one clip: the teacher of its fold knows no example
    dataset = with_labels(made, labels, (*CLASSES, "Always", "Once", "Never"))
    refined = refine(dataset, "ridge")
    for name in refined.modalities:
        assert refined.weak[name][:, 3].all()
        assert np.flatnonzero(refined.weak[name][:, 4]).tolist() == [7]
        assert not refined.weak[name][:, 5].any()
        for n in range(60):
            assert np.isnan(refined.confidence[name][n, : made.lengths[n], 3]).all()
            assert not refined.confidence[name][n, made.lengths[n] :, 3].any()
        assert np.isnan(refined.margins[name][:, 3:]).all()
    notes = [note for note in refined.notes if "too few clips with or without Always, Once to learn" in note]
    assert ["heard" in notes[0], "seen" in notes[1]] == [True, True]
    assert not any("Never" in note for note in notes)
    assert not {"Always", "Once"} & {each.label for each in refined.unsure}
    json.dumps(refined.as_json(), allow_nan=False)


def test_one_modality(made):
    heard = sh.Dataset.from_arrays({"audio": {"ears": made.arrays("ears")}}, made.labels, CLASSES)
    refined = refine(heard, "ridge")
    assert np.array_equal(refined.weak["audio"], made.labels > 0)
    assert refined.counts() == {"heard": int(made.labels.sum())}
    assert any("one modality" in note for note in refined.notes)
    assert "heard" in repr(refined)


def test_three_modalities(made):
    three = sh.Dataset.from_arrays(
        {
            "audio": {"ears": made.arrays("ears")},
            "visual": {"eyes": made.arrays("eyes")},
            "smell": {"nose": made.arrays("ears")},
        },
        made.labels,
        CLASSES,
    )
    refined = refine(three, "ridge")
    assert [*refined.counts()] == ["only heard", "only seen", "only smell", "several"]
    assert np.array_equal(refined.weak["smell"], refined.weak["audio"])
    assert "several" in refined.text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"teacher": "rigde"}, "rigde.*ridge"),
        ({"false_alarms": 0.0}, "above 0 and below 1, not 0"),
        ({"false_alarms": 1.0}, "above 0 and below 1, not 1"),
        ({"folds": 1}, "1 folds of 60 clips"),
        ({"folds": 61}, "61 folds of 60 clips: folds must be 2 or more, and no more than there are clips"),
    ],
)
def test_mistakes_are_named(made, options, message):
    with pytest.raises(SeehearError, match=message):
        sh.refine(made, **options)


def test_what_is_no_data_set_is_refused(made):
    with pytest.raises(SeehearError, match="Dataset"):
        sh.refine(made.labels)
    with pytest.raises(SeehearError, match="no class"):
        sh.refine(with_labels(made, np.zeros((60, 0), np.float32), ()))


def test_ground_truth_is_not_looked_at(made, refined):
    blind = refine(with_labels(made, made.labels), "ridge")
    assert blind.pseudo.revision == refined.pseudo.revision


def test_clips_without_features_are_left_out(made):
    arrays = {name: {network: made.arrays(network)} for name, network in (("audio", "ears"), ("visual", "eyes"))}
    arrays["audio"]["ears"][4] = arrays["visual"]["eyes"][4] = None
    dataset = sh.Dataset.from_arrays(arrays, made.labels, CLASSES, clips=made.clips)
    refined = refine(dataset, "ridge")
    assert len(refined.clips) == 59
    assert "clip004" not in refined.clips
    whole = dataset.with_pseudo(refined)
    assert not whole.pseudo.weak["audio"][4].any()
    assert np.array_equal(whole.pseudo.weak["audio"][5], refined.weak["audio"][4])


def test_a_clip_that_lacks_a_modality_holds_its_labels_in_the_other(made):
    """It teaches nothing of what it lacks."""
    arrays = {name: {network: made.arrays(network)} for name, network in (("audio", "ears"), ("visual", "eyes"))}
    lacking = [3, 8, 20]
    for n in lacking:
        arrays["audio"]["ears"][n] = None
    dataset = sh.Dataset.from_arrays(arrays, made.labels, CLASSES, clips=made.clips)
    refined = refine(dataset, "ridge")
    for n in range(60):
        held = refined.weak["audio"][n] | refined.weak["visual"][n]
        assert np.array_equal(held, made.labels[n] > 0)
        if n in lacking:
            assert not refined.weak["audio"][n].any()
            assert not refined.confidence["audio"][n].any()
    others = np.array([n for n in range(60) if n not in lacking])
    packs = made[others].packs()["audio"]
    view = View.of(packs, [None])
    expected = view.of_features(REGISTRY["ridge"].fit(view.bags(packs), made.labels[others].astype(np.float64)))
    np.testing.assert_allclose(refined.teachers.by_modality["audio"].linear.weight, expected.weight, rtol=1e-5)
    again = refined.label(dataset)
    assert not again.weak["audio"][lacking].any()
    assert not refined.teachers.predict(dataset)["audio"][lacking].any()


def test_a_modality_that_hardly_any_clip_has(made):
    """Nothing can be learnt of it, so labels stay as they are there."""
    arrays = {name: {network: made.arrays(network)} for name, network in (("audio", "ears"), ("visual", "eyes"))}
    arrays["audio"]["ears"][1:] = [None] * 59
    refined = refine(sh.Dataset.from_arrays(arrays, made.labels, CLASSES), "ridge")
    assert np.array_equal(refined.weak["audio"][0], made.labels[0] > 0)
    assert not refined.weak["audio"][1:].any()
    assert any("to learn what is heard" in note for note in refined.notes)
    with pytest.raises(SeehearError, match="no clip has features of ears: extract them, or refine without audio"):
        refine(sh.Dataset.from_arrays(arrays, made.labels, CLASSES)[1:], "ridge")


def test_labels_go_with_their_clips_by_name(made, refined):
    backwards = made[::-1].with_pseudo(refined)
    assert np.array_equal(backwards.pseudo.weak["audio"], refined.weak["audio"][::-1])
    assert np.array_equal(backwards[:3].pseudo.confidence["visual"], refined.confidence["visual"][::-1][:3])
    with pytest.raises(SeehearError, match="lack 1 of the clips, for example clip059"):
        made.with_pseudo(refine(made[:-1], "ridge"))


# Other clips


def test_teachers_label_other_clips(made, refined):
    other = clips(20, seed=5)
    labelled = refined.label(other)
    for name, teacher in refined.teachers.by_modality.items():
        rows = np.concatenate(other.arrays(name))
        scores = rows.astype(np.float64) @ teacher.linear.weight + teacher.linear.bias
        passes = np.split(scores > teacher.thresholds.value, np.cumsum(other.lengths)[:-1])
        for n, of_clip in enumerate(passes):
            expected = of_clip & (other.labels[n] > 0)
            assert np.array_equal(labelled.segments[name][n, : len(of_clip)], expected)
    held = labelled.weak["audio"] | labelled.weak["visual"]
    assert np.array_equal(held, other.labels > 0)
    assert sh.score(labelled.segments, other.truth).average > 80


def test_teachers_predict_without_weak_labels(made, refined):
    other = clips(20, seed=5)
    predicted = refined.teachers.predict(other)
    margins = refined.teachers.margins(other)
    for name, array in predicted.items():
        assert np.array_equal(array, margins[name] > 0)
        assert not array[np.arange(6) >= other.lengths[:, None]].any()
    assert 50 < sh.score(predicted, other.truth).average < 95
    unlabelled = with_labels(other, np.zeros((20, 3), np.float32))
    assert np.array_equal(refined.teachers.predict(unlabelled)["audio"], predicted["audio"])


def test_teachers_refuse_other_features(made, refined):
    wide = {name: {f"{name}-9": [np.zeros((4, 9))] * 3} for name in ("audio", "visual")}
    with pytest.raises(SeehearError, match=r"teacher of audio learnt from features of 7 numbers.* 9 numbers of audio"):
        refined.label(sh.Dataset.from_arrays(wide, np.zeros((3, 3)), CLASSES))
    deaf = sh.Dataset.from_arrays({"visual": {"eyes": made.arrays("eyes")}}, made.labels, CLASSES)
    with pytest.raises(SeehearError, match="no features of audio"):
        refined.teachers.predict(deaf)


def test_the_final_teacher_is_fitted_to_all_clips(made, refined):
    packs = made.packs()["audio"]
    view = View.of(packs, [None])
    expected = view.of_features(REGISTRY["ridge"].fit(view.bags(packs), made.labels.astype(np.float64)))
    np.testing.assert_allclose(refined.teachers.by_modality["audio"].linear.weight, expected.weight)
    scores = out_of_fold(REGISTRY["ridge"], view.bags(packs), made.labels, folds(made.labels, 5))
    thresholds = from_negatives(scores, made.labels, packs[0].offsets, 0.05)
    np.testing.assert_allclose(refined.teachers.by_modality["audio"].thresholds.value, thresholds.value)


def test_teachers_are_kept_as_tensors(made, refined):
    other = clips(20, seed=5)
    arrays, facts = refined.teachers.as_tensors()
    read = Teachers.from_tensors(arrays, json.loads(json.dumps(facts)))
    assert read.label(other).revision == refined.label(other).revision
    assert read.decoding == refined.teachers.decoding
    for name, array in read.predict(other).items():
        assert np.array_equal(array, refined.teachers.predict(other)[name])


def test_nothing_is_heard_in_digital_silence(made, refined):
    """Neither in the labels of the clips that the teachers learn from, nor in those of others."""
    silent = np.zeros(int(made.lengths.sum()), dtype=bool)
    silent[: made.lengths[0]] = True  # the whole first clip
    silent[made.lengths[0] : made.lengths[0] + 2] = True  # two seconds of the second
    pack = replace(made.packed("ears"), silent=silent)
    quiet = replace(made, _packs={"ears": pack, "eyes": made.packed("eyes")})
    for found in (refine(quiet, "ridge").pseudo, refined.label(quiet)):
        assert not found.segments["audio"][0].any()
        assert not found.segments["audio"][1, :2].any()
        assert found.segments["audio"].any()
        assert not (found.weak["audio"][0] & found.segments["visual"][0].any(axis=0)).any()
    assert not refined.teachers.predict(quiet)["audio"][0].any()


# What a user looks at


def test_shares_are_the_counts(made, refined):
    heard, seen = (refined.weak[name] for name in ("audio", "visual"))
    for row in refined.shares:
        c = CLASSES.index(row.label)
        pairs = [(bool(heard[n, c]), bool(seen[n, c])) for n in range(60) if made.labels[n, c]]
        assert row.clips == len(pairs)
        assert (row.only["audio"], row.only["visual"], row.both) == tuple(
            pairs.count(pair) for pair in ((True, False), (False, True), (True, True))
        )
    totals = refined.counts()
    assert sum(totals.values()) == made.labels.sum()
    assert [*totals] == ["only heard", "only seen", "both"]


def test_the_least_certain_labels(made, refined):
    least = []
    for n in range(60):
        each = [
            (abs(refined.margins[name][n, c]), c) for c in range(3) for name in ("audio", "visual") if made.labels[n, c]
        ]
        if each:
            least.append((*min(each), n))
    least.sort()
    assert [(each.clip, each.label) for each in refined.unsure] == [
        (made.clips[n], CLASSES[c]) for _, c, n in least[:20]
    ]


def test_a_table_of_labels(made, refined):
    frame = refined.to_frame()
    assert [*frame.columns] == [
        *("clip", "label", "audio", "audio_margin", "audio_segments", "visual", "visual_margin", "visual_segments"),
    ]
    assert len(frame) == made.labels.sum()
    row = frame[(frame["clip"] == frame["clip"][0]) & (frame["label"] == frame["label"][0])].iloc[0]
    n, c = made.clips.index(row["clip"]), CLASSES.index(row["label"])
    assert row["audio"] == refined.weak["audio"][n, c]
    assert row["visual_segments"] == refined.segments["visual"][n, :, c].sum()


def test_text_says_the_shares_and_what_to_do_next(refined):
    text = refined.text()
    assert "only heard" in text
    assert "5 % of the segments of clips without a class pass its threshold" in text
    assert f"least certain, to be looked at: {refined.unsure[0].clip}" in text
    assert "ridge,α0.05,5folds" in text
    assert repr(refined).startswith("Refinement(60 clips, 3 classes: ")
    data = json.loads(json.dumps(refined.as_json(), allow_nan=False))
    assert data["shares"] == refined.counts()
    assert [*data["thresholds"]["audio"]] == [*CLASSES]
