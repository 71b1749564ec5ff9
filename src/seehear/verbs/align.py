"""seehear align: how well the modalities' embeddings agree in meaning, of features and of trained systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from seehear.alignment.metrics import METRICS, Measured, by_clip, summarise
from seehear.alignment.questions import Point, Question, between, within
from seehear.alignment.retrieval import Found
from seehear.errors import SeehearError
from seehear.scoring.comparison import HOW_TO_READ, Difference, describe_seeds, difference, format_p
from seehear.verbs import options
from seehear.verbs.differences import check_apart
from seehear.verbs.result import Result, listed, table
from seehear.version import __version__

if TYPE_CHECKING:
    from seehear.packed import Packed
    from seehear.report.similarity import Matrices
    from seehear.scoring.intervals import Interval
    from seehear.store import NetworkInfo, Store
    from seehear.training.run import Run
    from seehear.verbs.tables import Labelled

WIDTH = 64  # of projected features: the canonical directions of some hundred clips beyond it are mostly noise
HEADS = ("recall-top1", "by overlap", "distinguish", "precision", "by overlap")
Projected = Literal["cca", "random"]
FEATURES = "features"  # the name of the system that nobody trained

Embedded = Mapping[str, NDArray[np.float32]]  # modality -> (sum of T, d)


@dataclass
class System:
    """What one system answers. seeds: none where nothing was trained. found: of each question, of each seed."""

    name: str
    seeds: list[int]
    found: dict[Question, list[Found]]
    measured: dict[Question, dict[str, Measured]]
    type_at_av: Interval | None = None


@dataclass
class Aligned(Result):
    """differences: of questions between modalities, trained system -> measure -> how far it is from the first one.

    missing: clips without features, left out.
    """

    systems: list[System]
    differences: dict[Question, dict[str, dict[str, Difference]]]
    signature: str
    missing: list[str]
    notes: list[str] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.missing else 0

    def text(self) -> str:
        questions = list(dict.fromkeys(question for system in reversed(self.systems) for question in system.measured))
        parts = [listed(self.missing, f"{len(self.missing)} clips without features, left out")]
        for question in questions:
            parts += [*self._table(question), ""]
        parts += self._beside()
        parts += [
            "per cent (95 % interval by bootstrap over the queries' clips, and over seeds where there are several)",
            "recall-top1: the nearest has the same labels, or none like the query",
            "  by overlap: of queries with labels, the nearest shares one",
            "distinguish: the nearest has any label at all",
            "precision: share of matches among the M nearest, of queries that M > 0 match, exactly or by overlap",
            *self.notes,
            *(f"picture {path}" for path in self.pictures),
            f"signature {self.signature}",
        ]
        return "\n".join(part for n, part in enumerate(parts) if part or n)

    def _beside(self) -> list[str]:
        """The trained systems beside the first of them."""
        parts: list[str] = []
        seeds = {system.name: system.seeds for system in self.systems if system.seeds}
        for question, of_systems in self.differences.items():
            rows = [[f"{question}, beside {next(iter(seeds))}", *HEADS]]
            for name, found in of_systems.items():
                cells = [
                    f"{one.mean:+.1f} ({one.low:+.1f} to {one.high:+.1f}) p {format_p(one.p)}" for one in found.values()
                ]
                rows.append([name, *cells])
            parts += [table(rows), ""]
        if parts:
            first, *others = seeds
            any_of = next(iter(self.differences.values()))
            parts += [
                f"{name}: {describe_seeds(next(iter(any_of[name].values())), seeds[name], seeds[first])}"
                for name in others
            ]
            parts += [*HOW_TO_READ, "points; p is not adjusted for how many are printed", ""]
        return parts

    def _table(self, question: Question) -> list[str]:
        """Every system's answers to one question, above chance."""
        systems = [system for system in self.systems if question in system.measured]
        scored = question == next(iter(self.systems[-1].measured)) and any(system.type_at_av for system in systems)
        rows = [[str(question), *HEADS, *(["Type@AV"] if scored else [])]]
        for system in systems:
            cells = [_spelled(system.measured[question][name]) for name in METRICS]
            score = system.type_at_av
            above = f"{score.mean:.1f} ({score.low:.1f}–{score.high:.1f})" if score else ""
            rows.append([system.name, *cells, *([above] if scored else [])])
        of_any = systems[0].measured[question]
        rows.append(["chance", *(_per_cent(of_any[name].chance) for name in METRICS), *([""] if scored else [])])
        left = [f"{of_any[name].left_out} of {of_any[name].queries + of_any[name].left_out}" for name in METRICS[3:]]
        return [table(rows), f"queries without a match, left out of precision: {left[0]}; by overlap: {left[1]}"]

    def as_json(self) -> Any:
        return {
            "systems": [
                {
                    "name": system.name,
                    "seeds": system.seeds,
                    "type_at_av": asdict(system.type_at_av) if system.type_at_av else None,
                    "questions": [
                        {**asdict(question), "measured": {name: asdict(one) for name, one in measured.items()}}
                        for question, measured in system.measured.items()
                    ],
                }
                for system in self.systems
            ],
            "differences": [
                {
                    **asdict(question),
                    "systems": {
                        name: {metric: asdict(one) for metric, one in found.items()} for name, found in systems.items()
                    },
                }
                for question, systems in self.differences.items()
            ],
            "signature": self.signature,
            "missing": self.missing,
            "notes": self.notes,
            "pictures": [str(path) for path in self.pictures],
        }


