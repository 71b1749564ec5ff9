"""Networks that learn to tell the classes of labelled pictures, one by one (Table 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.experiments.findings import Findings, Measured
from seehear.labels import classes_of, read_dense, read_weak
from seehear.packed import pack
from seehear.probing.accuracy import per_clip
from seehear.probing.finetuning import Settings, fine_tune
from seehear.probing.frames import Frames, labelled_frames
from seehear.probing.linear import linear_probe
from seehear.progress import Progress, say
from seehear.scoring.signature import revision
from seehear.verbs.reproducing import check
from seehear.verbs.reproducing.setup import remembered
from seehear.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from seehear.experiments.experiment import Experiment
    from seehear.networks.spec import NetworkSpec
    from seehear.verbs.reproducing.setup import Setup

LEARNT_FROM, ASKED = "val", "test"  # the only splits with dense labels
SEEDS = 3  # of full fine-tuning, at most
FOLDER = "fine-tuning"
METRICS = ("linear", "full")


def run(experiment: Experiment, setup: Setup) -> Findings:
    """Accuracy on seconds of the test clips in which one class is seen, learnt from those of the validation clips.

    Metrics: linear, a linear probe of the features in the store; full, all of the network trained on pictures, where
    there are clips to take them from.
    """
    check(experiment, METRICS)
    (modality,) = experiment.networks
    table = read_dense(setup.dense[modality])
    splits = {split: read_weak(setup.weak[split]).clips for split in (LEARNT_FROM, ASKED)}
    there = setup.store.clips(*setup.candidates[modality])
    clips = {split: [clip for clip in names if clip in there] for split, names in splits.items()}
    missing = [clip for names in splits.values() for clip in names if clip not in there]
    classes = classes_of([table])
    longest = table.last_segment(setup.store.segment)
    frames = {split: labelled_frames(table, clips[split], classes, longest, setup.store.segment) for split in splits}
    if any(not len(of_split) for of_split in frames.values()):
        raise SeehearError(f"{setup.dense[modality]}: has no clip with a single class in both {' and '.join(splits)}")
    notes = [
        f"{split}: {len(of_split)} seconds of {len(np.unique(of_split.clip))} clips in which one class is seen"
        for split, of_split in frames.items()
    ]
    wanted = {score.metric: column for column, score in experiment.scores.items()}
    systems: dict[str, dict[str, Measured]] = {}
    for name in setup.candidates[modality]:
        systems[name] = {}
        if "linear" in wanted:
            found = [_linear(setup, name, clips, frames, len(classes))]
            systems[name][wanted["linear"]] = _accuracy(found, (), frames[ASKED])
        if "full" in wanted:
            seeds = list(setup.seeds)[:SEEDS]
            tuned = _full(setup, name, clips, frames, len(classes), seeds, notes)
            if tuned is not None:
                systems[name][wanted["full"]] = _accuracy(tuned, seeds, frames[ASKED])
    known = revision([setup.weak[LEARNT_FROM], setup.weak[ASKED], setup.dense[modality]])
    asked = frames[ASKED]
    signature = (
        f"accuracy|seconds with one class seen|learnt:{LEARNT_FROM}|asked:{ASKED}|labels:{known}"
        f"|clips:{len(np.unique(asked.clip))}|seconds:{len(asked)}|seehear{__version__}"
    )
    return Findings(systems, signature, notes=notes, missing=missing)


def _accuracy(predicted: Sequence[NDArray[np.int64]], seeds: Sequence[int], asked: Frames) -> Measured:
    values = [per_clip(labels == asked.label, asked.clip) for labels in predicted]
    return Measured.of(np.stack(values), seeds)


def _linear(
    setup: Setup, name: str, clips: dict[str, list[str]], frames: dict[str, Frames], n_classes: int
) -> NDArray[np.int64]:
    """Predicted classes of the frames asked about."""
    packs = {split: pack(setup.store, name, clips[split]) for split in frames}

    def compute() -> list[int]:
        x = {}
        for split, found in frames.items():
            # A clip may end before its last label does: its last segment stands for what follows.
            at = np.minimum(found.segment, packs[split].lengths()[found.clip] - 1)
            x[split] = packs[split].rows[packs[split].offsets[found.clip] + at]
        learnt = frames[LEARNT_FROM]
        say(f"linear probe of {name}: {x[LEARNT_FROM].shape[1]} features")
        return linear_probe(x[LEARNT_FROM], learnt.label, learnt.clip, x[ASKED], n_classes).tolist()

    facts = {"features": [packed.contents for packed in packs.values()], "frames": _facts(frames)}
    return np.array(remembered(setup.out / FOLDER, f"{name}-linear", facts, compute))


def _full(
    setup: Setup,
    name: str,
    clips: dict[str, list[str]],
    frames: dict[str, Frames],
    n_classes: int,
    seeds: Sequence[int],
    notes: list[str],
) -> list[NDArray[np.int64]] | None:
    """Predicted classes of the frames asked about, seed by seed; None, with a note, where it can't be done."""
    from seehear import networks
    from seehear.extraction import find_clips
    from seehear.networks.spec import ClipInput, ImageInput

    if setup.clips is None:
        notes.append(f"{name}: not fine-tuned as a whole, for want of pictures: give --videos")
        return None
    try:
        reference = setup.store.network(name).reference or name
        spec = networks.get_named_in(setup.store.path, reference, trust_code=setup.trust_code)
        if not isinstance(spec.input, ImageInput) or isinstance(spec.input, ClipInput):
            raise SeehearError("it does not look at single pictures")
        networks.load(spec, setup.device).module()  # what can't be had is told before anything is decoded
    except (SeehearError, NotImplementedError) as error:
        notes.append(f"{name}: not fine-tuned as a whole: {str(error).splitlines()[0]}")
        return None
    if not setup.store.network(name).reference:
        notes.append(f"{name}: its features were imported; fine-tuned as a whole is seehear's own network of that name")
    files = find_clips([setup.clips])
    settings = Settings()
    pictures: dict[str, NDArray[np.uint8]] = {}

    def compute(seed: int) -> list[int]:
        if not pictures:
            pictures.update({split: _pictures(files, clips[split], frames[split], spec, setup) for split in frames})
        learnt = frames[LEARNT_FROM]
        with Progress(f"fine-tuning {name}, seed {seed}", settings.epochs) as progress:
            return fine_tune(
                networks.load(spec, setup.device).module(),  # as it was published
                spec.width,
                pictures[LEARNT_FROM],
                learnt.label,
                learnt.clip,
                pictures[ASKED],
                n_classes,
                settings,
                seed,
                setup.device,
                lambda entry: progress.advance(f"loss {entry['loss']:.3f}"),
            ).tolist()

    found = []
    for seed in seeds:
        facts = {"network": spec.fingerprint, "settings": asdict(settings), "frames": _facts(frames), "seed": seed}
        found.append(np.array(remembered(setup.out / FOLDER, f"{name}-full", facts, partial(compute, seed))))
    return found


