"""The networks of transformer.py as torch modules, with the names of the published weights.

All settings are those of the published networks, and do not depend on the defaults of a release of `transformers`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from transformers import (
    ASTConfig,
    ASTModel,
    ClapAudioConfig,
    ClapAudioModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    Dinov2Config,
    Dinov2Model,
)

from seehear.networks.torch_network import NormaliseFrames

BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}  # ViT-Base

CLAP = {
    "spec_size": 256,
    "num_mel_bins": 64,
    "patch_size": 4,
    "patch_stride": [4, 4],
    "patch_embeds_hidden_size": 96,
    "depths": [2, 2, 6, 2],
    "num_attention_heads": [4, 8, 16, 32],
    "window_size": 8,
    "mlp_ratio": 4.0,
    "qkv_bias": True,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "enable_patch_layer_norm": True,
    "enable_fusion": False,
    "hidden_size": 768,
    "projection_dim": 512,
    "projection_hidden_act": "relu",
}
AST_BANDS, AST_STEPS = 12, 101  # patches along the frequency and, in ten seconds, the time
AST = {
    **BASE,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "qkv_bias": True,
    "patch_size": 16,
    "frequency_stride": 10,
    "time_stride": 10,
    "num_mel_bins": 128,
    "max_length": 1024,
}
CLIP = {
    **BASE,
    "intermediate_size": 3072,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
    "image_size": 224,
    "patch_size": 32,
    "projection_dim": 512,
}
DINOV2 = {
    **BASE,
    "mlp_ratio": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
    "qkv_bias": True,
    "image_size": 518,  # of the end of its training: 37 × 37 patches
    "patch_size": 14,
    "use_swiglu_ffn": False,
    "use_mask_token": True,
}
# Mean and deviation of red, green and blue in [0, 1].
OF_CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
OF_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Clap(ClapAudioModelWithProjection):  # type: ignore[misc]
    """From spectra (n, 1, 1001, 64) to features (n, 512) of length 1."""

    def __init__(self) -> None:
        super().__init__(ClapAudioConfig(**CLAP))

    def forward(self, spectra: Tensor) -> Tensor:
        """Return the features (n, 512), each of length 1."""
        return F.normalize(super().forward(input_features=spectra).audio_embeds, dim=-1)


class Ast(nn.Module):
    """From spectra (n, 10 · steps + 6, 128) to features (n, 768)."""

    def __init__(self, steps: int) -> None:
        """steps: patches along the time, at most 101."""
        super().__init__()
        self.steps = steps
        self.audio_spectrogram_transformer = ASTModel(ASTConfig(**AST))

    def positions(self) -> Tensor:
        """Positions of two tokens and of patches, band by band, from the middle of the ten learnt seconds.

        (1, 2 + 12 · steps, 768)
        """
        learnt: Tensor = self.audio_spectrogram_transformer.embeddings.position_embeddings
        first = AST_STEPS // 2 - self.steps // 2
        patches = learnt[:, 2:].unflatten(1, (AST_BANDS, AST_STEPS))[:, :, first : first + self.steps]
        return torch.cat([learnt[:, :2], patches.flatten(1, 2)], dim=1)

    def forward(self, spectra: Tensor) -> Tensor:
        """Return the features (n, 768)."""
        in_place = {"embeddings.position_embeddings": self.positions()}
        given = {"input_values": spectra}
        features: Tensor = functional_call(self.audio_spectrogram_transformer, in_place, (), given).pooler_output
        return features


class Clip(CLIPVisionModelWithProjection):  # type: ignore[misc]
    """From frames (n, 224, 224, 3) uint8 to features (n, 512)."""

    def __init__(self) -> None:
        super().__init__(CLIPVisionConfig(**CLIP))
        self.normalise = NormaliseFrames(*OF_CLIP)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the features (n, 512)."""
        features: Tensor = super().forward(pixel_values=self.normalise(frames)).image_embeds
        return features


class Dino(Dinov2Model):  # type: ignore[misc]
    """From frames (n, 224, 224, 3) uint8 to features (n, 768)."""

    def __init__(self) -> None:
        super().__init__(Dinov2Config(**DINOV2))
        self.normalise = NormaliseFrames(*OF_IMAGENET)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the features (n, 768) of the class token."""
        features: Tensor = super().forward(pixel_values=self.normalise(frames)).pooler_output
        return features
