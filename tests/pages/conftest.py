"""A real browser for the pages to be opened in."""

import os
import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# No sound goes out and nothing is looked up; media play without a hand on the mouse. Root has no sandbox.
FLAGS = [
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--disable-gpu",
    "--disable-background-networking",
]
MISSING = "ERR_FILE_NOT_FOUND"  # of a clip that isn't where its page expects it: the page tells
FLAGS += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: pages are not tried in a browser")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="without Playwright, pages are not tried in a browser"
    )
    with playwright.sync_playwright() as engine:
        started = engine.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def browser_page(browser):
    """A page 1200 × 900 pixels; whatever goes wrong in it fails the test, and so does anything asked of a network."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda said: wrong.append(said.text) if said.type == "error" and MISSING not in said.text else None
    )
    page.on("request", lambda request: wrong.append(request.url) if outside(request.url) else None)
    page.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    yield page
    context.close()
    assert not wrong


def outside(address: str) -> bool:
    return address.startswith("http") and not address.startswith(("http://127.0.0.1", "http://localhost"))
