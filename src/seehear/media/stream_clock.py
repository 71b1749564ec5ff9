"""One clock for the packets of a stream, also where its own starts anew; see `seehear.media.tracks` for files."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from av.packet import Packet

from seehear.media.tracks import BACKWARD, FORWARD, REORDERED, STRAY


class Timeline:
    """The clock of a stream, in seconds.

    Attributes:
        gap: Seconds; where its own clock jumps ahead by more, it starts anew. By less, nothing came for so long.
        stop: Where the packets end so far.
        restarts: How often its own clock started anew.
        shift: Seconds to add to its own clock.
    """

    def __init__(self, gap: float) -> None:
        self.gap, self.stop, self.restarts, self.shift = gap, -math.inf, 0, 0.0

    def restart(self, moment: float) -> None:
        """Let what its own clock calls `moment` follow the packets so far."""
        self.restarts += 1
        self.shift = self.stop - moment


class TrackClock:
    """Puts the packets of one track on a timeline."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline, self._shift, self._part = timeline, 0.0, 0
        self._last: float | None = None  # seconds of the stream's own clock
        self._held: list[Packet[Any]] = []  # behind a jump: strays, or the first ones of a new part

    def add(self, packet: Packet[Any]) -> list[Packet[Any]]:
        """Take a packet. Return those that are on the timeline now: not this one, if its time may be damaged."""
        moment = _moment(packet)
        if moment is not None and self._jumps(packet, moment):
            self._held.append(packet)
            return self.flush() if len(self._held) > STRAY else []
        for stray in self._held:  # the clock goes on as if they were not there
            stray.pts = stray.dts = None
        ready, self._held = [*self._held, packet], []
        self._last = moment if moment is not None else self._last
        self._place(packet)
        return ready

    def flush(self) -> list[Packet[Any]]:
        """Return the packets behind a jump: the clock starts anew with the first of them."""
        ready, self._held = self._held, []
        if not ready:
            return []
        first, timeline = _moment(ready[0]), self._timeline
        assert first is not None  # only such packets are held
        found = self._part < timeline.restarts and abs(first + timeline.shift - timeline.stop) < FORWARD
        if not found:  # by another track
            timeline.restart(first)
        self._shift, self._part = timeline.shift, timeline.restarts
        self._last = _moment(ready[-1])
        for packet in ready:
            self._place(packet)
        return ready

    def _jumps(self, packet: Packet[Any], moment: float) -> bool:
        if self._last is None:
            return False
        back = BACKWARD if packet.dts is not None else max(BACKWARD, REORDERED * duration_of(packet))
        return moment < self._last - back or moment > self._last + self._timeline.gap

    def _place(self, packet: Packet[Any]) -> None:
        """Shift a packet's times."""
        ticks = round(self._shift / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
        start = start_of(packet)
        if start is not None:
            self._timeline.stop = max(self._timeline.stop, start + duration_of(packet))


class FrameCount:
    """The times of a video whose packets have none, such as raw H.264: by its frames, at an assumed rate."""

    def __init__(self, rate: Fraction) -> None:
        """Begin at 0. rate: frames per second."""
        self._rate, self._packets, self._frames = rate, 0, 0

    def stamp(self, packet: Packet[Any]) -> None:
        """Give the next packet its time."""
        if packet.time_base:
            packet.pts = packet.dts = round(self._packets / self._rate / packet.time_base)
            packet.duration = round(1 / self._rate / packet.time_base)
            self._packets += 1

    def moment(self) -> float:
        """Return the second at which the next frame on show begins. Packets come in another order."""
        self._frames += 1
        return float((self._frames - 1) / self._rate)


def start_of(packet: Packet[Any]) -> float | None:
    """Return the second at which a packet is shown or heard; None if it has no time."""
    stamp = packet.pts if packet.pts is not None else packet.dts
    return None if stamp is None or packet.time_base is None else float(stamp * packet.time_base)


def duration_of(packet: Packet[Any]) -> float:
    """Return the seconds that a packet lasts; 0 if it does not say."""
    return float((packet.duration or 0) * packet.time_base) if packet.time_base else 0.0


def _moment(packet: Packet[Any]) -> float | None:
    stamp = packet.dts if packet.dts is not None else packet.pts
    return None if stamp is None or packet.time_base is None else float(stamp * packet.time_base)
