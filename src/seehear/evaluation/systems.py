"""Systems to evaluate: a parser, a run folder, or several that differ in their seeds alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.parsing.ensemble import Ensemble, check_alike
from seehear.parsing.parser import Parser
from seehear.training.runs import BaseRun, Run, differences_but_seed, find_runs

System = Parser | str | Path
Systems = System | Sequence[System]

MAX_DIFFERENCES = 8  # settings that are listed


def open_parsers(systems: Systems, device: str = "auto", *, ensemble: bool = False) -> list[Parser]:
    """Return the parsers of a system, one per seed; an ensemble is one.

    Args:
        systems: A parser, a run folder, or several. A folder with seed-0, seed-1, … holds several runs.
        device: Where parsers of run folders compute: auto, cpu or cuda.
        ensemble: Take several seeds as one.

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
            raise SeehearError(f"{type(system).__name__}: is not a system; give a Parser or the path of a run folder")
    if not parsers:
        raise SeehearError("no system to evaluate: give a Parser or the path of a run folder")
    if any(isinstance(parser, Ensemble) for parser in parsers):
        if len(parsers) > 1:
            raise SeehearError("an ensemble is one system: evaluate it alone, without other parsers")
        return parsers
    check_alike(parsers, "evaluate them one by one")
    return [Ensemble(parsers)] if ensemble else parsers


def released(parsers: Sequence[Parser]) -> Iterator[Parser]:
    """Yield the parsers one after another; the model of one in a folder leaves memory before the next is read."""
    for parser in parsers:
        yield parser
        for member in parser.members:
            if member.path is not None:
                member.__dict__.pop("model", None)


def describe_decoding(parsers: Sequence[Parser], decoding: Decoding | None) -> str:
    """Return how events are made of probabilities, for signatures: as given, or as each parser does it itself."""
    own = list(dict.fromkeys(str(decoding or parser.decoding) for parser in parsers))
    if len(own) == 1:
        return own[0]
    digest = hashlib.sha256("\n".join(own).encode()).hexdigest()[:6]
    return f"by-run@{digest}"


def run_names(parser: Parser) -> list[str]:
    """Return the run's folder, or what to call a parser in memory; of an ensemble, that of each member."""
    return [
        str(member.path) if member.path is not None else f"parser in memory, seed {member.run.facts.seed}"
        for member in parser.members
    ]


def run_name(parser: Parser) -> str:
    """Return the same in one line."""
    names = run_names(parser)
    return names[0] if len(names) == 1 else f"ensemble of {', '.join(names)}"


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


def check_distinct(systems: Mapping[str, Sequence[Parser]]) -> None:
    """Check that no run belongs to two systems. An ensemble is another system than its members.

    Raises:
        SeehearError: Naming the run and the systems.
    """
    owner: dict[frozenset[str | int], str] = {}
    for name, parsers in systems.items():
        for parser in parsers:
            runs = [member.run for member in parser.members]
            key = frozenset(str(run.path.resolve()) if isinstance(run, Run) else id(run) for run in runs)
            other = owner.setdefault(key, name)
            if other != name:
                raise SeehearError(
                    f"{run_name(parser)} is in {other} and in {name}: a run can't be compared with itself"
                )
