"""The hybrid attention layer (Tian et al. 2020, Sec. 4.2): each modality attends to itself and to the others.

The layer's weights are shared by all modalities, so the modalities ride along the batch: one matrix product makes
every query, key and value of both attentions, where two directions one after the other take twelve small ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seehear.fusion.dropout import Dropout


class HybridAttention(nn.Module):
    """x + self-attention(x, x, x) + cross-attention(x, other, other), normalised; then a feed-forward block, likewise.

    With more than two modalities the cross-attention is the mean over the others; with one there is none.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        """width: d, a multiple of heads. feed_forward: width within the feed-forward block."""
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads = heads
        # Rows, d each: query, key, value of self-attention; query, key, value of cross-attention.
        self.into = nn.Linear(width, 6 * width)
        self.self_out = nn.Linear(width, width)
        self.cross_out = nn.Linear(width, width)
        self.norm_attention = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward), nn.ReLU(), Dropout(dropout), nn.Linear(feed_forward, width)
        )
        self.norm_feed_forward = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)
        self._initialise(width)

    def _initialise(self, width: int) -> None:
        """As torch's MultiheadAttention: Xavier over each attention's three projections, biases 0."""
        for rows in self.into.weight.split(3 * width):
            nn.init.xavier_uniform_(rows)
        for linear in (self.into, self.self_out, self.cross_out):
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, present: Tensor | None) -> Tensor:
        """x: (M, B, T, d), modality first. present: (B, T) bool, None where every clip has T segments. As x."""
        qs, ks, vs, qc, kc, vc = self.into(x).chunk(6, dim=-1)  # each (M, B, T, d)
        attended = self.dropout(self.self_out(self._attend(qs, ks, vs, present)))  # (M, B, T, d)
        n_modalities = len(x)
        if n_modalities > 1:
            # Turning the modalities by 1, 2, … lays each one's query beside every other's key and value.
            others = [
                self._attend(qc, kc.roll(-by, dims=0), vc.roll(-by, dims=0), present) for by in range(1, n_modalities)
            ]
            cross = others[0] if n_modalities == 2 else torch.stack(others).mean(dim=0)
            attended = attended + self.dropout(self.cross_out(cross))
        x = self.norm_attention(x + attended)
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x)))

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, present: Tensor | None) -> Tensor:
        """Scaled dot-product attention over the segments of a clip, (M, B, T, d)."""

        def by_head(x: Tensor) -> Tensor:
            return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)  # (M, B, heads, T, d / heads)

        q, k, v = by_head(query), by_head(key), by_head(value)
        weights = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5  # (M, B, heads, T, T)
        if present is not None:
            weights = weights.masked_fill(~present[:, None, None, :], -torch.inf)
        return (self.dropout(weights.softmax(dim=-1)) @ v).transpose(-2, -3).flatten(-2)  # (M, B, T, d)
