"""Refined labels judged by true ones: against loops over labels, and as users see it."""

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import commands
import seehear as sh
from refinement.made import CLASSES, HOLDS, clips
from seehear.cli.app import main
from seehear.errors import SeehearError
from seehear.labels import WeakTable, read_weak, weak_text
from seehear.refinement.judge import judge_labels
from seehear.refinement.judgement import Gap, Reference, kinds_of
from seehear.refinement.refine import refine
from seehear.scoring.verdict import Verdict

LFAV = Path(__file__).parents[3] / "shared" / "tables" / "lfav"
NAMES = ("Bell", "Car", "Dog", "Horn")


def weak(folder, name, labels):
    """A weak table: clip -> classes."""
    path = folder / f"{name}.csv"
    path.write_text(weak_text(labels))
    return path


def folder_of(folder, holds, source="by hand"):
    """A refinement's folder. holds: modality -> clip -> classes."""
    folder.mkdir()
    for name, labels in holds.items():
        weak(folder, f"weak_{name}", labels)
    facts = {"format": "seehear-refinement-1", "modalities": [*holds], "source": source}
    (folder / "refinement.json").write_text(json.dumps(facts))
    return folder


def drawn(seed, count=40, names=NAMES, modalities=("audio", "visual"), least=0.0):
    """True and refined labels: modality -> clip -> classes. Most are right; classes differ in where they hold."""
    rng = np.random.default_rng(seed)
    usual = rng.random((len(names), len(modalities))) < 0.6
    true, given = ({name: {} for name in modalities} for _ in range(2))
    for n in range(count):
        here = rng.random(len(names)) < 0.45
        holds = np.where(rng.random(usual.shape) < 0.25, ~usual, usual) & here[:, None]
        found = np.where(rng.random(usual.shape) < 0.2 + least, ~holds, holds) & here[:, None]
        for m, name in enumerate(modalities):
            true[name][f"clip{n}"] = [label for c, label in enumerate(names) if holds[c, m]]
            given[name][f"clip{n}"] = [label for c, label in enumerate(names) if found[c, m]]
    return true, given


# By loops over labels


def where(holds, clip, label):
    return frozenset(name for name, labels in holds.items() if label in labels.get(clip, ()))


def judged_labels(true, given):
    """(clip, class) -> where it is true, and where it was put."""
    both = {}
    for clip in next(iter(given.values())):
        for label in NAMES:
            if where(true, clip, label) and where(given, clip, label):
                both[clip, label] = where(true, clip, label), where(given, clip, label)
    return both


def most_frequent(states, everywhere):
    """By counts, then by counts over all classes, then the one of most modalities; audio alone comes before visual."""
    order = {frozenset(): 0, frozenset(["audio"]): 1, frozenset(["visual"]): 2, frozenset(["audio", "visual"]): 3}
    own, overall = Counter(states), Counter(everywhere)
    return max([state for state in order if state], key=lambda state: (own[state], overall[state], order[state]))


@pytest.mark.parametrize("seed", range(8))
def test_shares_by_loops(tmp_path, seed):
    true, given = drawn(seed)
    refined = folder_of(tmp_path / "refined", given)
    truth = {name: weak(tmp_path, f"true_{name}", labels) for name, labels in true.items()}
    judged = judge_labels(refined, truth)
    labels = judged_labels(true, given)
    assert judged.labels == len(labels)
    assert judged.right.mean == pytest.approx(100 * np.mean([t == p for t, p in labels.values()]))

    prior = hindsight = every = 0
    by_class = Counter()
    for (clip, label), (t, _) in labels.items():
        others = {key: each for key, (each, _) in labels.items() if key[0] != clip}
        answer = most_frequent([each for key, each in others.items() if key[1] == label], others.values())
        prior += answer == t
        by_class[label] += answer == t
        all_of_class = [each for key, (each, _) in labels.items() if key[1] == label]
        hindsight += Counter(all_of_class).most_common(1)[0][1] / len(all_of_class)
        every += t == {"audio", "visual"}
    found = {name: each.share.mean for name, each in judged.references.items()}
    expected = {Reference.PRIOR: prior, Reference.ALL: every, Reference.HINDSIGHT: hindsight}
    assert found == pytest.approx({name: 100 * count / len(labels) for name, count in expected.items()})
    for name, each in judged.references.items():
        assert each.ahead.mean == pytest.approx(judged.right.mean - found[name])
        assert each.ahead.low <= each.ahead.mean <= each.ahead.high
    for row in judged.classes:
        own = [pair for key, pair in labels.items() if key[1] == row.label]
        kinds = [frozenset(["audio"]), frozenset(["visual"]), frozenset(["audio", "visual"])]
        assert row.true == tuple(sum(t == kind for t, _ in own) for kind in kinds)
        assert (row.labels, row.right, row.prior) == (len(own), sum(t == p for t, p in own), by_class[row.label])


