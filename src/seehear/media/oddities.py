"""What is odd about a clip, as it is found while its packets are listed and while its tracks are decoded."""

from __future__ import annotations

import numpy as np

from seehear.media import gaps
from seehear.media.choice import Choice
from seehear.media.feeds import AudioFeed, VideoFeed
from seehear.media.notes import Note, NoteKind
from seehear.media.sound import SILENCE
from seehear.media.tracks import Listing, Track
from seehear.modality import AUDIO, VISUAL

WORTH_NOTING = 0.1  # seconds of a track that are damaged or clipped; less is a packet or two
OF_TRACKS = (NoteKind.SEVERAL_TRACKS, NoteKind.ASSUMED_RATE, NoteKind.CLOCK_RESET)  # notes that hold for every part


class Oddities:
    """The notes on a file, or on a part of one.

    Attributes:
        lost: Seconds of the clip for which the file holds no packets, though it should.
    """

    def __init__(self, choice: Choice, listing: Listing) -> None:
        """Note what the choice of tracks says."""
        self._choice = choice
        self._damaged, self._lost_in_file = listing.unread, listing.lost
        self._found: dict[tuple[NoteKind, str], Note] = {}
        self.lost = 0.0
        if choice.videos > 1:
            self.add(NoteKind.SEVERAL_TRACKS, VISUAL, choice.videos)
        if choice.audios > 1:
            self.add(NoteKind.SEVERAL_TRACKS, AUDIO, choice.audios)
        if listing.resets:
            self.add(NoteKind.CLOCK_RESET, "", listing.resets + 1)
        if choice.video and choice.video.rate:
            self.add(NoteKind.ASSUMED_RATE, VISUAL, float(choice.video.rate))

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes, in the order in which they are shown."""
        return tuple(self._found[key] for key in sorted(self._found, key=lambda key: (key[1], key[0].slug)))

    def of_part(self, span: tuple[float, float]) -> Oddities:
        """Return those of a part of the file. span: where it begins and ends, in seconds of the file's clock."""
        part = object.__new__(Oddities)
        part.__dict__ |= self.__dict__
        part._found = {key: note for key, note in self._found.items() if note.kind in OF_TRACKS}
        part.add_times(span)
        part.add_gaps(span, whole=False)
        return part

    def add(self, kind: NoteKind, modality: str, amount: float) -> None:
        """Add a note."""
        self._found[kind, modality] = Note(kind, modality, round(float(amount), 3))

    def add_times(self, span: tuple[float, float] | None = None) -> None:
        """Note frames that have the time of another one. span: where a part begins and ends."""
        video = self._choice.video
        if video is None:
            return
        stamps = video.stamps
        if span is not None:
            stamps = stamps[(video.starts >= span[0]) & (video.starts < span[1])]
        if twice := len(stamps) - len(np.unique(stamps)):
            self.add(NoteKind.AMBIGUOUS_TIMES, VISUAL, twice)

    def add_gaps(self, span: tuple[float, float], *, whole: bool) -> None:
        """Note stretches without packets. They are lost if no track has any there, and the file is damaged.

        Else a recording paused, or a track has nothing there.

        Args:
            span: Where the clip begins and ends.
            whole: Whether it is the whole file.
        """

        def within(found: gaps.Gaps) -> gaps.Gaps:
            return found if whole else gaps.inside(found, span)

        video, audio = self._choice.video, self._choice.audio
        silent = within(gaps.audio_gaps(audio)) if audio is not None else []
        tracks: dict[str, Track] = {
            name: track for name, track in ((VISUAL, video), (AUDIO, audio)) if track is not None
        }
        self.lost = min(self._lost_in_file, span[1] - span[0])
        if self._damaged or any(track.corrupt for track in tracks.values()):
            self.lost = gaps.seconds(within(gaps.empty(video, audio, silent, span))) or self.lost
        for modality in tracks if self.lost else ():
            self.add(NoteKind.DAMAGED, modality, self.lost)
        if silent and not self.lost:
            self.add(NoteKind.GAP, AUDIO, gaps.seconds(silent))

    def add_decoded(self, feed: VideoFeed | AudioFeed, fps: float, duration: float, *, complete: bool) -> None:
        """Note what was found while a track was decoded.

        Args:
            feed: The track.
            fps: Frames sampled per second.
            duration: Of the clip, seconds.
            complete: Whether it was decoded to the end of the clip.
        """
        failed = feed.failed
        if isinstance(feed, VideoFeed) and failed:
            failed = max(failed, float(feed.collector.lost.sum()) / fps)
        if isinstance(feed, AudioFeed):
            failed += feed.collector.mixer.findings.garbled / self._choice.rate
        if self.lost + failed >= WORTH_NOTING:
            self.add(NoteKind.DAMAGED, feed.modality, min(duration, self.lost + failed))
        if isinstance(feed, AudioFeed):
            self._add_samples(feed, complete=complete)

    def _add_samples(self, feed: AudioFeed, *, complete: bool) -> None:
        found, rate = feed.collector.mixer.findings, self._choice.rate
        amounts = {
            NoteKind.NOT_FINITE: found.not_finite,
            NoteKind.OPPOSITE_PHASE: found.cancelled / rate,
            NoteKind.ASSUMED_LAYOUT: found.unknown_layout,
            NoteKind.TOO_LOUD: found.peak if self._choice.unbounded and found.peak > 1 else 0,
            NoteKind.CLIPPED: found.clipped / rate if found.clipped / rate >= WORTH_NOTING else 0,
            NoteKind.SILENT: float((feed.ended or complete) and found.heard <= SILENCE),
        }
        for kind, amount in amounts.items():
            if amount:
                self.add(kind, AUDIO, amount)
