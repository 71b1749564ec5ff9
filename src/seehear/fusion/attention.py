"""The hybrid attention layer (Tian et al. 2020, Sec. 4.2): each modality attends to itself and to the others.

All modalities share the layer's weights, so they are processed together, like a batch. One matrix product makes every
query, key and value of both attentions. One direction at a time would take twelve small products.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.errors import SeehearError
from seehear.fusion.dropout import Dropout
from seehear.fusion.near import near_pairs, near_products, near_sums


class HybridAttention(nn.Module):
    """LayerNorm(x + self-attention(x, x, x) + cross-attention(x, other, other)), then a residual feed-forward block.

    The feed-forward block has its own LayerNorm. With more than two modalities, the cross-attention is the mean over
    the others that the clip has. With one modality there is no cross-attention.

    With a window of W segments, both attentions see the segments less than W away, so that time and memory grow with T
    and not with T². Clips of up to W segments are seen whole.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float, window: int = 0) -> None:
        """Make the layer.

        Args:
            width: Width d of the embeddings, a multiple of `heads`.
            heads: Attention heads.
            feed_forward: Width inside the feed-forward block.
            dropout: Probability in [0, 1), of attention weights, of both attentions' output, and in the feed-forward
                block.
            window: W; 0 for none.

        Raises:
            SeehearError: If the heads do not divide the width.
        """
        super().__init__()
        if width % heads:
            raise SeehearError(f"width {width} is not a multiple of {heads} heads")
        self.heads, self.window = heads, window
        # d rows each: query, key, value of self-attention, then query, key, value of cross-attention.
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
        """Initialise as torch's MultiheadAttention does: Xavier over an attention's three projections, biases 0."""
        for rows in self.into.weight.split(3 * width):
            nn.init.xavier_uniform_(rows)
        for linear in (self.into, self.self_out, self.cross_out):
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, mask: Tensor | None, available: Tensor | None = None, cross: bool = True) -> Tensor:
        """Return the new embeddings, shaped as x.

        Args:
            x: Embeddings, (M, B, T, d).
            mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
            available: (B, M) bool, which modalities a clip has; None if every clip has all. What is returned for a
                modality that a clip lacks has no meaning.
            cross: Whether modalities attend to each other.
        """
        qs, ks, vs, qc, kc, vc = self.into(x).chunk(6, dim=-1)  # each (M, B, T, d)
        attended = self.dropout(self.self_out(self._attend(qs, ks, vs, mask)))  # (M, B, T, d)
        n_modalities = len(x)
        if n_modalities > 1 and cross:
            # Rolling the modalities by 1, 2, … pairs each one's query with the key and value of every other.
            others = [
                self._attend(qc, kc.roll(-by, dims=0), vc.roll(-by, dims=0), mask) for by in range(1, n_modalities)
            ]
            if available is None:
                other = others[0] if n_modalities == 2 else torch.stack(others).mean(dim=0)
                attended = attended + self.dropout(self.cross_out(other))
            else:
                attended = attended + self._of_available(others, available.T)
        x = self.norm_attention(x + attended)
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x)))

    def _of_available(self, others: Sequence[Tensor], available: Tensor) -> Tensor:
        """Return the cross-attention to the modalities that a clip has, (M, B, T, d); 0 if it has no other.

        Attention to a modality that is missing is computed and left out. So no softmax is over nothing.

        Args:
            others: Attention to the modality `by` places before, for by = 1, 2, …, (M, B, T, d) each.
            available: (M, B) bool.
        """
        counts = torch.stack([available.roll(-by, dims=0) for by in range(1, len(others) + 1)])  # (M - 1, M, B)
        number = counts.sum(dim=0)  # (M, B)
        cross = (torch.stack([*others]) * counts[..., None, None]).sum(dim=0) / number.clamp(min=1)[..., None, None]
        return self.dropout(self.cross_out(cross)) * (number > 0)[..., None, None]

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Return scaled dot-product attention over the segments of each clip, (M, B, T, d)."""
        if query.dtype == torch.bfloat16:  # products as small as these gain nothing by it
            with torch.autocast(query.device.type, enabled=False):
                return self._attend(query.float(), key.float(), value.float(), mask)
        if self.window and query.shape[-2] > self.window:
            return self._attend_near(query, key, value, mask)

        def by_head(x: Tensor) -> Tensor:
            return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)  # (M, B, heads, T, d / heads)

        q, k, v = by_head(query), by_head(key), by_head(value)
        weights = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5  # (M, B, heads, T, T)
        if mask is not None:
            weights = weights.masked_fill(~mask[:, None, None, :], -torch.inf)
        return (self.dropout(weights.softmax(dim=-1)) @ v).transpose(-2, -3).flatten(-2)  # (M, B, T, d)

    def _attend_near(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Return the same over the segments less than a window away, (M, B, T, d).

        Time is cut into n blocks of W segments. The queries of a block meet the keys of it and of its two neighbours.
        """
        length, size = query.shape[-2], self.window
        missing = -length % size

        def by_head(x: Tensor) -> Tensor:
            x = F.pad(x, (0, 0, 0, missing)) if missing else x
            return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)  # (M, B, heads, n · W, d / heads)

        q, k, v = by_head(query), by_head(key), by_head(value)
        weights = near_products(q, k, size) * q.shape[-1] ** -0.5  # (M, B, heads, n · W, 3 W)
        inside = query.new_ones((1, length), dtype=torch.bool) if mask is None else mask
        seen = near_pairs(F.pad(inside, (0, missing)), size)[:, None]  # (B, 1, n · W, 3 W)
        # The lowest number instead of −inf: a row past the clip's end that sees nothing stays finite, also backward.
        weights = weights.masked_fill(~seen, torch.finfo(weights.dtype).min)
        attended = near_sums(self.dropout(weights.softmax(dim=-1)), v, size)  # (M, B, heads, n · W, d / heads)
        return attended.transpose(-2, -3).flatten(-2)[..., :length, :]