@pytest.mark.parametrize("seed", range(3))
def test_modalities_and_confusions_by_loops(tmp_path, seed):
    true, given = drawn(seed, least=0.2)
    truth = {name: weak(tmp_path, f"true_{name}", labels) for name, labels in true.items()}
    judged = judge_labels(folder_of(tmp_path / "refined", given), truth)
    labels = judged_labels(true, given)
    for row in judged.by_modality:
        tp = sum(row.modality in t and row.modality in p for t, p in labels.values())
        put = sum(row.modality in p for _, p in labels.values())
        support = sum(row.modality in t for t, _ in labels.values())
        assert row.precision == pytest.approx(100 * tp / put)
        assert row.recall == pytest.approx(100 * tp / support)
        assert row.f1 == pytest.approx(100 * 2 * tp / (put + support))
        assert row.support == support
    kinds = [frozenset(["audio"]), frozenset(["visual"]), frozenset(["audio", "visual"]), frozenset()]
    counts = Counter()
    for clip, label in itertools.product(next(iter(given.values())), NAMES):
        pair = where(true, clip, label), where(given, clip, label)
        counts[pair] += pair != (frozenset(), frozenset())
    assert judged.confusion.tolist() == [[counts[t, p] for p in kinds] for t in kinds]
    nowhere, not_weak = judged.confusion[3].sum(), judged.confusion[:, 3].sum()
    found = {gap: missing.count for gap, missing in judged.gaps.items()}
    assert (found.get(Gap.NOWHERE, 0), found.get(Gap.NOT_WEAK, 0)) == (nowhere, not_weak)


def test_p_is_that_of_all_flips(tmp_path):
    """If refined labels were no better than the prior, the two could be exchanged in each clip."""
    true, given = drawn(3, count=9)
    truth = {name: weak(tmp_path, f"true_{name}", labels) for name, labels in true.items()}
    judged = judge_labels(folder_of(tmp_path / "refined", given), truth)
    labels = judged_labels(true, given)
    ahead = Counter()
    for (clip, label), (t, p) in labels.items():
        others = {key: each for key, (each, _) in labels.items() if key[0] != clip}
        answer = most_frequent([each for key, each in others.items() if key[1] == label], others.values())
        ahead[clip] += int(t == p) - int(t == answer)
    each = [ahead[f"clip{n}"] for n in range(9)]
    sums = [abs(sum(sign * value for sign, value in zip(signs, each, strict=True)))
            for signs in itertools.product((1, -1), repeat=9)]  # fmt: skip
    assert judged.p == pytest.approx(np.mean(np.array(sums) >= abs(sum(each))))


def test_intervals_are_of_a_ratio(tmp_path):
    """Clips have different numbers of labels: against a bootstrap that divides sums."""
    true, given = drawn(5, count=150)
    truth = {name: weak(tmp_path, f"true_{name}", labels) for name, labels in true.items()}
    judged = judge_labels(folder_of(tmp_path / "refined", given), truth)
    right, items = np.zeros(150), np.zeros(150)
    for (clip, _), (t, p) in judged_labels(true, given).items():
        right[int(clip[4:])] += t == p
        items[int(clip[4:])] += 1
    rng = np.random.default_rng(0)
    chosen = rng.integers(150, size=(4000, 150))
    low, high = np.quantile(100 * right[chosen].sum(axis=1) / items[chosen].sum(axis=1), [0.025, 0.975])
    assert (judged.right.low, judged.right.high) == pytest.approx((low, high), abs=0.7)


