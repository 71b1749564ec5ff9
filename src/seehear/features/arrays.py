"""Features in memory: those of one clip, and the result of an extraction."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.media.notes import EXAMPLES, MOST, Note, any_missing, listed_notes, merged
from seehear.results import Result, counted, import_pandas, listed

if TYPE_CHECKING:
    import pandas as pd

    from seehear.features.store import Store


class Features(Mapping[str, NDArray[np.float32]]):
    """The features of one clip: network -> (T, D) float32, one row per segment.

    Attributes:
        clip: The name of the clip, the stem of its file.
        duration: Seconds. Of features that were in a store already, T × segment.
        segment: Seconds per segment.
        silent: (T,) bool, which segments are digital silence; None if it is not known.
        notes: What was repaired in the clip, is ambiguous or missing, as far as it concerns these networks.
    """

    def __init__(
        self,
        clip: str,
        arrays: Mapping[str, NDArray[np.float32]],
        *,
        duration: float,
        segment: float = 1.0,
        silent: NDArray[np.bool_] | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        self.clip, self.duration, self.segment, self.silent = clip, duration, segment, silent
        self.notes = notes
        self._arrays = dict(arrays)

    def __getitem__(self, network: str) -> NDArray[np.float32]:
        return self._arrays[network]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{network} {array.shape}" for network, array in self.items())
        return f"Features({self.clip!r}, {self.duration:.3g} s: {shapes or 'none'})"

    def to_frame(self, network: str | None = None) -> pd.DataFrame:
        """Return the features as a DataFrame, one row per segment; its index is the start in seconds.

        Args:
            network: Whose features. Without it the columns are those of all networks, named (network, feature) if
                there are several.
        """
        pd = import_pandas()

        if network is None and len(self) > 1:
            return pd.concat({name: self.to_frame(name) for name in self}, axis=1)
        array = self[network if network is not None else next(iter(self))]
        index = pd.Index(np.arange(len(array)) * self.segment, name="start")
        return pd.DataFrame(array, index=index)


@dataclass(repr=False, eq=False)
class Extraction(Result, Mapping[str, Features]):
    """The result of `extract`: clip -> Features, of the clips with features of at least one network.

    The features are read from the store when they are looked up, if there is a store.

    Attributes:
        networks: Names.
        segment: Seconds per segment.
        kept: The store with the features, or None if they are in memory.
        made: How many features were made, counted in clip × network.
        unchanged: How many were in the store already, made from the same file in the same way.
        failed: clip -> what is wrong with it. A clip may have features of some networks and be listed here too. So is a
            folder that could not be searched.
        lacking: network -> clip -> that of its problems which is that it lacks the track of the network's modality.
        clip_notes: clip -> what was repaired in it, is ambiguous or missing; of unchanged clips too.
        notes: What else the user should know.
        said: Those of the notes that were printed before the work began.
        clip_seconds: Total duration of the clips that were decoded.
        seconds: Wall time.
    """

    networks: tuple[str, ...]
    segment: float = 1.0
    kept: Store | None = None
    made: int = 0
    unchanged: int = 0
    failed: dict[str, list[str]] = field(default_factory=dict)
    lacking: dict[str, dict[str, str]] = field(default_factory=dict)
    clip_notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    said: tuple[str, ...] = ()
    clip_seconds: float = 0.0
    seconds: float = 0.0
    # clip -> network -> array, None if it is in the store
    _features: dict[str, dict[str, NDArray[np.float32] | None]] = field(default_factory=dict, init=False)
    _durations: dict[str, float] = field(default_factory=dict, init=False)
    _silent: dict[str, NDArray[np.bool_]] = field(default_factory=dict, init=False)  # of features in memory

    @property
    def store(self) -> Path | str | None:
        """The folder with the features, an address if it is elsewhere, or None if they are in memory."""
        if self.kept is None:
            return None
        return self.kept.path if self.kept.is_here else str(self.kept)

    def add(
        self,
        clip: str,
        network: str,
        array: NDArray[np.float32] | None,
        duration: float | None = None,
        silent: NDArray[np.bool_] | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Note that a clip has features.

        Args:
            clip: Its name.
            network: Whose features.
            array: (T, D); None to read them from the store.
            duration: Of the clip in seconds, if known.
            silent: (T,), which segments are digital silence, if known and not in the store.
            notes: On the clip, as far as they concern the network.
        """
        self._features.setdefault(clip, {})[network] = array
        if duration is not None:
            self._durations[clip] = duration
        if silent is not None:
            self._silent[clip] = silent
        if notes:
            self.clip_notes[clip] = merged([*self.clip_notes.get(clip, ()), *notes])

    def sort(self, clips: Iterable[str]) -> None:
        """Bring what is known into the order of these clips: they are done file by file, by several processes."""
        names = list(clips)
        self._features = {clip: self._features[clip] for clip in names if clip in self._features}
        self.failed = {clip: self.failed[clip] for clip in names if clip in self.failed}
        self.clip_notes = {clip: self.clip_notes[clip] for clip in names if clip in self.clip_notes}
        self.lacking = {
            network: {clip: of[clip] for clip in names if clip in of} for network, of in self.lacking.items()
        }

    def __getitem__(self, clip: str) -> Features:
        arrays = {network: self._read(network, clip) for network in self.networks if network in self._features[clip]}
        duration = self._durations.get(clip, len(next(iter(arrays.values()))) * self.segment)
        silent = self._silent.get(clip)
        if self.kept is not None:
            stored = (self.kept.silent(network, clip) for network in arrays)
            silent = next((each for each in stored if each is not None), None)
        notes = self.clip_notes.get(clip, ())
        return Features(clip, arrays, duration=duration, segment=self.segment, silent=silent, notes=notes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._features)

    def __len__(self) -> int:
        return len(self._features)

    def __repr__(self) -> str:
        place = "in memory" if self.store is None else f"in {str(self.store)!r}"
        return (
            f"Extraction({len(self)} clips × {len(self.networks)} networks {place}: {self.made} made, "
            f"{self.unchanged} unchanged, {len(self.failed)} clips failed)"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text())}</pre>"

    def _read(self, network: str, clip: str) -> NDArray[np.float32]:
        array = self._features[clip][network]
        if array is None:
            assert self.kept is not None
            return self.kept.read(network, clip)
        return array

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with one row per clip: segments T of each network (0 for none), problems and notes."""
        pd = import_pandas()

        clips = list(dict.fromkeys([*self, *self.failed]))
        rows = []
        for clip in clips:
            segments = {network: len(array) for network, array in self[clip].items()} if clip in self else {}
            texts = ["; ".join(self.failed.get(clip, [])), "; ".join(map(str, self.clip_notes.get(clip, ())))]
            rows.append([*(segments.get(name, 0) for name in self.networks), *texts])
        return pd.DataFrame(rows, index=pd.Index(clips, name="clip"), columns=[*self.networks, "problems", "notes"])

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if something was left out, or is missing in a clip, else 0."""
        return 1 if self.failed or any_missing(self.clip_notes) else 0

    def text(self) -> str:
        """Return how much was extracted and how fast, the notes on clips, and what was left out."""
        speed = f", {self.clip_seconds / self.seconds:.1f}× real time" if self.made and self.seconds else ""
        head = f"{self.made} features made, {self.unchanged} unchanged, in {self.seconds:.1f} s{speed}"
        notes = [note for note in self.notes if note not in self.said]
        return "\n".join(filter(None, [*notes, head, listed_notes(self.clip_notes), self._left_out()]))

    def _left_out(self) -> str:
        """List what was left out: first of clips without any features. If it is much, missing tracks are grouped."""
        headline = f"{counted(len(self.failed), 'clip')} with something left out"
        without_track = {message for of_network in self.lacking.values() for message in of_network.values()}
        clips = sorted(self.failed, key=lambda clip: clip in self)  # stable
        others = [message for clip in clips for message in self.failed[clip] if message not in without_track]
        tracks = [message for clip in clips for message in self.failed[clip] if message in without_track]
        if len(others) + len(tracks) <= MOST:
            return listed([*others, *tracks], headline)
        groups = [
            listed(list(of_network.values()), f"no track for {network}, {counted(len(of_network), 'clip')}", EXAMPLES)
            for network, of_network in self.lacking.items()
        ]
        first = listed(others, headline, MOST) or f"{headline}:"
        return "\n".join([first, *(indent(group, "  ") for group in groups)])

    def as_json(self) -> Any:
        """Return the counts, the seconds, and what was left out of each clip and is noted on it."""
        return {
            "made": self.made,
            "unchanged": self.unchanged,
            "failed": self.failed,
            "clip_notes": {clip: [note.as_json() for note in notes] for clip, notes in self.clip_notes.items()},
            "notes": self.notes,
            "seconds": self.seconds,
        }
