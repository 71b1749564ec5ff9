"""The frames of the demo: photographs that a camera moves over, and photographed figures before others."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image

from sources import BACKGROUND_PICTURES, FLYING, PICTURES, Packages

LONGEST_SIDE = 900  # pixels; larger photographs are reduced once

Point = tuple[float, float]


@dataclass(frozen=True)
class Area:
    """A part of the frame, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Shot:
    """A photograph that fills an area while the camera moves over it."""

    photograph: Image.Image
    area: Area
    zoom: float
    start: Point  # where in the photograph, from 0 to 1 of the room that the zoom leaves
    end: Point

    def paint(self, canvas: Image.Image, part: float) -> None:
        """Paint what is seen after `part` of the clip."""
        scale = max(self.area.width / self.photograph.width, self.area.height / self.photograph.height) * self.zoom
        width, height = self.area.width / scale, self.area.height / scale
        x, y = ((1 - part) * a + part * b for a, b in zip(self.start, self.end, strict=True))
        left, top = x * (self.photograph.width - width), y * (self.photograph.height - height)
        box = (left, top, left + width, top + height)
        shown = self.photograph.resize((self.area.width, self.area.height), Image.Resampling.BICUBIC, box, 2)
        canvas.paste(shown, (self.area.left, self.area.top))


@dataclass(frozen=True)
class Figure:
    """A figure that was cut out of a photograph; it moves to and fro."""

    cutout: Image.Image
    area: Area
    start: Point  # from 0 to 1 of the room that it leaves in its area
    end: Point

    def paint(self, canvas: Image.Image, part: float) -> None:
        """Paint what is seen after `part` of the clip."""
        swing = 0.5 - 0.5 * np.cos(4 * np.pi * part)  # there and back, twice
        x, y = ((1 - swing) * a + swing * b for a, b in zip(self.start, self.end, strict=True))
        left = self.area.left + round(x * (self.area.width - self.cutout.width))
        top = self.area.top + round(y * (self.area.height - self.cutout.height))
        canvas.paste(self.cutout, (left, top), self.cutout)


def load(packages: Packages, source: str) -> Image.Image:
    """A photograph in RGB, or RGBA if the figure in it was cut out."""
    ((_, data),) = packages.read(source)
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return picture if picture.getchannel("A").getextrema()[0] == 0 else picture.convert("RGB")


def _corner(rng: np.random.Generator) -> Point:
    return float(rng.uniform()), float(rng.uniform())


def background(packages: Packages, split: str, width: int, height: int, rng: np.random.Generator) -> Shot:
    sources = BACKGROUND_PICTURES[split]
    photograph = load(packages, sources[rng.integers(len(sources))]).convert("RGB")
    return Shot(photograph, Area(0, 0, width, height), float(rng.uniform(1.05, 1.3)), _corner(rng), _corner(rng))


def figure(cutout: Image.Image, area: Area, flies: bool, rng: np.random.Generator) -> Figure:
    """As large as the area allows, or a little less, near its lower edge, or near the upper one if it flies."""
    scale = min(area.width / cutout.width, area.height / cutout.height) * rng.uniform(0.75, 0.95)
    size = round(cutout.width * scale), round(cutout.height * scale)
    cutout = cutout.resize(size, Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        cutout = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    y = float(rng.uniform(0.8, 1)) - 0.8 * flies
    return Figure(cutout, area, (float(rng.uniform()), y), (float(rng.uniform()), y))


def shot(photograph: Image.Image, area: Area, rng: np.random.Generator) -> Shot:
    """A photograph, perhaps mirrored, whose middle stays in sight."""
    if rng.random() < 0.5:
        photograph = photograph.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    near = 0.5 + 0.3 * (np.array([_corner(rng), _corner(rng)]) - 0.5)
    start, end = ((float(x), float(y)) for x, y in near)
    return Shot(photograph, area, float(rng.uniform(1.02, 1.2)), start, end)


def _areas(count: int, width: int, height: int, rows: bool) -> list[Area]:
    """Equal parts of the frame: rows, or columns."""
    edges = [round(k * (height if rows else width) / count) for k in range(count + 1)]
    if rows:
        return [Area(0, a, width, b - a) for a, b in pairwise(edges)]
    return [Area(a, 0, b - a, height) for a, b in pairwise(edges)]


def cast(
    packages: Packages, split: str, names: list[str], width: int, height: int, rng: np.random.Generator
) -> dict[str, Shot | Figure]:
    """What shows each class: each in a part of the frame, so that none hides another."""
    sources = [PICTURES[name][split][rng.integers(len(PICTURES[name][split]))] for name in names]
    loaded = [load(packages, source) for source in sources]
    rows = width <= height and all(picture.mode == "RGB" for picture in loaded)  # photographs are wide, figures high
    areas = _areas(len(names), width, height, rows)
    found: dict[str, Shot | Figure] = {}
    for name, source, picture, place in zip(names, sources, loaded, rng.permutation(len(names)), strict=True):
        if picture.mode == "RGBA":
            found[name] = figure(picture, areas[place], source in FLYING, rng)
            continue
        found[name] = shot(picture, areas[place], rng)
    return found
