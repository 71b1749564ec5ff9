"""Training on labels per modality: what is learnt, that it resumes, and how it decodes."""

import json

import numpy as np
import pytest
import torch

import commands
import seehear as sh
from make_media import movie
from refinement.made import CLASSES, HOLDS, clips, with_labels
from seehear.decoding import ByModality, Decoding
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.labels import Event, write_dense, write_weak
from seehear.parsing.parser import Parser, load, train
from seehear.refinement.out_of_fold import folds
from seehear.refinement.refine import refine
from seehear.refinement.settings import GIVEN
from seehear.scoring.never_found import never_found
from seehear.scoring.scores import score
from seehear.scoring.signature import Signature
from seehear.training import fit as fitting
from seehear.training.augment import Example
from seehear.training.objective import Objective
from seehear.training.recipe import load_recipe
from seehear.training.runs import MemoryRun, Run, load_tensors
from seehear.training.setup import describe_epoch, set_up

from .conftest import World

SMALL = {"epochs": 6, "width": 16, "feed_forward": 16, "learning_rate": 0.01, "decay_every": 0, "batch": 8}
RIDGE = {"refine": {"teacher": "ridge"}}


@pytest.fixture(scope="module")
def made():
    """Clips to train on, to validate with, and to test."""
    return clips(60), clips(20, seed=1), clips(20, seed=2)


def without_truth(whole):
    features = {name: {network: whole.arrays(network)} for name, network in (("audio", "ears"), ("visual", "eyes"))}
    return sh.Dataset.from_arrays(features, whole.labels, CLASSES)


@pytest.fixture(scope="module")
def blind(made):
    """The validation clips without ground truth."""
    return without_truth(made[1])


def trained(data, val=None, out=None, **settings):
    return Parser("paper", device="cpu", **{**SMALL, **settings}).fit(data, val, out=out, progress=False)


def weights(parser):
    return parser.model.state_dict()


def equal(one, other):
    return all(torch.equal(tensor, weights(other)[name]) for name, tensor in weights(one).items())


def false_seconds(parser, data):
    """Seconds in which a bell is seen or a car heard, which never happens."""
    active = parser.predict(data)
    return sum(int(active[name][..., ~np.array(holds)].sum()) for name, holds in HOLDS.items())


# What is learnt


def test_a_class_that_is_only_heard_is_learnt_to_be_only_heard(made):
    data, val, test = made
    options = {**SMALL, "epochs": 20}
    refined, weak = (trained(data, val, **options, **more) for more in (RIDGE, {}))
    scores = {name: sh.score(each.predict(test), test.truth) for name, each in (("refined", refined), ("weak", weak))}
    assert false_seconds(refined, test) < 0.2 * false_seconds(weak, test)
    assert scores["refined"].average > scores["weak"].average + 10
    assert scores["refined"].level("segment")["audio"] > 85


def test_training_again_gives_the_same_model(made):
    data, val, _ = made
    one, other = (trained(data, val, **{**SMALL, "epochs": 2}, **RIDGE) for _ in range(2))
    assert equal(one, other)
    assert one.history[0]["loss"] == other.history[0]["loss"]


def test_without_ground_truth_the_pseudo_labels_choose(made, blind):
    data, _, test = made
    parser = trained(data, blind, decode="tuned", **RIDGE)
    assert {"average", "type_at_av"} <= set(parser.history[0]["val"])
    best = max(entry["val"]["average"] for entry in parser.history)
    assert parser.run.chosen["val"]["average"] == best
    labelled = refine(data, "ridge").label(blind)
    predicted = parser.predict(blind)
    assert sh.score(predicted, labelled.segments).average == pytest.approx(best)
    assert sh.score(predicted, made[1].truth).average > 70
    assert sh.score(parser.predict(test), test.truth).average > 70


@pytest.mark.parametrize(
    ("noise", "expected"),
    [(2, "scores against its pseudo-labels are too high"), (50, "its pseudo-labels are not used")],
)
def test_a_teacher_that_finds_nothing_makes_no_silence_right(noise, expected):
    """Features say little or nothing of the classes, so pseudo-labels are few or none."""
    data, val = (clips(count, seed=count, noise=noise, lengths=(3,)) for count in (60, 20))
    parser = trained(data, without_truth(val), decode="tuned", **RIDGE)
    (note,) = [note for note in parser.notes if "finds" in note]
    assert expected in note
    assert ("average" in parser.history[0]["val"]) == (noise == 2)


