"""Scores of trained parsers, with reference predictions, intervals and details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from seehear.arguments import Paths
from seehear.data import Dataset, check_dataset
from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.evaluation.arrays import ActivityLike, aligned, as_activity, padded, signature_of, with_classes
from seehear.evaluation.details import DetailsCollector
from seehear.evaluation.result import Evaluation
from seehear.evaluation.systems import Systems, describe_decoding, open_parsers, released, run_name, run_names
from seehear.events import Activity
from seehear.features.notes import unknown_classes
from seehear.files import check_folder
from seehear.modality import with_joint
from seehear.parsing.parser import Parser
from seehear.progress import Progress, say
from seehear.scoring.given import score_given
from seehear.scoring.references import TRUTH, Reference, references, score_references
from seehear.scoring.scores import Scores, score
from seehear.scoring.signature import Signature
from seehear.scoring.without_features import full_marks
from seehear.storage.files import Local

if TYPE_CHECKING:
    from seehear.parsing.untrained import Untrained

UNTRAINED = "untrained parse"  # the name of what networks' own classifiers predict, which is scored beside a parser
IDENTICAL = "every prediction equals the ground truth: if that was drafted with this parser, it is compared with itself"


def evaluate(
    systems: Systems | ActivityLike | Sequence[ActivityLike],
    dataset: Dataset,
    *,
    ensemble: bool = False,
    decoding: Decoding | None = None,
    out: str | Path | None = None,
    clips: Paths | None = None,
    examples: int = 6,
    details: bool = False,
    untrained: Untrained | None = None,
    device: str = "auto",
    progress: bool = True,
) -> Evaluation:
    """Score a system on clips with per-second ground truth.

    Clips without features are scored as if nothing was predicted, and a clip that lacks a modality by what is predicted
    from the rest. A class of the ground truth that the parser does not know counts as false negatives. Reference
    predictions are scored too, see `scoring.references`: nothing, the weak-label baseline (the clip's true labels in
    every segment and modality), the class prior (the same, but each class only in its usual modalities), further ones
    of the parser if it has any, and the ground truth.

    Args:
        systems: A parser, a run folder, or several that differ in their seeds alone. A folder with seed-0, seed-1, …
            holds several. Or predictions of any system, modality -> (N, T, C), or a list of these.
        dataset: Clips with ground truth.
        ensemble: Score several seeds as one system, which predicts the mean of their probabilities.
        decoding: From probabilities to events; by default that of the parsers.
        out: Folder for the details, see `Evaluation.save`. Nothing is written unless it is given.
        clips: Media files of the clips, or folders that are searched for them: the best and the worst clips can then
            be played.
        examples: Number of best and of worst clips.
        details: Compute details (calibration, confusions, clips) without `out` too.
        untrained: Is scored beside parsers, such as `Untrained.of_dataset(dataset)`, to show what training adds.
        device: Where parsers of run folders compute: auto, cpu or cuda.
        progress: Show progress and time left.

    Returns:
        The eleven scores with intervals over clips and seeds; the scores of what is active in one modality alone, and
        those with the true modality or the true times given.

    Raises:
        SeehearError: If the data set has no ground truth or lacks a network, or parsers differ in more than seeds.
    """
    if examples < 0:
        raise SeehearError(f"examples is the number of clips to show, 0 or more, not {examples}")
    check_folder(out)
    check_dataset(dataset, "dataset")
    if predictions := predictions_of(systems):
        if out is not None:
            raise SeehearError("the details in `out` are those of parsers: predictions have scores alone")
        if ensemble:
            raise SeehearError("an ensemble is of parsers, whose probabilities it averages: predictions have none")
        return evaluate_predictions(predictions, dataset)
    parsers = open_parsers(cast("Systems", systems), device, ensemble=ensemble)
    data, truth = _prepared(dataset, parsers[0])
    collector = None
    if details or out is not None or clips is not None:
        files = _media_files(clips, data.clips) if clips is not None else None
        collector = DetailsCollector(
            parsers, decoding or parsers[0].decoding, data, truth, examples=examples, files=files
        )
    evaluation = _evaluated(parsers, data, truth, decoding, untrained, collector, progress)
    if collector:
        per_clip = {key: evaluation.per_clip(*key).mean(axis=0) for key in evaluation.scores[0].per_clip}
        evaluation.details = collector.details(per_clip, evaluation.notes)
    if out is not None:
        evaluation.save(out)
    return evaluation


def evaluate_modalities(
    parsers: Sequence[Parser],
    dataset: Dataset,
    modalities: Sequence[str],
    *,
    decoding: Decoding | None = None,
    progress: bool = True,
) -> Evaluation:
    """Return the scores of parsers in some of the modalities that they predict.

    Args:
        parsers: One per seed.
        dataset: Clips with ground truth of these modalities.
        modalities: What is scored.
        decoding: From probabilities to events; by default that of the parsers.
        progress: Show progress and time left.

    Raises:
        SeehearError: As `evaluate` does.
    """
    data, truth = _prepared(dataset, parsers[0], modalities)
    return _evaluated(parsers, data, truth, decoding, None, None, progress)


def _evaluated(
    parsers: Sequence[Parser],
    data: Dataset,
    truth: Activity,
    decoding: Decoding | None,
    untrained: Untrained | None,
    collector: DetailsCollector | None,
    progress: bool,
) -> Evaluation:
    labels = data.revision_of(truth)
    signature = Signature(describe_decoding(parsers, decoding), labels, len(data), ensemble=len(parsers[0].members))
    beside = _references(data, truth, parsers[0], untrained)
    scores, given = [], []
    with Progress("evaluating", len(parsers), show=progress and len(parsers) > 1) as bar:
        for parser in released(parsers):
            active = _predict(parser, decoding or parser.decoding, data, truth, collector)
            scores.append(score(active, truth, truth.classes or (), signature))
            given.append(score_given(active, truth, truth.classes or (), signature))
            bar.advance(run_name(parser))
    return Evaluation(
        [name for parser in parsers for name in run_names(parser)],
        scores,
        score_references(beside, truth, truth.classes or (), labels),
        list(data.missing),
        [
            *data.notes,
            *full_marks(with_joint(truth, [*truth]), ~data.featured),
            *_unknown_classes(data, parsers[0]),
            *([IDENTICAL] if _perfect(scores, truth) else []),
        ],
        [seed for parser in parsers for seed in parser.seeds],
        meanings={name: reference.meaning for name, reference in beside.items()},
        given=given,
    )


def predictions_of(system: Any) -> list[ActivityLike]:
    """Return the predictions that a system is given as, one per run; empty if it is given as parsers or folders."""
    if isinstance(system, Mapping):
        return [system]
    if isinstance(system, Sequence) and not isinstance(system, str) and system and isinstance(system[0], Mapping):
        return list(system)
    return []


def evaluate_predictions(predictions: Sequence[ActivityLike], dataset: Dataset, name: str = "predicted") -> Evaluation:
    """Return the scores of predictions for the data set's clips, one per run."""
    if dataset.truth is None:
        raise SeehearError("scores need per-second ground truth: give truth= to the data set")
    scores, given = [], []
    for prediction in predictions:
        one = as_activity(prediction, None, name)
        if one.classes is None and one.shape[2] == len(dataset.classes):
            one = as_activity(prediction, dataset.classes, name)
        active, truth = aligned(one, dataset.truth)
        signature = signature_of(active, truth)
        scores.append(score(active, truth, truth.classes or (), signature))
        given.append(score_given(active, truth, truth.classes or (), signature))
    truth = dataset.truth
    beside = _references(dataset, truth)
    return Evaluation(
        [],
        scores,
        score_references(beside, truth, truth.classes or dataset.classes, dataset.revision),
        notes=list(dataset.notes),
        meanings={name: reference.meaning for name, reference in beside.items()},
        given=given,
    )


