"""A session: what is saved, what another process may change, and what a kill may leave."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading

import pytest

from seehear.errors import SeehearError
from seehear.labelling import Choice, ClipLabels, ConflictError, DrawnEvent, Session, Status
from seehear.labelling.records import checked
from seehear.labels import read_dense, read_weak

from .made import CLASSES, clips


@pytest.fixture
def place(tmp_path):
    """The folder of the labels; clips lie beside it."""
    clips(tmp_path / "clips")
    return tmp_path / "labels"


def opened(place, **settings):
    return Session(place, place.parent / "clips", **{"classes": CLASSES, "by": "ann", **settings})


def rows(place, name):
    return [line.split("\t") for line in (place / name).read_text("utf-8").splitlines()[1:]]


def test_labels_are_llps_tables(place):
    session = opened(place)
    session.label("clip_001", ["Dog", "Cat"])
    session.label("clip_000", {"Speech": "audio", "Dog": None})
    session.draw("clip_000", [DrawnEvent("audio", "Speech", 1, 2.5), DrawnEvent("visual", "Dog", 0, 4)], timed=True)
    assert read_weak(place / "weak.csv").labels == {"clip_000": ("Speech", "Dog"), "clip_001": ("Dog", "Cat")}
    (event,) = read_dense(place / "audio.csv").events
    assert (event.clip, event.label, event.onset, event.offset) == ("clip_000", "Speech", 1, 2.5)
    assert [event.label for event in read_dense(place / "visual.csv").events] == ["Dog"]
    assert rows(place, "modalities.csv") == [["clip_000", "Speech", "audio"]]
    again = opened(place)
    assert again["clip_000"] == session["clip_000"]
    assert again["clip_000"].state.timed


def test_nothing_of_ours_is_not_unlabelled(place):
    session = opened(place)
    session.label("clip_003", [])
    session.change("clip_004", ClipLabels({"Dog": None}))
    statuses = [session.status(f"clip_00{n}") for n in (3, 4, 5)]
    assert statuses == [Status.NOTHING, Status.DRAFT, Status.UNLABELLED]
    assert rows(place, "weak.csv") == [["clip_003", ""]]
    assert (session.summary().labelled, session.summary().nothing, session.summary().left) == (1, 1, 9)


def test_undo_goes_back_across_clips_and_restarts(place):
    session = opened(place)
    states = [dict(session._records)]
    for clip, labels in (("clip_000", ["Dog"]), ("clip_001", []), ("clip_000", ["Cat"]), ("clip_002", ["Dog", "Cat"])):
        session.label(clip, labels)
        states.append(dict(session._records))
    states.pop()
    session = opened(place)
    while states:
        clip, record = session.undo()
        assert record == session[clip]
        before = states.pop()
        assert {name: each.state for name, each in session._records.items()} == {
            name: each.state for name, each in before.items()
        }
    assert session.undo() is None
    assert rows(place, "weak.csv") == []
    assert len((place / "changes.jsonl").read_text().splitlines()) == 8  # nothing is forgotten


def test_undo_leaves_what_others_changed_since(place):
    ann, bob = opened(place), opened(place, by="bob")
    ann.label("clip_000", ["Dog"])
    ann.label("clip_001", ["Dog"])
    bob.label("clip_001", ["Cat"])
    assert ann.undo()[0] == "clip_000"
    assert ann.undo() is None
    assert list(ann["clip_001"].state.labels) == ["Cat"]


def test_two_sessions_do_not_overwrite_each_other(place):
    ann, bob = opened(place), opened(place, by="bob")
    seen = bob["clip_000"].version
    ann.change("clip_000", ClipLabels({"Dog": None}, True), version=seen)
    with pytest.raises(ConflictError, match="changed by ann meanwhile") as conflict:
        bob.change("clip_000", ClipLabels({"Cat": None}, True), version=seen)
    assert conflict.value.record.state.labels == {"Dog": None}
    assert bob["clip_000"].state.labels == {"Dog": None}
    bob.change("clip_000", ClipLabels({"Cat": None}, True), version=bob["clip_000"].version)
    ann.refresh()
    assert ann["clip_000"].state.labels == {"Cat": None}
    lines = [json.loads(line) for line in (place / "changes.jsonl").read_text().splitlines()]
    assert [(line["by"], line["version"]) for line in lines] == [("ann", 1), ("bob", 2)]


def test_threads_lose_no_change(place):
    sessions = [opened(place, by=f"p{n}") for n in range(2)]

    def work(n):
        for m in range(5):
            sessions[n % 2].label(f"clip_00{m + 5 * (n // 2)}", [CLASSES[n % 2]])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in (place / "changes.jsonl").read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(1, 21))
    last = {line["clip"]: list(line["state"]["labels"]) for line in lines}
    assert dict(read_weak(place / "weak.csv").labels) == {clip: tuple(names) for clip, names in sorted(last.items())}


WRITER = """
import sys
from seehear.labelling import Session
session = Session(sys.argv[1], sys.argv[2], classes=["Dog", "Cat"], by="writer")
print("ready", flush=True)
for n in range(10_000):
    clip, names = f"clip_00{n % 10}", ["Dog"] if n % 3 else ["Cat"]
    version = session.label(clip, names).version
    print(clip, names[0], version, session.summary().labelled, flush=True)
