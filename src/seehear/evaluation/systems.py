"""Systems to evaluate: a parser, a run folder, or several that differ in their seeds alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.parsing.parser import Parser
from seehear.training.run import BaseRun, Run, differences_but_seed, find_runs

System = Parser | str | Path
Systems = System | Sequence[System]

MAX_DIFFERENCES = 8  # settings that are listed


def open_parsers(systems: Systems, device: str = "auto") -> list[Parser]:
    """Return the parsers of a system, one per seed.

    Args:
        systems: A parser, a run folder, or several. A folder with seed-0, seed-1, … holds several runs.
        device: Where parsers of run folders compute: auto, cpu or cuda.

    Raises:
        SeehearError: If there is none, a folder holds no run, or parsers differ in more than their seeds.
    """
    given = [systems] if isinstance(systems, Parser | str | Path) else list(systems)
    parsers: list[Parser] = []
    for system in given:
        if isinstance(system, Parser):
            parsers.append(system)
        elif isinstance(system, str | Path):
            parsers += [Parser.of_run(run, device) for run in find_runs([system])]
        else:
            raise SeehearError(f"{system!r}: is not a system; give a Parser or the path of a run folder")
    if not parsers:
        raise SeehearError("no system to evaluate: give a Parser or the path of a run folder")
    for parser in parsers[1:]:
        if differ := differences_but_seed(parsers[0].run, parser.run):
            raise SeehearError(
                f"{parsers[0].run.name} and {parser.run.name} differ in {'; '.join(differ)}: evaluate them one by one"
            )
    return parsers


def released(parsers: Sequence[Parser]) -> Iterator[Parser]:
    """Yield the parsers one after another; the model of one in a folder leaves memory before the next is read."""
    for parser in parsers:
        yield parser
        if parser.path is not None:
            parser.__dict__.pop("model", None)


def describe_decoding(parsers: Sequence[Parser], decoding: Decoding | None) -> str:
    """Return how events are made of probabilities, for signatures: as given, or as each parser does it itself."""
    own = list(dict.fromkeys(str(decoding or parser.decoding) for parser in parsers))
    if len(own) == 1:
        return own[0]
    digest = hashlib.sha256("\n".join(own).encode()).hexdigest()[:6]
    return f"by-run@{digest}"


def run_name(parser: Parser) -> str:
    """Return the run's folder, or what to call a parser in memory."""
    return str(parser.path) if parser.path is not None else f"parser in memory, seed {parser.run.facts.seed}"


def named_folders(paths: Sequence[str | Path]) -> dict[str, Path]:
    """Return name -> folder: the folders' own names if they differ, otherwise their paths.

    Raises:
        SeehearError: If a folder is given twice.
    """
    folders = [Path(path) for path in paths]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise SeehearError(f"a run is named twice: {', '.join(map(str, folders))}")
    short = [folder.resolve().name for folder in folders]
    return dict(zip(short if len(set(short)) == len(short) else map(str, folders), folders, strict=True))


def describe_settings(first: BaseRun, other: BaseRun) -> str:
    """Return the settings, other than seeds, in which two systems differ."""
    differ = differences_but_seed(first, other)
    if not differ:
        return "same settings"
    more = f" and {len(differ) - MAX_DIFFERENCES} more" if len(differ) > MAX_DIFFERENCES else ""
    return f"differs in {'; '.join(differ[:MAX_DIFFERENCES])}{more}"


def check_distinct(systems: Mapping[str, Sequence[BaseRun]]) -> None:
    """Check that no run belongs to two systems.

    Raises:
        SeehearError: Naming the run and the systems.
    """
    owner: dict[str | int, str] = {}
    for name, runs in systems.items():
        for run in runs:
            key = str(run.path.resolve()) if isinstance(run, Run) else id(run)
            other = owner.setdefault(key, name)
            if other != name:
                raise SeehearError(f"{run.name} is in {other} and in {name}: a run can't be compared with itself")
