"""Work done on a Ray cluster, or by Ray on this machine.

Every block of items is a task without retries of Ray's own: so this module decides what is done again, and how often.
A process that has done a block keeps what it loaded for the next one. Tasks wait for resources, so a cluster that grows
on demand does so.
"""

from __future__ import annotations

import os
import platform
import socket
import time
import uuid
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from typing import Any, Generic
from urllib.parse import urlsplit

from seehear.engines import interrupts
from seehear.engines.interface import Done, Engine, Item, LostError, Work, spread
from seehear.engines.nodes import check_nodes, source_hash
from seehear.engines.process import GRACE, results
from seehear.errors import SeehearError
from seehear.progress import say
from seehear.results import counted

LOOK_EVERY = 10.0  # seconds between looks at the size of the cluster
AHEAD = 2  # blocks per core that are given to the cluster at once: it may grow while some of them wait
ANSWERS_WITHIN = 10.0  # seconds, to a connection
MAX_NODE_DEATHS = 10  # of an item, after which its clips are suspected to have caused them
TOKEN = "If it was started with a token, set RAY_AUTH_MODE=token here too, and have its ~/.ray/auth_token"
INSTALL = "needs Ray: pip install 'seehear[ray]'"


class RayEngine(Engine):
    """Work done on a Ray cluster.

    Attributes:
        address: `ray://HOST:PORT` of a cluster elsewhere; empty for the cluster that this machine belongs to
            ($RAY_ADDRESS, or the one that was started here last), or else for one that is started on this machine.
        workers: Blocks of items that are done at once at most; None for as many as the cluster has room for.
        gpus: GPUs of each process, which may be a fraction; see Ray's `num_gpus`.
    """

    def __init__(self, address: str = "", workers: int | None = None, gpus: float = 0.0) -> None:
        self.address, self.workers, self.gpus = address, workers, gpus

    def __repr__(self) -> str:
        return f"RayEngine({self.address!r}, workers={self.workers}, gpus={self.gpus:g})"

    def device(self, name: str) -> str:
        """Return torch's name of the device of each process: a GPU if each has one or a part of one."""
        if name == "cuda" and not self.gpus:
            raise SeehearError("processes of a cluster have the GPUs that gpus gives them: give for example gpus=1")
        return "cuda" if self.gpus and name != "cpu" else "cpu"

    def elsewhere(self, count: int) -> bool:
        """Return whether so many items are done by other processes than this one."""
        return count > 0

    @property
    def processes(self) -> int:
        """How many processes work at once at most."""
        return self.workers or max(1, self._room(self._connected()))

    @property
    def processes_per_machine(self) -> int:
        """How many of the processes share a machine at most."""
        ray = self._connected()
        cores = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        return min(self.processes, max([1, *cores]))

    def each(
        self, work: Work[Item, Done], items: Sequence[Item], *, together: int = 1
    ) -> Generator[tuple[Item, Done | Exception]]:
        """Do work; yield each item with what came of it; see `Engine.each`."""
        ray = self._connected()
        if not items:
            return
        if not self._room(ray):
            say(f"waiting for the cluster: it has no room for a process now, which needs {self._needs()}")
        check_nodes(ray, work.shared())
        yield from _Tasks(ray, self, work).each(items, spread(len(items), self.processes, together))

    def _connected(self) -> Any:
        """Return the library, connected to the cluster.

        Raises:
            SeehearError: If Ray is not installed, or the cluster can't be reached or is of another version.
        """
        try:
            import ray
        except ImportError:
            raise SeehearError(f"the engine ray {INSTALL}") from None
        if not ray.is_initialized():
            check_address(self.address)
            os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # of tasks that are not waited for any more
            try:
                ray.init(address=self.address or None, log_to_driver=False, logging_level="ERROR")
            except Exception as error:  # of many kinds; those of other versions of Ray and Python name both versions
                where = self.address or "the Ray cluster of this machine"
                why = str(error).strip() or type(error).__name__
                raise SeehearError(f"{where}: can't be used: {why}. {TOKEN}") from None
            _keep_messages_from_output()
            cores = ray.cluster_resources().get("CPU", 0)
            where = self.address or ray.get_runtime_context().gcs_address
            alive = sum(node["Alive"] for node in ray.nodes())
            say(f"Ray at {where}: {counted(alive, 'node')}, {cores:g} cores")
        return ray

    def room(self, ray: Any) -> int:
        """Return how many blocks are given to the cluster at once."""
        return self.workers or max(1, AHEAD * self._room(ray))

    def _needs(self) -> str:
        return f"a core and {self.gpus:g} GPUs" if self.gpus else "a core"

    def _room(self, ray: Any) -> int:
        """Return how many processes the cluster has room for now."""
        resources = ray.cluster_resources()
        cores = int(resources.get("CPU", 0))
        return min(cores, int(resources.get("GPU", 0) / self.gpus)) if self.gpus else cores


