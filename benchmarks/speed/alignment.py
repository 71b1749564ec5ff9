"""A search of every segment among all others, and the contrastive loss."""

from __future__ import annotations

import numpy as np

from speed import floors
from speed.made import spans
from speed.row import Row, Size, measured, seconds


def rows(size: Size) -> list[Row]:
    import torch

    from seehear.alignment.search import Search
    from seehear.losses.contrastive.module import ContrastiveLoss
    from seehear.losses.contrastive.settings import ContrastSettings

    rng = np.random.default_rng(0)
    n = size.clips * size.segments
    embedded = {name: rng.standard_normal((n, size.width), dtype=np.float32) for name in ("audio", "visual")}
    labels = {name: spans(rng, size).reshape(n, size.classes) for name in embedded}
    search = Search("audio", "visual")
    clip = np.repeat(np.arange(size.clips), size.segments)
    took = seconds(lambda: search(embedded, labels, clip), 0.0, repeats=1)
    loss = ContrastiveLoss(ContrastSettings(loss="mtsc"), tuple(embedded))
    embeddings = torch.randn(2, size.batch, size.segments, size.width, requires_grad=True)
    weak = (torch.rand(size.batch, size.classes) < 0.1).float()
    added = seconds(lambda: torch.autograd.grad(loss(embeddings, weak), embeddings), min(size.least, 0.2))
    rate = floors.arithmetic(size)
    # Two similarities of each pair of segments in a clip, forward, and back to both sides.
    pairs = 3 * 2 * 2 * size.batch * size.segments**2 * size.width
    return [
        measured(f"alignment of {n:,} segments, width {size.width}", took, 2 * n**2 * size.width / rate, goal="10 s"),
        measured(f"MTSC and its gradient, batch {size.batch}", added, pairs / rate, goal="10 % of a step"),
    ]
