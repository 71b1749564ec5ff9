"""The model as it is usually written: every frame is projected before pooling, one direction of attention at a time.

It is slower than `ParsingModel`, with the same mathematics. The tests compare the two, and the benchmark times both.
"""

import torch
from torch import Tensor, nn

from seehear.fusion.model import ParsingModel
from seehear.fusion.pooling import Output


class ReferenceModel(nn.Module):
    """Audio (B, T, a), and two visual networks: frames (B, T × frames, v) and segments (B, T, w)."""

    def __init__(self, audio: int, frames: int, clips: int, classes: int, width: int, dropout: float) -> None:
        super().__init__()
        self.audio = nn.Linear(audio, width)
        self.visual = nn.Linear(frames + clips, width)
        self.itself = nn.MultiheadAttention(width, 1, dropout, batch_first=True)
        self.cross = nn.MultiheadAttention(width, 1, dropout, batch_first=True)
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.probability, self.over_time, self.over_modalities = (nn.Linear(width, classes) for _ in range(3))

    def take(self, model: ParsingModel) -> None:
        """Copy the weights of a ParsingModel with one layer."""
        layer, width = model.layers[0], self.audio.out_features
        self.audio.load_state_dict(model.project["audio"].state_dict())
        self.visual.load_state_dict(model.project["visual"].state_dict())
        with torch.no_grad():
            for n, (module, out) in enumerate(((self.itself, layer.self_out), (self.cross, layer.cross_out))):
                rows = slice(3 * n * width, 3 * (n + 1) * width)
                module.in_proj_weight.copy_(layer.into.weight[rows])
                module.in_proj_bias.copy_(layer.into.bias[rows])
                module.out_proj.load_state_dict(out.state_dict())
            heads = (self.probability, self.over_time, self.over_modalities)
            weights, biases = model.pooling.into.weight.chunk(3), model.pooling.into.bias.chunk(3)
            for head, weight, bias in zip(heads, weights, biases, strict=True):
                head.weight.copy_(weight)
                head.bias.copy_(bias)
        self.norm_attention.load_state_dict(layer.norm_attention.state_dict())
        self.norm_feed_forward.load_state_dict(layer.norm_feed_forward.state_dict())
        self.inner.load_state_dict(layer.feed_forward[0].state_dict())
        self.outer.load_state_dict(layer.feed_forward[3].state_dict())

    def direction(self, x: Tensor, other: Tensor) -> Tensor:
        crossed = self.cross(x, other, other)[0]
        attended = self.itself(x, x, x)[0]
        x = self.norm_attention(x + self.dropout(crossed) + self.dropout(attended))
        inner = self.dropout(self.inner(x).relu())
        return self.norm_feed_forward(x + self.dropout(self.outer(inner)))

    def forward(self, audio: Tensor, frames: Tensor, clips: Tensor) -> Output:
        n_segments = clips.shape[1]
        each = frames.shape[1] // n_segments
        heard = self.audio(audio)
        joined = torch.cat([frames, clips.repeat_interleave(each, dim=1)], dim=-1)  # (B, T × frames, v + w)
        seen = self.visual(joined).unflatten(1, (n_segments, each)).mean(dim=2)  # (B, T, d)
        x = torch.stack([self.direction(heard, seen), self.direction(seen, heard)], dim=2)  # (B, T, M, d)
        probability = self.probability(x).sigmoid()
        weighed = self.over_time(x).softmax(dim=1) * probability
        clip = (weighed * self.over_modalities(x).softmax(dim=2)).sum(dim=(1, 2))
        return Output(probability, clip.clamp(max=1.0), weighed.sum(dim=1))
