"""The index of a folder of parsed clips: its search beside a loop over moments, its links, its names as text."""

import random
import shutil
import urllib.parse
from dataclasses import replace

import pytest

from seehear.errors import SeehearError
from seehear.media.notes import Note, NoteKind
from seehear.pages import folder
from seehear.pages import parse as pages_parse
from seehear.pages.parse import THUMBNAILS
from seehear.parsing.clip import ParsedEvent
from seehear.parsing.folder import write

from .made import MODALITIES, clip, parsed, until, with_index, with_page

CLASSES = ("Cat", "Dog", "Hot dog", "</script><b>Bell")
STEP = 0.5  # seconds; every event begins and ends on one


def some(seed):
    """Events of four classes in three modalities, both being where a class is heard and seen."""
    rng = random.Random(seed)
    found = []
    for label in CLASSES:
        there = {name: [rng.random() < 0.3 for _ in range(12)] for name in ("audio", "visual")}
        there["audio_visual"] = [all(pair) for pair in zip(there["audio"], there["visual"], strict=True)]
        for modality, active in there.items():
            for n, on in enumerate(active):
                if on and (n == 0 or not active[n - 1]):
                    stop = next((m for m in range(n, 12) if not active[m]), 12)
                    found.append(ParsedEvent(label, modality, n * STEP, stop * STEP, 0.9))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("folder")
    file = clip(root / "clips")
    clips = {f"clip {n} <i>#%?": some(n) if n else [] for n in range(8)}
    for name, events in clips.items():
        one = file.rename(file.with_stem(name))
        with_page(parsed(one, events), root / "pages")
        file = one
    return with_index(root / "pages"), clips


def shown(page):
    """The clips that are listed and their moments, in order."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".card")].map((card) => [
          card.querySelector(".title").firstElementChild.textContent,
          [...card.querySelectorAll(".moments a")].map((moment) => moment.textContent),
        ])"""
    )


def expected(events, label, relation):
    """Moments by a loop over steps of time and classes."""
    inside, _, outside = relation.partition("-")
    on = [False] * 13
    for n in range(12):
        for name in CLASSES:
            there = {e.modality for e in events if e.label == name and e.onset <= n * STEP < e.offset}
            exact = any(label.lower() == one.lower() for one in CLASSES)
            asked = label.lower() == name.lower() if exact else label.lower() in name.lower()
            fits = bool(there) if not relation else MODALITIES[int(inside)] in there
            if asked and fits and not (outside and MODALITIES[int(outside)] in there):
                on[n] = True
    found = []
    for n in range(12):
        if on[n] and (n == 0 or not on[n - 1]):
            stop = next(m for m in range(n, 13) if not on[m])
            found.append(f"{n * STEP:.1f}–{stop * STEP:.1f} s")
    return found


def test_search_is_the_loop(browser_page, made):
    file, clips = made
    browser_page.goto(file.as_uri())
    keys = [key for key, _ in folder.relations(MODALITIES)]
    assert keys == ["", "0", "1", "2", "0-1", "1-0"]
    for label in ("", "dog", "Hot dog", "o", CLASSES[3], "zebra"):
        for relation in keys:
            if not label and not relation:
                continue
            browser_page.fill("#label", label)
            browser_page.select_option("#relation", relation)
            moments = {name: expected(events, label, relation) for name, events in clips.items()}
            assert shown(browser_page) == [[name, found[:8]] for name, found in moments.items() if found]


def test_all_are_listed_at_first(browser_page, made):
    file, clips = made
    browser_page.goto(file.as_uri())
    assert [name for name, _ in shown(browser_page)] == list(clips)
    assert browser_page.inner_text("#count") == "8 clips"
    assert browser_page.inner_text("h1") == "pages"


def test_a_question_in_words(browser_page, made):
    file, clips = made
    browser_page.goto(file.as_uri())
    found = [name for name, events in clips.items() if expected(events, "dog", "1-0")]
    for words in ("seen not heard:dog", "Seen but not heard: dog"):
        browser_page.fill("#label", words)
        assert [name for name, _ in shown(browser_page)] == found
    browser_page.keyboard.press("Enter")
    assert [name for name, _ in shown(browser_page)] == found
    assert browser_page.inner_text("#count") == f"{len(found)} of 8 clips"
    assert browser_page.input_value("#label") == "dog"


def test_several_classes_and_none(browser_page, made):
    file, clips = made
    browser_page.goto(file.as_uri())
    browser_page.fill("#label", "cat, hot_dog")
    browser_page.select_option("#relation", "0")
    either = [
        name for name, events in clips.items() if expected(events, "Cat", "0") or expected(events, "Hot dog", "0")
    ]
    assert [name for name, _ in shown(browser_page)] == either
    browser_page.fill("#label", "both: zebra")
    assert browser_page.inner_text("#count") == "0 of 8 clips; no class here is called zebra"