# The prior from other clips, and other kinds of truth


def test_the_prior_of_other_clips(tmp_path):
    true, given = drawn(1)
    true["audio"]["other"], true["visual"]["other"] = ["Bell", "Horn"], ["Car", "Horn"]
    truth = {name: weak(tmp_path, f"true_{name}", labels) for name, labels in true.items()}
    judged = judge_labels(
        folder_of(tmp_path / "refined", given), truth, prior=truth
    )  # clips that are judged don't count
    answers = {"Bell": {"audio"}, "Car": {"visual"}, "Horn": {"audio", "visual"}, "Dog": {"audio", "visual"}}
    labels = judged_labels(true, given)
    expected = np.mean([t == answers[label] for (_, label), (t, _) in labels.items()])
    assert judged.references[Reference.PRIOR].share.mean == pytest.approx(100 * expected)
    assert "1 other clip (" in judged.text()
    assert judged.gaps[Gap.NOT_REFINED].count == 1
    weak(tmp_path, "true_audio", {clip: names for clip, names in true["audio"].items() if clip != "other"})
    with pytest.raises(SeehearError, match="no labels of other clips: leave out --prior"):
        judge_labels(tmp_path / "refined", truth, prior=truth)


def test_dense_truth(tmp_path):
    given = {"audio": {"a": ["Bell"], "b": ["Dog"]}, "visual": {"a": ["Bell"], "b": []}}
    refined = folder_of(tmp_path / "refined", given)
    header = "filename\tonset\toffset\tevent_labels\n"
    (tmp_path / "audio.csv").write_text(f"{header}a\t0\t2\tBell\nb\t1\t3\tDog\nb\t2\t2\tBell\n")
    (tmp_path / "visual.csv").write_text(f"{header}a\t1\t2\tBell\n")
    truth = {name: tmp_path / f"{name}.csv" for name in given}
    judged = judge_labels(refined, truth)
    assert (judged.right.mean, judged.labels, judged.clips, judged.gaps) == (100.0, 2, 2, {})
    mixed = judge_labels(refined, {**truth, "visual": weak(tmp_path, "seen", {"a": ["Bell"]})})
    assert (mixed.clips, mixed.gaps[Gap.NO_TRUTH].first) == (1, "b")  # the weak table does not name b


def test_doubtful_truth_is_noted(tmp_path):
    """A dense table of few clips, and a class that is spelt in another way."""
    clips = {f"clip{n}": ["Speech"] for n in range(6)}
    refined = folder_of(tmp_path / "refined", {"audio": clips, "visual": clips})
    header = "filename\tonset\toffset\tevent_labels\n"
    audio, visual = tmp_path / "audio.csv", tmp_path / "visual.csv"
    audio.write_text(header + "".join(f"{clip}\t0\t2\tSpeech\n" for clip in clips))
    visual.write_text(f"{header}clip0\t1\t2\tSpeech\nclip1\t1\t2\tSpeech\n")
    judged = judge_labels(refined, {"audio": audio, "visual": visual})
    assert [note for note in judged.notes if f"{visual}: has no row of 4 of 6 judged clips, for example clip2" in note]
    assert not [note for note in judged.notes if str(audio) in note]
    visual.write_text(f"{header}" + "".join(f"clip{n}\t1\t2\tspeech\n" for n in range(3)))
    judged = judge_labels(refined, {"audio": audio, "visual": visual})
    assert any("class 'speech' is 'Speech' at the refined labels" in note for note in judged.notes)
    assert not [note for note in judged.notes if "has no row" in note]