def align(
    runs: Sequence[str | Path] = (),
    *,
    store: str | Path,
    labels: str | Path,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    collocation: Sequence[str] = (),
    fit: str | Path | None = None,
    projection: Projected = "cca",
    width: int = WIDTH,
    point: Point = "embedding",
    draw: Sequence[str] = (),
    clips: str | Path | None = None,
    out: str | Path | None = None,
    device: str = "auto",
) -> Aligned:
    """Measure how well modalities agree in meaning: whose nearest segments carry the same labels.

    Every segment of one modality is looked for among all segments of another, or of its own, by the cosine of their
    embeddings: the rows of Wu et al., Tables 1 and 2, each above what chance would come to.

    Args:
        runs: Folders, each a trained system: a run, or the runs of several seeds (RUN/seed-N).
        store: The folder with the clips' features.
        labels: Weak table: which clips to measure.
        dense_audio: Dense table of what is heard in them.
        dense_visual: Dense table of what is seen in them.
        dense: MODALITY=TABLE for other modalities.
        collocation: MODALITY=NETWORK for each modality, whose features are measured as they are; the first run's
            unless given.
        fit: Weak table of other clips. By what happens at the same time in them, not by their labels, features of
            different width are brought to one; without it they are measured within each modality alone.
        projection: How: cca, by canonical correlation; random, which needs no clips and says what chance is.
        width: What features are brought to; a narrower network's own width, if that is less.
        point: Where in the models: mapped, after the linear maps; embedding, after the projections too, before the
            attention; fused, after it.
        draw: Clips whose similarities to draw.
        clips: Folder of the clips' files, to show them above their similarities.
        out: Folder for alignment.json and pictures.
        device: auto, cpu or cuda.

    Returns:
        The five measures of features and of each trained system, between modalities and within each.
    """
    from seehear.device import resolve
    from seehear.extraction import find_clips
    from seehear.files import atomic_json
    from seehear.labels import classes_of
    from seehear.progress import Progress
    from seehear.scoring.decoding import Decoding
    from seehear.store import Store
    from seehear.training.run import find_runs
    from seehear.verbs.evaluate import score_runs
    from seehear.verbs.tables import networks_of, read_split, together

    if not runs and not collocation:
        raise SeehearError("nothing to measure: name run folders, or networks by collocation audio=… visual=…")
    draw = [draw] if isinstance(draw, str) else draw
    if draw and out is None:
        raise SeehearError("pictures need a folder: give --out")
    features, truths, where = Store(store), options.by_modality(dense_audio, dense_visual, dense), resolve(device)
    trained = {name: find_runs([path]) for name, path in options.systems(runs).items()}
    every = [run for of_system in trained.values() for run in of_system]
    check_apart(trained)
    for run in every:
        run.check_networks(features.networks(), features.segment, str(features.path))
    files = find_clips([clips]) if clips is not None else {}
    if clips is not None and (lost := [clip for clip in draw if clip not in files]):
        raise SeehearError(f"{clips}: no file of clip {lost[0]}")
    own = networks_of(features, options.collocation(collocation) if collocation else every[0].facts.collocation)
    modalities = tuple(own)
    if len(modalities) < 2:
        raise SeehearError(f"alignment is between modalities, and there is only {modalities[0]}")
    if lacking := [f"--dense-{name}" for name in modalities if name not in truths]:
        raise SeehearError(
            f"only the truth of every modality tells what is alike in meaning: give {', '.join(lacking)}"
        )
    for run in every:
        if run.facts.modalities != modalities:
            raise SeehearError(f"{run.path}: is of {', '.join(run.facts.modalities)}, not {', '.join(modalities)}")
    split = read_split(features, together([own, *(run.facts.networks for run in every)]), Path(labels), truths)
    if unknown := sorted({*draw} - {*split.clips}):
        raise SeehearError(f"no clip {unknown[0]!r} with features in {labels}")
    names = classes_of([split.weak, *(split.dense[name] for name in modalities)])
    lengths = next(iter(split.packs.values()))[0].lengths()
    clip = np.repeat(np.arange(len(lengths)), lengths)  # (sum of T,)
    inside = np.arange(int(lengths.max())) < lengths[:, None]  # (N, T)
    truth = split.truth(names, int(lengths.max()), split.clips)
    assert truth is not None
    of_segments = {name: truth[name][inside] for name in modalities}  # (sum of T, C) each

    asked = [*between(modalities), *within(modalities)]
    rows, brought, how = _features(split, own, features, fit, projection, width)
    systems: list[System] = []
    first_of: dict[str, Embedded] = {}  # what is drawn
    of_features = asked if brought else within(modalities)
    with Progress("aligning", len(of_features) + len(asked) * len(every)) as progress:

        def ask(questions: Sequence[Question], embedded: Embedded) -> dict[Question, Found]:
            answers = {}
            for question in questions:
                answers[question] = question.answer(embedded, of_segments, clip)
                progress.advance(str(question))
            return answers

        raw = ask(between(modalities), brought) if brought else {}
        systems.append(_system(FEATURES, [], [{**raw, **ask(within(modalities), rows)}], clip))
        for name, of_system in trained.items():
            each = []
            for run in of_system:
                embedded = _embedded(run, split, point, where)
                first_of.setdefault(name, embedded)
                each.append(ask(asked, embedded))
            system = _system(name, [run.facts.seed for run in of_system], each, clip)
            system.type_at_av = score_runs(of_system, store, labels, truths, Decoding(), device).interval(
                "segment", "type_at_av"
            )
            systems.append(system)
    notes = [f"features: {', '.join(f'{name}={_named(infos)}' for name, infos in own.items())}"]
    if brought is None:
        notes.append("between modalities, features need one width: give --fit, or --projection random for chance")
    report = Aligned(
        systems,
        _differences([system for system in systems if system.seeds], between(modalities), clip),
        f"alignment|cosine|{f'point:{point}|' if every else ''}features:{how}|labels:{split.revision}"
        f"|clips:{len(split.clips)}|segments:{len(clip)}|seehear{__version__}",
        list(split.missing),
        notes,
    )
    if out is not None:
        atomic_json(Path(out) / "alignment.json", report.as_json())
        for one in draw:
            at = clip == split.clips.index(one)
            drawn = [_matrices(FEATURES, rows, brought, at, modalities)]
            drawn += [
                _matrices(name, embedded, embedded, at, modalities, trained[name][0])
                for name, embedded in first_of.items()
            ]
            report.pictures += _draw(one, drawn, split, modalities, files.get(one), Path(out))
            atomic_json(Path(out) / "alignment.json", report.as_json())  # which now names the picture
    return report


