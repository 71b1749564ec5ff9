"""The page of a parsed clip, in a real browser: it plays, seeks, filters, prints, and shows every name as text."""

import random
import shutil
import urllib.parse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from make_media import tone, write
from seehear.errors import ClipError
from seehear.media.child import open_clip
from seehear.media.notes import Note, NoteKind
from seehear.media.overview import Overview
from seehear.media.reader import Media
from seehear.pages import parse
from seehear.parsing.clip import ParsedEvent

from .made import EVENTS, TRUTH, clip, parsed, until, with_page

HOSTILE = "<img src=x onerror=alert(1)> & \"quoted\" 'too' $x$ 山 #1? 100%"
TIME = "document.getElementById('player').currentTime"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A page that links to its clip, with truth."""
    root = tmp_path_factory.mktemp("parse")
    return with_page(parsed(clip(root / "clips"), truth=TRUTH), root / "pages")


def opened(page, file, after=""):
    page.goto(file.as_uri() + after)
    until(page, "document.getElementById('player').readyState >= 1")
    return page


def stopped(page):
    until(page, "document.getElementById('player').paused && document.getElementById('player').currentTime > 0")
    return page.evaluate(TIME)


def head(page):
    """Where the play head stands, as a share of the tracks."""
    return page.evaluate(
        """() => {
          const track = document.querySelector(".lane .track").getBoundingClientRect();
          const head = document.getElementById("head").getBoundingClientRect();
          return (head.left + head.width / 2 - track.left) / track.width;
        }"""
    )


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    """The page of a clip that is seconds 2 to 4 of a film."""
    folder = tmp_path_factory.mktemp("part")
    film = clip(folder / "c")
    made = replace(parsed(film, EVENTS[:1], duration=2.0), clip="yard_2_4", file=f"{film}#t=2,4")
    made = replace(made, events=(replace(EVENTS[0], onset=0.5, offset=1.0),))
    overview = Overview.of(open_clip(made.file), 3)
    return [parse.write(made, overview, folder / name, embed=name == "sent") for name in ("out", "sent")]


def test_a_part_plays_from_its_start_to_its_end_and_no_further(browser_page, part):
    assert 'src="../c/yard.mp4#t=2,4"' in part[0].read_text()
    page = opened(browser_page, part[0])
    assert page.evaluate("document.querySelector('#player').currentTime") == pytest.approx(2, abs=0.01)
    assert page.locator("#now").inner_text() == "0.0 s"
    page.locator("#play").click()
    until(page, "document.querySelector('#player').currentTime > 3.5")
    until(page, "document.querySelector('#player').paused")
    assert page.evaluate("document.querySelector('#player').currentTime") == pytest.approx(4, abs=0.3)
    assert head(page) == pytest.approx(1, abs=0.01)
    page.locator("#play").click()  # from the beginning again
    until(page, "document.querySelector('#player').currentTime < 3")
    page.locator("#play").click()
    page.locator(".event").first.click()
    until(page, "!document.querySelector('#player').paused")
    until(page, "document.querySelector('#player').paused")
    assert page.evaluate("document.querySelector('#player').currentTime") == pytest.approx(3, abs=0.3)


def test_an_embedded_part_holds_no_more_than_the_part(browser_page, part):
    page = opened(browser_page, part[1])
    assert page.evaluate("document.querySelector('#player').duration") == pytest.approx(2, abs=0.1)
    page.locator(".event").first.click()
    until(page, "document.querySelector('#player').currentTime > 0.6")
    until(page, "document.querySelector('#player').paused")
    assert page.evaluate("document.querySelector('#player').currentTime") == pytest.approx(1, abs=0.3)


def test_it_plays_and_the_head_moves_along(browser_page, made):
    page = opened(browser_page, made)
    assert head(page) == pytest.approx(0, abs=0.01)
    page.click("#play")
    until(page, f"{TIME} > 0.5")
    page.click("#play")
    at = stopped(page)
    until(page, f"Math.abs(Number(document.getElementById('seek').value) - {TIME}) < 0.06")
    assert head(page) == pytest.approx(at / 6, abs=0.01)
    assert page.inner_text("#now") == f"{at:.1f} s"


def test_a_click_on_an_event_plays_it_and_no_more(browser_page, made):
    page = opened(browser_page, made)
    page.click('.event[aria-label^="Play Dog, heard"]')
    until(page, f"{TIME} >= 2")
    assert 3 <= stopped(page) < 3.4


def test_events_are_reached_and_played_by_keys(browser_page, made):
    page = opened(browser_page, made)
    page.focus("#seek")
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.startswith("Play Dog, heard from 2.0 s to 3.0 s")
    page.keyboard.press("Enter")
    until(page, f"{TIME} > 2.2")
    page.keyboard.press("ArrowRight")
    until(page, f"{TIME} > 3")


def test_space_stops_what_a_click_on_an_event_began(browser_page, made):
    page = opened(browser_page, made)
    page.click('.event[aria-label^="Play Dog, seen"]')
    until(page, f"{TIME} > 2.1")
    page.keyboard.press("Space")
    at = stopped(page)
    page.wait_for_timeout(300)
    assert page.evaluate(TIME) == at
    page.keyboard.press("Space")
    until(page, f"{TIME} < {at} && {TIME} >= 2")  # it plays from its beginning, as the button it is


def test_a_click_on_a_track_seeks(browser_page, made):
    page = opened(browser_page, made)
    for place in (".thumbnails", ".spectrogram", '.lane[data-label="Cat"] .track'):
        page.locator(place).first.scroll_into_view_if_needed()
        box = page.locator(place).first.bounding_box()
        share = random.Random(place).uniform(0.2, 0.8)
        page.mouse.click(box["x"] + share * box["width"], box["y"] + 3)
        until(page, f"Math.abs({TIME} - {6 * share}) < 0.1")
        assert head(page) == pytest.approx(share, abs=0.02)


def test_the_slider_seeks(browser_page, made):
    page = opened(browser_page, made)
    page.focus("#seek")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    until(page, f"Math.abs({TIME} - 0.3) < 0.05")


def test_a_link_leads_to_its_moment_and_its_classes(browser_page, made):
    page = opened(browser_page, made, "#t=4.2&hide=Dog")
    until(page, f"Math.abs({TIME} - 4.2) < 0.1")
    assert not page.is_checked('#classes input[value="Dog"]')
    assert page.locator('.timeline .lane[data-label="Dog"]:visible').count() == 0
    page.check('#classes input[value="Dog"]')
    page.click("#here")
    assert page.evaluate("location.hash") == "#t=4.2"
    page.evaluate("location.hash = '#t=1.5'")
    until(page, f"Math.abs({TIME} - 1.5) < 0.1")


def test_classes_truth_and_predictions_can_be_hidden(browser_page, made):
    page = opened(browser_page, made)
    lanes = page.locator(".timeline .lane:visible")
    assert lanes.count() == 5  # Dog and Speech heard, Dog and Cat seen, Dog both
    page.uncheck('#classes input[value="Dog"]')
    assert lanes.count() == 2
    page.check('#classes input[value="Dog"]')
    found, true = page.locator(".timeline .event:visible"), page.locator(".timeline .truth:visible")
    assert (found.count(), true.count()) == (4, 2)
    page.uncheck("#show-truth")
    assert (found.count(), true.count()) == (4, 0)
    page.uncheck("#show-predicted")
    page.check("#show-truth")
    assert (found.count(), true.count()) == (0, 2)


def test_events_lie_where_they_are(browser_page, made):
    page = opened(browser_page, made)
    for zoom in ("1", "5"):
        page.select_option("#zoom", zoom)
        boxes = page.evaluate(
            """() => [...document.querySelectorAll(".timeline .event, .timeline .truth")].map((event) => {
              const own = event.getBoundingClientRect(), track = event.parentElement.getBoundingClientRect();
              return [(own.left - track.left) / track.width, own.width / track.width];
            })"""
        )
        expected = [(event.onset / 6, (event.offset - event.onset) / 6) for event in order()]
        assert boxes == [[pytest.approx(a, abs=0.005), pytest.approx(b, abs=0.005)] for a, b in expected]


def order():
    """All events as the page has them: track by track, lane by lane, those that were found first."""
    everything = parsed(Path("yard.mp4"), truth=TRUTH)
    for modality in everything.modalities:
        for lane in parse.lanes(everything, modality):
            yield from (*lane.events, *lane.true)


def test_names_are_text_not_markup(browser_page, tmp_path):
    label = "</script><script>alert(2)</script><b>Dog"
    events = [ParsedEvent(label, "audio", 0.0, 2.0, 0.9), ParsedEvent(HOSTILE, "visual", 1.0, 2.0, 0.9)]
    page = opened(browser_page, with_page(parsed(clip(tmp_path / "c", HOSTILE), events), tmp_path / "p"))
    assert page.inner_text("h1") == HOSTILE
    assert page.locator(".timeline .lane .name").all_inner_texts() == [label, HOSTILE]
    assert page.locator("#classes label").all_inner_texts() == sorted([label, HOSTILE])
    page.uncheck("#classes input >> nth=0")
    page.click("#here")
    page.reload()
    until(page, "document.getElementById('player').readyState >= 1")
    assert page.locator("#classes input:checked").count() == 1
    assert page.locator("img[src=x]").count() == 0


def test_an_injected_script_would_not_run(browser, tmp_path):
    """Were text ever to become markup, the page's policy would still stop it."""
    file = with_page(parsed(clip(tmp_path / "c")), tmp_path / "p")
    file.write_text(
        file.read_text().replace("</h1>", "</h1><script>window.ran = 1</script><img src=x onerror='ran = 1'>")
    )
    page = browser.new_page()
    page.goto(file.as_uri())
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    page.close()


