"""The parsing model: per modality a linear map to one width, hybrid attention layers, attentive pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from seehear.errors import SeehearError
from seehear.fusion.attention import HybridAttention
from seehear.fusion.dropout import Dropout
from seehear.fusion.pooling import AttentivePooling, Output


class ParsingModel(nn.Module):
    """The hybrid attention network (Tian et al. 2020) for one or more modalities, each with one or more networks.

    A modality's networks are concatenated before its linear map. The mean over the frames of a segment commutes with
    that map. So the model takes one vector per segment, the mean over its frames, which saves a product per frame.
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
        blend: float = 0.0,
        window: int = 0,
    ) -> None:
        """Make the model. Its weights are drawn from torch's global random state.

        Args:
            inputs: Modality -> widths of its networks, in the order in which `forward` gets them.
            classes: Number of classes C.
            width: Width d of the embeddings, a multiple of `heads`.
            heads: Attention heads.
            layers: Hybrid attention layers, at least 0.
            feed_forward: Width inside a layer's feed-forward block.
            dropout: Dropout inside the layers, in [0, 1).
            input_dropout: Dropout of the features, in [0, 1).
            projection: Which modalities have a linear layer g after their linear map (Wu et al., Algorithm 1):
                `none`, `shared` (one g for all), `separate` (one g each), or the name of one modality.
            blend: Share, in [0, 1), of a pass in which modalities do not attend to each other.
            window: The layers attend to segments less than so many segments away; 0 for all of the clip. The pooling
                is over the whole clip.

        Raises:
            SeehearError: If a modality has no network, the projection names no modality, or the heads do not divide
                the width.
        """
        super().__init__()
        if not inputs or not all(inputs.values()):
            raise SeehearError("the model needs at least one modality, and each at least one network")
        self.modalities = tuple(inputs)
        self._widths = {name: list(widths) for name, widths in inputs.items()}
        self.blend = blend if len(inputs) > 1 else 0.0
        self.project = nn.ModuleDict({name: nn.Linear(sum(widths), width) for name, widths in inputs.items()})
        # Features are centred and scaled first. Until `standardise` is called this changes nothing.
        for name, widths in inputs.items():
            self.register_buffer(f"mean_{name}", torch.zeros(sum(widths)))
            self.register_buffer(f"scale_{name}", torch.ones(sum(widths)))
        self.input_dropout = Dropout(input_dropout)
        self.layers = nn.ModuleList(HybridAttention(width, heads, feed_forward, dropout, window) for _ in range(layers))
        self.pooling = AttentivePooling(width, classes)
        # Made last, so that all other weights are drawn the same with and without it.
        self._projection_of = self._projections(projection)
        self.projection = nn.ModuleDict(
            {name: nn.Linear(width, width) for name in dict.fromkeys(self._projection_of.values())}
        )

    def _projections(self, projection: str) -> dict[str, str]:
        """Return modality -> name of its g, for the modalities that have one."""
        if projection == "none":
            return {}
        if projection == "shared":
            return dict.fromkeys(self.modalities, projection)
        if projection == "separate":
            return {name: name for name in self.modalities}
        if projection not in self.modalities:
            raise SeehearError(f"projection: no modality {projection!r}; there are {', '.join(self.modalities)}")
        return {projection: projection}

    def projection_of(self, modality: str) -> nn.Module | None:
        """Return the projection g of a modality, if it has one."""
        name = self._projection_of.get(modality)
        return None if name is None else self.projection[name]

    def standardise(self, modality: str, mean: Tensor, deviation: Tensor) -> None:
        """Centre a modality's features and scale them to unit variance from now on.

        A feature that hardly varies beside the others of its network is scaled by less.

        Args:
            modality: Name of the modality.
            mean: Mean of the features in the training clips, (sum of widths,).
            deviation: Their standard deviation, (sum of widths,).
        """
        parts = deviation.split(self._widths[modality])  # of each network: one may be a million times another's size
        least = [part.clamp(min=1e-3 * float(part.mean()) + 1e-12) for part in parts]
        self.get_buffer(f"mean_{modality}").copy_(mean)
        self.get_buffer(f"scale_{modality}").copy_(1 / torch.cat(least))

    def normalise(self, modality: str, features: Tensor) -> Tensor:
        """Return a modality's features, (..., sum of widths), centred and scaled for its linear map."""
        return (features - self.get_buffer(f"mean_{modality}")) * self.get_buffer(f"scale_{modality}")

    def map(self, features: Mapping[str, Tensor]) -> Tensor:
        """Apply the linear maps t: from modality -> (B, T, sum of widths) to (M, B, T, d)."""
        return torch.stack(
            [self.project[name](self.input_dropout(self.normalise(name, features[name]))) for name in self.modalities]
        )

    def embed(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return the embeddings before the attention: linear maps t, then projections g.

        Args:
            features: Modality -> (B, T, sum of widths).

        Returns:
            (M, B, T, d), in the order of `modalities`.
        """
        mapped = self.map(features)
        if not self._projection_of:
            return mapped
        return torch.stack(
            [
                self.projection[self._projection_of[name]](x) if name in self._projection_of else x
                for name, x in zip(self.modalities, mapped, strict=True)
            ]
        )

    def fuse(
        self, x: Tensor, mask: Tensor | None = None, available: Tensor | None = None, cross: bool = True
    ) -> Tensor:
        """Apply the attention layers: (M, B, T, d) to the same shape. cross: whether modalities see each other."""
        for layer in self.layers:
            x = layer(x, mask, available, cross)
        return x

    def parse(self, embeddings: Tensor, mask: Tensor | None = None, available: Tensor | None = None) -> Output:
        """Return the probabilities from the embeddings that `embed` returns, (M, B, T, d)."""
        output: Output = self.pooling(self.fuse(embeddings, mask, available), mask, available)
        if not self.blend:
            return output
        alone: Output = self.pooling(self.fuse(embeddings, mask, available, cross=False), mask, available)
        return Output(*(torch.lerp(full, apart, self.blend) for full, apart in zip(output, alone, strict=True)))

    def forward(
        self, features: Mapping[str, Tensor], mask: Tensor | None = None, available: Tensor | None = None
    ) -> Output:
        """Return the probabilities.

        Args:
            features: Modality -> (B, T, sum of widths); any finite numbers, such as zeros, for a clip that lacks it.
            mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
            available: (B, M) bool, which modalities a clip has, at least one; None if every clip has all. A modality
                that a clip lacks takes no part.
        """
        return self.parse(self.embed(features), mask, available)
