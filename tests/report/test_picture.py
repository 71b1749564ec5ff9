"""A clip's picture: that what must be in it is in it."""

import numpy as np
import pytest

from seehear.media import Span
from seehear.parsing import ParsedClip, ParsedEvent
from seehear.report.picture import draw, save, thumbnails_for
from seehear.report.strip import BANDS, COLUMNS, FLOOR, Strip

RATE = 16000


class Clip:
    """What a strip needs to know of a clip."""

    def __init__(self, duration: float, has_audio: bool = True) -> None:
        self.duration, self.has_audio, self.aspect = duration, has_audio, 1.0


def spans(duration: float, tone: tuple[float, float, float], length: float = 4.0, margin: float = 0.5):
    """A clip whose picture gets brighter, with a tone of `tone` Hz from one second to another."""
    hertz, onset, offset = tone
    time = np.arange(round(-margin * RATE), round((duration + margin) * RATE)) / RATE
    wave = np.where((time >= onset) & (time < offset), np.sin(2 * np.pi * hertz * time), 0).astype(np.float32)
    start = 0.0
    while start < duration:
        stop = min(start + length, duration)
        at = np.arange(start + 0.25, stop, 0.5)
        shade = np.broadcast_to((at / duration * 255).astype(np.uint8)[:, None, None, None], (len(at), 8, 8, 3))
        sound = wave[round(start * RATE) : round((stop + 2 * margin) * RATE)]
        yield Span(start, stop, {8: np.ascontiguousarray(shade)}, at, sound, RATE, margin)
        start = stop


def strip(duration=10.0, tone=(1000.0, 3.0, 5.0), thumbnails=5, **options):
    made = Strip(Clip(duration, **options), thumbnails, 8)  # type: ignore[arg-type]
    for span in spans(duration, tone):
        made.add(span)
    return made


def test_thumbnails_are_spread_over_the_clip():
    brightness = [int(picture.mean()) for picture in strip().thumbnails]
    assert np.abs(np.array(brightness) / 255 * 10 - [1, 3, 5, 7, 9]).max() < 0.3


@pytest.mark.parametrize("duration", [10.0, 300.0])
def test_a_tone_shows_where_and_when_it_sounds(duration):
    made = strip(duration, (1000.0, 0.3 * duration, 0.5 * duration)).spectrogram
    assert made.shape == (BANDS, COLUMNS)
    assert made.max() == 0
    assert made.min() == -FLOOR
    loud = np.flatnonzero(made.max(axis=0) > -20)
    assert abs(loud[0] / COLUMNS - 0.3) < 0.02
    assert abs(loud[-1] / COLUMNS - 0.5) < 0.02
    mel = 2595 * np.log10(1 + np.array([60, 1000, 7840]) / 700)
    expected = (mel[1] - mel[0]) / (mel[2] - mel[0]) * BANDS
    assert abs(made[:, loud[len(loud) // 2]].argmax() - expected) < 2


def test_silence_is_dark():
    assert (strip(tone=(1000.0, 0.0, 0.0)).spectrogram.max(axis=0) == 0).all()  # no louder part to compare with


def parsed(clip="a", events=(), truth=None):
    joint = ("audio", "visual", "audio_visual")
    return ParsedClip(clip, f"{clip}.mp4", 10.0, 1.0, joint, "global", tuple(events), {}, truth)


EVENTS = (ParsedEvent("Dog", "audio", 0.0, 4.0, 0.9), ParsedEvent("Tea_kettle", "visual", 2.0, 10.0, 0.6))


def svg(figure, path):
    save(figure, path)
    return path.read_text()


def test_names_and_confidences_are_written(tmp_path):
    text = svg(draw(parsed(events=EVENTS), strip()), tmp_path / "a.svg")
    for word in ("heard", "seen", "both", "Dog", "Tea kettle", "0.90", "0.60", "nothing", "seconds"):
        assert f">{word}<" in text, word
    assert "truth" not in text


def test_truth_is_drawn_beneath(tmp_path):
    truth = (ParsedEvent("Cat", "audio", 1.0, 2.0, 1.0),)
    text = svg(draw(parsed(events=EVENTS, truth=truth), strip()), tmp_path / "a.svg")
    assert ">Cat<" in text
    assert "hollow: truth" in text


def test_names_are_text_not_markup(tmp_path):
    name = "$x_1$ <b>&amp; \\frac{1}{2} “äöü” 山"
    text = svg(draw(parsed(name, [ParsedEvent("$y$ & <i>", "audio", 0.0, 4.0, 0.9)]), strip()), tmp_path / "a.svg")
    assert "$x_1$ &lt;b&gt;&amp;amp; \\frac{1}{2}" in text
    assert ">$y$ &amp; &lt;i&gt;<" in text


def test_without_sound_or_picture(tmp_path):
    for made in (strip(has_audio=False), strip(thumbnails=0)):
        figure = draw(parsed(events=EVENTS), made)
        assert len(figure.axes) == 4  # three tracks, and either thumbnails or spectrogram
        save(figure, tmp_path / "a.png")


def test_the_same_picture_is_the_same_bytes(tmp_path):
    for suffix in ("png", "svg"):
        files = [tmp_path / f"{n}.{suffix}" for n in range(2)]
        for file in files:
            save(draw(parsed(events=EVENTS), strip()), file)
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(("aspect", "count"), [(1.0, 9), (16 / 9, 5), (9 / 16, 17), (40.0, 1)])
def test_thumbnails_fill_the_strip(aspect, count):
    assert thumbnails_for(aspect) == count