def test_an_embedded_clip_plays_wherever_its_page_is(browser_page, tmp_path):
    file = with_page(parsed(clip(tmp_path / "c")), tmp_path / "p", embed=True)
    alone = tmp_path / "elsewhere" / "sent.html"
    alone.parent.mkdir()
    shutil.move(file, alone)
    shutil.rmtree(tmp_path / "c")
    page = opened(browser_page, alone, "#t=3")
    until(page, f"Math.abs({TIME} - 3) < 0.1")
    page.click("#play")
    until(page, f"{TIME} > 3.2")


def framed(page, text):
    page.set_content("<iframe style='width: 1000px; height: 800px'></iframe>")
    page.evaluate("text => { document.querySelector('iframe').srcdoc = text }", text)
    frame = page.frame_locator("iframe")
    frame.locator("#player").wait_for()
    return frame


def test_a_page_as_text_plays_in_a_frame_and_writes_nothing(browser_page, tmp_path):
    made = parsed(clip(tmp_path / "c"), truth=TRUTH)
    text = parse.html(made, Overview.of(Media(made.file), 3))
    assert [file.name for file in tmp_path.rglob("*")] == ["c", "yard.mp4"]
    frame = framed(browser_page, text)
    frame.locator("h1").wait_for()
    assert frame.locator("h1").inner_text() == "yard"
    assert frame.locator(".timeline .event:visible").count() == len(EVENTS)
    assert frame.locator("a:visible").count() == 0  # neither an index nor an address to link to
    frame.locator('.event[aria-label^="Play Dog, heard"]').click()
    browser_page.wait_for_timeout(1500)
    assert 2.2 <= frame.locator("#player").evaluate("player => player.currentTime") < 3.4


