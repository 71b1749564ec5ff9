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
        projection: str = "none",
    ) -> None:
        """inputs: modality -> widths of its networks, in the order in which `forward` gets them.

        projection: which modalities have a linear layer g after their linear map: `none`, `shared` by all, `separate`
        for each, or the name of the only one (Wu et al., Algorithm 1).
        """
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
        # Last, so that a model with it begins as one without.
        self._projection_of = self._projections(projection)
        self.projection = nn.ModuleDict(
            {name: nn.Linear(width, width) for name in dict.fromkeys(self._projection_of.values())}
        )

    def _projections(self, projection: str) -> dict[str, str]:
        """modality -> name of its g, of those that have one."""
        if projection == "none":
            return {}
        if projection == "shared":
            return dict.fromkeys(self.modalities, projection)
        if projection == "separate":
            return {name: name for name in self.modalities}
        if projection not in self.modalities:
            raise ValueError(f"no modality {projection!r} to project: there are {', '.join(self.modalities)}")
        return {projection: projection}

    def standardise(self, modality: str, mean: Tensor, deviation: Tensor) -> None:
        """Centre a modality's features (sum of widths,) and scale them to unit variance, as measured in training."""
        self.get_buffer(f"mean_{modality}").copy_(mean)
        self.get_buffer(f"scale_{modality}").copy_(1 / deviation.clamp(min=1e-3 * float(deviation.mean()) + 1e-12))

    def normalise(self, modality: str, features: Tensor) -> Tensor:
        """A modality's features as its linear map gets them, (..., sum of widths)."""
        return (features - self.get_buffer(f"mean_{modality}")) * self.get_buffer(f"scale_{modality}")

    def map(self, features: Mapping[str, Tensor]) -> Tensor:
        """After the linear maps t: modality -> (B, T, sum of widths) to (M, B, T, d)."""
        return torch.stack(
            [self.project[name](self.input_dropout(self.normalise(name, features[name]))) for name in self.modalities]
        )

    def embed(self, features: Mapping[str, Tensor]) -> Tensor:
        """Before the attention, after the projections g: modality -> (B, T, sum of widths) to (M, B, T, d)."""
        mapped = self.map(features)
        if not self._projection_of:
            return mapped
        return torch.stack(
            [
                self.projection[self._projection_of[name]](x) if name in self._projection_of else x
                for name, x in zip(self.modalities, mapped, strict=True)
            ]
        )

    def fuse(self, x: Tensor, present: Tensor | None = None) -> Tensor:
        """Through the attention: (M, B, T, d) to the same."""
        for layer in self.layers:
            x = layer(x, present)
        return x

    def parse(self, embeddings: Tensor, present: Tensor | None = None) -> Output:
        """From what `embed` gives, (M, B, T, d), to probabilities."""
        output: Output = self.pooling(self.fuse(embeddings, present), present)
        return output

    def forward(self, features: Mapping[str, Tensor], present: Tensor | None = None) -> Output:
        """features: modality -> (B, T, sum of widths). present: (B, T) bool, which segments lie within the clip."""
        return self.parse(self.embed(features), present)