def check_address(address: str) -> None:
    """Find out at once whether anything listens at an address; Ray itself tries for a minute.

    Args:
        address: ray://HOST:PORT; an empty one is not looked at.

    Raises:
        SeehearError: If it is no such address, or nothing listens there.
    """
    if not address:
        return
    try:
        host, port = urlsplit(address).hostname, urlsplit(address).port
    except ValueError:  # no number
        host, port = None, None
    if "@" in address:
        raise SeehearError("the address of a Ray cluster has no user and no password: give ray://HOST:PORT")
    if not host or not port:
        raise SeehearError(f"{address}: not the address of a Ray cluster: give ray://HOST:PORT, as in ray://head:10001")
    try:
        socket.create_connection((host, port), timeout=ANSWERS_WITHIN).close()
    except OSError as error:
        raise SeehearError(
            f"{address}: no Ray cluster answers there ({error.strerror or error}); the port is that of "
            "`ray start --head --ray-client-server-port`, by default 10001"
        ) from None


class _Tasks(Generic[Item, Done]):
    """One work on a cluster."""

    def __init__(self, ray: Any, engine: RayEngine, work: Work[Item, Done]) -> None:
        self._ray, self._engine = ray, engine
        self._key, self._work, self._folder = uuid.uuid4().hex, ray.put(work), os.getcwd()
        self._source = source_hash()
        # max_calls: by default Ray ends a process with a GPU after each task, and its networks would be loaded again.
        self._do = ray.remote(num_cpus=1, num_gpus=engine.gpus, max_retries=0, max_calls=0)(_do)
        self._doing: dict[Any, list[Item]] = {}
        self._deaths: dict[int, int] = {}  # id of a block's list -> nodes that died while they did it

    def each(self, items: Sequence[Item], together: int) -> Iterator[tuple[Item, Done | Exception]]:
        """Yield each item with what came of it.

        The items of a block whose process ended are done one by one; an item whose process ends then, at last while
        nothing else is done.
        """
        blocks = deque(list(items[start : start + together]) for start in range(0, len(items), together))
        singles: deque[list[Item]] = deque()
        suspects: deque[list[Item]] = deque()
        room, looked = self._engine.room(self._ray), time.monotonic()
        try:
            while blocks or singles or suspects or self._doing:
                if time.monotonic() - looked > LOOK_EVERY:
                    room, looked = self._engine.room(self._ray), time.monotonic()
                while (blocks or singles) and len(self._doing) < room:
                    self._give(blocks.popleft() if blocks else singles.popleft())
                if not self._doing:
                    yield self._alone(suspects.popleft())
                    continue
                for block, done in self._ended():
                    if done is not None:
                        yield from zip(block, done, strict=True)
                    elif len(block) > 1:
                        singles += [[item] for item in block]
                    else:
                        suspects.append(block)
        finally:
            if self._doing:
                self._cancel()

    def _cancel(self) -> None:
        """Interrupt what is still done, so that features that were gathered are written.

        Nothing is ended by force: a task that ends by itself in that moment ends this process (Ray 2.60). A task that
        does not heed the interruption ends with its block, or with this process.
        """
        with suppress(Exception):  # the cluster may be gone
            for task in self._doing:
                self._ray.cancel(task)
            self._ray.wait(list(self._doing), num_returns=len(self._doing), timeout=GRACE)

    def _give(self, block: list[Item]) -> None:
        self._doing[self._start(block)] = block

    def _start(self, block: list[Item]) -> Any:
        return self._do.remote(self._key, [self._work, self._ray.put(block)], self._folder, self._source)

    def _ended(self) -> Iterator[tuple[list[Item], list[Done | Exception] | None]]:
        """Wait a moment; yield the blocks that ended with their results, None if their process ended."""
        tasks, _ = self._ray.wait(list(self._doing), timeout=1.0)
        for task in tasks:
            block = self._doing.pop(task)
            try:
                done = self._result(task)
                self._deaths.pop(id(block), None)
                yield block, done
            except _NodeDiedError:
                deaths = self._deaths.pop(id(block), 0) + 1
                if deaths < MAX_NODE_DEATHS:
                    self._deaths[id(block)] = deaths
                    self._give(block)
                else:
                    yield block, None
            except _ProcessEndedError:
                yield block, None

    def _alone(self, block: list[Item]) -> tuple[Item, Done | Exception]:
        """Do an item while nothing else is done."""
        (item,) = block
        for _ in range(MAX_NODE_DEATHS):
            task = self._start(block)
            self._doing[task] = block  # so that it is cancelled with the others
            try:
                return item, self._result(task)[0]
            except _NodeDiedError:
                continue
            except _ProcessEndedError as error:
                return item, LostError(f"the process that worked on it ended again and again: {error}")
            finally:
                self._doing.pop(task)
        return item, LostError(f"{MAX_NODE_DEATHS} nodes died while they worked on it")

    def _result(self, task: Any) -> list[Done | Exception]:
        """Return the results of a task.

        Raises:
            SeehearError: That the task raised.
            _NodeDiedError: If the node of the process died.
            _ProcessEndedError: If the process ended.
        """
        exceptions = self._ray.exceptions
        try:
            done: list[Done | Exception] = self._ray.get(task)
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, SeehearError):
                raise error.cause from None
            why = f"{type(error.cause).__name__}: {error.cause}"
            raise SeehearError(f"a process of the cluster failed with {why}; this may be a fault of seehear") from error
        except (exceptions.NodeDiedError, exceptions.ObjectLostError, exceptions.LocalRayletDiedError):
            raise _NodeDiedError from None
        except exceptions.OutOfMemoryError:
            raise _ProcessEndedError("its node ran out of memory") from None
        except exceptions.WorkerCrashedError:
            raise _ProcessEndedError("it crashed, or the system ended it for lack of memory") from None
        except exceptions.RayError as error:
            raise SeehearError(f"the Ray cluster failed: {str(error).strip() or type(error).__name__}") from None
        return done


class _NodeDiedError(Exception):
    """A node died, whatever it did."""


class _ProcessEndedError(Exception):
    """A process ended, perhaps because of what it did."""


def _do(key: str, given: list[Any], folder: str, source: str) -> list[Any]:
    """Do items, in a process of the cluster.

    Args:
        key: Of the work.
        given: References to it, and to what to do. In a list, so that Ray does not read them before: modules are
            imported for that, and an interruption must wait.
        folder: The working folder.
        source: Hash of the seehear that this work is from: a node that joined the cluster later may have another one.
    """
    import ray

    def fetch() -> Any:
        if source_hash() != source:
            raise SeehearError(f"node {platform.node()} has another seehear than this process: install the same")
        return ray.get(given[0])

    with interrupts.held_while_importing():  # Ray keeps the process for other work
        return results(key, fetch, ray.get(given[1]), folder)


def _keep_messages_from_output() -> None:
    """Keep Ray from printing what happens to processes on standard output, where results are. Its logs have it."""
    with suppress(ImportError, AttributeError):
        from ray._private import worker

        worker.print_to_stdstream = lambda data, ignore_prefix: None
