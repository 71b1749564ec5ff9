"""One self-contained HTML file: templates, styles and scripts put together, pictures inlined, nothing from outside.

Text is escaped wherever it stands, and a page runs its own script alone: its policy names the script's hash, so that
nothing that a file name or a class may hold can run.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from numpy.typing import NDArray

from seehear.files import atomic_text
from seehear.report.picture import NAMES
from seehear.version import __version__

JPEG_QUALITY = 80
# What figures are drawn with on white paper -> what it is here, by day and by night. White text stays white: it stands
# on a dark colour; and the near black of texts on pale colours stays black.
INKS = {
    "#000000": "currentColor",
    "#666666": "var(--quiet)",
    "#737373": "var(--quiet)",
    "#e8e8e8": "var(--guide)",
    "#f1f1f1": "var(--shade)",
    "#ddecf6": "var(--tied)",
    "#0072b2": "var(--blue)",
    "#d55e00": "var(--vermilion)",
}
PAPER = "#ffffff"


def write(path: Path, template: str, *, scripts: Sequence[str] = (), data: object = None, **facts: Any) -> Path:
    """Write a page whole, or not at all.

    template: in assets, as the scripts. data: what the scripts read, as JSON in the element #data. facts: what the
    template shows.
    """
    script = Markup("\n".join(_asset(name) for name in scripts))
    facts = {
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "style": Markup(_asset("page.css")),
        "data": Markup(as_data(data)) if data is not None else None,
        "version": __version__,
        **facts,
    }
    atomic_text(path, _environment().get_template(template).render(facts))
    return path


def as_data(value: object) -> str:
    """JSON that can stand in a script element: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def address(link: str) -> str:
    """Of a file, from its path with slashes, relative to the page; absolute ones name the disk."""
    if PurePath(link).is_absolute() or re.match(r"[A-Za-z]:/", link):
        return "file:///" + quote(link.lstrip("/"), safe="/:")
    return quote(link)


def spoken(modality: str) -> str:
    """A modality as people say it: heard, seen, both."""
    return NAMES.get(modality, modality)


def tone(modality: str) -> str:
    """The style class that colours a modality."""
    return f"of-{modality}" if modality in NAMES else "of-other"


def seconds(value: float) -> str:
    """A moment or a duration, to tenths: 7.5 s, 1:02.0, 1:00:00.0."""
    tenths = round(value * 10)
    whole, tenth = divmod(tenths, 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minute:02}:{second:02}.{tenth}"
    return f"{minutes}:{second:02}.{tenth}" if minutes else f"{second}.{tenth} s"


def breakable(name: str) -> Markup:
    """A name that may go on in a next line after an underline."""
    return Markup("_<wbr>").join(name.split("_"))


# Pictures


def jpeg(pixels: NDArray[np.uint8], width: int, height: int) -> bytes:
    """pixels: (h, w, 3), RGB, of any proportions."""
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def png(values: NDArray[np.float64], low: float, high: float, colours: str = "magma") -> bytes:
    """A map of values, (h, w), the first row at the bottom; colours: the name of a colour map."""
    import matplotlib
    from PIL import Image

    shades = np.clip((values[::-1] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    picture = Image.fromarray(shades, "P")
    table = (matplotlib.colormaps[colours](np.arange(256))[:, :3] * 255).round().astype(np.uint8)  # (256, 3)
    picture.putpalette(table.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def inline(data: bytes, kind: str) -> str:
    """A file's bytes as an address. kind: its media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def drawing(file: Path, says: str) -> Markup:
    """An SVG file that matplotlib wrote, to stand in a page, in the colours of the page. says: what it shows, in words.

    Identifiers are made the file's own, since those of several drawings would meet in one page. What it says in texts,
    as names of networks, is left as it is.
    """
    text = file.read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    # Its styles would be those of the whole page.
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", text))
    own = hashlib.sha256(file.stem.encode()).hexdigest()[:6]

    def here(found: re.Match[str]) -> str:
        tag = found[0]
        tag = re.sub(r' id="([^"]+)"', lambda name: f' id="{own}-{name[1]}"' if name[1] in used else "", tag)
        tag = re.sub(r"(url\(|href=\")#", rf"\g<1>#{own}-", tag)
        tag = re.sub(r"font-family: [^;\"]*(; )?", "", tag)
        colours = INKS if tag.startswith("<text") else {**INKS, PAPER: "var(--paper)"}
        for colour, ink in colours.items():
            tag = re.sub(rf"{colour}\b", ink, tag, flags=re.IGNORECASE)
        return tag

    text = re.sub(r"<[^>]*>", here, text)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()  # type: ignore[union-attr]
    head = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(says)}" style="--natural:{width}px">'
    text = re.sub(r"^<svg[^>]*>", lambda _: head, text)
    return Markup(f'<div class="drawing" tabindex="0">{text}</div>')


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("seehear.pages", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "spoken": spoken,
        "tone": tone,
        "seconds": seconds,
        "address": address,
        "breakable": breakable,
    }
    return environment


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / "assets" / name).read_text(encoding="utf-8")