def test_tables_that_do_not_agree(tmp_path):
    """As published tables are: true labels that no weak label has, clips that one table lacks, and the reverse."""
    given = {"audio": {"a": ["Bell"], "b": ["Dog"], "c": ["Car"]}, "visual": {"a": [], "b": [], "c": ["Car"]}}
    refined = folder_of(tmp_path / "refined", given)
    truth = {
        "audio": weak(tmp_path, "heard", {"a": ["Bell", "silent"], "b": ["Cat"], "d": ["Bell"]}),
        "visual": weak(tmp_path, "seen", {"a": [], "b": [], "c": ["Car"], "d": []}),
    }
    judged = judge_labels(refined, truth)
    assert (judged.labels, judged.right.mean, judged.clips) == (1, 100.0, 2)
    assert {gap: (each.count, each.first) for gap, each in judged.gaps.items()} == {
        Gap.NOWHERE: (1, "b (Dog)"),
        Gap.NOT_WEAK: (2, "a (silent)"),
        Gap.NO_TRUTH: (1, "c"),
        Gap.NOT_REFINED: (1, "d"),
    }
    assert "true labels that the weak labels lack: 2, for example a (silent)" in judged.text()
    assert judged.confusion.tolist() == [[1, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]


def test_three_modalities(tmp_path):
    names = ("audio", "visual", "touch")
    true, given = drawn(2, modalities=names)
    truth = {name: weak(tmp_path, f"true_{name}", labels) for name, labels in true.items()}
    judged = judge_labels(folder_of(tmp_path / "refined", given), truth)
    assert judged.kinds == kinds_of(names)
    assert judged.kinds == (
        "only heard", "only seen", "only touch", "heard+seen", "heard+touch", "seen+touch", "heard+seen+touch"
    )  # fmt: skip
    labels = judged_labels(true, given)
    assert judged.right.mean == pytest.approx(100 * np.mean([t == p for t, p in labels.values()]))
    assert judged.confusion.shape == (8, 8)


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ({"audio": "heard.csv"}, "give those of visual"),
        (
            {"audio": "heard.csv", "visual": "seen.csv", "touch": "seen.csv"},
            "truth of touch: the refined labels are",
        ),
        ({"audio": "others.csv", "visual": "others.csv"}, "name none of the refined clips"),
        ({"audio": "empty.csv", "visual": "empty.csv"}, "no weak label of the refined clips is true"),
        ({"audio": "absent.csv", "visual": "seen.csv"}, "absent.csv"),
        (["audio"], "MODALITY=FILE"),
        ("heard.csv", "heard.csv: name its modality too, as in {'audio': 'heard.csv'}"),
        (
            {"audoi": "heard.csv", "visual": "seen.csv"},
            "audio and visual: did you mean audio?",
        ),
        ({"audio": "heard.csv", "visual": "others.csv"}, "others.csv names 0 refined clips"),
    ],
)
def test_truth_that_can_not_judge(tmp_path, monkeypatch, truth, message):
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / "refined", {"audio": {"a": ["Bell"]}, "visual": {"a": []}})
    weak(tmp_path, "heard", {"a": ["Bell"]})
    weak(tmp_path, "seen", {"a": []})
    weak(tmp_path, "others", {"x": ["Bell"]})
    weak(tmp_path, "empty", {"a": []})
    with pytest.raises(SeehearError) as error:
        judge_labels("refined", truth)
    assert message in str(error.value)


def test_a_prior_that_lacks_a_modality_and_a_file_given_twice(tmp_path):
    given = folder_of(tmp_path / "refined", {"audio": {"a": ["Bell"]}, "visual": {"a": []}})
    same = weak(tmp_path, "same", {"a": ["Bell"]})
    with pytest.raises(SeehearError, match="prior has true labels of audio: give those of visual too"):
        judge_labels(given, {"audio": same, "visual": same}, prior={"audio": same})
    judged = judge_labels(given, {"audio": same, "visual": same})
    assert judged.notes == (f"{same}: is given for audio and for visual: all that it names counts in each",)
    assert judged.notes[0] in judged.text()
    assert judged.as_json()["notes"] == [*judged.notes]