@pytest.fixture(scope="module")
def partly_known():
    """Clips to train on, of which one has a rare class, and to validate with.

    Five of these have the rare class alone, two a class that the model lacks, and one none on purpose.
    """
    classes = (*CLASSES, "Rare", "Yeti")
    data, val = clips(60), clips(30, seed=1)
    known = np.pad(data.labels, ((0, 0), (0, 1)))
    known[0, 3] = 1
    labels = np.pad(val.labels, ((0, 0), (0, 2)))
    labels[:8] = 0
    labels[:5, 3], labels[5:7, 4] = 1, 1
    labels[8:, 0] = np.maximum(labels[8:, 0], ~labels[8:].any(axis=1))
    return with_labels(data, known, classes[:4]), with_labels(val, labels, classes)


@pytest.mark.parametrize("rounds", [1, 2])
def test_clips_of_which_pseudo_labels_say_nothing_do_not_count(partly_known, rounds):
    """As empty clips, they would reward a model that finds nothing."""
    data, val = partly_known
    settings = {**SMALL, "epochs": 3, "learning_rate": 1e-9}  # of which nothing is learnt, nor found
    parser = trained(data, val, decode="official", refine={"teacher": "ridge", "rounds": rounds}, **settings)
    (note,) = [note for note in parser.notes if "left out of the scores" in note]
    left = int(note.split()[0])
    assert note.startswith(f"{left} of 30 validation clips are left out")
    if rounds == 1:
        pseudo = refine(data, "ridge").label(val)
        placed = np.any([array.any(axis=(1, 2)) for array in pseudo.segments.values()], axis=0)
        assert left == int((val.labels.any(axis=1) & ~placed).sum())
        assert 7 <= left < 20
        counted = [n for n in range(30) if placed[n] or not val.labels[n].any()]
        truth = {name: array[counted] for name, array in pseudo.segments.items()}
        expected = sh.score(parser.predict(val[counted]), truth).average
        assert expected < 100 * 7 / 30  # what the seven unknown clips alone would bring
        for entry in parser.history:
            assert entry["val"]["average"] == pytest.approx(expected)


def test_pseudo_labels_that_are_nowhere_choose_nothing(made, blind):
    """Those that a data set brings may say nothing of any second."""
    nothing = {name: np.full((20, 6, 3), np.nan, dtype=np.float32) for name in ("audio", "visual")}
    weak = {name: blind.labels > 0 for name in nothing}
    parser = trained(made[0], blind.with_pseudo(sh.PseudoLabels(CLASSES, weak, nothing, "mine")), **RIDGE)
    assert "average" not in parser.history[0]["val"]
    assert any("are in no second: the epoch is chosen by the loss" in note for note in parser.notes)


def test_soft_targets_and_hard_ones_differ(made):
    data = made[0]
    soft, hard = (trained(data, refine={"teacher": "ridge", "soft": value}) for value in (True, False))
    assert soft.history[0]["loss"] != hard.history[0]["loss"]


# The parts that a recipe can add


PARTS = [
    {"mixup": 1.7},
    {"recombine": 1.0},
    {"recombine": 1.0, "swap": 1.0},
    {"denoise": 0.3},
    {"avss": 0.5},
    {"blend": 0.3},
    {"balance": 0.5},
    {"segment_weight": 0.3},
    {"contrast": {"loss": "mtsc", "weight": 0.3}},
]


@pytest.fixture(scope="module")
def plain(made):
    return trained(made[0], **RIDGE)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: "-".join(part))
def test_each_part_changes_the_loss_and_trains(made, plain, part):
    parser = trained(made[0], **RIDGE, **part)
    losses = [entry["loss"] for entry in parser.history]
    assert np.isfinite(losses).all()
    when = 1 if "denoise" in part else 0  # it needs an epoch to fit labels at all
    assert losses[when] != plain.history[when]["loss"]
    assert losses[-1] < losses[0] or "recombine" in part
    assert equal(parser, trained(made[0], **RIDGE, **part))  # deterministic


def test_avss_needs_two_modalities(made):
    heard = sh.Dataset.from_arrays({"audio": {"ears": made[0].arrays("ears")}}, made[0].labels, CLASSES)
    with pytest.raises(SeehearError, match="avss compares modalities, and there is only audio: set avss=0"):
        trained(heard, avss=0.5, **RIDGE)


