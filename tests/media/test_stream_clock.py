"""Packets of a stream on one clock: where its own starts anew, and where single times are damaged."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from av.packet import Packet

from seehear.media.stream_clock import Timeline, TrackClock, start_of

BASE = Fraction(1, 1000)
WRAP = 2**33 / 90000  # seconds


def packets(moments, step=0.5):
    """One packet per moment, whose size is its number."""
    made = []
    for n, moment in enumerate(moments, 1):
        packet = Packet(bytes(n))
        packet.time_base = BASE
        packet.pts = packet.dts = round(moment * 1000)
        packet.duration = round(step * 1000)
        made.append(packet)
    return made


def placed(moments, gap=10.0):
    """Where a clock puts packets: (number, second)."""
    clock = TrackClock(Timeline(gap))
    done = [ready for packet in packets(moments) for ready in clock.add(packet)] + clock.flush()
    return [(packet.size, start_of(packet)) for packet in done]


def at(*moments):
    return list(enumerate(moments, 1))


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([0, 0.5, 1, 1.5], [0, 0.5, 1, 1.5]),
        ([0, 0.5, 9, 9.5], [0, 0.5, 9, 9.5]),  # a gap
        ([0, 0.5, 50, 50.5, 51, 51.5], [0, 0.5, 1, 1.5, 2, 2.5]),  # it jumps ahead
        ([7, 7.5, 8, 0, 0.5, 1, 1.5, 2], [7, 7.5, 8, 8.5, 9, 9.5, 10, 10.5]),  # it starts anew
        ([7, 7.5, 3, 3.5], [7, 7.5, 8, 8.5]),  # just before the end
        ([5, 5.5, 900, 6.5, 7], [5, 5.5, None, 6.5, 7]),  # one damaged time
        ([5, 5.5, 1, 2, 7, 7.5], [5, 5.5, None, None, 7, 7.5]),  # two
        ([0, 0.5, 1, 0.9, 1.5], [0, 0.5, 1, 0.9, 1.5]),  # a small step back
    ],
)
def test_one_track(moments, expected):
    assert placed(moments) == at(*expected)


def test_a_clock_that_wraps_goes_on():
    turn = WRAP - 1
    found = placed([turn, turn + 0.5, 0, 0.5, 1, 1.5])
    assert [second - turn for _, second in found] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5], abs=0.01)


def test_a_gap_that_the_format_allows_is_none():
    assert placed([0, 0.5, 50, 50.5], gap=3600) == at(0, 0.5, 50, 50.5)


def test_tracks_start_anew_together():
    """The second track comes a little later, and is shifted by as much as the first."""
    timeline = Timeline(10.0)
    clocks = {"one": TrackClock(timeline), "other": TrackClock(timeline)}
    found = {"one": [], "other": []}
    moments = [5, 5.5, 6, *(n / 2 for n in range(10)), *(n / 2 for n in range(6))]
    for one, other in zip(packets(moments), packets([moment + 0.1 for moment in moments]), strict=True):
        found["one"] += clocks["one"].add(one)
        found["other"] += clocks["other"].add(other)
    for name, clock in clocks.items():
        found[name] += clock.flush()
    assert timeline.restarts == 2
    seconds = {name: [start_of(packet) for packet in each] for name, each in found.items()}
    between = [other - one for one, other in zip(seconds["one"], seconds["other"], strict=True)]
    assert between == pytest.approx([0.1] * len(moments), abs=1e-6)
    assert all(0.4 < later - earlier < 0.8 for earlier, later in pairwise(seconds["one"]))
