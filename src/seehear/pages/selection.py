"""The page of a selection: which networks to use, how sure that is, what it cost and, if judged, how right it was."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from seehear.files import read_json
from seehear.pages import page
from seehear.pages.numbers import Axis, number, place
from seehear.report.sheet import NOTHING
from seehear.selection.collocation import Collocation
from seehear.selection.plan import spell
from seehear.selection.task import LEAKING

NAME = "selection"  # of the page, as of what it is made from
ROWS = 300  # of a table; the JSON has all
ROOM = 3_000_000  # bytes of drawings that a page holds; those after them are linked to


@dataclass(frozen=True)
class Ranked:
    """A collocation as it was ranked. ranks: where 95 % of the draws put it. others: by the other estimators."""

    name: str
    rank: str
    ranks: str
    p_best: float
    tied: bool
    score: str
    interval: str
    trainings: int | None
    others: list[str]


@dataclass(frozen=True)
class Cost:
    """What an estimator took. share: of traversal's time, as text."""

    name: str
    trainings: int
    time: str
    flops: str
    share: str


@dataclass(frozen=True)
class Trained:
    """A collocation trained in full. at: where its score and the ends of its interval are, from 0 to 1."""

    name: str
    score: str
    interval: str
    at: tuple[float, float, float] | None
    ranks: str
    p_best: float
    tied: bool


@dataclass(frozen=True)
class Agreed:
    """An estimator beside traversal, in cells of text. answers: the selection's own."""

    name: str
    leaks: bool
    answers: bool
    cells: list[str]


@dataclass(frozen=True)
class Judgement:
    """A selection judged by a table's clips. kept: as `judge` wrote it. foreign: of other collocations than those that
    the selection now has.

    axis: what the intervals are drawn from and to. within: modalities in which networks could be chosen. answer: the
    estimator that answered, as it was judged, None where it wasn't asked. chosen: what it chose, several where they
    share the top. best: by traversal. drawings: kind -> picture.
    """

    labels: str
    file: str
    kept: Mapping[str, Any]
    foreign: bool
    truth: list[Trained]
    axis: tuple[str, str]
    within: list[str]
    agreed: list[Agreed]
    answer: Mapping[str, Any] | None
    chosen: list[Trained]
    best: Trained
    drawings: Mapping[str, Markup]


class Drawings:
    """Of a folder, as far as there is room for them in one page."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.left = folder, ROOM

    def of(self, pictures: Sequence[str], says: Mapping[str, str]) -> dict[str, Markup]:
        """Kind -> drawing, of the pictures that a result names. says: what each kind shows."""
        found: dict[str, Markup] = {}
        for picture in pictures:
            file = self.folder / Path(picture).with_suffix(".svg").name
            kind = file.stem.partition("-")[0]
            if kind in says and file.exists():
                size = file.stat().st_size
                fits = size <= self.left
                self.left -= size if fits else 0
                found[kind] = page.drawing(file, says[kind]) if fits else _linked(file)
        return found


def write(folder: Path) -> Path:
    """Write the page of the selection in a folder, and of all that judged it. Returns the page.

    Raises SeehearError where there is no selection.
    """
    kept = read_json(folder / f"{NAME}.json")
    judged = {file: read_json(file) for file in sorted(folder.glob("judged-*.json"))}
    named = Counter(picture for found in judged.values() for picture in found["pictures"])
    drawings = Drawings(folder)
    best = Collocation.of(kept["best"])
    first, *others = kept["estimators"]
    return page.write(
        folder / f"{NAME}.html",
        "selection.html",
        scripts=["table.js", "copy.js"],
        folder=folder.resolve().name,
        leaking=LEAKING if kept["leaks"] else None,
        best=best,
        answer=ranked(kept, 1)[0],
        tied=[str(Collocation.of(each)) for each in kept["tied"] if Collocation.of(each) != best],
        untried=kept.get("untried", ""),
        command=kept.get("command", ""),
        judging=judging(folder, kept),
        unit=kept.get("unit", ""),
        first=first,
        others=[each["name"] if each["split"] == first["split"] else spelled(each) for each in others],
        ranking=ranked(kept),
        more=max(0, len(kept["ranking"]) - ROWS),
        drawings=drawings.of(
            kept["pictures"],
            {
                "ranking": "Collocations from the best down, with their ranks' intervals and P(best), as in the table",
                "pairing": "Scores of all collocations, what each network adds, and what each pairing adds",
            },
        ),
        pairing=kept["pairing"],
        cost=kept.get("cost", ""),
        costs=costs(kept),
        judgements=[
            _judgement(file, found, kept, drawings, [name for name in found["pictures"] if named[name] == 1])
            for file, found in judged.items()
        ],
        failures=[(spelled(each), name, why) for each in kept["estimators"] for name, why in each["failures"].items()],
        notes=kept["notes"],
        missing=kept["missing"],
        settings=settings(kept["settings"]),
        signature=kept["signature"],
        number=number,
        most=ROWS,
    )


def ranked(kept: Mapping[str, Any], most: int = ROWS) -> list[Ranked]:
    """The first rows of a selection's ranking."""
    first, *others = kept["estimators"]
    tried = first["notes"].get("tried")
    rows = []
    for row in kept["ranking"][:most]:
        name = row["name"]
        failed = first["scores"][name] is None
        rows.append(
            Ranked(
                name,
                NOTHING if failed else str(row["rank"]),
                "failed" if failed else f"{row['rank_low']} to {row['rank_high']}",
                row["p_best"],
                row["tied"],
                number(row["score"], ".4g"),
                _interval(row, ".4g"),
                None if tried is None else tried.get(name, 0),
                [number(each["scores"][name], ".4g") for each in others],
            )
        )
    return rows