def test_a_page_as_text_without_its_clip_names_the_file(tmp_path):
    file = clip(tmp_path / "c d")
    text = parse.html(parsed(file), Overview.of(Media(file), 1), embed=False)
    assert f'src="{file.resolve().as_uri()}"' in text
    assert 'id="clip"' not in text


def test_page_and_clip_move_together(browser_page, tmp_path):
    with_page(parsed(clip(tmp_path / "one" / "clips")), tmp_path / "one" / "pages")
    shutil.move(tmp_path / "one", tmp_path / "two")
    opened(browser_page, tmp_path / "two" / "pages" / "yard.html")


def test_a_clip_that_does_not_play_is_told(browser_page, tmp_path):
    file = clip(tmp_path / "c")
    made = with_page(parsed(file), tmp_path / "p")
    file.unlink()
    browser_page.goto(made.as_uri())
    browser_page.wait_for_selector("#unplayable:visible")
    assert browser_page.locator(".timeline .event:visible").count() == len(EVENTS)


def test_sound_alone(browser_page, tmp_path):
    (tmp_path / "c").mkdir()
    file = write(tmp_path / "c" / "radio.wav", sound=tone(440, 6.0), sound_codec="pcm_s16le")
    page = opened(browser_page, with_page(parsed(file), tmp_path / "p"))
    assert page.locator("audio").count() == 1
    assert page.locator(".thumbnails").count() == 0
    page.click('.event[aria-label^="Play Dog, heard"]')
    assert 3 <= stopped(page) < 3.4


def test_pictures_alone(browser_page, tmp_path):
    (tmp_path / "c").mkdir()
    file = write(tmp_path / "c" / "silent.mp4", times=[n / 10 for n in range(60)], fps=10)
    page = opened(browser_page, with_page(parsed(file), tmp_path / "p"))
    assert page.locator(".spectrogram").count() == 0
    assert page.locator(".thumbnails img").count() == 3


def test_nothing_found(browser_page, tmp_path):
    page = opened(browser_page, with_page(parsed(clip(tmp_path / "c"), events=()), tmp_path / "p"))
    assert page.locator(".none:visible").count() == 3


def test_without_scripts_all_results_are_there(browser, made):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(made.as_uri())
    assert page.locator(".timeline .event:visible").count() == len(EVENTS)
    assert page.locator(".controls:visible").count() == 0
    page.click("summary")
    assert page.locator("#list tbody tr:visible").count() == len(EVENTS) + len(TRUTH)
    context.close()