def _references(
    dataset: Dataset, truth: Activity, parser: Parser | None = None, untrained: Untrained | None = None
) -> dict[str, Reference]:
    """Return the predictions to score beside a system's, by name; those that a parser brings before the ground truth.

    Args:
        dataset: The clips.
        truth: Their ground truth, of the modalities to score.
        parser: The first of the system, if it is given as parsers.
        untrained: Predicts too, if it is given.
    """
    classes, segments = truth.classes or dataset.classes, truth.shape[1]
    # The weak-label baseline covers the clip, or every segment if the clip's length is unknown.
    lengths = np.where(dataset.featured, dataset.lengths, segments)
    known = references(truth, dataset.with_classes(classes).labels, lengths)
    own = dict(parser.reference_predictions(dataset)) if parser is not None else {}
    if untrained is not None:
        names = [name for each in untrained.collocation.values() for name in each]
        meaning = f"classes of {' and '.join(names)}, without training"
        own[UNTRAINED] = Reference(meaning, untrained.predict(dataset.with_classes(classes)))
    for name, reference in own.items():
        active = with_classes(as_activity(reference.active, None, name), classes)
        known[name] = Reference(reference.meaning, {modality: padded(active[modality], segments) for modality in truth})
    known[TRUTH] = known.pop(TRUTH)  # the last
    return known