def costs(kept: Mapping[str, Any]) -> list[Cost]:
    """What a selection's estimators took, beside traversal."""
    least, most = kept["traversal_seconds"]
    rows = []
    for each in kept["estimators"]:
        seconds = max(each["seconds"], 1e-9)
        share = " to ".join(dict.fromkeys(f"1/{end / seconds:.0f}" for end in (least, most)))
        rows.append(Cost(spelled(each), each["trainings"], spell(each["seconds"]), f"{each['flops']:.2g}", share))
    return rows


def judging(folder: Path, kept: Mapping[str, Any]) -> str:
    """The command that would judge the selection, with names of tables for people to replace."""
    truths = []
    for modality in kept["settings"]["networks"]:
        known = modality in ("audio", "visual")
        truths += [f"--dense-{modality}", f"{modality.upper()}.csv"] if known else ["--dense", f"{modality}=TRUTH.csv"]
    return shlex.join(["seehear", "judge", str(folder), "--labels", "TEST.csv", *truths])


def settings(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What decided the selection, as names and values."""
    found = [("store", given["store"])]
    found += [(f"{modality} networks", ", ".join(names)) for modality, names in given["networks"].items()]
    found += [("networks together", f"up to {given['together']}")] if given["together"] > 1 else []
    for split in ("train", "val"):
        tables = given[split]
        if tables:
            found.append((f"{split} labels", tables["labels"]))
            found += [(f"{split} truth, {modality}", path) for modality, path in tables["dense"].items()]
    found += [("classes", given["classes"])] if given["classes"] else []
    found.append(("seeds", ", ".join(map(str, given["seeds"]))))
    found.append(("budget", f"{given['budget']:g} of traversal's cost"))
    found.append(("recipe", " ".join(_flat(given["recipe"]))))
    return found


def spelled(estimator: Mapping[str, Any]) -> str:
    """An estimator with the clips that it looked at: ridge@train."""
    return f"{estimator['name']}@{estimator['split']}"


def _judgement(
    file: Path, found: Mapping[str, Any], kept: Mapping[str, Any], drawings: Drawings, pictures: Sequence[str]
) -> Judgement:
    labels = file.stem.removeprefix("judged-")
    names = list(found["truth"])
    foreign = set(names) != {row["name"] for row in kept["ranking"]}
    several = {modality: len(networks) > 1 for modality, networks in kept["settings"]["networks"].items()}
    ends = [row[end] for row in found["truth"].values() for end in ("low", "score", "high") if row.get(end) is not None]
    axis = min(ends), max(ends)
    truth = _truth(found["truth"], axis)
    by_name = {row.name: row for row in truth}
    answer = next((each for each in found["estimators"] if each["name"] == spelled(kept["estimators"][0])), None)
    agreed = sorted(found["estimators"], key=lambda each: -2 if each["tau_b"] is None else each["tau_b"], reverse=True)
    says = {
        "figure5": f"Figure 5: collocations trained in full and scored on {labels}, beside estimators' scores of them",
        "cost": "Estimators by their cost and their agreement with traversal, as in the table",
        "traversal": f"Scores by traversal on {labels}, what each network adds, and what each pairing adds",
    }
    return Judgement(
        labels=labels,
        file=file.name,
        kept=found,
        foreign=foreign,
        truth=truth,
        axis=(number(axis[0], ".1f"), number(axis[1], ".1f")),
        within=[modality for modality, yes in several.items() if yes],
        agreed=[] if foreign else [_agreed(each, list(several.values()), each is answer) for each in agreed],
        answer=answer,
        chosen=[by_name[names[n]] for n in answer["chosen"]] if answer else [],
        best=truth[0],
        drawings={} if foreign else drawings.of(pictures, says),
    )


def _truth(truth: Mapping[str, Any], axis: Axis) -> list[Trained]:
    """From the best down."""
    rows = []
    for name, row in sorted(truth.items(), key=lambda item: -item[1]["score"]):
        at = None
        if row.get("low") is not None:
            at = place(row["low"], axis), place(row["score"], axis), place(row["high"], axis)
        ranks = f"{row['rank_low']} to {row['rank_high']}"
        score = number(row["score"], ".2f")
        rows.append(Trained(name, score, _interval(row, ".1f"), at, ranks, row["p_best"], row["tied"]))
    return rows


def _agreed(found: Mapping[str, Any], several: Sequence[bool], answers: bool) -> Agreed:
    hit = NOTHING
    if found["tied_hit"] is not None:
        hit = f"{'yes' if found['tied_hit'] else 'no'} of {found['tied_size']}"
    if found["failed"]:
        hit += f", {found['failed']} failed"
    inner = [value for value, yes in zip(found["within_tau"], several, strict=True) if yes]
    cells = [number(value, ".2f") for value in (found["tau_b"], found["weighted_tau"], found["spearman"], *inner)]
    cells += [
        number(found["p"], ".3f"),
        number(found["regret"], ".2f"),
        number(found["p_regret"], ".2f"),
        hit,
        number(found["cost"], ".2g"),
        number(found["flops"], ".1g"),
    ]
    return Agreed(found["name"], found["leaks"], answers, cells)


def _linked(file: Path) -> Markup:
    return Markup('<p>The picture is too large to stand here: <a href="{}">{}</a></p>').format(
        page.address(file.name), file.name
    )


def _interval(row: Mapping[str, Any], form: str) -> str:
    low, high = row.get("low"), row.get("high")
    return NOTHING if low is None or high is None else f"{number(low, form)} to {number(high, form)}"


def _flat(settings: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """KEY=VALUE, as --set takes them."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{key}.")
        else:
            yield f"{within}{key}={str(value).lower() if isinstance(value, bool) else value}"
