"""What is written reads back as it was, as far as a format can hold it; what it can't hold is refused."""

import math
import unicodedata
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.clips import RATE, labels, parsed_clips, written
from seehear.errors import ClipError
from seehear.formats import REGISTRY, of_file
from seehear.formats.spec import FileEvents, check_writable

EXACT = {"csv", "activitynet"}  # the others keep milliseconds, or frames
IN_FRAMES = {"edl", "otio", "label-studio"}
ANY_CLASS = {*EXACT, "otio"}
WITHOUT_CONFIDENCE = {"audacity", "dense"}
SILENT = {"csv", "dense"}  # of what is not there
few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def kept(name, event):
    """The event as the format is to hold it."""
    if name in IN_FRAMES:
        onset, offset = (
            math.floor(Fraction(time) * RATE.fps + Fraction(1, 2)) / RATE.fps for time in (event.onset, event.offset)
        )
        return replace(event, onset=float(onset), offset=float(offset))
    if name not in EXACT:
        event = replace(event, onset=round(event.onset * 1000) / 1000, offset=round(event.offset * 1000) / 1000)
    return replace(event, confidence=1.0) if name in WITHOUT_CONFIDENCE else event


def read_back(files):
    whole = FileEvents()
    for file in files:
        if file.suffix == ".xml":  # the interface of Label Studio's tasks
            continue
        modality = file.stem.rpartition(".")[2]  # which audio or heard say themselves, but not touch
        reading = of_file(file).read(file, modality)
        assert not reading.notes
        for clip, by_modality in reading.by_clip.items():
            for each, located in by_modality.items():
                whole.entry(clip, each).extend(located)
    return whole


def ordered(events):
    return sorted(events, key=lambda event: (event.modality, event.onset, event.label))


@pytest.mark.parametrize("name", REGISTRY)
@few
@given(parsed=parsed_clips())
def test_events_of_a_part_read_back_on_the_clock_of_the_part(name, parsed, tmp_path_factory):
    """The files have times of the whole film where programs open that; what is read is of the clip."""
    parsed = replace(parsed, file="film.mp4#t=30.4,40")
    whole = read_back(written(name, parsed, tmp_path_factory.mktemp(name)))
    assert whole.events("clip") == ordered(kept(name, event) for event in parsed.events)


@pytest.mark.parametrize("name", REGISTRY)
@few
@given(parsed=parsed_clips(clip=st.sampled_from(["clip", "a b", "v1.2", "q'\"<&>", "Vögel 鳥 🐦", "heard.txt", "-x"])))
def test_written_events_read_back(name, parsed, tmp_path_factory):
    whole = read_back(written(name, parsed, tmp_path_factory.mktemp(name)))
    assert whole.events(parsed.clip) == ordered(kept(name, event) for event in parsed.events)
    assert set(whole.by_clip) <= {parsed.clip}
    if name not in SILENT:
        assert set(whole.by_clip[parsed.clip]) == set(parsed.modalities)


@pytest.mark.parametrize("name", REGISTRY)
@few
@given(parsed=parsed_clips(labels))
def test_any_class_is_kept_or_refused(name, parsed, tmp_path_factory):
    try:
        check_writable(parsed)
        files = written(name, parsed, tmp_path_factory.mktemp(name))
    except ClipError:
        assert any(refused(name, event.label) for event in parsed.events)
        return
    assert not any(refused(name, event.label) for event in parsed.events)
    assert read_back(files).events(parsed.clip) == ordered(kept(name, event) for event in parsed.events)


def refused(name, label):
    """Whether the format's description says that it can't hold such a class."""
    if any("\ud800" <= sign <= "\udfff" for sign in label):  # halves of characters
        return True
    if name in ANY_CLASS:
        return False
    if name == "label-studio" and label.startswith("$"):  # a variable
        return True
    if name in {"elan", "label-studio"}:  # XML 1.0, section 2.2, and 2.11 for the carriage return
        return not label.strip() or any(
            (sign < " " and sign not in "\t\n") or "\ufffe" <= sign <= "\uffff" for sign in label
        )
    breaks = any(unicodedata.category(sign) in {"Cc", "Zl", "Zp"} for sign in label)
    return not label or label != label.strip() or breaks or (name == "dense" and "," in label)


@pytest.mark.parametrize("name", REGISTRY)
def test_the_same_events_give_the_same_bytes(name, tmp_path):
    from formats.clips import DOG, clip

    (tmp_path / "a").mkdir()
    first = {file.name: file.read_bytes() for file in written(name, clip(*DOG), tmp_path)}
    second = {file.name: file.read_bytes() for file in written(name, clip(*DOG), tmp_path)}
    assert first == second
