"""Takes the screenshots of docs/tour.md: pages of the demo's results, as a real browser shows them.

make demo; .venv/bin/python docs/tour.py   (needs Chromium, and what the tests need)
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
DEMO, OUT = Path("demo"), Path("demo") / "out"  # relative, as pages show them in commands
SCREENSHOTS = ROOT / "docs" / "tour"
TRUTH = ("--dense-audio", DEMO / "eval_audio.csv", "--dense-visual", DEMO / "eval_visual.csv")
COLOURS = 200  # of a screenshot
WIDE, PHONE = (1100, 1180), (390, 844)  # width and height in pixels


def run(*arguments: str | Path) -> None:
    """Run a seehear command in the repository's folder."""
    subprocess.run([sys.executable, "-m", "seehear", *map(str, arguments)], check=True, cwd=ROOT)


def make_results() -> None:
    """Make what the demo does not: a judged selection, and a comparison of two systems."""
    store = ("--store", OUT / "store")
    training = (*store, "--labels", DEMO / "train.csv", "--val", DEMO / "val.csv", "--recipe", "small", *TRUTH)
    run("select", *training, "--seeds", "0", "1", "2", "--out", OUT / "selection")
    run("judge", OUT / "selection", "--labels", DEMO / "test.csv", *TRUTH)
    systems = {
        OUT / "systems" / "one-each": ("audio=yamnet", "visual=efficientnet-lite0"),
        OUT / "systems" / "two-each": ("audio=yamnet+aisfx", "visual=efficientnet-lite0+open-nsfw"),
    }
    for folder, collocation in systems.items():
        run("train", *training, "--collocation", *collocation, "--seeds", *"012345", "--out", folder)
    run("compare", *systems, *store, "--labels", DEMO / "test.csv", *TRUTH, "--out", OUT / "compared")


def screenshot(browser: Browser, page: str, size: tuple[int, int], *, dark: bool = False) -> Image.Image:
    """Take a page as it first shows.

    Args:
        browser: A running Chromium.
        page: The page's file in demo/out, with what follows # in its address.
        size: Width and height of the window in pixels.
        dark: Whether the browser asks for dark mode.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )
    opened = context.new_page()
    file, _, fragment = page.partition("#")
    opened.goto((ROOT / OUT / file).as_uri() + (f"#{fragment}" if fragment else ""))
    opened.wait_for_timeout(1800)  # milliseconds, until the clip shows its frame
    image = Image.open(io.BytesIO(opened.screenshot()))
    context.close()
    return image


def save(name: str, *images: Image.Image) -> None:
    """Save images side by side."""
    gap = 24  # pixels
    size = (sum(image.width + gap for image in images) - gap, max(image.height for image in images))
    whole = Image.new("RGB", size, "white")
    x = 0
    for image in images:
        whole.paste(image, (x, 0))
        x += image.width + gap
    SCREENSHOTS.mkdir(exist_ok=True)
    whole = whole.convert("RGB").quantize(COLOURS)  # a third of the bytes
    whole.save(SCREENSHOTS / f"{name}.png", optimize=True)


def main() -> None:
    make_results()
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    long_clip = "parsed-long/long.html#t=20.5"
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        save("clip", screenshot(browser, long_clip, WIDE))
        save("index", screenshot(browser, "parsed/index.html#seen but not heard:", (1100, 760)))
        save("evaluation", screenshot(browser, "evaluation/evaluation.html", WIDE))
        save("selection", screenshot(browser, "selection/selection.html", WIDE))
        save("comparison", screenshot(browser, "compared/comparison.html", WIDE))
        dark = [screenshot(browser, page, PHONE, dark=True) for page in (long_clip, "parsed/index.html")]
        save("phone", *dark, screenshot(browser, "evaluation/evaluation.html", PHONE))
        browser.close()


if __name__ == "__main__":
    main()
