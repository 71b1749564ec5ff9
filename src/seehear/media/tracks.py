"""The tracks of a media file: what their packets say before anything is decoded, and one clock for all of them.

Packets are listed for every track. Where the clock of a file starts anew, as it does where recordings were joined byte
by byte, the parts are put one after another. `Track.packets` then yields packets whose time stamps lie on that clock.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import chain, pairwise
from typing import Any

import av
import numpy as np
from av.container.input import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from seehear.media.opening import formats

BACKWARD = 0.7  # seconds by which the clock of a track runs backward where it starts anew
FORWARD = 10.0  # seconds by which it jumps ahead there, in formats for broadcasts, as ffmpeg takes it
BROADCASTS = frozenset(("mpegts", "mpeg", "mpegtsraw"))  # formats whose clock may jump
COUNTED = frozenset(("aac", "ac3", "amr", "dts", "eac3", "mp3"))  # formats whose times are a count of packets
REORDERING = frozenset(("h264", "hevc"))  # codecs whose times such a format gives in the order of decoding
PARSED = COUNTED - {"mp3"}  # those whose packets have no places in the file
CHUNKED = frozenset(("avi",))  # the same, with the size of each packet in front of it
SEAMLESS = frozenset(("flac",))  # formats that can't leave anything out, and whose packets have no places
FAR_MORE, LEAST_HOLE = 2.0, 300  # times the usual, and bytes: more than formats put between packets
LEAST_LOST = 1024  # bytes between packets that are worth a note
LOST = 0.5  # seconds of unreadable bytes that are worth a note
WRAP = 2**33  # ticks after which the clock of a broadcast begins at 0
REORDERED = 16  # frames by which their order in a file differs at most from that on show
STRAY = 3  # packets with a damaged time between two that follow each other
MAX_FAILURES = 100  # reads in a row that fail before the rest of a file is given up
HIGHEST_RATE = 240  # frames per second that a codec can state in earnest
USUAL_RATE = Fraction(25)  # frames per second where a file has no times at all, as FFmpeg assumes
UNKNOWN = -(2**63)  # ticks of a packet without a time
NO_PLACE = -1  # of a packet that a format has put together
PREROLL = (
    1.0  # seconds before a moment from which a file's index is followed, and audio decoded: it takes that to settle
)
Stream = av.VideoStream | av.AudioStream


@dataclass
class Track:
    """The packets of a track, in the order of the file.

    Attributes:
        index: Of the stream in the file.
        base: Seconds per tick of the time stamps.
        stamps: (n,) the time at which each packet is shown or heard, in ticks of the clip's clock.
        durations: (n,) in ticks; 0 where the file doesn't give it.
        timed: Whether every packet has a presentation time stamp.
        rate: Frames per second that are assumed, if no packet has a time; else None.
        counted: Whether decoded frames have no times of their own: the n-th one on show has the n-th stamp.
        corrupt: Numbers of packets that the file's own checks found damaged.
        keys: (n,) bool, the packets at which decoding can begin.
        places: (n,) the byte of the file at which each packet begins; NO_PLACE where it isn't known.
    """

    index: int
    base: Fraction
    stamps: NDArray[np.int64]
    durations: NDArray[np.int64]
    timed: bool = True
    rate: Fraction | None = None
    counted: bool = False
    corrupt: frozenset[int] = frozenset()
    keys: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _parts: list[tuple[int, int]] = field(default_factory=list)  # (number of the first packet, ticks to add)
    _strays: frozenset[int] = frozenset()  # packets whose time is damaged

    @property
    def starts(self) -> NDArray[np.float64]:
        """Seconds of the clip's clock at which each packet begins, (n,)."""
        return np.asarray(self.stamps * float(self.base), dtype=np.float64)

    @property
    def ends(self) -> NDArray[np.float64]:
        """Seconds of the clip's clock at which each packet ends, (n,)."""
        return np.asarray((self.stamps + self.durations) * float(self.base), dtype=np.float64)

    @cached_property
    def ordered(self) -> NDArray[np.int64]:
        """The stamps in the order in which packets are shown or heard, (n,)."""
        return np.sort(self.stamps)

    @cached_property
    def usual_step(self) -> float:
        """The seconds from one packet to the next, as most are; 0 for a single packet."""
        return float(np.median(np.diff(self.ordered))) * float(self.base) if len(self.stamps) > 1 else 0.0

    def stamp_of(self, number: int) -> int:
        """Return the stamp of the frame that is the number-th on show, from 0, where `counted`."""
        return int(self.ordered[min(number, len(self.ordered) - 1)])

    @property
    def has_one_clock(self) -> bool:
        """Whether the time stamps of the file are those of the clip, so that its index leads to the right place."""
        return not self.counted and not self._strays and [shift for _, shift in self._parts] in ([], [0])

    def entry(self, moment: float) -> int:
        """Return the number of the packet from which to decode what is shown or heard from a moment on.

        Args:
            moment: Seconds of the clip's clock.
        """
        if self.counted:
            return 0
        shown = int(np.searchsorted(self.ordered, (moment + 1e-6) / float(self.base), side="right")) - 1
        before = np.flatnonzero(self.keys & (self.stamps <= self.ordered[max(0, shown)]))
        return int(before[-1]) if len(before) else 0

    def last_before(self, moment: float) -> int:
        """Return the number of the last packet that begins before a moment, in seconds; 0 if there is none."""
        before = np.flatnonzero(self.stamps < moment / float(self.base) - 1e-6)
        return int(before[-1]) if len(before) else 0

    def packets(self, container: InputContainer, first: int = 0) -> Iterator[tuple[Packet[Any], int]]:
        """Yield every packet of the track on the clip's clock, with its number; -1 for a packet without content.

        The last packet is empty: a decoder returns the frames it still holds for it.

        Args:
            container: The file, from its beginning.
            first: Number of the first packet to yield. Those before it are read and passed over.
        """
        begun = first == 0
        for packet, number in self._numbered(demux(container, [container.streams[self.index]]), 0):
            begun = begun or number >= first
            if begun:
                yield packet, number

    def sought(self, container: InputContainer, first: int) -> Iterator[tuple[Packet[Any], int]] | None:
        """Return the packets from number `first` on, as `packets` does, found by the file's index.

        None if it doesn't lead there for certain: to packets that are known by their times and places. Then the file
        has to be read from its beginning.
        """
        if not self.has_one_clock:
            return None
        try:
            container.seek(int((float(self.stamps[first] * self.base) - PREROLL) * av.time_base))
        except av.FFmpegError:
            return None  # a file without an index
        packets = demux(container, [container.streams[self.index]])
        number: int | None = None
        for packet in packets:
            if _is_header(packet) or (packet.size and not has_content(packet)):
                continue
            number = self._number_of(packet, number)
            if number is None or number > first:
                return None
            if number == first:
                return self._numbered(chain([packet], packets), first)
        return None

    def _number_of(self, packet: Packet[Any], previous: int | None) -> int | None:
        """Return the number of a packet that follows another one; None if it isn't known for certain."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if not packet.size or stamp is None:
            return None
        alike = self.stamps == stamp
        if packet.pos is not None:
            alike &= (self.places == packet.pos) | (self.places == NO_PLACE)
        found = np.flatnonzero(alike)
        if previous is not None:
            return previous + 1 if previous + 1 in found else None
        return int(found[0]) if len(found) == 1 else None

    def _numbered(self, packets: Iterable[Packet[Any]], number: int) -> Iterator[tuple[Packet[Any], int]]:
        """Yield packets of the track on the clip's clock, with their numbers. number: of the first with content."""
        part = 0
        for packet in packets:
            if _is_header(packet):
                continue  # its decoder would begin anew, and lose the first frames
            if not has_content(packet):
                yield packet, -1
                continue
            while part + 1 < len(self._parts) and self._parts[part + 1][0] <= number:
                part += 1
            if number in self._strays:
                packet.pts = packet.dts = None
            elif self._parts and (shift := self._parts[part][1]):
                packet.pts = packet.pts + shift if packet.pts is not None else None
                packet.dts = packet.dts + shift if packet.dts is not None else None
            yield packet, number
            number += 1


