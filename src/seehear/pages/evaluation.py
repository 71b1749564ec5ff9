"""The page of an evaluation: how good a system is, how surely, where its errors lie, and clips to see them in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from seehear import parsed
from seehear.errors import ClipError
from seehear.files import read_json
from seehear.media import Media
from seehear.pages import folder as index
from seehear.pages import page, parse
from seehear.pages.numbers import number
from seehear.progress import Progress
from seehear.report import evaluation as report
from seehear.report.picture import thumbnails_for
from seehear.report.sheet import NOTHING
from seehear.report.strip import Strip
from seehear.scoring.confusion import ELSEWHERE, Confusion, state_names
from seehear.scoring.references import PAINTED
from seehear.scoring.reliability import Bin, Reliability
from seehear.scoring.scores import LEVELS, kinds

NAME = "evaluation"  # of the page, as of what it is made from
CLIPS = "clips"  # folder of the parsed clips in that of the page
ROWS = 300  # of a table, and names of a list; the JSON has all
CELLS = 30  # classes up to which confusions are drawn
BESIDE, ALONE = 10, 50  # the largest confusions that are listed, with a drawing and without one
NAMED = 3  # classes or confusions that are named in a sentence
ASKED = 0.8  # the confidence that is told in words
VERDICTS = {
    "fair": "there as often as said, for all that can be told",
    "over": "there less often than said",
    "under": "there more often than said",
    "": "",
}
# Of validation clips, as training keeps them; the first that is known is drawn.
TOLD = {"average": "average score", "type_at_av": "segment Type@AV", "label_f1": "F1 of clips’ labels"}


@dataclass(frozen=True)
class Row:
    """A score. ends: it, the ends of its interval and what painting the weak labels scores, from 0 to 1.

    references: of predictions that need no model. says: how it compares with painting; apart: how far it is from that,
    with the interval; open: whether it is not shown to be better.
    """

    name: str
    score: str
    interval: str
    deviation: str
    ends: Mapping[str, float]
    references: list[str]
    says: str
    apart: str
    open: bool


@dataclass(frozen=True)
class OfKind:
    """A class where it is scored: per cent, means over runs. at: F1 from 0 to 1. support: segments or events there."""

    kind: str
    f1: str
    at: float
    precision: str
    recall: str
    support: int


@dataclass(frozen=True)
class Believed:
    """Confidences of a modality, or of clips' classes. words: what about ASKED is worth. bins: as cells of text."""

    title: str
    modality: str
    found: Reliability
    words: str
    bins: list[list[str]]


@dataclass(frozen=True)
class Confused:
    """What is taken for what in a modality. largest: what is there, what was found, segments, per cent of the former.

    more: confusions that are not listed. unused: classes that are neither there nor found.
    """

    modality: str
    words: list[str]
    drawing: Markup | None
    largest: list[tuple[str, str, str, str]]
    more: int
    unused: int


@dataclass(frozen=True)
class Astray:
    """Errors of a modality by where else they would be right. parts: in order of ELSEWHERE, segments and their share.

    words: of those that another modality explains, empty where there are none.
    """

    title: str
    modality: str
    segments: str
    parts: list[tuple[str, float]]
    words: str


@dataclass(frozen=True)
class Card:
    """A clip to look at. href: its page, empty where there is none: failed says why. wrong: what most often was."""

    clip: str
    href: str
    poster: str | None
    average: str
    true: int
    wrong: list[tuple[str, str]]
    failed: str


@dataclass(frozen=True)
class Trained:
    """A run. average: of its scores here. cells: of its chosen epoch. tables: of what it found, kind -> file."""

    seed: int
    path: str
    average: str
    epochs: int
    cells: list[str]
    tables: Mapping[str, str]


class Shown:
    """The clips that have a page, in the folder of an evaluation's page."""

    def __init__(self, folder: Path, clips: Iterable[str]) -> None:
        self.folder, self.left = folder / CLIPS, index.POSTERS
        self.clips = {clip for clip in clips if (self.folder / parse.name(clip)).exists()}

    def href(self, clip: str) -> str:
        return page.address(f"{CLIPS}/{parse.name(clip)}") if clip in self.clips else ""

    def poster(self, clip: str) -> str | None:
        """Its picture, as far as there is room for it in the page."""
        file = self.folder / parse.THUMBNAILS / f"{clip}.jpg"
        if clip not in self.clips or self.left <= 0 or not file.exists():
            return None
        picture = file.read_bytes()
        self.left -= len(picture)
        return page.inline(picture, "image/jpeg")


