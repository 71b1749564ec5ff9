"""A real browser that opens the pages."""

import os
import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# No audio output, no requests in the background; media play without a click. Root has no sandbox.
FLAGS = [
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--disable-gpu",
    "--disable-background-networking",
]
# A clip that doesn't exist, and a change that came too late: the page says so itself.
EXPECTED = ("ERR_FILE_NOT_FOUND", "409 (Conflict)")
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
    """A page of 1200 × 900 pixels. Any error in it fails the test, and so does any request to a network."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if unexpected(line) else None)
    page.on("request", lambda request: errors.append(request.url) if outside(request.url) else None)
    page.on("dialog", lambda dialog: (errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
    yield page
    context.close()
    assert not errors


def unexpected(line) -> bool:
    """Whether a line of the console is an error that no page expects."""
    if "/api/overview/" in line.location.get("url", ""):  # of a clip that can't be decoded
        return False
    return line.type == "error" and not any(text in line.text for text in EXPECTED)


def outside(address: str) -> bool:
    """Whether an address is on another computer."""
    return address.startswith("http") and not address.startswith(("http://127.0.0.1", "http://localhost"))