class Listing:
    """What the packets of all tracks of a file say.

    Attributes:
        tracks: Track per index of a stream, of those with packets.
        resets: How often the clock starts anew.
        end: Seconds of the file's clock at which the last packet of any track ends, subtitles included.
        last_byte: The place behind the last byte of a packet.
        unread: Whether bytes between packets were passed over that are no packet's, as where a file is damaged.
        lost: Seconds that are missing between packets of a format that has no times, as far as bytes tell.
        given_up: Whether the rest of the file can't be read.
        late_tracks: Whether tracks appeared that were not known when the file was opened.
    """

    def __init__(self, container: InputContainer) -> None:
        """Read all packets of a file. Decodes nothing."""
        self.late_tracks = self.given_up = False
        self.end = -math.inf
        names = formats(container)
        self._broadcast, self._chunked = bool(BROADCASTS & names), bool(CHUNKED & names)
        self._raw: dict[int, _Raw] = {}
        places = array("q")  # of the packets' first and last bytes, in turn
        for order, packet in enumerate(demux(container, container.streams, self)):
            if has_content(packet):
                if packet.pos is not None:
                    places.extend((packet.pos, packet.pos + packet.size))
                self._raw.setdefault(packet.stream_index, _Raw()).add(packet, order)
                self.end = max(self.end, _end_of(packet))
        self.resets = 0
        self.tracks = {each.index: self._track(each) for each in streams_of(container) if each.index in self._raw}
        self.last_byte = max(places, default=0)
        extents = np.array(places, dtype=np.int64).reshape(-1, 2)
        extents = extents[np.argsort(extents[:, 0], kind="stable")]
        self.unread = bool(SEAMLESS & names) or _passed_over(extents)
        self.lost = self._lost(container, extents)
        self._join()

    def _lost(self, container: InputContainer, at: NDArray[np.int64]) -> float:
        """Return the seconds that unreadable bytes stand for, where packets follow one another without times.

        Args:
            container: The file.
            at: (n, 2) the places of each packet's first byte, in order, and of the byte behind its last one.
        """
        names = formats(container)
        if not names & (COUNTED | CHUNKED) or len(at) < 2:
            return 0.0
        holes = at[1:, 0] - (at[:-1, 1] if names & CHUNKED else at[:-1, 0])  # a parser puts garbage into a packet
        held = max(float(track.ends.max() - track.starts.min()) for track in self.tracks.values())
        total = int(at[-1, 1] - at[0, 0])
        usual = 0 if names & CHUNKED else int(np.median(holes))
        least = max(LEAST_LOST, LOST * total / max(held, LOST))
        large = holes > max(least, 8 * usual)
        bytes_lost = int((holes[large] - usual).sum())
        if names & PARSED:  # a parser keeps unreadable bytes in a packet, or counts only those of packets
            sizes = at[:, 1] - at[:, 0]
            kept = int(sizes[sizes > max(least, 8 * np.median(sizes))].sum())
            skipped = container.size - int(at[0, 0] + sizes.sum())
            bytes_lost = kept + (skipped if skipped > least else 0)
            total += max(0, skipped)
        return held * bytes_lost / max(1, total - bytes_lost)

    def _track(self, stream: Stream) -> Track:
        raw = self._raw[stream.index]
        corrupt = frozenset(raw.corrupt)
        if raw.untimed:
            rate = assumed_rate(stream) if isinstance(stream, av.VideoStream) else None
            stamps = np.arange(len(raw.shown), dtype=np.int64)
            base = 1 / (rate or USUAL_RATE)
            return Track(stream.index, base, stamps, np.ones_like(stamps), False, rate, True, corrupt)
        base = Fraction(stream.time_base or Fraction(1, av.time_base))
        stamps, durations = (np.array(each, dtype=np.int64) for each in (raw.shown, raw.durations))
        entries = np.array(raw.keys, dtype=bool), np.array(raw.at, dtype=np.int64)
        counted = self._chunked and stream.codec_context.codec.canonical_name in REORDERING
        track = Track(stream.index, base, stamps, durations, raw.timed, None, counted, corrupt, *entries)
        ordered, disorder = raw.clock()
        cuts, strays = _breaks(np.asarray(ordered * float(base)), disorder, self._broadcast)
        wraps = {n for n in cuts if self._broadcast and abs(int(ordered[n] - ordered[n - 1]) + WRAP) < FORWARD / base}
        raw.wraps = sorted(wraps)
        for number in raw.wraps:
            track.stamps[number:] += WRAP
        track._parts = [(0, 0), *((number, turn * WRAP) for turn, number in enumerate(raw.wraps, 1))]
        track._strays = strays
        raw.cuts = [n for n in cuts if n not in wraps]
        raw.places = [raw.order[n] for n in raw.cuts]
        return track

    def _join(self) -> None:
        """Put the parts of a file one after another where its clock starts anew."""
        used = [track for track in self.tracks.values() if track.rate is None]
        boundaries = max((self._raw[track.index].places for track in used), key=len, default=[])
        self.resets = len(boundaries)
        if not boundaries:
            return
        pieces = {track.index: self._pieces(track, boundaries) for track in used}
        stop = -math.inf
        for part in range(len(boundaries) + 1):
            spans = {
                track.index: piece
                for track in used
                if (piece := pieces[track.index].get(part)) is not None and piece[1] > piece[0]
            }
            first = min((float(self.tracks[n].starts[a:b].min()) for n, (a, b) in spans.items()), default=0.0)
            shift = stop - first if part and math.isfinite(stop) else 0.0
            for n, (a, b) in spans.items():
                self._shift(self.tracks[n], a, b, shift)
            stop = max([stop, *(float(self._ends(self.tracks[n], a, b)) for n, (a, b) in spans.items())])

    def _pieces(self, track: Track, boundaries: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Return part -> numbers of the first packet of a track in it, and of the first one behind it.

        A track whose clock starts anew as often as that of the file has its own boundaries. Any other track is cut
        where the file is.
        """
        raw = self._raw[track.index]
        cuts = raw.cuts
        if len(cuts) != len(boundaries):
            cuts = [int(n) for n in np.searchsorted(np.array(raw.order), boundaries)]
        edges = [0, *cuts, len(track.stamps)]
        return dict(enumerate(pairwise(edges)))

    def _shift(self, track: Track, first: int, stop: int, seconds: float) -> None:
        ticks = round(seconds / track.base)
        track.stamps[first:stop] += ticks
        inside = [(max(number, first), shift) for number, shift in self._wrapped(track, first) if number < stop]
        others = [each for each in track._parts if not first <= each[0] < stop]
        track._parts = sorted([*others, *((number, shift + ticks) for number, shift in inside)])

    def _wrapped(self, track: Track, first: int) -> list[tuple[int, int]]:
        """Return what wrapping adds, from the last wrap at or before packet `first` on."""
        wraps = self._raw[track.index].wraps
        turns = sum(number <= first for number in wraps)
        return [(first, turns * WRAP), *((number, (n + 1) * WRAP) for n, number in enumerate(wraps) if number > first)]

    def _ends(self, track: Track, first: int, stop: int) -> float:
        ends = track.ends[first:stop]
        last = int(np.argmax(ends))
        if not track.durations[first + last] and stop - first > 1:  # the last frame lasts as long as the one before
            return float(ends[last] + np.median(np.diff(np.sort(track.starts[first:stop]))))
        return float(ends[last])


class _Raw:
    """The packets of one track as the file has them, in ticks."""

    def __init__(self) -> None:
        self.shown, self.decoded, self.durations, self.order = array("q"), array("q"), array("q"), array("q")
        self.keys, self.at = array("b"), array("q")
        self.timed, self.untimed = True, True
        self.corrupt: list[int] = []
        self.wraps: list[int] = []  # numbers of packets at which the clock wraps around
        self.cuts: list[int] = []  # numbers of packets at which the clock starts anew
        self.places: list[int] = []  # the same, as numbers among the packets of all tracks

    def clock(self) -> tuple[NDArray[np.int64], int]:
        """Return the ticks in whose order the packets are, (n,), and by how many packets that order may be wrong.

        Packets are in the order in which they are decoded. Where nothing says when that is, it is when they are shown.
        """
        decoded = np.array(self.decoded, dtype=np.int64)
        known = np.flatnonzero(decoded != UNKNOWN)
        if not len(known):
            return np.array(self.shown, dtype=np.int64), REORDERED
        nearest = known[np.clip(np.searchsorted(known, np.arange(len(decoded))), 0, len(known) - 1)]
        return decoded[nearest], 2

    def add(self, packet: Packet[Any], order: int) -> None:
        stamps = [stamp for stamp in (packet.pts, packet.dts) if stamp is not None]
        self.timed = self.timed and packet.pts is not None
        self.untimed = self.untimed and not stamps
        if packet.is_corrupt:
            self.corrupt.append(len(self.shown))
        self.shown.append(stamps[0] if stamps else self.shown[-1] if len(self.shown) else 0)
        self.decoded.append(UNKNOWN if packet.dts is None else packet.dts)
        self.durations.append(max(0, packet.duration or 0))
        self.order.append(order)
        self.keys.append(packet.is_keyframe)
        self.at.append(NO_PLACE if packet.pos is None else packet.pos)


def _passed_over(at: NDArray[np.int64]) -> bool:
    """Return whether there are far more bytes between two packets than between others.

    Args:
        at: (n, 2) the places of each packet's first byte, and of the byte behind its last one.
    """
    if len(at) < 4:
        return False
    starts = np.unique(at[:, 0])  # several packets may begin in one page
    sizes = np.zeros(len(starts), dtype=np.int64)
    np.add.at(sizes, np.searchsorted(starts, at[:, 0]), at[:, 1] - at[:, 0])
    holes = np.maximum(0, np.diff(starts) - sizes[:-1])
    return len(holes) > 0 and bool(
        holes.max() > max(LEAST_HOLE, FAR_MORE * float(np.quantile(holes, 0.95, method="lower")))
    )


def _breaks(times: NDArray[np.float64], disorder: int, broadcast: bool) -> tuple[list[int], frozenset[int]]:
    """Return the numbers of packets at which a clock starts anew, and those of packets whose time is damaged.

    Args:
        times: (n,) seconds of the packets, in the order of the file.
        disorder: By how many packets that order may differ from the order of time.
        broadcast: Whether the clock may jump ahead.
    """
    steps = np.diff(times)
    usual = float(np.median(np.abs(steps))) if len(steps) else 0.0
    back, ahead = max(BACKWARD, disorder * usual), max(FORWARD, 20 * usual)
    odd = (np.flatnonzero((steps < -back) | (broadcast & (steps > ahead))) + 1).tolist()
    cuts: list[int] = []
    strays: set[int] = set()
    while odd:
        number = odd.pop(0)
        if odd and odd[0] - number <= STRAY and -back < times[odd[0]] - times[number - 1] < ahead:
            strays.update(range(number, odd.pop(0)))  # the clock goes on as if these packets were not there
        else:
            cuts.append(number)
    return cuts, frozenset(strays)


def streams_of(container: InputContainer) -> list[Stream]:
    """Return the video and audio streams of a file that FFmpeg has a decoder for."""
    streams: list[Stream] = [*container.streams.video, *container.streams.audio]
    return [each for each in streams if each.codec_context]


def demux(container: InputContainer, streams: Any, listing: Listing | None = None) -> Iterator[Packet[Any]]:
    """Yield the packets of streams, and go on behind what can't be read."""
    failures, broken = 0, False
    while failures < MAX_FAILURES:
        try:
            for packet in container.demux(*streams):
                if packet.size:
                    failures, broken = 0, False
                yield packet
            break
        except IndexError:  # PyAV doesn't know the streams that appear in the midst of a file
            if listing is not None:
                listing.late_tracks = True
        except av.FFmpegError:
            failures, broken = failures + 1, True
    if listing is not None:
        listing.given_up = broken


def has_content(packet: Packet[Any]) -> bool:
    """Return whether a packet holds content that no edit list cuts off."""
    return packet.size > 0 and not packet.is_discard and not _is_header(packet)


def _is_header(packet: Packet[Any]) -> bool:
    """Return whether a packet is a header of Theora, which comes again where Ogg files were joined."""
    codec = packet.stream.codec_context
    theora = codec is not None and packet.size > 0 and codec.codec.canonical_name == "theora"
    return theora and bool(memoryview(packet)[0] & 0x80)


def assumed_rate(stream: av.VideoStream) -> Fraction:
    """Return the frames per second of a video whose packets have no times: the codec's, else FFmpeg's guess."""
    stated = stream.codec_context.framerate
    return Fraction(stated if stated and 1 <= stated <= HIGHEST_RATE else stream.average_rate or USUAL_RATE)


def _end_of(packet: Packet[Any]) -> float:
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is None or packet.time_base is None:
        return -math.inf
    # Divides whole numbers, which rounds as a fraction does and takes a tenth of its time.
    return (stamp + (packet.duration or 0)) * packet.time_base.numerator / packet.time_base.denominator
