"""The overview of a clip: thumbnails and spectrogram from what is decoded, and no plotting library for a prediction."""

import subprocess
import sys
import wave

import numpy as np
import pytest

from make_media import write
from overviews import overview
from seehear.media.overview import BANDS, COLUMNS, FLOOR, Overview, thumbnails_for
from seehear.media.reader import Media


def test_thumbnails_are_spread_over_the_clip():
    brightness = [int(frame.mean()) for frame in overview().thumbnails]
    assert np.abs(np.array(brightness) / 255 * 10 - [1, 3, 5, 7, 9]).max() < 0.3


@pytest.mark.parametrize("duration", [10.0, 300.0])
def test_a_tone_shows_where_and_when_it_sounds(duration):
    made = overview(duration, (1000.0, 0.3 * duration, 0.5 * duration)).spectrogram
    assert made.shape == (BANDS, COLUMNS)
    assert made.max() == 0
    assert made.min() == -FLOOR
    loud = np.flatnonzero(made.max(axis=0) > -20)
    assert abs(loud[0] / COLUMNS - 0.3) < 0.02
    assert abs(loud[-1] / COLUMNS - 0.5) < 0.02
    mel = 2595 * np.log10(1 + np.array([60, 1000, 7840]) / 700)
    expected = (mel[1] - mel[0]) / (mel[2] - mel[0]) * BANDS
    assert abs(made[:, loud[len(loud) // 2]].argmax() - expected) < 2


def test_a_silent_track_is_dark():
    assert (overview(tone=(1000.0, 0.0, 0.0)).spectrogram == -FLOOR).all()


def test_the_silent_track_of_a_file_is_dark(tmp_path):
    times = [n / 5 for n in range(10)]
    file = write(tmp_path / "silent.mp4", times=times, fps=5, sound=np.zeros(2 * 48000, np.float32))
    made = Overview.of(Media(file), 2)
    assert made.has_audio
    assert made.spectrogram.max() < -FLOOR / 2


def test_a_quiet_track_is_drawn_as_bright_as_a_loud_one():
    loud, quiet = (overview(level=level).spectrogram for level in (1.0, 0.003))
    assert quiet.max() == loud.max() == 0


@pytest.mark.parametrize(("aspect", "count"), [(1.0, 9), (16 / 9, 5), (9 / 16, 17), (40.0, 1)])
def test_thumbnails_fill_a_row(aspect, count):
    assert thumbnails_for(aspect) == count


@pytest.mark.parametrize(
    "module", ["seehear.parsing.parser", "seehear.media.overview", "seehear.formats", "seehear.cli.parse"]
)
def test_prediction_needs_no_plotting_library(module):
    code = f"import sys, {module}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def recording(path, rate, samples):
    """A WAV file of noise."""
    values = np.random.default_rng(rate).integers(-9000, 9000, samples).astype("<i2")
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes(values.tobytes())
    return path


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("samples", [1, 2, 3, 100, 1000])
@pytest.mark.parametrize("rate", [1, 2, 50, 88, 119, 121, 200, 8000, 48000, 192000])
def test_any_rate_and_any_duration_has_an_overview(tmp_path, rate, samples):
    made = Overview.of(Media(recording(tmp_path / "odd.wav", rate, samples)), 3).spectrogram
    assert made.shape == (BANDS, COLUMNS)
    assert np.isfinite(made).all()
    assert (made >= -FLOOR).all()
    assert (made <= 0).all()


@pytest.mark.parametrize("rate", [1, 100, 4000, 8000, 16000, 44100])
def test_what_a_rate_can_not_hold_is_dark(tmp_path, rate):
    made = Overview.of(Media(recording(tmp_path / "noise.wav", rate, 3 * max(rate, 100))), 3).spectrogram
    mel = np.linspace(*(2595 * np.log10(1 + np.array([60, 7840]) / 700)), BANDS + 1)
    lowest = 700 * (10 ** (mel[:-1] / 2595) - 1)  # Hz of each band
    above = lowest > rate / 2
    assert (made[above] == -FLOOR).all()
    assert (made[lowest < rate / 2 * 0.9].max(axis=1) > -FLOOR).all()
