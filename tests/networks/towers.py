"""Weights and inputs of CLAP, AST, CLIP and DINOv2 by the names that their published files have."""

from __future__ import annotations

import re

import frozen
import numpy as np
import torch
from published import waves
from torch import Tensor

from seehear.networks import AudioInput, NetworkSpec

# From names in recent releases of transformers to those in the files.
RULES = {
    "ast": [
        (r"\.attention\.o_proj\.", ".attention.output.dense."),
        (r"\.mlp\.fc1\.", ".intermediate.dense."),
        (r"\.mlp\.fc2\.", ".output.dense."),
        (r"\.layers\.", ".encoder.layer."),
    ],
    "dinov2": [(r"\.attention\.o_proj\.", ".attention.output.dense.")],
}
SPLIT = {"q_proj": "query", "k_proj": "key", "v_proj": "value"}


def published_name(network: str, name: str) -> str:
    for pattern, replacement in RULES.get(network, []):
        name = re.sub(pattern, replacement, name)
    if network in RULES:
        name = re.sub(r"\.attention\.(\w_proj)\.", lambda found: f".attention.attention.{SPLIT[found[1]]}.", name)
    return name


def published_state(spec: NetworkSpec) -> dict[str, Tensor]:
    """What its file would hold of the module, in the numbers of frozen.py."""
    assert spec.build is not None
    with torch.device("meta"):  # which has names and shapes, and takes no time
        module = spec.build()
    state = {}
    for own, tensor in module.state_dict().items():
        name, shape = published_name(spec.name, own), tuple(tensor.shape)
        if name.endswith("relative_position_index"):
            state[name] = relative_places(8)
        elif name.endswith("position_embeddings"):  # as large as what it is added to
            state[name] = frozen.weight(name, shape[1:])[None]
        else:
            state[name] = frozen.weight(name, shape)
    return state


def relative_places(side: int) -> Tensor:
    """How far places of a square lie from each other, as one number for each way (side², side²)."""
    row, column = (axis.flatten() for axis in torch.meshgrid(*[torch.arange(side)] * 2, indexing="ij"))
    down, right = (axis[:, None] - axis + side - 1 for axis in (row, column))
    return down * (2 * side - 1) + right


def inputs(spec: NetworkSpec) -> np.ndarray:
    """A batch of two."""
    if isinstance(spec.input, AudioInput):
        return waves(spec.input.rate, spec.input.samples)
    return frozen.frames(2, spec.input.size, spec.input.size, 3)
