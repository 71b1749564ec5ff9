"""Features of clips made by one process of an engine, and kept in the store if there is one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seehear.engines.interface import Shared, Work
from seehear.errors import ClipError, costing_one_clip
from seehear.features.jobs import Done, Job, load_networks, run_jobs
from seehear.features.segments import Loaded, Settings
from seehear.features.store import Origin, Store
from seehear.media import child
from seehear.networks.spec import NetworkSpec


class Making(Work[Job, Done]):
    """Networks that run over clips.

    Attributes:
        specs: The networks.
        device: auto, cpu or cuda.
        settings: How clips are cut into segments.
        store: Where features are kept; None to hand them back.
        example: One of the clips, by which a process shows that it sees them.
        made_by: Network -> the fingerprint that its features have in the store.
    """

    def __init__(
        self,
        specs: Sequence[NetworkSpec],
        device: str = "auto",
        settings: Settings | None = None,
        store: Store | None = None,
    ) -> None:
        self.specs, self.device, self.settings, self.store = specs, device, settings or Settings(), store
        self.example: Path | None = None
        self.made_by: dict[str, str] = {}
        self._loaded: Loaded | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}  # another process loads its own

    def load(self) -> None:
        """Load the networks, unless that is done. Raises SeehearError if it can't be."""
        if self._loaded is None:
            self._loaded = load_networks(self.specs, self.device)

    def shared(self) -> Shared:
        """Return the store's folder, and one of the clips."""
        folders = (self.store.path.resolve(),) if self.store and self.store.is_here else ()
        return Shared(folders, (self.example,) if self.example else ())

    def begin(self) -> None:
        """Start the process that decodes, and load the networks."""
        child.start()
        self.load()

    def do(self, items: Sequence[Job]) -> Generator[Done]:
        """Yield what came of each clip. The store has its features then, but for those that it still gathers."""
        assert self._loaded is not None
        try:
            for done in run_jobs(items, self._loaded, self.settings):
                yield self._kept(done)
        finally:
            if self.store is not None:
                self.store.flush()

    def _kept(self, done: Done) -> Done:
        """Keep the features of a clip in the store, if there is one. A clip whose features can't be kept has none."""
        if self.store is None:
            return done
        kept = dict.fromkeys(done.features)
        try:
            with costing_one_clip(done.job.path):
                self._write(done)
        except ClipError as error:
            return replace(done, features={}, problems=(*done.problems, str(error)))
        return replace(done, features=kept, silent={})

    def _write(self, done: Done) -> None:
        assert self.store is not None
        if not done.features:
            return
        try:
            origin = Origin.of(done.job.clip, done.job.path, "")
        except OSError as error:  # removed or made unreadable since it was decoded
            raise ClipError(f"{done.job.path}: can't be read any more ({error.strerror})") from None
        for spec in self.specs:
            if (values := done.features.get(spec.name)) is not None:
                made_by, track = self.made_by[spec.name], self.settings.track_for(spec)
                own = replace(origin, made_by=made_by, audio_track=track)
                self.store.write(spec.name, own, values, done.silent.get(spec.name), done.notes.get(spec.name, ()))
