"""A step of training, against the official model, which projects every frame and attends in two passes."""

from __future__ import annotations

import copy
from collections.abc import Callable

from speed import floors
from speed.row import Row, Size, in_turn, measured


def rows(size: Size) -> list[Row]:
    from seehear.fusion.model import ParsingModel  # before torch, whose threads then wait as in the product

    import torch  # isort: skip

    from fusion.reference import ReferenceModel  # of the tests
    from seehear.losses.weak import weak_loss
    from seehear.training.precision import computing
    from seehear.training.recipe import Recipe

    torch.manual_seed(0)
    audio = torch.randn(size.batch, size.segments, size.audio)
    frames = torch.rand(size.batch, size.segments * size.per_segment, size.frames)
    clips = torch.randn(size.batch, size.segments, size.clip_network)
    labels = (torch.rand(size.batch, size.classes) < 0.1).float()
    pooled = torch.cat([frames.unflatten(1, (size.segments, size.per_segment)).mean(dim=2), clips], dim=-1)
    features = {"audio": audio, "visual": pooled}
    widths = {"audio": [size.audio], "visual": [size.frames, size.clip_network]}
    model = ParsingModel(widths, size.classes, width=size.width, feed_forward=size.width)
    reference = ReferenceModel(size.audio, size.frames, size.clip_network, size.classes, size.width, 0.1)
    reference.take(model)
    with torch.no_grad():
        ours, usual = model.eval()(features), reference.eval()(audio, frames, clips)
    differ = max(float((one - other).abs().max()) for one, other in zip(ours, usual, strict=True))

    def step(net: torch.nn.Module, *inputs: object, precision: str = "float32") -> Callable[[], None]:
        recipe = Recipe(precision=precision)
        optimiser = torch.optim.Adam(net.train().parameters(), lr=3e-4, fused=True)

        def once() -> None:
            optimiser.zero_grad(set_to_none=True)
            with computing(recipe, "cpu"):
                output = net(*inputs)
            weak_loss(output, labels, (1.0, 0.9)).backward()
            optimiser.step()

        return once

    halved = copy.deepcopy(model)
    jobs = [step(model, features), step(reference, audio, frames, clips), step(halved, features, precision="bfloat16")]
    took, usually, halves = in_turn(jobs, size.rounds, min(size.least, 0.1))
    work = arithmetic(size)
    what = f"training step, batch {size.batch}, width {size.width}"
    official = f"official {usually / took:.2f}×, ±{differ:.0e}"
    return [
        measured(what, took, work / floors.arithmetic(size), official, "2.2×"),
        measured(
            "  in bfloat16",
            halves,
            work / floors.arithmetic(size, "bfloat16"),
            f"official {usually / halves:.2f}×, float32 {took / halves:.2f}×",
            "3.2×",
        ),
    ]


def arithmetic(size: Size) -> float:
    """Operations of a training step's matrix products: forward, back to weights and, but for inputs, to features."""
    rows = size.batch * size.segments
    inputs = 2 * rows * size.width * (size.audio + size.frames + size.clip_network)
    layer = 2 * (2 * rows) * size.width * size.width * (6 + 2 + 2)
    attention = 2 * 2 * (2 * rows) * size.segments * size.width * 2
    heads = 2 * (2 * rows) * size.width * 3 * size.classes
    return 2 * inputs + 3 * (layer + attention + heads)