def _prepared(dataset: Dataset, parser: Parser, modalities: Sequence[str] | None = None) -> tuple[Dataset, Activity]:
    """Return the data set with the parser's networks, and its ground truth in the parser's modalities, or in some.

    The ground truth has the parser's classes first, then those of the data set that the parser does not know.
    """
    scored = [name for name in parser.modalities if modalities is None or name in modalities]
    truth = dataset.truth
    if truth is None:
        raise SeehearError(
            "scores need per-second ground truth of every modality: give truth= (on the command line --dense-audio and "
            "--dense-visual)"
        )
    if missing := [name for name in scored if name not in truth]:
        raise SeehearError(f"scores need ground truth of every modality: give that of {' and '.join(missing)} too")
    collocation = parser.run.facts.collocation
    same = [*dataset.collocation.items()] == [*collocation.items()]  # in the model's order too
    data = dataset if same else dataset.with_networks(collocation)
    union = tuple(dict.fromkeys([*parser.classes, *data.classes]))
    own = Activity({name: truth[name] for name in scored}, classes=data.classes, source=truth.source)
    segments = max(own.shape[1], int(data.lengths.max()))
    arrays = {name: padded(array, segments) for name, array in with_classes(own, union).items()}
    return data, Activity(arrays, classes=union, source=truth.source)


def _predict(
    parser: Parser, decoding: Decoding, dataset: Dataset, truth: Activity, collector: DetailsCollector | None
) -> Activity:
    """Return what a parser predicts for all clips, in the shape of the ground truth."""
    active = {name: np.zeros(truth.shape, dtype=bool) for name in truth}
    for numbers, part in parser.iter_probabilities(dataset):
        decoded = decoding(part, parser.classes, parser.modalities)
        for name in active:
            of_part = decoded[name]
            active[name][numbers, : of_part.shape[1], : of_part.shape[2]] = of_part
        if collector:
            collector.add_part(numbers, part, decoded, decoding)
    predicted = Activity(active, classes=truth.classes, source=str(decoding))
    if collector:
        collector.add_run(predicted)
    return predicted


def _unknown_classes(dataset: Dataset, parser: Parser) -> list[str]:
    """Return a note on classes that occur in the labels or the ground truth and that the parser does not know."""
    occurs = np.any(dataset.labels > 0, axis=0)  # (C,)
    for array in (dataset.truth or {}).values():
        occurs |= np.any(array, axis=(0, 1))
    names = [name for name, here in zip(dataset.classes, occurs.tolist(), strict=True) if here]
    return unknown_classes(names, parser.classes, "the labels", "their events count as false negatives")


def _perfect(scores: Sequence[Scores], truth: Activity) -> bool:
    """Return whether all is predicted as it is, and there is something to predict."""
    occurs = any(array.any() for array in truth.values())
    return occurs and all((values == 1).all() for each in scores for values in each.per_clip.values())


def _media_files(clips: Paths, wanted: Sequence[str]) -> dict[str, Local]:
    """Return clip -> its file, or the part of a file that a wanted clip is."""
    from seehear.media.clips import find_local_clips, with_parts

    found = find_local_clips(clips, "pages of an evaluation play clips from this machine")
    for problem in found.problems:
        say(problem)
    return with_parts(found, wanted)
