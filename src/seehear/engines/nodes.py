"""Whether the nodes of a cluster can do the work: the same Python and seehear, and the files that it needs."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from seehear.engines.interface import Shared
from seehear.engines.process import work_in
from seehear.errors import SeehearError
from seehear.files import mark
from seehear.version import __version__

MAX_NAMED = 3  # nodes in a message
WAIT = 120.0  # seconds for a node to answer, whose processes may all be at work


def check_nodes(ray: Any, shared: Shared) -> None:
    """Find out before the work begins whether every node with a core can do it.

    Nodes that join later find out as they meet the clips.

    Args:
        ray: The library, connected.
        shared: What every process must see.

    Raises:
        SeehearError: Naming the nodes that can't, and why.
    """
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0)]
    with _marked(shared.folders) as marks:
        sizes = {str(file): file.stat().st_size for file in shared.files}
        faults = []
        answers = _answers(ray, nodes, [*map(str, marks), *sizes])
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}  # now, after the answers
        for node, answer in zip(nodes, answers, strict=True):
            if node["NodeID"] not in alive:
                continue
            name = node.get("NodeManagerHostname") or node["NodeManagerAddress"]
            if fault := _fault(answer, marks, sizes):
                faults.append(f"node {name} {fault}")
    if faults:
        each = "; ".join(faults[:MAX_NAMED])
        more = f"; and {len(faults) - MAX_NAMED} more nodes" if len(faults) > MAX_NAMED else ""
        raise SeehearError(f"the cluster can't do this work: {each}{more}")


def _answers(ray: Any, nodes: Sequence[Any], paths: Sequence[str]) -> list[dict[str, Any] | str]:
    """Return what each node says of itself, or why it can't."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = ray.remote(num_cpus=0, max_retries=0)(facts)  # by name: a node without seehear can't answer
    tasks = []
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        tasks.append(asked.options(scheduling_strategy=there).remote(paths, os.getcwd()))
    answers: list[dict[str, Any] | str] = []
    for task in tasks:
        try:
            answers.append(ray.get(task, timeout=WAIT))
        except Exception as error:  # such as ModuleNotFoundError, if it has no seehear
            cause = getattr(error, "cause", None) or error
            why = str(cause).strip().splitlines()[-1:]
            answers.append(f"can't begin: {': '.join([type(cause).__name__, *why])}")
    return answers


def facts(paths: Sequence[str] = (), folder: str = "") -> dict[str, Any]:
    """Return what decides whether this process can take part.

    Args:
        paths: Files whose size is wanted, -1 for those that are not there.
        folder: The working folder.
    """
    work_in(folder)
    return {
        "Python": platform.python_version(),
        "seehear": f"{__version__} ({source_hash()})",
        "sizes": {path: os.path.getsize(path) if os.path.exists(path) else -1 for path in paths},
    }


@cache
def source_hash() -> str:
    """Return the hash of this seehear's source, 8 hex digits: two that differ may give different results."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def _fault(answer: dict[str, Any] | str, marks: Sequence[Path], sizes: dict[str, int]) -> str:
    """Return why a node can't do the work; an empty string if it can."""
    if isinstance(answer, str):
        return answer
    here = facts()
    for what in ("Python", "seehear"):
        if answer[what] != here[what]:
            return f"has {what} {answer[what]}, and this process has {here[what]}: install the same"
    for folder in marks:
        if answer["sizes"][str(folder)] < 0:
            return f"does not see {folder.parent}: it must be the same folder under the same path everywhere"
    for file, size in sizes.items():
        if answer["sizes"][file] != size:
            return f"does not see {file}: clips must be under the same path everywhere"
    return ""


@contextmanager
def _marked(folders: Sequence[Path]) -> Iterator[list[Path]]:
    """Put a file into each folder, by which others see that it is the same folder; remove them at the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(mark(folder)) for folder in folders]
