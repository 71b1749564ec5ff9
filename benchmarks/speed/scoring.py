"""Scores of predictions, against a loop over clips, as the official scorer has it."""

from __future__ import annotations

import time

import numpy as np

from speed import floors
from speed.made import both
from speed.row import Row, Size, measured, seconds


def rows(size: Size) -> list[Row]:
    from scoring import oracle  # of the tests
    from seehear.scoring.scores import score
    from seehear.scoring.signature import Signature

    rng = np.random.default_rng(0)
    predicted, true = both(rng, size), both(rng, size)
    names, signature = [str(c) for c in range(size.classes)], Signature("given", "made", size.clips)
    took = seconds(lambda: score(predicted, true, names, signature), size.least)
    start = time.perf_counter()
    expected, _ = oracle.scores(predicted, true)
    loop = time.perf_counter() - start
    found = score(predicted, true, names, signature)
    differ = max(abs(found.level(at)[name] - expected[at][name]) for at in expected for name in expected[at])
    read = sum(array.nbytes for arrays in (predicted, true) for array in arrays.values()) / floors.memory(size)
    reference = f"loop {loop / took:.0f}×, ±{differ:.0e}"
    return [measured(f"scores of {size.clips:,} clips", took, read, reference, "100×")]
