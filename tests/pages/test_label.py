"""The page on which clips are labelled, in a real browser, by keyboard alone."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager

import pytest

from running import running
from seehear.labelling import Session
from seehear.labelling.app import open_server
from seehear.labels import read_dense, read_weak

from .made import EVENTS, clip, until

CLIP = "document.querySelector('#name').textContent"
SAVED = "/^(Saved|Draft saved; Enter makes it a label)$/.test(document.querySelector('#saved').textContent)"
FIRST = "document.activeElement.dataset.focus"


def suggesting():
    from seehear.labelling import ParseSuggester
    from seehear.parsing.clip import ParsedClip

    def parse(file):
        kinds = ("audio", "visual", "audio_visual")
        return ParsedClip(file.stem, str(file), 6.0, 1.0, kinds, "global", EVENTS, {"audio": {"Dog": [0.9]}})

    return ParseSuggester(parse, "model")


@contextmanager
def served(session, page):
    with running(open_server(session)) as server:
        yield server.address
        page.goto("about:blank")  # which asks for nothing more


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Six clips of six seconds."""
    folder = tmp_path_factory.mktemp("films")
    first = clip(folder, "film_0", fps=5)
    for n in range(1, 6):
        (folder / f"film_{n}.mp4").write_bytes(first.read_bytes())
    return folder


@pytest.fixture
def session(films, tmp_path):
    own = Session(tmp_path / "labels", films, classes=["Cat", "Dog", "Speech"], by="ann", suggester=suggesting())
    own.suggestions.start()
    own.suggestions._thread.join()
    return own


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def opened(page, address):
    page.goto(address)
    until(page, f"{CLIP} !== '…' && document.querySelector('#player').readyState >= 2")
    press(page, "k", "j")
    until(page, "document.querySelector('#player').currentTime === 0 && document.querySelector('#player').paused")


def next_clip(page, *keys):
    """Press keys and Enter, and wait for another clip. Returns the clip that was labelled."""
    name = page.evaluate(CLIP)
    press(page, *keys, "Enter")
    until(page, f"{CLIP} !== '{name}'")
    return name


def test_three_clips_by_keyboard_alone_and_undo(browser_page, session):
    """Suggestions are first: 1 is Dog, 2 is Speech, then Cat."""
    weak = session.folder / "weak.csv"
    with served(session, browser_page) as address:
        opened(browser_page, address)
        assert "token" not in browser_page.url
        first = next_clip(browser_page, "1", "Shift+Digit1")
        second = next_clip(browser_page, "2", "3", "2")
        third = next_clip(browser_page, "n")
        fourth = browser_page.evaluate(CLIP)
        assert read_weak(weak).labels == {first: ("Dog",), second: ("Cat",), third: ()}
        assert session[first].state.labels == {"Dog": "audio_visual"}  # the modality that was suggested comes first
        press(browser_page, "Enter")
        until(browser_page, "document.querySelector('#saved').textContent.startsWith('Choose a class first')")
        assert browser_page.evaluate(CLIP) == fourth
        press(browser_page, "u")  # takes back that the third is complete
        until(browser_page, f"{CLIP} === '{third}'")
        until(browser_page, "document.querySelector('#saved').textContent.startsWith('Undone')")
        assert set(read_weak(weak).labels) == {first, second}
        for _ in range(2):
            press(browser_page, "u")
        until(browser_page, f"{CLIP} === '{second}'")
        until(browser_page, "document.querySelector('#done').textContent.startsWith('1 of 6')")
        assert set(read_weak(weak).labels) == {first}
        browser_page.reload()
        until(browser_page, f"{CLIP} === '{second}'")
        pressed = "document.querySelectorAll('#classes [aria-pressed=true]').length"
        until(browser_page, f"{pressed} === 1")  # the draft is still there
        press(browser_page, "u")
        until(browser_page, f"{pressed} === 2")  # and so is what was taken back before