def lacking(data, clips_without):
    """The same clips; some have no sound, and the first of these no pictures instead."""
    arrays = {name: {network: data.arrays(network)} for name, network in (("audio", "ears"), ("visual", "eyes"))}
    for k, n in enumerate(clips_without):
        arrays["audio" if k else "visual"]["ears" if k else "eyes"][n] = None
    return sh.Dataset.from_arrays(arrays, data.labels, CLASSES, truth=data.truth, clips=data.clips)


def test_all_parts_at_once_on_clips_that_lack_a_modality(made):
    data, val = lacking(made[0], range(0, 60, 4)), lacking(made[1], [3, 4])
    parts = {"mixup": 1.0, "recombine": 1.0, "swap": 0.5, "denoise": 0.3, "avss": 0.3, "blend": 0.3, "decode": "tuned"}
    parser = trained(data, val, **{**SMALL, "epochs": 12}, **RIDGE, **parts)
    assert np.isfinite([entry["loss"] for entry in parser.history]).all()
    predicted = parser.predict(val)
    assert not predicted["visual"][3].any()
    assert not predicted["audio"][4].any()
    assert sh.score(parser.predict(made[2]), made[2].truth).average > 70


def test_avss_is_the_mean_over_clips_that_have_both(made):
    """It does not depend on what stands in place of a missing modality."""
    data = lacking(made[0], [0, 1, 2])
    setup = set_up(data, None, load_recipe("paper", **SMALL, **RIDGE, avss=1.0, dropout=0.0), device="cpu")
    torch.manual_seed(0)
    model = MemoryRun(setup.facts).new_model()
    one, other = (Objective(setup.facts, setup.train, model)._semantic(*embedded(setup, model, n)) for n in (6, 3))
    both = embedded(setup, model, 6)[0][:, 3:], embedded(setup, model, 6)[1].take(torch.arange(3, 6))
    alone = Objective(setup.facts, setup.train, model)._semantic(*both)
    assert one.item() == pytest.approx(alone.item(), rel=1e-5)
    assert other.item() == 0


def embedded(setup, model, count):
    """Embeddings and labels of the first clips."""
    split, clips_numbers = setup.train, np.arange(count)
    batch = split.bags.batch(clips_numbers)
    example = Example(*batch, split.labels[:count], split.weak[:count], split.confidence[:count])
    return model.eval().embed(batch.features), example


def test_all_parts_at_once_on_clips_of_one_modality(made):
    heard = sh.Dataset.from_arrays({"audio": {"ears": made[0].arrays("ears")}}, made[0].labels, CLASSES)
    parts = {"mixup": 1.0, "recombine": 1.0, "swap": 0.5, "denoise": 0.3, "blend": 0.3, "balance": 1.0}
    parser = trained(heard, heard, decode="tuned", **RIDGE, **parts)
    line = describe_epoch(parser.history[0])  # there is no Type@AV of one modality
    assert "type_at_av" not in line
    assert f" audio {parser.history[0]['val']['type_at_av']:.4g}" in line
    assert np.isfinite([entry["loss"] for entry in parser.history]).all()


def test_all_parts_at_once_on_a_single_clip():
    """A clip has no partner; a class of which nothing can be learnt keeps its weak label."""
    data = clips(3)
    parts = {"mixup": 1.0, "recombine": 2.0, "swap": 1.0, "denoise": 0.5, "avss": 1.0, "batch": 1}
    refined = {"teacher": "ridge", "folds": 2}
    parser = trained(data, refine=refined, **{**SMALL, **parts})
    assert np.isfinite([entry["loss"] for entry in parser.history]).all()


def test_dense_supervision_of_clips_made_from_others_is_refused_before_anything_is_learnt(made, tmp_path):
    for parts, named in (({"recombine": 1.0}, "recombine"), ({"mixup": 1.0}, "mixup")):
        with pytest.raises(SeehearError, match=f"clips made by {named} have none: set {named}=0"):
            trained(made[0], made[1], tmp_path / "run", supervision="dense", **parts, **RIDGE)
    assert not (tmp_path / "run").exists()
    parser = trained(made[0], made[1], supervision="dense", **RIDGE)
    assert np.isfinite([entry["loss"] for entry in parser.history]).all()


