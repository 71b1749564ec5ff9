"""Which engine a name stands for."""

from __future__ import annotations

from seehear.device import core_count
from seehear.engines.interface import Engine
from seehear.engines.local import LocalEngine
from seehear.engines.ray_engine import RayEngine
from seehear.errors import SeehearError

LOCAL = "local"
RAY = "ray"
SCHEME = "ray://"
KNOWN = f"{LOCAL}, {RAY}, or {SCHEME}HOST:PORT of a cluster elsewhere"


def engine_of(
    engine: str | Engine = LOCAL, workers: int | None = None, gpus: float = 0.0, *, default: int = 1
) -> Engine:
    """Return the engine that arguments name.

    Args:
        engine: local, this machine; ray, the Ray cluster that this machine belongs to, or else one that is started
            here; ray://HOST:PORT, a cluster elsewhere. Or an engine, which is returned.
        workers: Processes that work at once, one thread each: 0 for one per core. None for `default` of them on this
            machine, and as many as there is room for on a cluster.
        gpus: GPUs of each process on a cluster, which may be a fraction.
        default: Processes on this machine, if `workers` is None.

    Raises:
        SeehearError: For another name, a negative number, or GPUs without a cluster.
    """
    if isinstance(engine, Engine):
        return engine
    if workers is not None and workers < 0:
        raise SeehearError(f"workers must be a number of processes, or 0 for one per core, not {workers}")
    if not gpus >= 0:
        raise SeehearError(f"gpus must be a number of GPUs per process, at least 0, not {gpus:g}")
    if engine == LOCAL:
        if gpus:
            raise SeehearError(f"gpus divides those of a cluster: choose the engine {RAY}, or device cuda for one here")
        return LocalEngine(default if workers is None else workers or core_count())
    if engine == RAY or engine.startswith(SCHEME):
        return RayEngine(engine.removeprefix(RAY) and engine, workers or None, gpus)
    raise SeehearError(f"no engine is called {engine!r}: there are {KNOWN}")