def test_a_search_can_be_shared(browser_page, made):
    file, _ = made
    browser_page.goto(file.as_uri())
    browser_page.fill("#label", CLASSES[3])
    browser_page.select_option("#relation", "0-1")
    before, address = shown(browser_page), browser_page.url
    assert urllib.parse.unquote(address).endswith(f"#heard but not seen:{CLASSES[3]}")
    browser_page.goto("about:blank")
    browser_page.goto(address)
    assert shown(browser_page) == before


def test_a_moment_leads_to_the_clip_at_that_moment(browser_page, made):
    file, _ = made
    browser_page.goto(file.as_uri())
    browser_page.fill("#label", "Dog")
    browser_page.select_option("#relation", "1")
    name, moments = shown(browser_page)[0]
    browser_page.click(".moments:visible a >> nth=0")
    browser_page.wait_for_url("**/clip*")
    assert browser_page.inner_text("h1") == name
    at = float(moments[0].split("–")[0])
    assert browser_page.inner_text("#now") == f"{at:.1f} s"
    browser_page.click(".crumbs a")
    browser_page.wait_for_url("**/index.html")
    assert browser_page.inner_text("h1") == "pages"


def test_sorted_by_length(browser_page, made):
    file, _ = made
    browser_page.goto(file.as_uri())
    browser_page.fill("#label", "Dog")
    browser_page.select_option("#relation", "0")
    browser_page.select_option("#order", "length")
    lengths = [sum(b - a for a, b in map(spell, found)) for _, found in shown(browser_page)]
    assert lengths == sorted(lengths, reverse=True)
    assert len(lengths) > 2


def spell(text):
    return tuple(float(part) for part in text.removesuffix(" s").split("–"))


def test_without_scripts_all_clips_are_there(browser, made):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(made[0].as_uri())
    assert page.locator(".card:visible").count() == 8
    assert page.locator("#search:visible").count() == 0
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_off(browser_page, made, scheme):
    browser_page.emulate_media(color_scheme=scheme)
    browser_page.set_viewport_size({"width": 390, "height": 844})
    browser_page.goto(made[0].as_uri())
    until(browser_page, "document.images.length === 8")
    assert browser_page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_thousand_clips_stay_small_and_all_can_be_found(browser_page, tmp_path):
    (tmp_path / THUMBNAILS).mkdir()
    by_name = {f"c{n}": some(n) for n in range(folder.LISTED + 100)}
    for n in range(folder.LISTED + 100):
        (tmp_path / THUMBNAILS / f"c{n}.jpg").write_bytes(b"\xff" * 6000)
        write(parsed(tmp_path / f"c{n}.mp4", some(n)), tmp_path)
    file = with_index(tmp_path)
    text = file.read_text()
    assert len(text) < 5_000_000
    assert text.count('class="card"') == folder.LISTED
    browser_page.goto(file.as_uri())
    cards = browser_page.locator(".card:visible")
    assert cards.count() == 200
    browser_page.click("#more")
    assert cards.count() == 400
    browser_page.fill("#label", "Dog")
    browser_page.select_option("#relation", "1-0")
    found = sorted(name for name in by_name if expected(by_name[name], "Dog", "1-0"))
    assert browser_page.inner_text("#count") == f"{len(found)} of {len(by_name)} clips"
    assert [name for name, _ in shown(browser_page)] == found[:200]
    made = browser_page.locator(".card", has_text=found[-1]).first
    while not made.count():
        browser_page.click("#more")
    assert made.locator("dt").all_text_contents() == ["heard", "seen", "both"]


def test_a_clip_named_index_does_not_take_the_place_of_the_index(browser_page, tmp_path):
    with_page(parsed(clip(tmp_path / "clips", "index")), tmp_path / "pages")
    browser_page.goto(with_index(tmp_path / "pages").as_uri())
    browser_page.click(".title a")
    browser_page.wait_for_url("**/index_.html")
    assert browser_page.inner_text("h1") == "index"


def test_every_clip_has_a_page_of_its_own():
    names = ["index", "index_", "index__", "Index", "INDEX_", "a", "a_", "index.html", "1_index", "index_1"]
    pages = [pages_parse.name(each) for each in names]
    assert len({page.casefold() for page in pages} | {"index.html"}) == len({each.casefold() for each in names}) + 1


def test_clips_without_pages_are_listed_without_links(tmp_path):
    with_page(parsed(clip(tmp_path / "clips")), tmp_path).unlink()
    assert "<a href" not in with_index(tmp_path).read_text()


def test_the_index_is_of_the_clips_that_are_given(tmp_path):
    """In their order; what else the folder holds is not read."""
    (tmp_path / "z.json").write_text("not JSON")
    clips = [parsed(tmp_path / f"{name}.mp4") for name in "ba"]
    text = folder.write(clips, tmp_path).read_text()
    assert text.index("<span>b</span>") < text.index("<span>a</span>")
    assert "2 clips" in text


def test_relations_of_other_modalities():
    assert folder.relations(["audio"]) == [("", "anywhere"), ("0", "heard")]
    three = [words for _, words in folder.relations(["audio", "visual", "thermal", "audio_visual_thermal"])]
    assert three[:5] == ["anywhere", "heard", "seen", "thermal", "audio_visual_thermal at once"]
    assert len(three) == 5 + 6