def test_a_model_of_few_clips_tells_its_limits(tmp_path):
    """Also of a class that only the validation clips have, which the teachers leave out."""
    world = World(tmp_path, clips=14)
    rows = world.labels.read_text().splitlines()
    train, val = tmp_path / "train.csv", tmp_path / "val.csv"
    train.write_text("\n".join(rows[:12]) + "\n")
    val.write_text("\n".join([rows[0], f"{rows[12].split(chr(9))[0]}\tDog,Helicopter", rows[13]]) + "\n")
    for recipe in ("refined", "small"):
        out = tmp_path / recipe
        changes = ["epochs=20", "width=16", "feed_forward=16", "learning_rate=1e-9"]  # nothing is learnt after epoch 1
        done = commands.train(**world.training(labels=train, val=val, out=out, recipe=recipe, set=changes))
        text = done.text()
        assert "labelled training clips for 3 classes: until about 5 per class" in text
        assert "which the model does not know: Helicopter; validation leaves them out" in text
        assert text.count("Helicopter") == 1
        assert "which is early" in text
        assert ("labels per modality (recipe=refined)" in text) == (recipe == "small")
        assert "never found in a validation clip, seen: Cat, Dog, Fish" in text


def test_of_fewer_clips_than_folds_the_labels_are_not_refined():
    parser = trained(clips(3), **RIDGE)
    assert any("3 training clips are too few for 5 folds: labels are not refined" in note for note in parser.notes)
    assert np.isfinite([entry["loss"] for entry in parser.history]).all()


def test_segments_can_be_refined_without_the_clips(made, plain):
    """The weak label of each clip counts in both modalities then."""
    parser = trained(made[0], refine={"teacher": "ridge", "weak": False})
    assert parser.history[0]["loss"] != plain.history[0]["loss"]
    data = made[0]
    pseudo = refine(data, "ridge").pseudo
    every = {name: data.labels > 0 for name in data.modalities}
    given = data.with_pseudo(sh.PseudoLabels(CLASSES, every, pseudo.confidence, "mine"))
    assert equal(parser, trained(given, refine={"teacher": GIVEN}))


# Labels that the data set brings


def test_labels_that_the_data_set_brings_are_used_as_they_are(made):
    data = made[0]
    given = trained(data.with_pseudo(refine(data, "ridge")), refine={"teacher": GIVEN})
    assert equal(given, trained(data, **RIDGE))
    mil = trained(data.with_pseudo(refine(data, "mil")), **RIDGE)
    assert equal(mil, trained(data, refine={"teacher": "mil"}))


def test_given_labels_that_are_not_given(made):
    with pytest.raises(SeehearError, match=r"refine\.teacher=given needs labels per modality: give them by"):
        trained(made[0], refine={"teacher": GIVEN})


def test_labels_of_which_the_recipe_says_nothing_are_not_used(made):
    data = made[0]
    assert equal(trained(data.with_pseudo(refine(data, "ridge"))), trained(data))


def test_other_labels_are_another_run(made, tmp_path):
    data = made[0]
    trained(data, out=tmp_path, **RIDGE)
    with pytest.raises(SeehearError, match=r"inputs\.pseudo"):
        trained(data.with_pseudo(refine(data, "mil")), out=tmp_path, **RIDGE)


# Run folders