def _features(
    split: Labelled,
    networks: Mapping[str, Sequence[NetworkInfo]],
    store: Store,
    fit: str | Path | None,
    projection: Projected,
    width: int,
) -> tuple[Embedded, Embedded | None, str]:
    """Features as they are and brought to one width, modality -> (sum of T, d), and how; None without clips to fit."""
    from seehear.alignment.projection import PROJECTIONS
    from seehear.verbs.tables import read_split

    def rows(packs: Mapping[str, Sequence[Packed]]) -> dict[str, NDArray[np.float32]]:
        return {name: np.concatenate([one.rows for one in each], axis=1) for name, each in packs.items()}

    own = rows(split.packs_of(networks))
    _check(own, split, networks)
    if fit is None and projection != "random":
        return own, None, "unprojected"
    fitted, how = own, ""
    if fit is not None:
        other = read_split(store, networks, Path(fit), {})
        if shared := {*other.clips} & {*split.clips}:
            raise SeehearError(
                f"{fit}: {len(shared)} of its clips are measured, as {min(shared)}: what is fitted to them flatters "
                "them; name others"
            )
        fitted, how = rows(other.packs), f"@{other.revision}"
    width = min(width, *(part.shape[1] for part in own.values()))
    projections = PROJECTIONS[projection](fitted, width, 0)
    brought = {name: projections[name](part) for name, part in own.items()}
    _check(brought, split, networks)
    return own, brought, f"{projection}{width}{how}"


