"""seehear evaluate: the eleven scores of trained runs, with intervals, beside three reference predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.scoring.decoding import HALF, Decoding, Filter
from seehear.verbs import options
from seehear.verbs.scored import Scored, covered, references, strangers

if TYPE_CHECKING:
    from seehear.training.run import Run


def evaluate(
    runs: Sequence[str | Path],
    *,
    store: str | Path,
    labels: str | Path,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    filter: Filter = "global",
    threshold: float = HALF,
    clip_threshold: float = HALF,
    thresholds: str | Path | None = None,
    device: str = "auto",
) -> Scored:
    """Score trained runs on clips whose truth is known.

    Beside the scores stand those of three predictions that need no model: nothing anywhere, the clip's true
    labels painted over all of it in every modality, and the truth.

    Args:
        runs: Run folders; of several seeds (RUN/seed-N) all are taken together.
        store: The folder with the clips' features.
        labels: Weak table: which clips to score, with their labels.
        dense_audio: Dense table of what is heard in them.
        dense_visual: Dense table of what is seen in them.
        dense: MODALITY=TABLE for other modalities.
        filter: Which clip probability must reach the clip threshold for a class to be kept in a clip.
        threshold: Probability from which on a segment is active.
        clip_threshold: Probability from which on a class is kept.
        thresholds: JSON file with thresholds by class.
        device: auto, cpu or cuda.

    Returns:
        The eleven scores, their intervals and signature. Written to RUN/scores-<labels>.json too.
    """
    from seehear.files import atomic_json
    from seehear.training.run import find_runs

    protocol = options.decoding(filter, threshold, clip_threshold, thresholds)
    truths = options.by_modality(dense_audio, dense_visual, dense)
    report = score_runs(find_runs(runs), store, labels, truths, protocol, device)
    for run, scores in zip(report.runs, report.scores, strict=True):
        alone = Scored([run], [scores], report.references, report.missing, report.notes)
        atomic_json(run / f"scores-{Path(labels).stem}.json", alone.as_json())
    return report


def score_runs(
    runs: Sequence[Run],
    store: str | Path,
    labels: str | Path,
    truths: Mapping[str, Path],
    protocol: Decoding,
    device: str,
) -> Scored:
    """The scores of runs that differ in their seeds alone. truths: modality -> dense table, of every modality."""
    from seehear.device import resolve
    from seehear.labels import classes_of
    from seehear.scoring.decoding import Probabilities
    from seehear.scoring.scores import score
    from seehear.scoring.signature import Signature
    from seehear.store import Store
    from seehear.training.bags import Bags
    from seehear.training.inference import predict
    from seehear.verbs.tables import read_split

    facts = runs[0].facts
    _alike(runs)
    features = Store(store)
    where = resolve(device)
    split = read_split(features, facts.networks, Path(labels), truths)
    # A class that the truth has and the run doesn't know is missed by it; leaving it out would flatter the run.
    clips = split.weak.clips
    there = {event.label for one in split.dense.values() for event in one.events if event.clip in split.weak.labels}
    names = tuple(dict.fromkeys([*facts.classes, *classes_of([split.weak]), *sorted(there)]))
    bags = Bags(split.packs, where)
    segments = max(
        [int(bags.lengths.max()), *(dense_table.last_segment(features.segment) for dense_table in split.dense.values())]
    )
    truth = split.truth(names, segments, clips)
    if truth is None:
        lacking = ", ".join(f"--dense-{name}" for name in facts.modalities if name not in split.dense)
        raise SeehearError(f"scores need the truth of every modality: give {lacking}")

    featured = np.isin(clips, split.clips)

    def whole(active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(clips with features, T, known classes) to (all clips, segments, all classes)."""
        full = np.zeros((len(clips), segments, len(names)), dtype=bool)
        full[featured, : active.shape[1], : active.shape[2]] = active
        return full

    notes = covered(split.weak, split.dense) + strangers(names, facts.classes, str(labels))
    signature = Signature(str(protocol), split.revision, len(clips))
    report = Scored([], [], {}, list(split.missing), notes)
    for run in runs:
        run.check_store(features)
        probabilities: Probabilities = predict(run.model(where), bags, facts.window)
        active = protocol(probabilities, facts.classes, facts.modalities)
        scores = score({name: whole(part) for name, part in active.items()}, truth, names, signature)
        report.runs.append(run.path)
        report.scores.append(scores)
    lengths = np.full(len(clips), segments)
    lengths[featured] = bags.lengths
    report.references = {
        name: score(prediction, truth, names, Signature(name, split.revision, len(clips)))
        for name, prediction in references(truth, split.weak.array(clips, names), lengths).items()
    }
    return report


def _alike(runs: Sequence[Run]) -> None:
    """Raises SeehearError unless the runs differ in their seeds alone."""
    from seehear.training.run import apart_from_seeds

    for run in runs[1:]:
        if differ := apart_from_seeds(runs[0], run):
            raise SeehearError(f"{runs[0].path} and {run.path} differ in {'; '.join(differ)}: evaluate them one by one")
