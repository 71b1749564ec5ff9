"""Worker processes that read damaged files, under limits of time and memory."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from fuzz.mutate import damaged_name, mutate
from fuzz.target import Target

READ, REFUSED, TRACEBACK, MEMORY, TIME, CRASH = "read", "refused", "traceback", "memory", "time", "crash"
OUTCOMES = (READ, REFUSED, TRACEBACK, MEMORY, TIME, CRASH)
GOOD = (READ, REFUSED)
SPARE = 512 << 20  # bytes of address space beyond a target's limit, of which most is never touched
TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
WAIT = 60.0  # seconds that a reader may wait without using the processor


@dataclass
class Outcome:
    """What became of one input.

    Attributes:
        number: Of the input.
        outcome: One of OUTCOMES.
        detail: The message, or the last lines of a traceback.
        seconds: Of the processor.
        megabytes: That reading took at most, of memory.
    """

    number: int
    outcome: str
    detail: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


def mutant(target: Target, seed: int, number: int, sound: Path) -> tuple[Path, bytes]:
    """Return the damaged file, relative to the folder, and its bytes."""
    file = damaged_name(sound, target.damaged, number)
    rng = Random(f"{seed}/{target.name}/{number}")
    return file.relative_to(sound), mutate(file.read_bytes(), file.suffix, rng)


def outcomes(target: Target, seed: int, numbers: list[int], sound: Path, place: Path) -> Iterator[Outcome]:
    """Read the inputs of these numbers, in worker processes one after the other: a new one when one ends early.

    Args:
        target: What is damaged, and its reader.
        seed: Of all inputs.
        numbers: Of the inputs.
        sound: The folder of sound files.
        place: A folder to work in.
    """
    left = list(numbers)
    context = multiprocessing.get_context("fork")
    while left:
        receive, send = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(target, seed, left, sound, place, send), daemon=True)
        worker.start()
        send.close()
        try:
            while left:
                result = _next(receive, worker, target, left[0])
                left.pop(0)
                yield result
                if result.outcome in (TIME, CRASH):
                    break
        finally:
            if worker.is_alive():
                worker.kill()
            worker.join()
            receive.close()


def _next(receive: Connection, worker: Any, target: Target, number: int) -> Outcome:
    """Wait for the next outcome; end the worker when it takes too long."""
    began, used = time.monotonic(), _used(worker.pid)
    while True:
        with contextlib.suppress(EOFError):
            if receive.poll(0.2):
                return Outcome(**receive.recv())
        if not worker.is_alive() and not receive.poll(0):
            worker.join()
            return Outcome(number, CRASH, f"ended by {_ending(worker.exitcode)}")
        if receive.poll(0):
            with contextlib.suppress(EOFError):
                return Outcome(**receive.recv())
            worker.join()
            return Outcome(number, CRASH, f"ended by {_ending(worker.exitcode)}")
        spent, waited = _used(worker.pid) - used, time.monotonic() - began
        if spent > target.seconds or (waited > WAIT and spent < 1) or waited > 20 * target.seconds + WAIT:
            worker.kill()
            worker.join()
            return Outcome(number, TIME, f"{spent:.1f} s of the processor, {waited:.0f} s in all", spent)


def _ending(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit {code}"


def _used(pid: int) -> float:
    """Return the seconds of the processor that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def _work(target: Target, seed: int, numbers: list[int], sound: Path, place: Path, send: Connection) -> None:
    """Read inputs, and send what becomes of each."""
    os.environ["OMP_NUM_THREADS"] = "1"
    warnings.simplefilter("ignore")
    faulthandler.disable()
    folder = place / f"{target.name}-{os.getpid()}"
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    _copy(sound, folder)
    _limit(target.memory << 20)
    for number in numbers:
        name, data = mutant(target, seed, number, sound)
        (folder / name).write_bytes(data)
        send.send(asdict(_try(target, number, folder, folder / name)))
        if target.writes:
            _copy(sound, folder)
        else:
            shutil.copy2(sound / name, folder / name)
    shutil.rmtree(folder, ignore_errors=True)


def _copy(sound: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)


def _limit(memory: int) -> None:
    """Allow this process as much more address space. It has a lot already: libraries, and their arenas."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + memory + SPARE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _try(target: Target, number: int, folder: Path, file: Path) -> Outcome:
    from seehear.errors import SeehearError

    Path("/proc/self/clear_refs").write_text("5")  # begins the highest memory anew
    before, began = _memory("VmRSS"), time.process_time()
    outcome, detail = READ, ""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            target.read(folder, file)
    except SeehearError as error:
        outcome, detail = REFUSED, str(error)
    except MemoryError:
        outcome, detail = MEMORY, _last_lines()
    except BaseException as error:
        short = "allocate memory" in str(error) or "Unable to allocate" in str(error)
        outcome, detail = MEMORY if short else TRACEBACK, _last_lines()
    taken = (_memory("VmHWM") - before) / 1024
    if taken > target.memory:
        outcome, detail = MEMORY, f"took {taken:.0f} MiB; {detail}"
    text = detail.replace(str(folder), "…").encode("ascii", "backslashreplace").decode()[:600]
    return Outcome(number, outcome, text, round(time.process_time() - began, 3), round(taken, 1))


def _memory(name: str) -> int:
    """Return kB of this process, by the name in /proc."""
    for text in Path("/proc/self/status").read_text().splitlines():
        if text.startswith(name):
            return int(text.split()[1])
    return 0


def _last_lines() -> str:
    """Return the type of the error that is handled, where in seehear it arose, and its message."""
    kind, error, trace = sys.exc_info()
    frames = [frame for frame in traceback.extract_tb(trace) if "seehear" in frame.filename]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.name}" for frame in frames[:-4:-1])
    return f"{kind.__name__ if kind else ''}: {str(error)[:160]} @ {where}"