def test_a_folder_without_a_refinement(tmp_path):
    with pytest.raises(SeehearError, match="no refined labels here"):
        judge_labels(tmp_path, {"audio": "a.csv", "visual": "v.csv"})


# What users do with it


@pytest.fixture(scope="module")
def refined(tmp_path_factory):
    """Labels that a teacher refined, and true tables: a bell is only heard, a car only seen, a dog both."""
    folder = tmp_path_factory.mktemp("judged")
    made = clips(60)
    for name, holds in HOLDS.items():
        rows = {
            clip: [label for c, label in enumerate(CLASSES) if made.labels[n, c] and holds[c]]
            for n, clip in enumerate(made.clips)
        }
        weak(folder, name, rows)
    refinement = refine(made, "ridge", false_alarms=0.01)
    refinement.save(folder / "refined")
    return folder, refinement


def test_in_memory_and_from_the_folder(refined):
    folder, refinement = refined
    truth = {name: folder / f"{name}.csv" for name in HOLDS}
    judged = refinement.judge(truth)
    other = sh.judge_labels(str(folder / "refined"), {name: read_weak(path) for name, path in truth.items()})
    assert judged.as_json() == other.as_json()
    assert judged.right.mean > 80
    assert judged.references[Reference.HINDSIGHT].share.mean == 100  # where a class holds is the same in every clip
    assert isinstance(read_weak(truth["audio"]), WeakTable)


def test_what_it_shows(refined):
    folder, refinement = refined
    judged = refinement.judge({name: folder / f"{name}.csv" for name in HOLDS})
    assert "\n" not in repr(judged)
    assert repr(judged).startswith("LabelJudgement(")
    assert str(judged.verdict) in ("worse", "inconclusive")
    json.dumps(judged.as_json())
    assert judged._repr_html_().count("<table>") == 4
    text = judged.text()
    assert "right-modality|refined:ridge" in text
    assert "|prior:leave-one-out|clips:60|" in text
    pytest.importorskip("pandas", reason="seehear[frames] is not installed")
    frame = judged.to_frame()
    assert [*frame.columns] == ["label", "labels", "only heard", "only seen", "both", "right", "prior"]
    assert frame["labels"].sum() == judged.labels
    assert len(judged.plot().axes) == 1


def test_better_than_the_prior(tmp_path):
    true, _ = drawn(4)
    truth = {name: weak(tmp_path, f"true_{name}", labels) for name, labels in true.items()}
    judged = judge_labels(folder_of(tmp_path / "refined", true), truth)
    assert (judged.verdict, judged.right.mean) == (Verdict.BETTER, 100.0)


def test_the_command(refined, capsys):
    folder, _ = refined
    truth = [f"{name}={folder / f'{name}.csv'}" for name in HOLDS]
    assert commands.judge_labels(folder / "refined", truth=truth).labels > 50
    for arguments in (truth, [*truth, "--json"]):
        with pytest.raises(SystemExit) as ended:
            main(["labels", "judge", str(folder / "refined"), "--truth", *arguments])
        assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "labels given to the right modality, per cent" in printed
    assert '"verdict"' in printed


@pytest.mark.skipif(not LFAV.is_dir(), reason="the tables of LFAV are not on this machine")
def test_the_tables_of_lfav(tmp_path):
    """Its true labels of training clips: one of them is in no joint label. The joint labels as they are, judged."""
    joint = read_weak(LFAV / "train_weakly.csv").labels
    refined = folder_of(tmp_path / "refined", {"audio": joint, "visual": joint})
    judged = judge_labels(refined, {name: LFAV / f"train_{name}_weakly.csv" for name in ("audio", "visual")})
    assert (judged.clips, judged.labels) == (3721, 11017)
    assert judged.confusion[:, 2].tolist() == [3376, 2000, 5641, 0]
    assert {gap: each.count for gap, each in judged.gaps.items()} == {Gap.NOT_WEAK: 1}
    assert judged.right.mean == judged.references[Reference.ALL].share.mean == pytest.approx(100 * 5641 / 11017)
