"""The parsing model: per modality a linear map to one width, hybrid attention layers, attentive pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from seehear.fusion.attention import HybridAttention
from seehear.fusion.dropout import Dropout
from seehear.fusion.pooling import AttentivePooling, Output


class ParsingModel(nn.Module):
    """The hybrid attention network for any number of modalities >= 1, each fed by one or several networks.

    A modality's networks are concatenated before its linear map. The mean over the frames of a segment commutes
    with that map, so the model takes one vector a segment: pooled first, a segment costs one product, not one a frame.
    """

    def __init__(
        self,
        inputs: Mapping[str, Sequence[int]],
        classes: int,
        *,
        width: int = 512,
        heads: int = 1,
        layers: int = 1,
        feed_forward: int = 512,
        dropout: float = 0.1,
        input_dropout: float = 0.0,
    ) -> None:
        """inputs: modality -> widths of its networks, in the order in which `forward` gets them."""
        super().__init__()
        if not inputs or not all(inputs.values()):
            raise ValueError("the model needs at least one modality, and each at least one network")
        self.modalities = tuple(inputs)
        self.project = nn.ModuleDict({name: nn.Linear(sum(widths), width) for name, widths in inputs.items()})
        # Features are centred and scaled before anything else; as they come until `standardise` is called.
        for name, widths in inputs.items():
            self.register_buffer(f"mean_{name}", torch.zeros(sum(widths)))
            self.register_buffer(f"scale_{name}", torch.ones(sum(widths)))
        self.input_dropout = Dropout(input_dropout)
        self.layers = nn.ModuleList(HybridAttention(width, heads, feed_forward, dropout) for _ in range(layers))
        self.pooling = AttentivePooling(width, classes)

    def standardise(self, modality: str, mean: Tensor, deviation: Tensor) -> None:
        """Centre a modality's features (sum of widths,) and scale them to unit variance, as measured in training."""
        self.get_buffer(f"mean_{modality}").copy_(mean)
        self.get_buffer(f"scale_{modality}").copy_(1 / deviation.clamp(min=1e-3 * float(deviation.mean()) + 1e-12))

    def embed(self, features: Mapping[str, Tensor]) -> Tensor:
        """Before the attention: modality -> (B, T, sum of widths) to (M, B, T, d)."""
        mapped = []
        for name in self.modalities:
            x = (features[name] - self.get_buffer(f"mean_{name}")) * self.get_buffer(f"scale_{name}")
            mapped.append(self.project[name](self.input_dropout(x)))
        return torch.stack(mapped)

    def forward(self, features: Mapping[str, Tensor], present: Tensor | None = None) -> Output:
        """features: modality -> (B, T, sum of widths). present: (B, T) bool, which segments lie within the clip."""
        x = self.embed(features)  # (M, B, T, d)
        for layer in self.layers:
            x = layer(x, present)
        output: Output = self.pooling(x, present)
        return output
