"""Time codes, counted label by label, and against OpenTimelineIO."""

import math
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.formats.timecode import COMMON, FrameRate, is_drop, nearest

RATES = [FrameRate.of(name) for name in COMMON]
rates = st.sampled_from(RATES)
EXACT = [24000, 24, 25, 30000, 30000, 30, 50, 60000, 60000, 60]


def minute(rate, number):
    """The labels of a minute of the day, one by one."""
    skipped = {30: 2, 60: 4}[rate.labels] if rate.drop else 0
    for second in range(60):
        for frame in range(rate.labels):
            if second == 0 and frame < skipped and number % 10 != 0:
                continue
            separator = ";" if rate.drop else ":"
            yield f"{number // 60:02}:{number % 60:02}:{second:02}{separator}{frame:02}"


def test_names_mean_exact_rates():
    assert [rate.fps for rate in RATES] == [Fraction(n, 1001 if n > 1000 else 1) for n in EXACT]
    assert [str(rate) for rate in RATES] == list(COMMON)
    assert [str(rate) for rate in RATES if rate.drop] == ["29.97df", "59.94df"]
    for same in ("23.98", "23.976", "24000/1001", 23.976, 24000 / 1001, Fraction(24000, 1001), RATES[0]):
        assert FrameRate.of(same) == RATES[0]
    assert FrameRate.of("29.97 DF") == FrameRate.of("30000/1001df") == FrameRate(Fraction(30000, 1001), drop=True)
    assert FrameRate.of("29.97ndf") == FrameRate(Fraction(30000, 1001))
    assert FrameRate.of(25) == FrameRate.of(25.0) == FrameRate.of(" 25 ")


@pytest.mark.parametrize(
    "name", ["25df", "30df", "23.976df", "17.3", "0", "-25", "25/0", "nan", "pal", "", "1e9", "2000"]
)
def test_rates_without_time_codes(name):
    with pytest.raises(SeehearError, match=r"frame rate with time codes|drop-frame time codes"):
        FrameRate.of(name)


def test_measured_rates():
    assert nearest(Fraction("29.9699")) == Fraction(30000, 1001)
    assert nearest(Fraction("24.0003")) == 24
    assert nearest(Fraction("29.5")) is None
    assert nearest(Fraction(0)) is None
    assert nearest(Fraction(10**9)) is None


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_every_label_of_twenty_one_minutes(rate):
    frame = 0
    for number in range(21):
        for label in minute(rate, number):
            assert rate.code(frame) == label
            assert rate.frame_of(label) == frame
            frame += 1


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_both_ends_of_every_minute_of_a_day(rate):
    lengths = {kind: sum(1 for _ in minute(rate, kind)) for kind in (0, 1)}
    frame = 0
    for number in range(24 * 60):
        first = next(iter(minute(rate, number)))
        assert rate.code(frame) == first
        assert rate.frame_of(first) == frame
        frame += lengths[0 if number % 10 == 0 else 1]
        last = f"{number // 60:02}:{number % 60:02}:59{';' if rate.drop else ':'}{rate.labels - 1:02}"
        assert rate.code(frame - 1) == last
        assert rate.frame_of(last) == frame - 1
    assert rate.day == frame
    assert rate.code(frame) == rate.code(0)  # after 24 hours


def test_known_drop_frame_codes():
    rate = FrameRate.of("29.97df")
    assert [rate.code(n) for n in (1799, 1800, 17981, 17982, 107892)] == [
        "00:00:59;29",
        "00:01:00;02",
        "00:09:59;29",
        "00:10:00;00",
        "01:00:00;00",
    ]
    assert abs(rate.seconds(rate.frame_of("23:59:59;29")) - 24 * 3600) < 0.2  # beside the clock, all day
    plain = FrameRate.of("29.97")
    assert math.isclose(plain.seconds(plain.frame_of("01:00:00:00")), 3603.6)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("29.97df", "00:01:00;00"),
        ("29.97df", "10:59:00;01"),
        ("59.94df", "00:01:00;03"),
        ("25", "00:00:00:25"),
        ("25", "24:00:00:00"),
        ("25", "00:60:00:00"),
        ("25", "00:00:00"),
        ("25", "0:00:00:00"),
        ("25", "00:00:00:٣٣"),
        ("25", ""),
    ],
)
def test_what_labels_no_frame(name, code):
    with pytest.raises(ValueError, match=r"is no time code|leave out"):
        FrameRate.of(name).frame_of(code)


def test_separators():
    assert [is_drop(f"00:00:00{sign}00") for sign in ":;.,"] == [False, True, True, True]
    assert not is_drop("")


@given(rate=rates, frame=st.integers(0, 24 * 3600 * 60))
def test_codes_and_times_lead_back_to_their_frame(rate, frame):
    assert rate.frame_of(rate.code(frame)) == frame % rate.day
    assert rate.frame(rate.seconds(frame)) == frame


@given(rate=rates, seconds=st.floats(0, 1e6))
def test_the_frame_of_a_time_is_the_nearest(rate, seconds):
    frame = rate.frame(seconds)
    assert abs(Fraction(frame) - Fraction(seconds) * rate.fps) <= Fraction(1, 2)


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_opentimelineio_counts_alike(rate):
    opentime = pytest.importorskip("opentimelineio").opentime
    fps = float(rate.fps)
    for frame in islice(range(0, rate.day, 9973), 500):
        time = opentime.RationalTime(frame, fps)
        code = opentime.to_timecode(time, fps, drop_frame=rate.drop)
        assert rate.code(frame) == code
        assert opentime.from_timecode(rate.code(frame), fps).value == frame