"""


def test_a_killed_writer_loses_no_acknowledged_change(place):
    chance = random.Random(0)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(place), str(place.parent / "clips")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            lines = [process.stdout.readline() for _ in range(chance.randint(2, 25))]
            os.kill(process.pid, signal.SIGKILL)
            lines += process.stdout.readlines()
        acknowledged = [line.split() for line in lines[1:] if line.endswith("\n")]
        session = opened(place)
        for clip, label, version, _ in {line[0]: line for line in acknowledged}.values():
            record = session[clip]
            if record.version == int(version):
                assert list(record.state.labels) == [label]
            else:  # a change that was written and not acknowledged any more
                assert record.version == int(version) + 1
        done = {clip: tuple(names) for clip, names in session.labels().items()}
        assert dict(read_weak(place / "weak.csv").labels) == done


def test_a_line_that_was_cut_off_goes_and_others_stay(place):
    session = opened(place)
    session.label("clip_000", ["Dog"])
    with (place / "changes.jsonl").open("ab") as stream:
        stream.write(b'{"number":2,"clip":"clip_0')
    again = opened(place)
    again.label("clip_001", ["Cat"])
    assert opened(place).labels() == {"clip_000": ["Dog"], "clip_001": ["Cat"]}


@pytest.mark.parametrize("damage", ["{}", "[1]", "no JSON", '{"number": true}', "\xff"])
def test_a_damaged_line_is_named(place, damage):
    opened(place).label("clip_000", ["Dog"])
    with (place / "changes.jsonl").open("a", encoding="latin-1") as stream:
        stream.write(f"{damage}\n")
    with pytest.raises(SeehearError, match=r"changes\.jsonl:2"):
        opened(place)


def test_tables_behind_the_log_are_written_again(place):
    """As a kill between the log and the tables leaves them, or a loss of power, or someone who deleted them."""
    session = opened(place)
    session.label("clip_000", ["Dog"])
    kept = {file.name: file.read_bytes() for file in place.glob("*.*") if file.suffix in (".csv", ".json")}
    session.label("clip_001", ["Cat"])
    new = {name: (place / name).read_bytes() for name in kept}
    for name, data in kept.items():
        (place / name).write_bytes(data)
    opened(place)
    assert {name: (place / name).read_bytes() for name in kept} == new
    for name in kept:
        if name.endswith(".csv"):
            (place / name).write_bytes(b"" if name < "m" else b"\0\0")
    (place / "val.csv").unlink()
    opened(place)
    assert {name: (place / name).read_bytes() for name in kept} == new


def test_tables_that_were_edited_by_hand_count(place):
    session = opened(place)
    session.label("clip_000", {"Dog": "audio"})
    session.label("clip_001", ["Cat"])
    weak = (place / "weak.csv").read_text()
    (place / "weak.csv").write_text(weak.replace("clip_001\tCat", "clip_002\tBird") + "clip_003\t\n")
    (place / "audio.csv").write_text("filename\tonset\toffset\tevent_labels\nclip_000\t1\t3\tDog\n")
    session.label("clip_004", ["Dog"])  # also while it is open
    assert session.labels() == {"clip_000": ["Dog"], "clip_002": ["Bird"], "clip_003": [], "clip_004": ["Dog"]}
    assert session["clip_000"].state.events == (DrawnEvent("audio", "Dog", 1, 3),)
    assert session.classes == (*CLASSES, "Bird")
    lines = [json.loads(line) for line in (place / "changes.jsonl").read_text().splitlines()]
    assert {line["by"] for line in lines} == {"ann", "weak.csv"}
    (place / "weak.csv").write_text("filename\tonset\n1\t2\n")
    with pytest.raises(SeehearError, match=r"weak\.csv:1"):
        session.label("clip_005", ["Dog"])
    assert (place / "weak.csv").read_text() == "filename\tonset\n1\t2\n"


def test_an_edited_table_that_follows_from_others_is_not_overwritten(place):
    opened(place).label("clip_000", ["Dog"])
    (place / "train.csv").write_text("mine")
    with pytest.raises(SeehearError, match=r"train\.csv: was changed by another program"):
        opened(place)
    assert (place / "train.csv").read_text() == "mine"


@pytest.mark.parametrize("name", ["weak.csv", "audio.csv", "train.csv", "val.csv"])
def test_tables_of_someone_else_are_kept(place, name):
    place.mkdir()
    (place / name).write_text("mine")
    with pytest.raises(SeehearError, match="was not written by `label`"):
        opened(place)
    assert [file.name for file in place.iterdir()] == [name]
    assert (place / name).read_text() == "mine"


def test_random_clips_validate_and_others_train(place):
    session = opened(place, every=3)
    for _ in range(6):
        clip, choice = session.next()
        session.change(clip, ClipLabels({"Dog": None}, True), choice=choice)
    by_hand = next(clip for clip in session.clips if session.chooser.is_random(clip) and not session[clip].state.done)
    session.label(by_hand, ["Cat"])
    val, train = (set(read_weak(place / name).labels) for name in ("val.csv", "train.csv"))
    assert len(val) == 2
    assert all(session.chooser.is_random(clip) and session[clip].choice == Choice.RANDOM for clip in val)
    assert by_hand in train  # who chooses a clip for what it shows does not draw it by chance
    assert val | train == set(read_weak(place / "weak.csv").labels)
    assert not val & train
    other = next(clip for clip in session.clips if not session.chooser.is_random(clip) and not session[clip].version)
    assert session.change(other, ClipLabels({}, True), choice=Choice.RANDOM).choice == Choice.PERSON


def test_a_clip_is_labelled_as_it_was_offered(place):
    session = opened(place, every=3)
    by_chance = set()
    for n in range(6):
        clip, choice = session.next()
        if n % 2:
            session.label(clip, ["Dog"])
        else:
            session.draw(clip, [DrawnEvent("audio", "Dog", 1, 2)])
            session.label(clip, ["Dog"])
        by_chance |= {clip} if choice == Choice.RANDOM else set()
    assert by_chance
    assert set(read_weak(place / "val.csv").labels) == by_chance
    while (offered := session.next()) and offered[1] != Choice.RANDOM:
        session.label(offered[0], [])
    assert session.label(offered[0], ["Dog"], choice=Choice.PERSON).choice == Choice.PERSON


def test_a_class_that_is_not_among_those_given_is_refused(place):
    session = opened(place)
    for change in (
        lambda: session.label("clip_000", {"Dgo": None}),
        lambda: session.draw("clip_000", [DrawnEvent("audio", "Dgo", 1, 2)]),
    ):
        with pytest.raises(SeehearError, match=r"'Dgo' is none of the classes \(Dog, Speech, Cat\); `add_class` adds"):
            change()
    assert session["clip_000"].version == 0
    session.add_class("Dgo")
    assert session.label("clip_000", ["Dgo"]).version == 1
    assert opened(place, classes=()).label("clip_001", ["Bird"]).version == 1  # any class, where none was given


def test_clips_that_are_gone_keep_their_labels(place):
    opened(place).label("clip_009", ["Dog"])
    (place.parent / "clips" / "clip_009.mp4").unlink()
    session = opened(place)
    assert "clip_009" not in session.clips
    assert session.summary().labelled == 0
    assert rows(place, "weak.csv") == [["clip_009", "Dog"]]


def test_labels_agree_with_drawn_events():
    events = [DrawnEvent("audio", "Dog", 1, 3), DrawnEvent("audio", "Dog", 3, 4), DrawnEvent("audio", "Dog", 6, 7)]
    state = checked({"Dog": "visual"}, [*events, DrawnEvent("visual", "Cat", 0, 1)])
    assert state.labels == {"Dog": "audio_visual", "Cat": None}
    assert state.events == (
        DrawnEvent("audio", "Dog", 1, 4), DrawnEvent("audio", "Dog", 6, 7), DrawnEvent("visual", "Cat", 0, 1)
    )  # fmt: skip
    for labels, wrong in (
        ({"Dog": "smelt"}, []),
        ({"a,b": None}, []),
        ({"a\n": None}, []),
        ({}, [DrawnEvent("audio", "Dog", 2, 2)]),
        ({}, [DrawnEvent("audio_visual", "Dog", 1, 2)]),
    ):
        with pytest.raises(SeehearError):
            checked(labels, wrong)


def test_classes_are_added_once(place):
    session = opened(place)
    assert session.add_class("Baby cry") == "Baby cry"
    assert session.add_class("baby_cry") == "Baby cry"
    assert opened(place).classes == (*CLASSES, "Baby cry")
    for wrong in ("", "a,b", "a\tb"):
        with pytest.raises(SeehearError):
            session.add_class(wrong)


def test_mistakes_are_named(place):
    session = opened(place)
    with pytest.raises(SeehearError, match="no clip is called 'none'"):
        session.label("none", ["Dog"])
    with pytest.raises(SeehearError, match="comma"):
        opened(place, classes=["a,b"])
    with pytest.raises(SeehearError, match="every -1"):
        opened(place, every=-1)
    assert not (place / "changes.jsonl").exists()


def test_a_change_without_room_on_the_disk_is_not_saved(place, monkeypatch):
    session = opened(place)
    session.label("clip_000", ["Dog"])
    write, written = os.write, []

    def full(opened_, data):
        if written:
            raise OSError(28, "No space left on device")
        written.append(write(opened_, bytes(data)[:20]))
        return written[0]

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SeehearError, match="the disk is full"):
        session.label("clip_001", ["Cat"])
    monkeypatch.undo()
    assert session["clip_001"].version == 0
    session.label("clip_002", ["Cat"])
    assert opened(place).labels() == {"clip_000": ["Dog"], "clip_002": ["Cat"]}
