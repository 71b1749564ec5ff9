"""The pictures of docs/tour.md: pages of the demo's results, as a real browser shows them.

make demo; .venv/bin/python docs/tour.py   (needs Chromium, and what tests need)
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import seehear
from seehear.verbs.compare import compare
from seehear.verbs.options import TruthOptions

ROOT = Path(__file__).parent.parent
DEMO, OUT, PICTURES = ROOT / "demo", ROOT / "demo" / "out", ROOT / "docs" / "tour"
TRUTH: Mapping[str, Any] = {"dense_audio": DEMO / "eval_audio.csv", "dense_visual": DEMO / "eval_visual.csv"}
WIDE, PHONE = (1100, 1180), (390, 844)  # pixels
SEEDS = range(6)


def results() -> None:
    """What the demo doesn't make: a selection that was judged, and two systems compared."""
    store, labels, val = OUT / "store", DEMO / "train.csv", DEMO / "val.csv"
    seehear.select(store=store, labels=labels, val=val, recipe="small", seeds=range(3), out=OUT / "selection", **TRUTH)
    seehear.judge(OUT / "selection", labels=DEMO / "test.csv", **TRUTH)
    clips: Mapping[str, Any] = {"store": store, "labels": labels, "val": val, "recipe": "small", **TRUTH}
    one = ["audio=yamnet", "visual=efficientnet-lite0"]
    both = ["audio=yamnet+aisfx", "visual=efficientnet-lite0+open-nsfw"]
    for name, collocation in (("one-each", one), ("two-each", both)):
        seehear.train(collocation=collocation, seeds=SEEDS, out=OUT / "systems" / name, **clips)
    systems = [OUT / "systems" / name for name in ("one-each", "two-each")]
    compare(systems, store=store, labels=DEMO / "test.csv", out=OUT / "compared", truth=TruthOptions(**TRUTH))


def shot(browser: Browser, page: str, size: tuple[int, int], *, dark: bool = False, at: int = 0) -> Image.Image:
    """A page as it first shows, or `at` pixels further down. page: its file in demo/out, and what follows #."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )
    opened = context.new_page()
    file, _, moment = page.partition("#")
    opened.goto((OUT / file).as_uri() + (f"#{moment}" if moment else ""))
    opened.wait_for_timeout(1500)  # until the clip shows its picture
    opened.mouse.wheel(0, at)
    opened.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(opened.screenshot()))
    context.close()
    return picture


def keep(name: str, *pictures: Image.Image) -> None:
    """Pictures side by side, in 256 colours."""
    gap = 24
    whole = Image.new(
        "RGB", (sum(one.width + gap for one in pictures) - gap, max(one.height for one in pictures)), "white"
    )
    x = 0
    for one in pictures:
        whole.paste(one, (x, 0))
        x += one.width + gap
    PICTURES.mkdir(exist_ok=True)
    whole.quantize(256, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


def main() -> None:
    results()
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        keep("clip", shot(browser, "parsed-long/long.html#t=20.5", WIDE))
        keep("index", shot(browser, "parsed/index.html#seen but not heard:", (1100, 760)))
        keep("evaluation", shot(browser, "evaluation/evaluation.html", WIDE))
        keep("selection", shot(browser, "selection/selection.html", WIDE))
        keep("comparison", shot(browser, "compared/comparison.html", WIDE))
        phone = [
            shot(browser, page, PHONE, dark=True) for page in ("parsed-long/long.html#t=20.5", "parsed/index.html")
        ]
        keep("phone", *phone, shot(browser, "evaluation/evaluation.html", PHONE))
        browser.close()


if __name__ == "__main__":
    main()