def write_clips(parses: Mapping[str, Path], folder: Path) -> dict[str, str]:
    """Write a page for each parsed clip, clip -> its JSON in `folder`, and their index.

    Returns clip -> why it has no page. The parses of those are removed, as is what earlier evaluations left there.
    """
    failed = {}
    with Progress("clips' pages", len(parses)) as progress:
        for clip, file in parses.items():
            try:
                found = parsed.read(file)
                media = Media(found.file)
                strip = Strip.of(media, thumbnails_for(media.aspect))
                parse.write(found, strip, folder, back=f"../{NAME}.html")
            except ClipError as error:
                failed[clip] = str(error)
            progress.advance(clip)
    files = folder.glob("[!.]*.json")
    there = {file.stem: facts for file in files if parsed.is_parse(facts := read_json(file))}
    # Those of `seehear parse` don't say of which run they are.
    stale = [clip for clip, facts in there.items() if "run" in facts and (clip not in parses or clip in failed)]
    for clip in stale:
        for file in (folder / f"{clip}.json", folder / parse.name(clip), folder / parse.THUMBNAILS / f"{clip}.jpg"):
            file.unlink(missing_ok=True)
    if len(there) > len(stale):
        index.write(parsed.read_folder(folder)[0], folder)
    elif stale:
        (folder / f"{parse.INDEX}.html").unlink(missing_ok=True)
    return failed


def write(folder: Path) -> Path:
    """Write the page of the evaluation in a folder, and its drawings as SVG. Returns the page.

    Raises SeehearError where there is no evaluation.
    """
    kept = read_json(folder / f"{NAME}.json")
    modalities, classes = tuple(kept["confusion"]), _classes(kept)
    examples, ranked = kept["examples"], kept["clips"]["ranked"]
    shown = Shown(folder, examples["parses"])
    cards = {row["clip"]: row for row in ranked}
    rows = scores(kept)
    believed = list(_believed(kept["reliability"]))
    labels, clips = counted(kept["signature"])
    return page.write(
        folder / f"{NAME}.html",
        "evaluation.html",
        scripts=["table.js"],
        systems=systems(kept["runs"], kept["seeds"]),
        seeds=kept["seeds"],
        labels=labels,
        clips=clips,
        modalities=modalities,
        rows=rows,
        average=rows[-1],
        painted=number(kept["references"][PAINTED]["average"], ".2f"),
        references=list(kept["references"]),
        by_class={level: by_class(kept["classes"], level, classes, kinds(modalities)) for level in LEVELS},
        kinds=kinds(modalities),
        class_count=len(classes),
        believed=believed,
        diagrams=_draw_reliability(folder, believed),
        confused=[_confused(folder, name, _confusion(found, classes)) for name, found in kept["confusion"].items()],
        astray=[_astray(kept["elsewhere"], name, what) for name in modalities for what in ("invented", "missed")],
        across=across(kept["across"]["all"], modalities),
        best=[_card(cards[clip], examples, shown) for clip in examples["best"][:ROWS]],
        worst=[_card(cards[clip], examples, shown) for clip in examples["worst"][:ROWS]],
        examples=examples,
        index=page.address(f"{CLIPS}/{parse.INDEX}.html") if shown.clips else "",
        ranked=[(row["clip"], shown.href(row["clip"]), _cells(row)) for row in reversed(ranked[-ROWS:])],
        ranked_count=len(ranked),
        still=kept["clips"]["without_events"],
        runs=[_trained(kept, n) for n in range(min(ROWS, len(kept["runs"])))],
        told=_told(kept["history"]),
        curves=_draw_learning(folder, kept["history"]),
        notes=kept["notes"],
        missing=kept["missing"],
        signature=kept["signature"],
        number=number,
        percent=percent,
        most=ROWS,
    )


