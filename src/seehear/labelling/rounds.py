"""Rounds of labelling and training: what each run finds in the clips drawn by chance, and what it gained.

OUT/rounds.jsonl   one line per run: its name, when it was scored, and clip -> events that it found

What a run found is kept, not its score: every round is scored against the labels as they are now, and two rounds on the
clips that both were run on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from seehear.errors import ClipError, costing_one_clip
from seehear.events import Activity
from seehear.files import atomic_text
from seehear.labelling.records import MODALITIES, SEGMENT, DrawnEvent, segments_of
from seehear.labelling.suggestions import ParseSuggester, Suggester, Suggestions
from seehear.labels import DenseTable, Event
from seehear.locks import locked
from seehear.parsing.clip import ParsedEvent
from seehear.progress import Progress
from seehear.results import counted
from seehear.scoring.comparison import difference
from seehear.scoring.f1 import label_f1
from seehear.scoring.intervals import Interval, bootstrap
from seehear.scoring.scores import TYPE_AT_AV, score
from seehear.scoring.signature import Signature
from seehear.stored import as_model, exists
from seehear.texts import parse_json, read_text

if TYPE_CHECKING:
    from seehear.labelling.session import Session

FILE = "rounds.jsonl"
FEWEST = 5  # clips: of fewer, an interval over clips says nothing
REMEDY = "correct the line, or delete it"
Array = NDArray[np.float64]


class _Found(BaseModel):
    labels: list[str]
    events: list[ParsedEvent]


class Round(BaseModel):
    """A run, and what it found in clips.

    Attributes:
        run: Identifies the run.
        time: When it was run on the clips.
        found: Clip -> classes and events.
        untrained: Whether these were untrained networks.
    """

    run: str
    time: str
    found: dict[str, _Found]
    untrained: bool = False

    def replaces(self, other: Round) -> bool:
        """Return whether another round is of the same run, or both are of untrained networks."""
        return self.run == other.run or (self.untrained and other.untrained)


@dataclass(frozen=True)
class Score:
    """A run's score on the clips drawn by chance, against the labels as they are now.

    Attributes:
        labels: Mean over clips of the F1 of their sets of classes, per cent, with its interval.
        clips: Number of clips.
        segments: Segment-level Type@AV of the clips whose events are all drawn, per cent; None without such clips.
        timed: Number of these.
    """

    labels: Interval
    clips: int
    segments: Interval | None
    timed: int


@dataclass(frozen=True)
class Gain:
    """What the last round gained.

    Attributes:
        run: Of the last round.
        score: Of the last round, on all clips that it was run on.
        before: Score of the round before on the clips that both were run on, per cent; NaN for the first round.
        after: Score of the last round on the same clips.
        gain: After less before, points.
        low: Lower end of its 95 % bootstrap interval over clips; NaN for too few clips to tell.
        high: Upper end.
        clips: Number of the clips that both were run on.
        untrained: Whether the last round is that of untrained networks.
        before_untrained: Whether the round before is.
    """

    run: str
    score: Score
    before: float = math.nan
    after: float = math.nan
    gain: float = math.nan
    low: float = math.nan
    high: float = math.nan
    clips: int = 0
    untrained: bool = False
    before_untrained: bool = False

    def __str__(self) -> str:
        first = not self.clips
        clips = self.score.clips if first else self.clips
        where = f"on {counted(clips, 'random clip')}"
        if clips < FEWEST:
            where += "; too few random clips to tell"
        if first:
            labels = self.score.labels
            interval = "" if clips < FEWEST else f"({labels.low:.1f} to {labels.high:.1f}) "
            return f"first round: {_named(labels.mean, self.untrained)} {interval}{where}"
        interval = "" if clips < FEWEST else f"({_signed(self.gain)}, {_signed(self.low)} to {_signed(self.high)}) "
        before, after = _named(self.before, self.before_untrained), _named(self.after, self.untrained)
        return f"last round: {before} → {after} {interval}{where}"

    def as_json(self) -> dict[str, Any]:
        """Return its values and the line that says them, as `json.dumps` takes them."""
        values = {name: None if value != value else value for name, value in vars(self).items() if name != "score"}
        return {**values, "text": str(self), "score": asdict(self.score)}


class Rounds:
    """The rounds of a session."""

    def __init__(self, session: Session) -> None:
        """Nothing is read yet."""
        self.session = session
        self.path = session.folder / FILE

    def __iter__(self) -> Iterator[Round]:
        """Read the rounds, in order. Raises SeehearError that names a damaged line."""
        if not exists(self.path):
            return
        for number, line in enumerate(read_text(self.path, wide=False).splitlines(), start=1):
            if line.strip():
                where = f"{self.path}:{number}"
                yield as_model(parse_json(line, where, REMEDY), Round, where, REMEDY)

    def validation(self) -> list[str]:
        """Return the labelled clips drawn by chance."""
        return [clip for clip in self.session.labels(validation=True) if clip in self.session.files]

    def add(
        self,
        suggester: Suggester | str | Path,
        *,
        progress: bool = True,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Gain | None:
        """Run a suggester on the labelled clips drawn by chance.

        A round of the same run is replaced where it stands, and so is one of untrained networks by another. Clips that
        can't be used are left out.

        Args:
            suggester: A run folder, or what suggests labels.
            progress: Show progress.
            stopped: Asked before each clip; nothing is added once it says so.

        Returns:
            What the last round gained; None if there is no clip.
        """
        source = ParseSuggester.of_run(suggester) if isinstance(suggester, str | Path) else suggester
        clips = self.validation()
        own = self.session.suggestions
        if own.suggester is None or own.suggester.name != source.name:
            own = Suggestions(source, self.session.files)
        found = {}
        with Progress("scoring", len(clips), show=progress) as bar:
            for clip in clips:
                bar.advance(clip)
                if stopped():
                    return None
                try:
                    with costing_one_clip(self.session.files[clip]):
                        suggested = own.compute(clip).suggestions
                except ClipError as error:
                    bar.say(str(error))
                    continue
                events = [event for one in suggested for event in one.events]
                found[clip] = _Found(labels=[one.label for one in suggested], events=events)
        if not found:
            return None
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with locked(self.session.folder):
            rounds = list(self)
            new = Round(run=source.name, time=now, found=found, untrained=getattr(source, "is_untrained", False))
            place = next((n for n, one in enumerate(rounds) if new.replaces(one)), len(rounds))
            rounds[place : place + 1] = [new]
            lines = (json.dumps(one.model_dump(mode="json"), ensure_ascii=False) for one in rounds)
            atomic_text(self.path, "".join(f"{line}\n" for line in lines))
        return self.last()

    def score(self, of: Round) -> Score | None:
        """Return the score of a round on the clips drawn by chance; None if none of them has labels any more."""
        clips = [clip for clip in self.validation() if clip in of.found]
        if not clips:
            return None
        segments, timed = self._segments(of, clips)
        return Score(bootstrap(self._labels(of, clips)[None]), len(clips), segments, timed)

    def last(self) -> Gain | None:
        """Return what the last round gained; None if there is no round with labelled clips."""
        rounds = list(self)
        score_of_last = self.score(rounds[-1]) if rounds else None
        if score_of_last is None:
            return None
        last, before = rounds[-1], rounds[-2] if len(rounds) > 1 else None
        clips = [clip for clip in self.validation() if before and clip in last.found and clip in before.found]
        if before is None or not clips:
            return Gain(last.run, score_of_last, untrained=last.untrained)
        one, other = self._labels(last, clips), self._labels(before, clips)
        gain = difference(one[None], other[None])
        low, high = (gain.low, gain.high) if len(clips) >= FEWEST else (math.nan, math.nan)
        after = float(one.mean())
        return Gain(
            last.run, score_of_last, after - gain.mean, after, gain.mean, low, high, len(clips),
            untrained=last.untrained, before_untrained=before.untrained,
        )  # fmt: skip

    def _labels(self, of: Round, clips: Sequence[str]) -> Array:
        """Return the F1 of each clip's set of classes, (N,) per cent; of the classes that people choose from."""
        true = self.session.labels()
        classes = self.session.classes
        predicted = {clip: of.found[clip].labels for clip in clips}
        return 100 * label_f1(_array(predicted, clips, classes), _array(true, clips, classes))

    def _segments(self, of: Round, clips: Sequence[str]) -> tuple[Interval | None, int]:
        """Return segment-level Type@AV, per cent, over the clips whose events are all drawn, and their number."""
        true = {clip: state.events for clip in clips if (state := self.session[clip].state).timed}
        if not true:
            return None, 0
        names = self.session.classes
        predicted = {clip: _drawn(of.found[clip].events) for clip in true}
        length = max(1, *(segments_of(events) for events in (*true.values(), *predicted.values())))
        given = _activity(predicted, [*true], names, length)
        scores = score(given, _activity(true, [*true], names, length), names, Signature("", "drawn", len(true)))
        return bootstrap(100 * scores.values("segment", TYPE_AT_AV)[None]), len(true)


def _drawn(events: Sequence[ParsedEvent]) -> list[DrawnEvent]:
    return [
        DrawnEvent(event.modality, event.label, event.onset, event.offset)
        for event in events
        if event.modality in MODALITIES
    ]


def _activity(
    events: Mapping[str, Sequence[DrawnEvent]], clips: Sequence[str], classes: Sequence[str], segments: int
) -> Activity:
    """Return which segments events fill, audio and visual -> (N, T, C)."""
    arrays = {}
    for modality in MODALITIES:
        rows = tuple(
            Event(clip, event.onset, event.offset, event.label)
            for clip, own in events.items()
            for event in own
            if event.modality == modality
        )
        arrays[modality] = DenseTable(Path(modality), rows).array(clips, classes, segments, SEGMENT)
    return Activity(arrays, classes=classes)


def _array(labels: Mapping[str, Sequence[str]], clips: Sequence[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    """Return which clips have which classes, (N, C)."""
    return np.array([[name in labels[clip] for name in classes] for clip in clips], dtype=bool).reshape(len(clips), -1)


def _named(score: float, untrained: bool) -> str:
    return f"{'untrained networks ' if untrained else ''}{score:.1f}"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
