"""The fastest that this machine can be: multiplications of large matrices, and copies of memory."""

from __future__ import annotations

from functools import cache

import numpy as np

from speed.row import Row, Size, seconds


@cache
def arithmetic(size: Size, precision: str = "float32") -> float:
    """Floating-point operations a second of a large matrix product in torch. precision: float32 or bfloat16."""
    import torch

    a, b = torch.randn(2, size.matrix, size.matrix).to(getattr(torch, precision))
    return 2 * size.matrix**3 / seconds(lambda: a @ b, size.least, repeats=5)


@cache
def memory(size: Size) -> float:
    """Bytes a second, read and written, of a large copy."""
    source = np.zeros(size.copied, dtype=np.uint8)
    target = np.empty_like(source)
    source[:] = 1
    return 2 * size.copied / seconds(lambda: np.copyto(target, source), size.least, repeats=5)


def rows(size: Size) -> list[Row]:
    return [
        *(
            Row(f"matrix product, {precision}", f"{arithmetic(size, precision) / 1e9:.0f} GFLOP/s")
            for precision in ("float32", "bfloat16")
        ),
        Row("copy of memory, read and written", f"{memory(size) / 1e9:.1f} GB/s"),
    ]