def test_printed(browser_page, made):
    page = opened(browser_page, made)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".controls:visible, video:visible, #seek:visible, #head:visible").count() == 0
    assert page.locator("#list tbody tr:visible").count() == len(EVENTS) + len(TRUTH)
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_by_day_and_by_night(browser_page, made, scheme):
    browser_page.emulate_media(color_scheme=scheme)
    page = opened(browser_page, made)
    for place in ("h1", ".quiet", ".timeline .name", ".event b", ".ticks span", "a", "summary", ".legend"):
        assert contrast(page, place) >= 4.5, place  # WCAG 2.2, AA


def contrast(page, place):
    """Of a text with what lies behind it, WCAG's ratio."""
    inks = page.locator(place).first.evaluate(
        """(element) => {
          const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const behind = [];
          for (let e = element; e; e = e.parentElement) behind.unshift(getComputedStyle(e).backgroundColor);
          const paint = (colours) => {
            for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
            return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
          };
          return [paint(["white", ...behind]), paint([getComputedStyle(element).color])];
        }"""
    )
    lights = sorted(sum(w * _linear(v) for w, v in zip((0.2126, 0.7152, 0.0722), ink, strict=True)) for ink in inks)
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _linear(value):
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def test_on_a_phone_nothing_is_cut_off(browser_page, made):
    browser_page.set_viewport_size({"width": 390, "height": 844})
    page = opened(browser_page, made)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".event").first.bounding_box()["height"] >= 18


def test_an_hour_stays_small(tmp_path):
    class Still(Overview):
        """An hour's pictures and spectrogram, as large as any clip's."""

        def __init__(self):
            self.duration, self.aspect, self.has_audio = 3600.0, 16 / 9, True

        @property
        def thumbnails(self):
            noise = np.random.default_rng(0)
            return [noise.integers(0, 255, (224, 224, 3), dtype=np.uint8) for _ in range(9)]

        @property
        def spectrogram(self):
            return np.random.default_rng(0).uniform(-70, 0, (64, 600))

    rng = random.Random(0)
    events = [
        ParsedEvent(f"class {rng.randrange(25)}", rng.choice(("audio", "visual")), float(at), at + 1.0, 0.5)
        for at in range(0, 3600)
    ]
    (tmp_path / "hour.mp4").touch()
    file = parse.write(parsed(tmp_path / "hour.mp4", events, duration=3600.0), Still(), tmp_path)
    assert file.stat().st_size < 5_000_000
    assert "1:00:00.0" in file.read_text()


def test_what_cannot_be_embedded_is_an_error(tmp_path):
    made = parsed(clip(tmp_path / "c"))
    overview = Overview.of(Media(made.file), 2)
    (tmp_path / "c" / "yard.mp4").unlink()
    with pytest.raises(ClipError, match=r"yard\.mp4: can't be put into the page"):
        parse.write(made, overview, tmp_path / "p", embed=True)


@pytest.mark.parametrize("duration", [0.3, 1.0, 7.9, 10.0, 61.0, 3599.0, 36000.0])
def test_ticks(duration):
    found = parse.ticks(duration)
    assert found[0] == 0
    assert found[-1] <= duration
    assert 2 <= len(found) <= parse.TICKS + 1


def test_links_are_escaped(tmp_path):
    file = clip(tmp_path / "my clips", "a b#c?d%20")
    text = with_page(parsed(file), tmp_path / "p").read_text()
    assert f'src="../{urllib.parse.quote("my clips/a b#c?d%20.mp4")}"' in text


NOTES = (Note(NoteKind.DAMAGED, "visual", 1.5), Note(NoteKind.SILENT, "audio"))


@pytest.fixture(scope="module")
def noted(tmp_path_factory):
    root = tmp_path_factory.mktemp("noted")
    return with_page(replace(parsed(clip(root / "clips")), notes=NOTES, audio_track=2), root / "pages")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_notes_are_shown_and_can_be_read(browser_page, noted, scheme):
    browser_page.emulate_media(color_scheme=scheme)
    page = opened(browser_page, noted)
    assert page.locator(".notes li").all_inner_texts() == [
        "Missing: 1.5 s of its video can't be decoded: it is damaged.",
        "Note: its audio track is digital silence.",
    ]
    assert "audio track 2" in page.locator(".quiet").first.inner_text()
    for place in (".notes .missing", ".notes .missing b", ".notes li:last-child b"):
        assert contrast(page, place) >= 4.5, place


def test_notes_stay_when_it_is_printed(browser_page, noted):
    browser_page.emulate_media(media="print")
    assert opened(browser_page, noted).locator(".notes li:visible").count() == 2


def test_a_clip_without_notes_has_no_list_of_them(browser_page, made):
    page = opened(browser_page, made)
    assert page.locator(".notes").count() == 0
    assert "audio track" not in page.locator(".quiet").first.inner_text()
