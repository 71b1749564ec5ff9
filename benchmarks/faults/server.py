"""Command lines run in forked processes, which can be killed at a rename or at a moment.

A server imports everything once and forks for each command: a command begins within milliseconds, as it is. What
disturbs it lies here: in the fork, `os.replace` and `os.link` count their calls and end the process at one of them.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

KILLED = -signal.SIGKILL
ALARMED = -signal.SIGALRM  # the kernel ends a process as abruptly by this signal, if nobody handles it
RENAMES = ("replace", "link")


@dataclass
class Job:
    """A command line to run.

    Attributes:
        arguments: Of the command line.
        log: File for its output.
        rename: Kill it at this rename, from 1; 0 for none.
        after: Kill it after that rename, instead of before.
        seconds: Kill it after this time; 0 for never.
    """

    arguments: Sequence[str]
    log: str
    rename: int = 0
    after: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Exit code, or the negative number of the signal that ended it.
        renames: How many files it renamed; 0 if it was killed.
        text: Its output.
    """

    code: int
    renames: int
    text: str = field(repr=False)

    @property
    def killed(self) -> bool:
        """Whether it was killed as planned, and had not ended before."""
        return self.code in (KILLED, ALARMED)


class Server:
    """Forks commands; use it in a `with` block."""

    def __init__(self, source: Path | None = None) -> None:
        """source: folder of the package, if not the one that is importable here."""
        paths = [str(source)] if source else []
        paths += [str(Path(__file__).parents[1]), *(path for path in sys.path if path)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", "from faults.server import serve; serve()"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, jobs: Sequence[Job]) -> list[Ended]:
        """Run commands at once, and wait for all of them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([asdict(job) for job in jobs]) + "\n")
        self._process.stdin.flush()
        answers = json.loads(self._process.stdout.readline())
        texts = [Path(job.log).read_text("utf-8", "replace") for job in jobs]
        return [Ended(code, renames, text) for (code, renames), text in zip(answers, texts, strict=True)]


def serve() -> None:
    """Answer lists of jobs on standard input, one per line, until it ends."""
    import torch

    from seehear.training import fit

    torch.set_num_threads(1)
    fit.SAVE_EVERY = 0.0  # a checkpoint after every epoch
    os.fsync = lambda descriptor: None  # a kill loses nothing that is written, and on a busy disk a flush takes long
    for line in sys.stdin:
        children = [_fork(job) for job in json.loads(line)]
        answers = []
        for pid, pipe in children:
            with open(pipe, encoding="utf-8") as stream:
                told = json.loads(stream.read() or "[0, []]")  # nothing if it was killed
            _, status = os.waitpid(pid, 0)
            answers.append((os.waitstatus_to_exitcode(status), told[0]))
            for name in told[1]:  # later commands need not import them
                with suppress(Exception):
                    importlib.import_module(name)
        print(json.dumps(answers), flush=True)


def _fork(job: dict[str, Any]) -> tuple[int, int]:
    """Return the process of a job, and the pipe that tells how many files it renamed and which modules it imported."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    code, known = 70, set(sys.modules)
    try:
        os.close(reading)
        renames = _disturb(job)
        code = _run(job["arguments"], Path(job["log"]))
        with open(writing, "w", encoding="utf-8") as stream:
            json.dump([renames[0], [name for name in sys.modules if name not in known]], stream)
    finally:
        os._exit(code)


def _disturb(job: dict[str, Any]) -> list[int]:
    """Make this process end as planned. Returns a list whose item counts the renames."""
    count = [0]

    def ending(rename: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any, **options: Any) -> None:
            count[0] += 1
            if count[0] == job["rename"] and not job["after"]:
                os.kill(os.getpid(), signal.SIGKILL)
            rename(*arguments, **options)
            if count[0] == job["rename"]:
                os.kill(os.getpid(), signal.SIGKILL)

        return call

    for name in RENAMES:
        setattr(os, name, ending(getattr(os, name)))
    if job["seconds"]:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    return count


def _run(arguments: Sequence[str], log: Path) -> int:
    import traceback

    from seehear.cli import main

    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    code = 1
    try:
        main(arguments)
    except SystemExit as left:
        code = int(left.code or 0)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code