def systems(runs: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """What was evaluated, by the names of folders: of a run, or the one that holds those of several seeds."""
    paths = [Path(run) for run in runs]
    names = [
        path.parent.name if path.name == f"seed-{seed}" else path.name for path, seed in zip(paths, seeds, strict=True)
    ]
    return list(dict.fromkeys(names))


def counted(signature: str) -> tuple[str, str]:
    """The label tables with their revision, and the number of clips, as a signature names them."""
    found = re.search(r"\|labels:(.*)\|clips:(\d+)\|seehear[^|]*$", signature, flags=re.DOTALL)
    return (found[1], found[2]) if found else (NOTHING, NOTHING)


def scores(kept: Mapping[str, Any]) -> list[Row]:
    """The eleven, the average last."""

    def of(part: Mapping[str, Any], key: tuple[str, ...]) -> Any:
        return reduce(getitem, key, part)

    rows = []
    for key in [*((level, name) for level in LEVELS for name in kept[level]), ("average",)]:
        score, interval, beyond = of(kept, key), of(kept["intervals"], key), of(kept["beyond_painting"], key)
        painted = of(kept["references"][PAINTED], key)
        ends = {"at": score, "low": interval["low"], "high": interval["high"], "painted": painted}
        apart, low, high = (number(beyond[end], "+.2f") for end in ("mean", "low", "high"))
        rows.append(
            Row(
                " ".join(key),
                number(score, ".2f"),
                f"{number(interval['low'], '.2f')} to {number(interval['high'], '.2f')}",
                number(interval["seed_deviation"], ".2f"),
                {end: value / 100 for end, value in ends.items()},
                [number(of(each, key), ".2f") for each in kept["references"].values()],
                beyond["verdict"],
                f"{apart} ({low} to {high})",
                beyond["low"] <= 0,
            )
        )
    return rows


def by_class(
    seeds: Sequence[Sequence[Mapping[str, Any]]], level: str, classes: Sequence[str], of: Sequence[str]
) -> list[tuple[str, list[OfKind]]]:
    """Each class where it is scored, at a level; of many classes those with most to find, in their order.

    seeds: the rows of each run. of: modalities and all at once.
    """
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for of_seed in seeds:
        for row in of_seed:
            if row["level"] == level:
                rows.setdefault((row["label"], row["kind"]), []).append(row)
    support = {label: sum(rows[label, kind][0]["support"] for kind in of) for label in classes}
    shown = set(sorted(classes, key=lambda label: -support[label])[:ROWS])
    return [(label, [_of_kind(kind, rows[label, kind]) for kind in of]) for label in classes if label in shown]


def _of_kind(kind: str, rows: Sequence[Mapping[str, Any]]) -> OfKind:
    known = [row["f1"] for row in rows if row["f1"] is not None]
    # As with scores that are printed: a class that some runs alone found has the others' zeros.
    f1 = sum(known) / len(rows) if known else None

    def mean(name: str) -> str:
        values = [row[name] for row in rows if row[name] is not None]
        return number(sum(values) / len(values) if values else None, ".1f")

    return OfKind(kind, number(f1, ".1f"), (f1 or 0) / 100, mean("precision"), mean("recall"), rows[0]["support"])


# Confidences


def _believed(kept: Mapping[str, Any]) -> Iterator[Believed]:
    of_modality = [(page.spoken(name), name, found) for name, found in kept["segment"].items()]
    for title, modality, content in [*of_modality, ("classes of clips", "", kept["clip"])]:
        bins = tuple(Bin(**_numbers(each)) for each in content["bins"])
        found = Reliability(**{**content, "bins": bins})
        yield Believed(title, modality, found, worth(bins), [_bin(each) for each in bins])


def _numbers(kept: Mapping[str, Any]) -> dict[str, Any]:
    """NaN where JSON has None."""
    return {name: np.nan if value is None else value for name, value in kept.items()}


def worth(bins: Sequence[Bin]) -> str:
    """In words, what a confidence of ASKED is worth: of its bin, or the nearest that holds forecasts."""
    held = [each for each in bins if each.count]
    if not held:
        return ""
    near = min(held, key=lambda each: max(each.low - ASKED, ASKED - each.high + 1e-9, 0))
    often, low, high = (
        number(10 * value, ".1f") for value in (near.frequency, near.frequency_low, near.frequency_high)
    )
    return (
        f"{near.low:.1f} to {near.high:.1f} means {often} in 10 here (95 % {low} to {high}; "
        f"{near.confidence:.2f} was said on average): {VERDICTS[report.verdict(near)]}"
    )


def _bin(each: Bin) -> list[str]:
    known = bool(each.count)
    ends = (number(end, ".3f") for end in (each.frequency_low, each.frequency_high))
    return [
        f"{each.low:.1f} to {each.high:.1f}",
        str(each.count),
        str(each.clips),
        number(each.confidence, ".3f"),
        number(each.frequency, ".3f"),
        " to ".join(ends) if known else NOTHING,
        VERDICTS[report.verdict(each)],
    ]


def _draw_reliability(folder: Path, believed: Sequence[Believed]) -> Markup:
    file = folder / "reliability.svg"
    report.reliability([(each.title, each.found) for each in believed], file)
    said = "; ".join(f"{each.title}: {each.words}" for each in believed if each.words)
    return page.drawing(file, f"Reliability diagrams, as in the tables. {said}")


# Errors


def _confusion(kept: Mapping[str, Any], classes: tuple[str, ...]) -> Confusion:
    place = {name: n for n, name in enumerate((*classes, ""))}
    table = np.zeros((len(place), len(place)))
    for true, row in kept["rows"].items():
        for found, often in row.items():
            table[place[true], place[found]] = often
    return Confusion(classes, table)


def _confused(folder: Path, modality: str, found: Confusion) -> Confused:
    classes, table, spoken = found.classes, found.table, page.spoken(modality)
    true = table[:-1].sum(axis=1)  # (C,)
    used = np.flatnonzero((true > 0) | (table[:, :-1].sum(axis=0) > 0))
    wrong = table[:-1, :-1] - np.diag(np.diag(table)[:-1])  # (C, C)
    order = sorted(zip(*np.nonzero(wrong), strict=True), key=lambda at: (-wrong[at], at))
    largest = [
        (classes[r], classes[c], number(wrong[r, c], ".1f"), percent(wrong[r, c], true[r])) for r, c in order[:ALONE]
    ]
    worst = [
        f"{classes[r]} for {classes[c]} ({many(wrong[r, c])} of {many(true[r])} segments)" for r, c in order[:NAMED]
    ]
    words = [f"Nothing is {spoken} in these clips."]
    if found.true:
        right = found.true - found.substituted - found.missed
        parts = [percent(part, found.true) for part in (right, found.missed, found.substituted)]
        words = [
            f"Of {many(found.true)} segments of classes that are {spoken}, {parts[0]} % are found, {parts[1]} % are "
            f"missed and {parts[2]} % are taken for another class; {many(found.invented)} more are made up."
        ]
        words.append(f"Taken for another most: {'; '.join(worst)}." if worst else "No class is taken for another.")
    drawing = None
    if 0 < len(used) <= CELLS:
        file = folder / f"confusion-{modality}.svg"
        cells = [*used.tolist(), len(classes)]
        report.confusion(Confusion(tuple(classes[n] for n in used), table[np.ix_(cells, cells)]), file)
        drawing = page.drawing(file, f"Classes {spoken} against what was found. {' '.join(words)}")
    listed = largest if drawing is None else largest[:BESIDE]
    return Confused(modality, words, drawing, listed, len(order) - len(listed), len(classes) - len(used))


def _astray(kept: Mapping[str, Any], modality: str, what: str) -> Astray:
    counts, of_class = kept[modality][what]["all"], kept[modality][what]["classes"]
    segments, spoken = counts["segments"], page.spoken(modality)
    others = " or ".join(page.spoken(name) for name in kept if name != modality)
    words, there = "", counts["other_modality"]
    if there:
        most = sorted(of_class, key=lambda label: -of_class[label]["other_modality"])[:NAMED]
        names = ", ".join(
            f"{label} ({many(found)})" for label in most if (found := of_class[label]["other_modality"]) > 0
        )
        share = f"{many(there)} ({percent(there, segments)} %)"
        words = (
            f"Of {many(segments)} segments of classes said to be {spoken} that are not, {share} are of classes that "
            f"are {others} at that moment: most of all {names}."
            if what == "invented"
            else f"Of {many(segments)} segments of classes that are {spoken} and were missed, {share} are of classes "
            f"that were found to be {others} at that moment: most of all {names}."
        )
    parts = [(many(counts[where]), counts[where] / segments if segments else 0.0) for where in ELSEWHERE]
    title = f"{spoken}, {'said and not there' if what == 'invented' else 'there and missed'}"
    return Astray(title, modality, many(segments), parts, words)


def across(
    kept: Mapping[str, Mapping[str, float]], modalities: tuple[str, ...]
) -> tuple[list[str], list[tuple[str, str, list[tuple[str, float]]]]]:
    """Modalities in which classes were found, and for each in which they are: segments, and their shares of those.

    As names of columns; and rows: a name, segments, and cells.
    """
    states = state_names(modalities)
    there = [state for state in states if state in kept]
    found = [state for state in states if any(state in row for row in kept.values())]
    rows = []
    for state in there:
        row = kept[state]
        total = sum(row.values())
        # Nothing said of what isn't there is right, and isn't counted.
        cells = [(many(row.get(other, 0)), row.get(other, 0) / total if state else 0.0) for other in found]
        rows.append((_state(state, modalities), many(total), cells))
    return [_state(state, modalities) for state in found], rows


def _state(state: str, modalities: Sequence[str]) -> str:
    names = [page.spoken(name) for name in state.split("+") if name]
    if len(names) == len(modalities) > 1:
        return "both" if len(names) == 2 else "all"
    return f"{'only ' if len(modalities) > 1 else ''}{' and '.join(names)}" if names else "nothing"


# Clips and runs


def _card(row: Mapping[str, Any], examples: Mapping[str, Any], shown: Shown) -> Card:
    clip = row["clip"]
    wrong = []
    for key, word in (("missed", "missed most"), ("invented", "made up most")):
        if most := row[key]:
            of = f" of {most['of']}" if key == "missed" else ""
            wrong.append((word, f"{_most(most)}, {many(most['segments'])}{of} segments"))
    average = number(row["average"], ".1f")
    failed = examples["failed"].get(clip, "")
    return Card(clip, shown.href(clip), shown.poster(clip), average, row["true"], wrong, failed)


def _cells(row: Mapping[str, Any]) -> list[str]:
    values = (row["average"], *(row["scores"][level]["type_at_av"] for level in LEVELS))
    wrong = [f"{_most(most)}: {many(most['segments'])}" if (most := row[key]) else "" for key in ("missed", "invented")]
    return [*(number(value, ".1f") for value in values), str(row["true"]), *wrong]


def _most(most: Mapping[str, Any]) -> str:
    return f"{most['label']}, {page.spoken(most['modality'])}"


def _trained(kept: Mapping[str, Any], n: int) -> Trained:
    history = kept["history"][n]
    chosen = _chosen(history)
    cells = [NOTHING] * (3 + len(_told(kept["history"])))
    if chosen is not None:
        entry = history[chosen]
        val = entry.get("val", {})
        cells = [str(chosen + 1), number(entry["loss"], ".3f"), number(val.get("loss"), ".3f")]
        cells += [number(val.get(key), ".1f") for key in _told(kept["history"])]
    tables = {page.spoken(kind): page.address(file) for kind, file in kept["tables"][n].items()}
    average = number(kept["each"][n]["average"], ".2f")
    return Trained(kept["seeds"][n], kept["runs"][n], average, len(history), cells, tables)


def _told(histories: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """The scores of validation clips that training kept: key -> name."""
    kept = {key for history in histories for entry in history for key in entry.get("val", {})}
    return {key: name for key, name in TOLD.items() if key in kept}


def _chosen(history: Sequence[Mapping[str, Any]]) -> int | None:
    return max((n for n, entry in enumerate(history) if entry["best"]), default=None)


def _draw_learning(folder: Path, histories: Sequence[Sequence[Mapping[str, Any]]]) -> Markup | None:
    told = _told(histories)
    key = next(iter(told), "")
    trainings = [
        report.Training(
            [entry["loss"] for entry in history],
            [entry.get("val", {}).get("loss") for entry in history],
            [entry.get("val", {}).get(key) for entry in history],
            _chosen(history),
        )
        for history in histories
        if history
    ]
    if not trainings:
        return None
    file = folder / "learning.svg"
    score = f"{told.get(key, '')}, validation (%)"
    report.learning(trainings, score, file)
    drawn = f"Losses by epoch{f' and {told[key]} of validation clips' if told else ''}"
    return page.drawing(file, f"{drawn}, a line a training, with the chosen epochs as in the table")


def _classes(kept: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["label"] for row in kept["classes"][0]))


# Numbers


def many(value: float) -> str:
    """How many, of means over runs: whole where it is."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def percent(part: float, whole: float) -> str:
    share = 100 * part / whole
    return "<1" if 0 < share < 0.5 else f"{share:.0f}"