def test_a_part_of_a_film_is_played_alone_and_has_its_own_clock(browser_page, films, tmp_path):
    session = Session(tmp_path / "labels", f"{films / 'film_0.mp4'}#t=2,5", classes=["Dog"], by="ann")
    with served(session, browser_page) as address:
        browser_page.goto(address)
        until(browser_page, f"{CLIP} === 'film_0_2_5' && document.querySelectorAll('#thumbnails img').length > 0")
        until(browser_page, "document.querySelector('#player').currentTime > 4")
        until(browser_page, "document.querySelector('#player').currentTime < 3")  # again from its start
        press(browser_page, "k")
        assert float(browser_page.locator("#seek").get_attribute("max")) == pytest.approx(3)
        press(browser_page, "j")
        until(browser_page, "document.querySelector('#player').currentTime === 2")
        press(browser_page, "1", "ArrowRight", "i", "ArrowRight", "o", "Enter")
        until(browser_page, "document.querySelector('#done').textContent.startsWith('1 of 1')")
        (heard,) = read_dense(session.folder / "audio.csv").events
        assert (heard.clip, heard.onset, heard.offset) == ("film_0_2_5", 1.0, 2.0)


def test_events_are_drawn_by_keyboard_and_are_there_after_a_reload(browser_page, session):
    with served(session, browser_page) as address:
        opened(browser_page, address)
        name = browser_page.evaluate(CLIP)
        press(browser_page, "1", "ArrowRight", "i", "ArrowRight", "ArrowRight", "o")
        until(browser_page, f"({FIRST} || '').startsWith('audio|Dog|1.000|3.000')")
        press(browser_page, "ArrowRight", "Shift+ArrowRight", "Alt+ArrowLeft")
        until(browser_page, f"({FIRST} || '').startsWith('audio|Dog|1.900|4.900')")
        press(browser_page, "ArrowDown")
        until(browser_page, f"({FIRST} || '').startsWith('visual|Dog|1.900|4.900')")
        press(browser_page, "i", "o", "m", "Enter")
        until(browser_page, f"{CLIP} !== '{name}'")
        (seen,) = read_dense(session.folder / "visual.csv").events
        assert (seen.clip, seen.label, seen.onset, seen.offset) == (name, "Dog", 1.9, 4.9)
        assert session[name].state.timed
        browser_page.evaluate(f"location.hash = '#clip={name}&choice=person'")
        browser_page.reload()
        until(browser_page, f"{CLIP} === '{name}' && document.querySelectorAll('.lane .event').length === 1")
        browser_page.focus(".lane .event")
        press(browser_page, "Delete")
        until(browser_page, "document.querySelectorAll('.lane .event').length === 0")
        until(browser_page, SAVED)
        assert read_dense(session.folder / "visual.csv").events == ()


def test_events_are_drawn_and_changed_by_mouse(browser_page, session):
    browser_page.set_viewport_size({"width": 1200, "height": 1400})
    with served(session, browser_page) as address:
        opened(browser_page, address)
        browser_page.click("#classes button >> nth=0")
        until(browser_page, "document.querySelectorAll('.lane').length === 2")
        until(browser_page, SAVED)  # once it is, the lanes are drawn anew
        track = browser_page.locator("#lanes-visual .track").bounding_box()
        middle = track["y"] + track["height"] / 2

        def drag(start, stop):
            browser_page.mouse.move(track["x"] + track["width"] * start / 6, middle)
            browser_page.mouse.down()
            browser_page.mouse.move(track["x"] + track["width"] * stop / 6, middle, steps=5)
            browser_page.mouse.up()

        drag(1.2, 3.4)
        until(browser_page, f"{FIRST} === 'visual|Dog|1.000|3.000'")
        drag(2.0, 3.1)
        until(browser_page, f"{FIRST} === 'visual|Dog|2.000|4.000'")
        drag(3.97, 5.8)
        until(browser_page, f"{FIRST} === 'visual|Dog|2.000|6.000'")
        until(browser_page, SAVED)
        name = browser_page.evaluate(CLIP)
        assert [(event.onset, event.offset) for event in session[name].state.events] == [(2, 6)]


def test_a_change_from_elsewhere_is_shown_and_not_overwritten(browser_page, session, films):
    other = Session(session.folder, films, by="bob")
    with served(session, browser_page) as address:
        opened(browser_page, address)
        name = browser_page.evaluate(CLIP)
        other.label(name, ["Cat"])
        press(browser_page, "1")
        until(browser_page, "document.querySelector('#alert').textContent.includes('changed by bob meanwhile')")
        pressed = "document.querySelector('#classes [aria-pressed=true]').textContent"
        assert "Cat" in browser_page.evaluate(pressed)
        assert list(session[name].state.labels) == ["Cat"]