def test_resumes_bit_exactly(made, tmp_path, monkeypatch):
    """It is stopped in the middle, with every part that draws or remembers something."""
    data, val, _ = made
    parts = {**RIDGE, "mixup": 1.7, "recombine": 0.5, "swap": 0.5, "denoise": 0.3, "decode": "tuned", "avss": 0.1}
    monkeypatch.setattr(fitting, "SAVE_EVERY", 0.0)
    setup = set_up(data, val, load_recipe("paper", **{**SMALL, **parts}), device="cpu")

    def stop(entry):
        if entry["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitting.fit(Run.start(tmp_path / "run", setup.facts), setup.train, setup.val, on_epoch=stop)
    assert len(load_tensors(tmp_path / "run/checkpoint.safetensors")[1]) == 3
    resumed = trained(data, val, out=tmp_path / "run", **parts)
    whole = trained(data, val, **parts)
    assert equal(resumed, whole)
    entries = [[{**entry, "seconds": 0} for entry in parser.history] for parser in (resumed, whole)]
    assert entries[0] == entries[1]
    assert resumed.decoding == whole.decoding


def test_thresholds_are_kept_in_the_run_and_used(made, tmp_path):
    data, val, test = made
    parser = trained(data, val, out=tmp_path / "run", decode="tuned", **RIDGE)
    read = load(tmp_path / "run", device="cpu")
    own = parser.run.chosen["decoding"]
    assert read.decoding == parser.decoding == Decoding.from_json(own)
    assert isinstance(read.decoding.segment_threshold, ByModality)
    p = parser.probabilities(test)
    expected = read.decoding(p, CLASSES, ("audio", "visual"))
    predicted = read.predict(test)
    assert all(np.array_equal(predicted[name], array) for name, array in expected.items())
    assert predicted.source == str(read.decoding)
    official = load(tmp_path / "run", device="cpu", decoding=Decoding())
    assert official.decoding == Decoding()
    assert official.predict(test).source == "global,clip0.5,seg0.5"
    assert isinstance(parser.run, Run)
    saved = load(trained(data, val, decode="tuned", **RIDGE).save(tmp_path / "saved"), device="cpu")
    assert saved.decoding == read.decoding


def test_negatives_set_the_thresholds(made, blind):
    """The stated share of seconds without a class is active, on the validation clips, weakly labelled or not."""
    data, val, test = made
    for clips_to_validate in (val, blind):
        parser = trained(data, clips_to_validate, decode="negatives", false_alarms=0.1, **RIDGE)
        assert parser.decoding.filter == "none"
        active = parser.predict(val)
        for name in ("audio", "visual"):
            for c in range(3):
                negative = [
                    active[name][n, t, c]
                    for n in range(len(val))
                    for t in range(val.lengths[n])
                    if not val.labels[n, c]
                ]
                assert sum(negative) == pytest.approx(0.1 * len(negative), abs=1)
        assert sh.score(parser.predict(test), test.truth).average > 60


def test_without_validation_clips_a_fifth_of_the_training_clips_choose(made):
    data = made[0]
    for decode in ("tuned", "negatives"):
        parser = trained(data, decode=decode, **RIDGE)
        held = folds(data.labels, 5) == 0
        assert any(f"{held.sum()} of the training clips choose" in note for note in parser.notes)
        assert equal(parser, trained(data[~held], data[held], decode=decode, **RIDGE))
        assert parser.decoding != Decoding()
    assert trained(data, **RIDGE).decoding == Decoding()  # the official thresholds need no clips
    assert trained(data[:10], decode="tuned", **RIDGE).decoding == Decoding()  # too few to hold any out


def test_labels_that_are_given_leave_the_validation_clips_to_the_teacher(made):
    """The same labels, made before or by the recipe, give the same model and the same thresholds."""
    data, val, _ = made
    weak = with_labels(val, val.labels)
    own = trained(data, weak, decode="tuned", **RIDGE)
    given = trained(data.with_pseudo(refine(data, "ridge")), weak, decode="tuned", **RIDGE)
    assert equal(own, given)
    assert own.decoding == given.decoding != Decoding()


def test_thresholds_that_can_not_be_tuned_are_told(made):
    data, val, _ = made
    parser = trained(data, with_labels(val, val.labels), decode="tuned")
    assert any("the thresholds are the official ones" in note for note in parser.notes)


def test_classes_that_were_never_found_are_told(made):
    """The training clips have no dog."""
    data, val, _ = made
    labels = data.labels * [1, 1, 0]
    history = trained(with_labels(data, labels), val, **RIDGE).history
    assert all("Dog" in history[-1]["never_found"][name] for name in HOLDS)
    json.dumps(history, allow_nan=False)


def pairs(*arrays):
    """The segments of all clips, side by side."""
    return zip(*(array.reshape(-1, array.shape[-1]) for array in arrays), strict=True)


def test_never_found_is_the_loop():
    rng = np.random.default_rng(0)
    active, truth = ({name: rng.random((3, 4, 3)) < 0.12 for name in HOLDS} for _ in range(2))
    expected = {
        name: [
            label
            for c, label in enumerate(CLASSES)
            if truth[name][..., c].any() and not any(a[c] and b[c] for a, b in pairs(active[name], truth[name]))
        ]
        for name in HOLDS
    }
    rows = score(active, truth, CLASSES, Signature("given", "made", 3)).classes
    assert {name: sorted(never_found([rows], name), key=CLASSES.index) for name in HOLDS} == expected
    assert any(expected.values())


def test_pseudo_labels_of_the_validation_clips_decide_the_run(made, blind):
    """They choose the epoch, whatever the recipe says of the training clips."""
    facts = []
    for teacher in ("ridge", "mil"):
        labelled = blind.with_pseudo(refine(made[0], teacher).label(blind))
        facts.append(set_up(made[0], labelled, load_recipe("paper"), device="cpu").facts)
    assert facts[0].inputs["val_pseudo"] != facts[1].inputs["val_pseudo"]
    assert "pseudo" not in facts[0].inputs


# Rounds


def test_a_further_round_is_labelled_by_models_that_did_not_see_the_clip(made, tmp_path):
    data, val, test = made
    refined = {"teacher": "ridge", "rounds": 2, "folds": 2}
    kept = trained(data, val, out=tmp_path / "run", refine=refined)
    assert equal(kept, trained(data, val, refine=refined))
    assert kept.run.facts.inputs["pseudo"].split("@")[0].endswith("+model")
    assert sh.score(kept.predict(test), test.truth).average > 60


def test_a_further_round_leaves_out_clips_without_features(made):
    arrays = {name: {network: made[0].arrays(network)} for name, network in (("audio", "ears"), ("visual", "eyes"))}
    arrays["audio"]["ears"][5] = arrays["visual"]["eyes"][5] = None
    data = sh.Dataset.from_arrays(arrays, made[0].labels, CLASSES, clips=made[0].clips)
    given = data.with_pseudo(refine(data, "ridge"))
    parser = trained(given, refine={"teacher": GIVEN, "rounds": 2, "folds": 2})
    assert np.isfinite([entry["loss"] for entry in parser.history]).all()


# Several seeds


def test_several_seeds_are_scored_by_their_own_thresholds(made, tmp_path):
    data, val, test = made
    parsers = train(
        data, val, seeds=[0, 1, 2], out=tmp_path, device="cpu", decode="tuned", progress=False, **SMALL, **RIDGE
    )
    assert len({str(parser.decoding) for parser in parsers}) > 1
    evaluation = sh.evaluate(tmp_path, test, device="cpu", details=True, progress=False)
    for parser, scores in zip(parsers, evaluation.scores, strict=True):
        assert scores.average == pytest.approx(sh.score(parser.predict(test), test.truth).average)
    signature = str(evaluation.scores[0].signature)
    assert "decoding:by-run@" in signature
    assert len({str(scores.signature) for scores in evaluation.scores}) == 1
    alone = sh.evaluate(parsers[:1], test, device="cpu", progress=False)
    assert f"decoding:{parsers[0].decoding}|" in str(alone.scores[0].signature)
    given = sh.evaluate(tmp_path, test, decoding=Decoding(), device="cpu", progress=False)
    assert "decoding:global,clip0.5,seg0.5|" in str(given.scores[0].signature)


def test_systems_that_decode_differently_are_compared(made):
    data, val, test = made
    tuned, official = (trained(data, val, decode=decode, **RIDGE) for decode in ("tuned", "official"))
    comparison = sh.compare({"official": official, "tuned": tuned}, test, device="cpu", progress=False)
    assert comparison.text()


# Command line


class Tables:
    """A store and tables of the made clips."""

    def __init__(self, folder, data):
        self.folder, self.store, self.labels = folder, folder / "store", folder / "labels.csv"
        kept = Store(self.store, create=True)
        self.dense = {}
        for name, network in (("audio", "ears"), ("visual", "eyes")):
            arrays = data.arrays(network)
            kept.register(NetworkInfo(network, name, arrays[0].shape[1], "made"))
            for clip, array in zip(data.clips, arrays, strict=True):
                kept.write(network, Origin(clip, "made", clip), array)
            events = [
                Event(data.clips[n], float(t), float(t + 1), CLASSES[c])
                for n, t, c in zip(*np.nonzero(data.truth[name]), strict=True)
            ]
            self.dense[name] = folder / f"{name}.csv"
            write_dense(self.dense[name], events)
        names = np.array(CLASSES, dtype=object)
        write_weak(
            self.labels, {clip: names[row > 0].tolist() for clip, row in zip(data.clips, data.labels, strict=True)}
        )
        self.options = {"store": self.store, "labels": self.labels, "collocation": ["audio=ears", "visual=eyes"]}

    def train(self, out, *changes, **options):
        given = [f"{name}={value}" for name, value in SMALL.items()]
        where = {**self.options, "out": self.folder / out, "device": "cpu"}
        return commands.train(**where, recipe="paper", set=[*given, *changes], **options)


@pytest.fixture
def tables(made, tmp_path):
    return Tables(tmp_path, made[0])


def test_training_on_a_folder_equals_training_on_the_labels_in_memory(made, tables):
    refined = commands.refine_labels(**tables.options, teacher="ridge", out=tables.folder / "refined")
    assert refined.folder == tables.folder / "refined"
    tables.train("run", refined=refined.folder)
    run = load(tables.folder / "run", device="cpu")
    assert run.recipe.refine.teacher == GIVEN
    assert equal(run, trained(made[0], **RIDGE))
    assert equal(run, trained(made[0].with_pseudo(refined), refine={"teacher": GIVEN}))


def test_a_recipe_that_names_a_teacher_uses_the_folder_too(tables):
    commands.refine_labels(**tables.options, teacher="mil", out=tables.folder / "refined")
    tables.train("run", "refine.teacher=ridge", refined=tables.folder / "refined")
    tables.train("mil", "refine.teacher=mil")
    assert equal(*(load(tables.folder / name, device="cpu") for name in ("run", "mil")))


def test_pseudo_labels_of_another_system(tables):
    """Ground truth, as the best that any other system could say."""
    pseudo = [f"{name}={path}" for name, path in tables.dense.items()]
    refined = commands.refine_labels(**tables.options, pseudo=pseudo, out=tables.folder / "refined")
    assert "per cent" not in refined.text()
    assert refined.counts()["both"] > 0
    shares = {row.label: row for row in refined.shares}
    assert shares["Bell"].only["audio"] == shares["Bell"].clips
    assert shares["Car"].only["visual"] == shares["Car"].clips
    tables.train("run", refined=tables.folder / "refined")
    assert Run(tables.folder / "run").facts.inputs["pseudo"].startswith("audio+visual@")


def test_no_refined_labels_in_the_folder(tables):
    with pytest.raises(SeehearError, match="no refined labels here"):
        tables.train("run", refined=tables.folder)


def test_teachers_are_listed():
    listed = commands.teachers()
    assert [row["name"] for row in listed.as_json()] == sh.list_teachers()
    assert all(name in listed.text() for name in sh.list_teachers())


# Files


OWN = """
import numpy as np
from seehear.networks.spec import ImageInput, Network, NetworkSpec

class Colours(Network):
    def features(self, batch):
        return batch.mean(axis=(1, 2)).astype(np.float32)

SPEC = NetworkSpec("colours", ImageInput(32), 3, "nothing", "here", "none", "none", lambda weights, device: Colours())
"""


def test_a_file_is_parsed_by_the_thresholds_of_the_run(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "clips").mkdir()
    labels = {}
    for n in range(4):
        movie(tmp_path / f"clips/clip{n}.mp4", seconds=3)
        labels[f"clip{n}"] = ["Dog"] if n % 2 else ["Cat"]
    write_weak(tmp_path / "labels.csv", labels)
    commands.extract([tmp_path / "clips"], networks=[f"{tmp_path}/own.py:SPEC"], store=tmp_path / "store", fps=2)
    options = {"store": tmp_path / "store", "labels": tmp_path / "labels.csv", "collocation": ["visual=colours"]}
    changes = ["epochs=1", "width=16", "feed_forward=16", "decode=negatives", "false_alarms=0.3"]
    run = {"val": tmp_path / "labels.csv", "out": tmp_path / "run", "recipe": "paper", "device": "cpu"}
    commands.train(**options, **run, set=changes)
    parser = load(tmp_path / "run", device="cpu", trust_code=True)
    parsed = parser.parse(tmp_path / "clips/clip0.mp4")
    assert parsed.decoding == str(parser.decoding) == str(parser.run.decoding)
    assert parsed.decoding.startswith("none,seg[visual:per-class@")
    assert parser.parse(tmp_path / "clips/clip0.mp4", decoding=Decoding()).decoding == "global,clip0.5,seg0.5"