def test_a_folder_without_parsed_clips_is_an_error(tmp_path):
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(SeehearError, match="holds no parsed clips"):
        with_index(tmp_path)


NOTES = (Note(NoteKind.DAMAGED, "visual", 1.5), Note(NoteKind.SILENT, "audio"))


def test_clips_with_notes_are_marked_and_found(browser_page, tmp_path):
    """As the template makes cards, and as the script makes those that it does not list."""
    clips = [replace(parsed(tmp_path / f"c{n:04}.mp4", some(n)), notes=NOTES[: n % 3]) for n in range(1020)]
    noted = [clip for clip in clips if clip.notes]
    file = folder.write(clips, tmp_path)
    browser_page.goto(file.as_uri())
    assert browser_page.locator("label", has_text="with notes").inner_text() == f"with notes ({len(noted)})"
    browser_page.check("#noted")
    assert browser_page.inner_text("#count") == f"{len(noted)} of 1020 clips"
    assert [name for name, _ in shown(browser_page)] == [clip.clip for clip in noted[:200]]
    browser_page.fill("#label", "Dog")
    browser_page.select_option("#relation", "0-1")
    found = [clip for clip in noted if expected(clip.events, "Dog", "0-1")]
    assert browser_page.inner_text("#count") == f"{len(found)} of 1020 clips"
    browser_page.uncheck("#noted")
    browser_page.fill("#label", "")
    browser_page.select_option("#relation", "")
    assert browser_page.inner_text("#count") == "1020 clips"
    while browser_page.locator("#more:visible").count():
        browser_page.click("#more")
    cards = browser_page.evaluate(
        """() => [...document.querySelectorAll(".card")].map((card) => (
          [...card.querySelectorAll(".notes li")].map((note) => [note.textContent, note.className])
        ))"""
    )
    assert cards == [[[str(note), "missing" if note.missing else ""] for note in clip.notes] for clip in clips]


def test_without_notes_there_is_no_choice_of_them(browser_page, made):
    browser_page.goto(made[0].as_uri())
    assert browser_page.locator("#noted").count() == browser_page.locator(".notes").count() == 0


def test_an_index_of_many_clips_has_several_pages(browser_page, made, tmp_path, monkeypatch):
    """Each searches its own clips; links between them keep the question, and lead to the clips' pages."""
    monkeypatch.setattr(folder, "PART", 3)
    root = tmp_path / "pages"
    shutil.copytree(made[0].parent, root)
    names = list(made[1])
    file = with_index(root)
    assert sorted(page.name for page in (root / "index").iterdir()) == ["2.html", "3.html"]
    browser_page.goto(file.as_uri())
    assert [name for name, _ in shown(browser_page)] == names[:3]
    assert browser_page.inner_text("#count") == "3 clips"
    assert "There are 8 clips on 3 pages." in browser_page.inner_text("main")
    assert browser_page.locator("#all li").all_text_contents()[1] == f"{names[3]} to {names[5]}"
    browser_page.fill("#label", "Dog")
    browser_page.select_option("#relation", "0")
    for number, some_names in ((2, names[3:6]), (3, names[6:])):
        browser_page.click("text=Next clips")
        browser_page.wait_for_url(f"**/index/{number}.html*")
        moments = {name: expected(made[1][name], "Dog", "0") for name in some_names}
        assert shown(browser_page) == [[name, found[:8]] for name, found in moments.items() if found]
        assert f"Clips {3 * number - 2} to" in browser_page.inner_text("main")
    assert browser_page.locator("text=Next clips").count() == 0
    browser_page.click(".title a >> nth=0")
    browser_page.wait_for_url("**/pages/clip*")
    assert browser_page.inner_text("h1") in names[6:]
    browser_page.click(".crumbs a")
    browser_page.wait_for_url("**/pages/index.html")
    browser_page.goto((root / "index" / "3.html").as_uri())
    browser_page.click("text=Previous clips")
    browser_page.wait_for_url("**/index/2.html")
    browser_page.click("text=All pages")
    browser_page.wait_for_url("**/pages/index.html")


def test_pages_of_an_earlier_index_are_removed(tmp_path, monkeypatch):
    clips = [parsed(tmp_path / f"c{n}.mp4") for n in range(7)]
    monkeypatch.setattr(folder, "PART", 2)
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "mine.txt").write_text("mine")
    folder.write(clips, tmp_path)
    assert sorted(page.name for page in (tmp_path / "index").iterdir()) == ["2.html", "3.html", "4.html", "mine.txt"]
    folder.write(clips[:4], tmp_path)
    assert sorted(page.name for page in (tmp_path / "index").iterdir()) == ["2.html", "mine.txt"]
    text = folder.write(clips[:2], tmp_path).read_text()
    assert [page.name for page in (tmp_path / "index").iterdir()] == ["mine.txt"]
    assert 'id="pages"' not in text
    assert "on 1 pages" not in text
