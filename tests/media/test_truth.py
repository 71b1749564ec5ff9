"""Numbered frames and known clicks in every form of file: what networks are shown and hear is what FFmpeg times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media import truth
from media.truth import FORMS, Form, expected, make, sample
from seehear.media.notes import NoteKind


def check(path, fps: float, form: Form) -> None:
    """What is read agrees with the oracle to the frame and to the sample, and with what was written but for delays."""
    read = sample(path, fps)
    numbers, heard = expected(path, read.times)
    if NoteKind.AMBIGUOUS_TIMES in read.notes:  # FFmpeg gives two frames one time: which is shown is not known
        assert form.suffix in (".mpg", ".vob")
        assert max(abs(a - b) for a, b in zip(read.numbers, numbers, strict=True)) <= 2
    else:
        assert read.numbers == numbers
        assert not read.notes
    assert read.heard == pytest.approx(heard, abs=2e-3)
    if form.codec:
        assert len(read.numbers) == pytest.approx(read.duration * fps, abs=0.51)
    if form.sound:
        assert len(read.heard) == len(truth.CLICKS)
        delay = read.heard[0] - truth.CLICKS[0]  # of the encoder, or of a track that begins before the other
        assert 0 <= delay + 0.002 <= 0.11
        assert [time - delay for time in read.heard] == pytest.approx(list(truth.CLICKS), abs=3e-3)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form(form, tmp_path):
    try:
        path = make(tmp_path / "clip", form)
    except LookupError as missing:
        pytest.skip(str(missing))
    for fps in (1, 8):
        check(path, fps, form)


@pytest.mark.parametrize("fps", truth.RATES)
@pytest.mark.parametrize("codec", ["libx264", "libsvtav1"])
def test_every_rate(codec, fps, tmp_path):
    options = {"bf": "2"} if codec == "libx264" else truth.AV1
    form = replace(Form(".mkv", codec, "libopus"), fps=fps, options=options, size=128)
    check(make(tmp_path / "clip", form), 2, form)
