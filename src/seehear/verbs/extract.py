"""seehear extract: features of clips into a store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seehear.errors import SeehearError
from seehear.verbs import options
from seehear.verbs.result import Result, listed


@dataclass
class Extracted(Result):
    """What `extract` did, counted in clip × network. failed: clip -> what was wrong."""

    made: int = 0
    unchanged: int = 0
    failed: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    clip_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.failed else 0

    def text(self) -> str:
        speed = f", {self.clip_seconds / self.seconds:.1f}× real time" if self.made and self.seconds else ""
        head = f"{self.made} features made, {self.unchanged} unchanged, in {self.seconds:.1f} s{speed}"
        problems = [message for messages in self.failed.values() for message in messages]
        return "\n".join(
            filter(None, [*self.notes, head, listed(problems, f"{len(self.failed)} clips with something left out")])
        )

    def as_json(self) -> Any:
        return {
            "made": self.made,
            "unchanged": self.unchanged,
            "failed": self.failed,
            "notes": self.notes,
            "seconds": self.seconds,
        }


def extract(
    clips: Sequence[str | Path],
    *,
    networks: Sequence[str],
    store: str | Path,
    fps: float = 8.0,
    segment: float | None = None,
    shard: str = "1/1",
    device: str = "auto",
) -> Extracted:
    """Run networks over clips and keep one feature a second in a store.

    Features that are there and current are left as they are, so the same command goes on where a killed one
    stopped, and takes in new and changed clips. Several processes may fill one store.

    Args:
        clips: Media files, or folders that are searched for them. A clip is named by its file's stem.
        networks: Names from `seehear networks`, or FILE.py:NAME for your own; several with commas between.
        store: The folder to keep features in; made if it isn't there.
        fps: Pictures sampled a second, for visual networks.
        segment: Seconds that one feature stands for; 1 in a new store.
        shard: N/OF takes the N-th of OF parts of the clips, to share the work among machines.
        device: auto, cpu or cuda.

    Returns:
        How many features were made, and what was wrong with which clips.
    """
    from seehear import networks as registry
    from seehear.extraction import Job, Settings, find_clips, load_networks, run_jobs
    from seehear.progress import Progress
    from seehear.store import NetworkInfo, Origin, Store

    names = options.names(networks)
    if not names:
        raise SeehearError("name at least one network; `seehear networks` lists them")
    if not fps > 0:
        raise SeehearError(f"fps must be more than 0, not {fps:g}")
    specs = [registry.get(name) for name in names]
    part = options.Shard.parse(shard)
    found = {name: path for name, path in find_clips(clips).items() if part.holds(name)}
    loaded = load_networks(specs, device)  # first: what can't be loaded leaves no store behind
    kept = Store(store, segment=segment, create=True)
    settings = Settings(fps, kept.segment)
    report = Extracted()
    made_by = {spec.name: settings.made_by(spec) for spec in specs}
    known = kept.networks()
    for spec in specs:
        old = known.get(spec.name)
        same = old is not None and old.made_by == made_by[spec.name]
        # Where features stay, what they were made with does: pictures a second say nothing to a network that hears.
        rate = old.fps if old is not None and same else fps
        if old is not None and not same:
            report.notes.append(
                f"features of {spec.name} in {store} were made with other settings ({old.fps:g} pictures a second) or "
                "another version of it, and are made again; another --store would keep both"
            )
        reference = spec.reference or spec.name
        kept.register(NetworkInfo(spec.name, spec.modality, spec.width, made_by[spec.name], rate, reference))

    began = time.monotonic()
    jobs = []
    for name, path in found.items():
        stale = tuple(spec for spec in specs if not kept.is_current(spec.name, name, made_by[spec.name], path))
        report.unchanged += len(specs) - len(stale)
        if stale:
            jobs.append(Job(name, path, stale))
    with Progress("extracting", len(found), done=len(found) - len(jobs)) as progress:
        for done in run_jobs(jobs, loaded, settings):
            problems = list(done.problems)
            try:
                origin = Origin.of(done.job.clip, done.job.path, "") if done.features else None
            except OSError as error:  # gone or unreadable since it was decoded
                problems.append(f"{done.job.path}: can't be read any more ({error.strerror})")
                origin = None
            if origin is not None:
                for network, values in done.features.items():
                    kept.write(network, replace(origin, made_by=made_by[network]), values)
                    report.made += 1
            for problem in problems:
                report.failed.setdefault(done.job.clip, []).append(problem)
                progress.say(f"skipped: {problem}")
            report.clip_seconds += done.duration
            progress.advance(done.job.clip)
    report.seconds = time.monotonic() - began
    return report
