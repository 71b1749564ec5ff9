"""Networks that learn the classes of labelled frames, one by one (Table 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.paper.measurement import Findings, Measurement
from seehear.paper.probing.accuracy import per_clip
from seehear.paper.probing.finetuning import Settings, fine_tune
from seehear.paper.probing.frames import LabelledFrames, labelled_frames
from seehear.paper.probing.linear import linear_probe
from seehear.paper.setup import remembered
from seehear.progress import Progress, say
from seehear.version import __version__

if TYPE_CHECKING:
    from seehear.features.store import NetworkInfo
    from seehear.networks.spec import NetworkSpec
    from seehear.paper.experiment import Experiment
    from seehear.paper.setup import Setup
    from seehear.storage.files import Local

MAX_SEEDS = 3  # of fine-tuning whole networks
FOLDER = "fine-tuning"
LINEAR, FULL = "linear", "full"
METRICS = (LINEAR, FULL)
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Clips with features, and their seconds with one visible class.

    Attributes:
        clips: With features of every network.
        frames: Their labelled seconds.
    """

    clips: Dataset
    frames: LabelledFrames


@dataclass(frozen=True)
class Split:
    """Where networks learn and where they are tested. Only validation and test clips have per-second ground truth.

    Attributes:
        train: Part of the validation clips.
        test: Part of the test clips.
        n_classes: Number of classes.
    """

    train: Part
    test: Part
    n_classes: int

    @property
    def facts(self) -> dict[str, list[list[int]]]:
        """Everything that decides training and test frames."""
        parts = {"val": self.train.frames, "test": self.test.frames}
        return {
            name: [frames.clip.tolist(), frames.segment.tolist(), frames.label.tolist()]
            for name, frames in parts.items()
        }


def run(experiment: Experiment, setup: Setup) -> Findings:
    """Measure accuracy on seconds of the test clips with one visible class, after training on validation clips.

    Metrics: linear, a linear probe of the features; full, the whole network, trained on frames if there are videos.
    """
    experiment.check_metrics(METRICS)
    (modality,) = experiment.networks
    names = setup.candidates[modality]
    val, test = (part.with_networks({modality: list(names)}) for part in (setup.val, setup.test))
    split = _split(val.usable(), test.usable(), modality)
    notes = [
        f"{name}: {len(part.frames)} seconds of {len(np.unique(part.frames.clip))} clips with one visible class"
        for name, part in (("val", split.train), ("test", split.test))
    ]
    columns = {score.metric: column for column, score in experiment.scores.items()}
    systems: dict[str, dict[str, Measurement]] = {}
    for name in names:
        systems[name] = {}
        if LINEAR in columns:
            systems[name][columns[LINEAR]] = _accuracy([_linear(setup, name, split)], (), split.test.frames)
        if FULL in columns:
            seeds = list(setup.seeds)[:MAX_SEEDS]
            predicted = _full(setup, name, split, seeds, notes)
            if predicted is not None:
                systems[name][columns[FULL]] = _accuracy(predicted, seeds, split.test.frames)
    frames = split.test.frames
    signature = (
        f"accuracy|seconds with one visible class|trained:val {val.revision}|tested:test {test.revision}"
        f"|clips:{len(np.unique(frames.clip))}|seconds:{len(frames)}|seehear{__version__}"
    )
    return Findings(systems, signature, notes=notes, missing=(*val.missing, *test.missing))


def _split(val: Dataset, test: Dataset, modality: str) -> Split:
    truths = [part.truth[modality] for part in (val, test) if part.truth is not None]
    if len(truths) < 2:
        raise SeehearError(f"validation and test clips need a dense table of modality {modality}")
    # By name, so that a class has the same number in both, whatever the order in the tables.
    seen = {name for part, truth in zip((val, test), truths, strict=True) for name in _active(part, truth)}
    classes = tuple(sorted(seen))
    return Split(_part(val, classes, modality), _part(test, classes, modality), len(classes))


def _part(dataset: Dataset, classes: Sequence[str], modality: str) -> Part:
    truth = dataset.with_classes(classes).truth
    assert truth is not None
    frames = labelled_frames(truth[modality])
    if not len(frames):
        raise SeehearError(f"{dataset.revision}: no clip has exactly one class of modality {modality}")
    return Part(dataset, frames)


def _active(dataset: Dataset, truth: NDArray[np.bool_]) -> list[str]:
    return [dataset.classes[c] for c in np.flatnonzero(truth.any(axis=(0, 1)))]


def _accuracy(predicted: Sequence[Labels], seeds: Sequence[int], frames: LabelledFrames) -> Measurement:
    values = [per_clip(labels == frames.label, frames.clip) for labels in predicted]
    return Measurement.of(np.stack(values), seeds)


