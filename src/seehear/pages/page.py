"""One self-contained HTML page: template, styles and scripts in one file, images inlined, nothing from outside.

All text is escaped, and a page runs its own script alone: its policy names the script's hash, so that nothing in the
name of a file or a class can run.
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
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from numpy.typing import NDArray

from seehear.files import atomic_text
from seehear.modality import NAMES, display_name
from seehear.pages.colours import MAGMA
from seehear.pages.numbers import true_minus
from seehear.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

JPEG_QUALITY = 80
# Colours of plots on white paper -> colours of the page, light or dark. White text stays white, since it stands on a
# dark colour; near-black text on pale colours stays as it is.
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


def render(template: str, *, scripts: Sequence[str] = (), data: object = None, **context: Any) -> str:
    """The text of a page.

    Args:
        template: A file in assets.
        scripts: Files in assets.
        data: What the scripts read, as JSON in the element #data.
        **context: What the template shows.

    Returns:
        HTML.
    """
    script = Markup("\n".join(_asset(name) for name in scripts))
    context = {
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "style": Markup(_asset("page.css")),
        "data": Markup(as_data(data)) if data is not None else None,
        "version": __version__,
        **context,
    }
    return _environment().get_template(template).render(context)


def write(path: Path, template: str, *, scripts: Sequence[str] = (), data: object = None, **context: Any) -> Path:
    """Write a page whole, or not at all. Parameters as for `render`. Returns the file."""
    atomic_text(path, render(template, scripts=scripts, data=data, **context))
    return path


def as_data(value: object) -> str:
    """JSON that can stand in a script element: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def address(link: str) -> str:
    """A file's URL, from its path with slashes, relative to the page; absolute paths become file: URLs."""
    if PurePath(link).is_absolute() or re.match(r"[A-Za-z]:/", link):
        return "file:///" + quote(link.lstrip("/"), safe="/:")
    return quote(link)


def tone(modality: str) -> str:
    """The CSS class that colours a modality."""
    return f"of-{modality}" if modality in NAMES else "of-other"


def seconds(value: float) -> str:
    """A time or duration, to tenths: 7.5 s, 1:02.0, 1:00:00.0. player.js writes seconds in the same way."""
    tenths = round(value * 10)
    whole, tenth = divmod(tenths, 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minute:02}:{second:02}.{tenth}"
    return f"{minutes}:{second:02}.{tenth}" if minutes else f"{second}.{tenth} s"


def breakable(name: str) -> Markup:
    """A name in which a line may break after an underscore."""
    return Markup("_<wbr>").join(name.split("_"))


# Images and plots


def jpeg(pixels: NDArray[np.uint8], width: int, height: int) -> bytes:
    """A JPEG file of this size from RGB pixels (h, w, 3) of any proportions."""
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def png(values: NDArray[np.float64], low: float, high: float) -> bytes:
    """A PNG file from values (h, w), the first row at the bottom; low and high are the ends of the colour map."""
    from PIL import Image

    shades = np.clip((values[::-1] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    image = Image.fromarray(shades, "P")
    image.putpalette(MAGMA)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def inline(data: bytes, kind: str) -> str:
    """A file's bytes as a data: URL. kind: its media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def drawing(file: Path, alt: str) -> Markup:
    """An SVG file that matplotlib wrote, for the inside of a page, in the page's colours; see `plot`."""
    return _inlined(file.read_text(encoding="utf-8"), alt, file.stem)


def plot(figure: Figure, alt: str) -> Markup:
    """A figure for the inside of a page, in the page's colours, light or dark.

    Identifiers are made the drawing's own, since several drawings meet in one page. Its texts, such as names of
    networks, are left as they are.

    Args:
        figure: Of matplotlib.
        alt: What it shows, in words, for those who can't see it.

    Returns:
        An svg element in a div.
    """
    from seehear.plots.style import svg

    text = svg(figure)
    return _inlined(text, alt, text)


def _inlined(svg: str, alt: str, key: str) -> Markup:
    """key: makes identifiers the drawing's own."""
    text = svg[svg.index("<svg") :]
    # Its styles would be those of the whole page.
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", text))
    prefix = hashlib.sha256(key.encode()).hexdigest()[:6]

    def adapted(match: re.Match[str]) -> str:
        tag = match[0]
        tag = re.sub(r' id="([^"]+)"', lambda name: f' id="{prefix}-{name[1]}"' if name[1] in used else "", tag)
        tag = re.sub(r"(url\(|href=\")#", rf"\g<1>#{prefix}-", tag)
        tag = re.sub(r"font-family: [^;\"]*(; )?", "", tag)
        colours = INKS if tag.startswith("<text") else {**INKS, PAPER: "var(--paper)"}
        for colour, ink in colours.items():
            tag = re.sub(rf"{colour}\b", ink, tag, flags=re.IGNORECASE)
        return tag

    text = re.sub(r"<[^>]*>", adapted, text)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()  # type: ignore[union-attr]
    head = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt)}" style="--natural:{width}px">'
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
        "spoken": display_name,
        "tone": tone,
        "seconds": seconds,
        "address": address,
        "breakable": breakable,
        "minus": true_minus,
    }
    return environment


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / "assets" / name).read_text(encoding="utf-8")
