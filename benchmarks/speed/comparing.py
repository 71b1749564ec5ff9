"""Intervals of scores and differences of many systems, with the draws of clips and the permutations behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from speed import floors
from speed.made import both
from speed.row import Row, Size, measured, seconds

CLIPS = 300


def rows(size: Size) -> list[Row]:
    from seehear import Comparison, Dataset, compare
    from seehear.scoring.comparison import PERMUTATIONS
    from seehear.scoring.intervals import DRAWS

    rng = np.random.default_rng(0)
    size = replace(size, clips=min(CLIPS, size.clips))
    true = both(rng, size)
    features = {name: np.zeros((size.clips, size.segments, 1), np.float32) for name in true}
    dataset = Dataset.from_arrays(features, truth=true)
    systems = {f"system {n}": both(rng, size) for n in range(size.systems)}
    found: list[Comparison] = []
    took = seconds(lambda: found.append(compare(systems, dataset)), 0.0, repeats=1)
    scores = len(found[0].rows["system 1"])
    products = 2 * size.clips * scores * (size.systems - 1) * (DRAWS + PERMUTATIONS)
    what = f"{size.systems} systems compared on {size.clips} clips"
    return [measured(what, took, products / floors.arithmetic(size), goal="5 s")]