def _linear(setup: Setup, name: str, split: Split) -> Labels:
    """Return the predicted classes of the test frames, (m,), by a linear probe."""
    packs = [part.clips.source.pack(name, part.clips.clips) for part in (split.train, split.test)]

    def compute() -> list[int]:
        rows = []
        for packed, part in zip(packs, (split.train, split.test), strict=True):
            # A clip may end before its last label: its last segment is repeated.
            frames = part.frames
            at = np.minimum(frames.segment, packed.lengths()[frames.clip] - 1)
            rows.append(packed.rows[packed.offsets[frames.clip] + at])
        x, test = rows
        if setup.progress:
            say(f"linear probe of {name}: {x.shape[1]} features")
        frames = split.train.frames
        return linear_probe(x, frames.label, frames.clip, test, split.n_classes).tolist()

    facts = {"features": [packed.contents for packed in packs], "frames": split.facts}
    return np.array(remembered(setup.out / FOLDER, f"{name}-linear", facts, compute))


def _full(setup: Setup, name: str, split: Split, seeds: Sequence[int], notes: list[str]) -> list[Labels] | None:
    """Return the predicted classes of the test frames, per seed; None and a note if fine-tuning is impossible."""
    from seehear import networks

    if setup.clips is None:
        notes.append(f"{name}: not fine-tuned as a whole, because there are no frames: give --videos")
        return None
    try:
        spec = _image_network(setup, name)
    except (SeehearError, NotImplementedError) as error:
        notes.append(f"{name}: not fine-tuned as a whole: {str(error).splitlines()[0]}")
        return None
    if not _info(setup, name).reference:
        notes.append(f"{name}: its features were imported; seehear's own network of that name was fine-tuned")
    settings = Settings()
    frames: list[NDArray[np.uint8]] = []

    def compute(seed: int) -> list[int]:
        if not frames:
            frames.extend(_frames(setup, part, spec) for part in (split.train, split.test))
        train = split.train.frames
        title = f"fine-tuning {name}, seed {seed}"
        with Progress(title, settings.epochs, show=setup.progress) as progress:
            return fine_tune(
                networks.load(spec, setup.device).module(),  # as it was published
                spec.width,
                frames[0],
                train.label,
                train.clip,
                frames[1],
                split.n_classes,
                settings,
                seed,
                setup.device,
                lambda entry: progress.advance(f"loss {entry['loss']:.3f}"),
            ).tolist()

    predicted = []
    for seed in seeds:
        facts = {"network": spec.fingerprint, "settings": asdict(settings), "frames": split.facts, "seed": seed}
        predicted.append(np.array(remembered(setup.out / FOLDER, f"{name}-full", facts, partial(compute, seed))))
    return predicted


def _info(setup: Setup, name: str) -> NetworkInfo:
    return next(info for info in setup.test.infos if info.name == name)


def _image_network(setup: Setup, name: str) -> NetworkSpec:
    """Return a network of single frames. Raises SeehearError or NotImplementedError if it can't be fine-tuned."""
    from seehear import networks
    from seehear.networks.spec import ClipInput, ImageInput

    store = setup.test.store
    where = str(store) if store is not None else "the data set"
    spec = networks.get_named_in(where, _info(setup, name).reference or name, trust_code=setup.trust_code)
    if not isinstance(spec.input, ImageInput) or isinstance(spec.input, ClipInput):
        raise SeehearError("its input is not single frames")
    networks.load(spec, setup.device).module()  # a network that can't be loaded is reported before decoding
    return spec


def _files(setup: Setup, clips: Sequence[str]) -> Mapping[str, Local]:
    """Return clip -> its file, or the part of a full video that it is."""
    from seehear.datasets.videos import find_parts
    from seehear.media.clips import find_local_clips, with_parts

    assert setup.clips is not None
    if setup.dataset is not None:
        return find_parts(setup.dataset, clips, setup.clips).clips
    return with_parts(find_local_clips([setup.clips], "frames are decoded from files of this machine"), clips)


def _frames(setup: Setup, part: Part, spec: NetworkSpec) -> NDArray[np.uint8]:
    """Return one frame from the middle of each labelled second, (n, size, size, 3)."""
    from seehear.features import segments
    from seehear.media.child import open_clip

    names, segment, labelled = part.clips.clips, part.clips.segment, part.frames
    files = _files(setup, [names[n] for n in np.unique(labelled.clip)])
    size = spec.input.size  # type: ignore[union-attr]
    frames = np.zeros((len(labelled), size, size, 3), dtype=np.uint8)
    with Progress(f"decoding frames of {size} px", len(np.unique(labelled.clip)), show=setup.progress) as progress:
        for n in np.unique(labelled.clip):
            if names[n] not in files:
                raise SeehearError(f"{setup.clips}: no file of clip {names[n]}, although it has features")
            media = open_clip(files[names[n]])
            settings = segments.Settings(fps=1 / segment, segment=segment)
            decoded = np.concatenate([span.frames[size] for span in segments.spans(media, [spec], settings)])
            rows = labelled.clip == n
            frames[rows] = decoded[np.minimum(labelled.segment[rows], len(decoded) - 1)]
            progress.advance(names[n])
    return frames