def _embedded(run: Run, split: Labelled, point: Point, device: str) -> Embedded:
    from seehear.alignment.embeddings import embeddings
    from seehear.training.bags import Bags

    found = embeddings(run.model(device), Bags(split.packs_of(run.facts.networks), device), point)
    _check(found, split, run.facts.networks)
    return found


def _check(embedded: Embedded, split: Labelled, networks: Mapping[str, Sequence[NetworkInfo]]) -> None:
    """Raises SeehearError naming the clip and networks of an embedding that is not finite."""
    lengths = next(iter(split.packs.values()))[0].lengths()
    for name, rows in embedded.items():
        for bad in np.flatnonzero(~np.isfinite(rows).all(axis=1)):
            clip = split.clips[int(np.searchsorted(np.cumsum(lengths), bad, side="right"))]
            raise SeehearError(
                f"clip {clip}: its embedding of {_named(networks[name])} ({name}) is not finite; leave it out"
            )


def _named(infos: Sequence[NetworkInfo]) -> str:
    return "+".join(info.name for info in infos)


def _system(name: str, seeds: list[int], each: Sequence[Mapping[Question, Found]], clip: NDArray[np.int64]) -> System:
    found = {question: [answers[question] for answers in each] for question in each[0]}
    return System(name, seeds, found, {question: summarise(answers, clip) for question, answers in found.items()})


def _differences(
    systems: Sequence[System], questions: Sequence[Question], clip: NDArray[np.int64]
) -> dict[Question, dict[str, dict[str, Difference]]]:
    """How far each trained system is from the first, in what may be found anywhere."""
    n_clips = int(clip.max()) + 1

    def values(system: System, question: Question, metric: str) -> NDArray[np.float64]:
        """(S, N), per cent, whose mean is the measure."""
        return np.stack([by_clip(getattr(found, metric), clip, n_clips) for found in system.found[question]])

    if len(systems) < 2:
        return {}
    first = systems[0]
    return {
        question: {
            system.name: {
                metric: difference(
                    values(system, question, metric), values(first, question, metric), (system.seeds, first.seeds)
                )
                for metric in METRICS
            }
            for system in systems[1:]
        }
        for question in questions
        if question.exclude == "none"
    }


def _matrices(
    name: str,
    own: Embedded,
    brought: Embedded | None,
    at: NDArray[np.bool_],
    modalities: Sequence[str],
    run: Run | None = None,
) -> Matrices:
    """A clip's similarities. own: for those within a modality, brought: between. run: whose loss has the target."""
    import torch

    from seehear.losses.contrastive.similarity import cosine
    from seehear.losses.contrastive.target import target
    from seehear.report.similarity import Matrices

    first, second = modalities[:2]
    apart = {which: torch.from_numpy(own[which][at]) for which in (first, second)}  # (T, d) each
    apart_by = {which: cosine(x, x).numpy() for which, x in apart.items()}
    if brought is None:
        return Matrices(name, apart_by, np.full((int(at.sum()),) * 2, np.nan))
    one, other = (torch.from_numpy(brought[which][at]) for which in (first, second))
    wanted = None
    if run is not None:
        name = f"{name}, seed {run.facts.seed}"
        settings = run.facts.recipe.contrast
        if settings.loss.startswith("mtsc"):  # others have no target
            wanted = target(one, other, settings.within, settings.lag, settings.exponent).numpy()
    return Matrices(name, apart_by, cosine(one, other).numpy(), wanted)


def _draw(
    clip: str,
    drawn: Sequence[Matrices],
    split: Labelled,
    modalities: Sequence[str],
    file: Path | None,
    out: Path,
) -> list[Path]:
    from seehear.media import Media
    from seehear.parsing import true_events
    from seehear.report import sheet
    from seehear.report.picture import thumbnails_for
    from seehear.report.similarity import draw
    from seehear.report.strip import Strip

    truth = true_events(clip, split.dense, tuple(modalities), split.segment)
    strip = None
    if file is not None:
        media = Media(file)
        strip = Strip.of(media, thumbnails_for(media.aspect))
    figure = draw(clip, (modalities[0], modalities[1]), drawn, truth, split.segment, strip)
    return sheet.write(figure, out / f"similarity-{clip}")


def _spelled(measured: Measured) -> str:
    value, low, high = (_per_cent(part) for part in (measured.value, measured.low, measured.high))
    return f"{value} ({low}–{high})"


def _per_cent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.1f}"
