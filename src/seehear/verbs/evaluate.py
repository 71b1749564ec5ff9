"""seehear evaluate: the eleven scores of trained runs, with intervals, beside three reference predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seehear.errors import SeehearError
from seehear.packed import Packed
from seehear.scoring.decoding import HALF, Decoding, Filter
from seehear.scoring.references import references
from seehear.verbs import options
from seehear.verbs.scored import Scored, covered, strangers

if TYPE_CHECKING:
    from seehear.training.run import Run
    from seehear.verbs.details import Wanted

FORMAT = "seehear-evaluation-1"
HELD = 2**26  # probabilities of segments in memory at once


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
    out: str | Path | None = None,
    clips: Sequence[str | Path] = (),
    examples: int = 6,
    device: str = "auto",
) -> Scored:
    """Score trained runs on clips whose truth is known.

    Beside the scores stand those of three predictions that need no model: nothing anywhere, the clip's true
    labels painted over all of it in every modality, and the truth.

    With --out, what lies behind them is written too, as OUT/evaluation.html, a page for a browser, and
    OUT/evaluation.json: whether confidences can be believed, which classes are taken for which, what is said to be
    heard that is only seen, and all clips from best to worst; and OUT/found, dense tables of what was found (in
    OUT/found/seed-N where there are several seeds).

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
        out: Folder for what lies behind the scores.
        clips: The clips' media files, or folders that are searched for them: OUT/clips then holds what was found in the
            best and worst clips, and the truth, as a parsed clip and a page that plays it each.
        examples: How many best and how many worst clips.
        device: auto, cpu or cuda.

    Returns:
        The eleven scores, their intervals and signature. Written to RUN/scores-<labels>.json too.
    """
    from seehear.extraction import find_clips
    from seehear.files import atomic_json
    from seehear.training.run import find_runs
    from seehear.verbs.details import Wanted

    protocol = options.decoding(filter, threshold, clip_threshold, thresholds)
    truths = options.by_modality(dense_audio, dense_visual, dense)
    if examples < 0:
        raise SeehearError(f"--examples is how many clips to show, 0 or more, not {examples}")
    if clips and out is None:
        raise SeehearError("--clips shows the best and worst clips in the folder of --out: give that too")
    wanted = None
    if out is not None:
        files = find_clips([clips] if isinstance(clips, (str, Path)) else clips) if clips else None
        wanted = Wanted(Path(out), examples, files)
    report = score_runs(find_runs(runs), store, labels, truths, protocol, device, wanted)
    for run, scores in zip(report.runs, report.scores, strict=True):
        alone = Scored([run], [scores], report.references, report.missing, report.notes)
        atomic_json(run / f"scores-{Path(labels).stem}.json", alone.as_json())
    if report.details is not None:
        from seehear import pages

        folder, shown = report.details.folder, report.details.examples
        shown.failed |= pages.evaluation.write_clips(shown.parses, folder / pages.evaluation.CLIPS)
        shown.parses = {clip: file for clip, file in shown.parses.items() if clip not in shown.failed}
        atomic_json(folder / "evaluation.json", {"format": FORMAT, **report.as_json()})
        report.page = pages.evaluation.write(folder)
    return report


def score_runs(
    runs: Sequence[Run],
    store: str | Path,
    labels: str | Path,
    truths: Mapping[str, Path],
    protocol: Decoding,
    device: str,
    wanted: Wanted | None = None,
) -> Scored:
    """The scores of runs that differ in their seeds alone. truths: modality -> dense table, of every modality.

    wanted: to gather details too.
    """
    from seehear.device import resolve
    from seehear.labels import classes_of
    from seehear.scoring.scores import score
    from seehear.scoring.signature import Signature
    from seehear.store import Store
    from seehear.training.bags import Bags
    from seehear.training.inference import predict
    from seehear.verbs.details import Gathering
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
    lengths = next(iter(split.packs.values()))[0].lengths()  # of clips with features
    segments = max([int(lengths.max()), *(one.last_segment(features.segment) for one in split.dense.values())])
    truth = split.truth(names, segments, clips)
    if truth is None:
        lacking = ", ".join(f"--dense-{name}" for name in facts.modalities if name not in split.dense)
        raise SeehearError(f"scores need the truth of every modality: give {lacking}")

    notes = covered(split.weak, split.dense) + strangers(names, facts.classes, str(labels))
    signature = Signature(str(protocol), split.revision, len(clips))
    report = Scored([], [], {}, list(split.missing), notes)
    gathering = Gathering(wanted, runs, protocol, split, names, truth, lengths) if wanted else None
    featured = np.flatnonzero(np.isin(clips, split.clips))
    parts = _parts(len(lengths), int(lengths.max()) * len(facts.modalities) * len(facts.classes))
    for run in runs:
        run.check_networks(features.networks(), features.segment, str(features.path))
        model = run.model(where)
        active = {name: np.zeros((len(clips), segments, len(names)), dtype=bool) for name in facts.modalities}
        for part in parts:
            found = predict(model, Bags(_of_clips(split.packs, part), where), facts.window)
            decoded = protocol(found, facts.classes, facts.modalities)
            for name, of_part in decoded.items():
                active[name][featured[part], : of_part.shape[1], : of_part.shape[2]] = of_part
            if gathering:
                gathering.predicted(part, found, decoded)
        report.runs.append(run.path)
        report.scores.append(score(active, truth, names, signature))
        if gathering:
            gathering.scored(run, active)
    whole = np.full(len(clips), segments)
    whole[featured] = lengths
    report.references = {
        name: score(prediction, truth, names, Signature(name, split.revision, len(clips)))
        for name, prediction in references(truth, split.weak.array(clips, names), whole).items()
    }
    if all((found.per_clip[key] == 1).all() for found in report.scores for key in found.per_clip):
        report.notes.append(
            "every clip is found exactly as the tables say: if they are drafts that this model made, it is compared "
            "with itself"
        )
    if gathering:
        per_clip = {key: report.per_clip(*key).mean(axis=0) for key in report.scores[0].per_clip}
        report.details = gathering.details(per_clip, report.notes)
    return report


def _parts(clips: int, numbers: int) -> list[slice]:
    """Clips with so many probabilities each, cut so that HELD of them or one clip are held at once."""
    step = max(1, HELD // numbers)
    return [slice(start, min(start + step, clips)) for start in range(0, clips, step)]


def _of_clips(packs: Mapping[str, Sequence[Packed]], part: slice) -> dict[str, list[Packed]]:
    """The features of clips that follow each other."""

    def cut(pack: Packed) -> Packed:
        offsets = pack.offsets[part.start : part.stop + 1]
        return Packed(pack.rows[offsets[0] : offsets[-1]], offsets - offsets[0], pack.contents)

    return {modality: [cut(pack) for pack in of_modality] for modality, of_modality in packs.items()}


def _alike(runs: Sequence[Run]) -> None:
    """Raises SeehearError unless the runs differ in their seeds alone."""
    from seehear.training.run import differences_but_seed

    for run in runs[1:]:
        if differ := differences_but_seed(runs[0], run):
            raise SeehearError(f"{runs[0].path} and {run.path} differ in {'; '.join(differ)}: evaluate them one by one")
