"""Batches of features, from memory and from the disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from speed import floors
from speed.row import Row, Size, measured, seconds


def rows(size: Size) -> list[Row]:
    from seehear.features.packed import Packed
    from seehear.training.bags import Bags

    rng = np.random.default_rng(0)
    offsets = np.arange(size.clips + 1) * size.segments
    widths = {"audio": [size.audio], "visual": [size.frames, size.clip_network]}
    # Features are read, and written into the batch.
    copied = 2 * 4 * size.batch * size.segments * sum(sum(each) for each in widths.values())
    floor = copied / floors.memory(size)
    with tempfile.TemporaryDirectory() as folder:
        packs: dict[str, list[Packed]] = {modality: [] for modality in widths}
        for modality, each in widths.items():
            for width in each:
                file = Path(folder) / f"{modality}{width}.npy"
                np.save(file, rng.random((size.clips * size.segments, width), dtype=np.float32))
                packs[modality].append(Packed(np.load(file, mmap_mode="r"), offsets, ""))
        result = []
        for what, limit in (("in memory", 1 << 40), ("memory-mapped", 0)):
            bags = Bags(packs, in_memory=limit)
            draw = lambda bags=bags: bags.batch(rng.integers(size.clips, size=size.batch))  # noqa: E731
            took = seconds(draw, size.least, repeats=20)
            result.append(measured(f"a batch of {size.batch} loaded, {what}", took, floor, goal="5 % of a step"))
    return result