def _pictures(
    files: dict[str, Path], clips: Sequence[str], frames: Frames, spec: NetworkSpec, setup: Setup
) -> NDArray[np.uint8]:
    """One picture from the middle of each frame's second, (n, size, size, 3)."""
    from seehear import extraction
    from seehear.media import Media

    segment = setup.store.segment
    size = spec.input.size  # type: ignore[union-attr]
    found = np.zeros((len(frames), size, size, 3), dtype=np.uint8)
    with Progress(f"decoding pictures of {size} px", len(np.unique(frames.clip))) as progress:
        for n in np.unique(frames.clip):
            if clips[n] not in files:
                raise SeehearError(f"{setup.clips}: no file of clip {clips[n]}, of which there are features")
            media = Media(files[clips[n]])
            settings = extraction.Settings(fps=1 / segment, segment=segment)
            taken = np.concatenate([span.pictures[size] for span in extraction.spans(media, [spec], settings)])
            rows = frames.clip == n
            found[rows] = taken[np.minimum(frames.segment[rows], len(taken) - 1)]
            progress.advance(clips[n])
    return found


def _facts(frames: dict[str, Frames]) -> dict[str, list[list[int]]]:
    return {split: [one.clip.tolist(), one.segment.tolist(), one.label.tolist()] for split, one in frames.items()}