def test_the_list_is_filtered_and_the_page_fits_a_phone(browser_page, session):
    session.label("film_3", ["Cat"])
    with served(session, browser_page) as address:
        opened(browser_page, address)
        browser_page.select_option("#status", "labelled")
        until(browser_page, "document.querySelectorAll('#rows button').length === 1")
        assert browser_page.locator("#rows button span").text_content() == "film_3"
        press(browser_page, "Escape", "/")
        browser_page.set_viewport_size({"width": 390, "height": 844})
        press(browser_page, "Escape", "?")
        until(browser_page, "document.querySelector('#help').open")
        until(browser_page, "document.documentElement.scrollWidth <= 390")


def test_enter_saves_after_a_clip_was_opened_from_the_list(browser_page, session):
    with served(session, browser_page) as address:
        opened(browser_page, address)
        labelled = []
        for by_mouse in (True, False):
            name = next(n for n in session.clips if n not in (browser_page.evaluate(CLIP), *labelled))
            if by_mouse:
                browser_page.click(f"#rows button:has-text('{name}')")
            else:
                press(browser_page, "/", *name.upper(), "Enter")
            until(browser_page, f"{CLIP} === '{name}'")
            press(browser_page, "1")
            until(
                browser_page, "document.querySelector('#saved').textContent === 'Draft saved; Enter makes it a label'"
            )
            assert list(session.labels()) == labelled
            assert next_clip(browser_page) == name
            labelled.append(name)
            assert set(session.labels()) == set(labelled)
        browser_page.click("#play")
        press(browser_page, "?")
        until(browser_page, "document.querySelector('#help').open")
        press(browser_page, "Escape")
        next_clip(browser_page, "2")
        assert len(session.labels()) == 3


def test_a_message_goes_with_the_next_action_and_a_damaged_clip_is_called_so(browser_page, films, tmp_path):
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no film")
    session = Session(tmp_path / "labels", [films, damaged], classes=["Cat", "Dog"])
    alert = "document.querySelector('#alert').hidden ? '' : document.querySelector('#alert').textContent"
    with served(session, browser_page) as address:
        opened(browser_page, address)
        Session(tmp_path / "labels", films, by="bob").label(browser_page.evaluate(CLIP), ["Cat"])
        press(browser_page, "2")
        until(browser_page, f"({alert}).includes('changed by bob meanwhile')")
        until(browser_page, "document.querySelector('#classes .number').textContent === '1 clip'")
        press(browser_page, "2")
        until(browser_page, f"({alert}) === ''")
        browser_page.click("#rows button:has-text('damaged')")
        until(browser_page, "document.querySelector('#unplayable').textContent.includes('can’t be decoded')")
        press(browser_page, "1")
        until(browser_page, SAVED)
        assert "damaged.mp4" in browser_page.evaluate(alert)


def test_untrained_suggestions_are_called_so(browser_page, films, tmp_path):
    own = suggesting()
    own.is_untrained = True
    session = Session(tmp_path / "labels", films, classes=["Cat", "Dog"], every=0, suggester=own)
    chosen = "document.querySelector('#chosen').textContent"
    with served(session, browser_page) as address:
        session.suggestions._thread.join()
        opened(browser_page, address)
        assert browser_page.text_content("#classes .number >> nth=0").endswith(" untrained")
        next_clip(browser_page, "1")
        until(browser_page, f"{chosen} === 'Chosen because the untrained networks are unsure of it.'")


def test_nothing_is_sent_to_another_program_at_the_address(browser_page, session):
    received = []

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            received.append(self.command)
            self.send_response(200)
            self.end_headers()

        do_HEAD = do_POST = do_GET

        def log_message(self, *_):
            pass

    with running(open_server(session)) as server:
        opened(browser_page, server.address)
    with http.server.HTTPServer(("127.0.0.1", server.port), Other) as other:
        threading.Thread(target=other.serve_forever).start()
        try:
            press(browser_page, "1")
            alert = "document.querySelector('#alert').textContent"
            until(browser_page, f"{alert}.startsWith('This is not seehear’s server any more')")
            browser_page.goto("about:blank")
        finally:
            other.shutdown()
    assert "POST" not in received
