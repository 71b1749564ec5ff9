"""What other implementations make of the weights and inputs of the tests of transformer.py, to transformer.npz.

They are laion-clap 1.1.7 with torchlibrosa 0.1 and librosa 0.11 (CLAP), timm 1.0.31 (the blocks of AST; DINOv2),
open_clip_torch 3.3 (CLIP) and torchaudio 2.11 (AST's spectra). With all that importable, run in the folder above:
PYTHONPATH=. python data/transformer_numbers.py
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys
import types
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from towers import inputs, published_state

from seehear.networks import transformer

State = dict[str, Tensor]


def fill(module: nn.Module, state: State, but: str = "$^") -> nn.Module:
    """The module with these weights, all of them; but: pattern of names that are none, or make no features."""
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(re.search(but, name) for name in missing), missing
    return module.eval()


def renamed(state: State, *rules: tuple[str, str]) -> State:
    """Each rule's pattern replaced in turn; queries, keys and values as one."""
    made: State = {}
    for name, tensor in state.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        made[name] = tensor
    for name in [name for name in made if "[q]" in name]:
        parts = [made.pop(name.replace("[q]", f"[{part}]")) for part in "qkv"]
        made[name.replace("[q]", "")] = torch.cat(parts)
    return made


def pictures(mean: list[float], deviation: list[float]) -> Tensor:
    x = (inputs(transformer.CLIP_SPEC) / 255 - mean) / deviation
    return torch.tensor(x.transpose(0, 3, 1, 2), dtype=torch.float32)


def clip() -> Tensor:
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    from open_clip.transformer import QuickGELU, VisionTransformer

    state = renamed(
        published_state(transformer.CLIP_SPEC),
        (r"^vision_model\.", ""),
        (r"^embeddings\.class_embedding", "class_embedding"),
        (r"^embeddings\.patch_embedding\.", "conv1."),
        (r"^embeddings\.position_embedding\.weight", "positional_embedding"),
        (r"^pre_layrnorm\.", "ln_pre."),
        (r"^post_layernorm\.", "ln_post."),
        (r"^encoder\.layers\.", "transformer.resblocks."),
        (r"\.self_attn\.(q|k|v)_proj\.", r".attn.in_proj_[\1]"),
        (r"\.self_attn\.", ".attn."),
        (r"\.layer_norm(\d)\.", r".ln_\1."),
        (r"\.fc1\.", ".c_fc."),
        (r"\.fc2\.", ".c_proj."),
        (r"^visual_projection\.weight", "proj"),
    )
    state["proj"] = state["proj"].T
    network = VisionTransformer(224, 32, 768, 12, 12, 4.0, output_dim=512, act_layer=QuickGELU)
    return fill(network, state)(pictures(list(OPENAI_DATASET_MEAN), list(OPENAI_DATASET_STD)))


TO_TIMM = (
    (r"^audio_spectrogram_transformer\.", ""),
    (r"^embeddings\.cls_token", "cls_token"),
    (r"^embeddings\.distillation_token", "dist_token"),
    (r"^embeddings\.position_embeddings", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^encoder\.layer\.", "blocks."),
    (r"\.attention\.attention\.(q|k|v)(uery|ey|alue)\.", r".attn.qkv.[\1]"),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.layer_scale(\d)\.lambda1", r".ls\1.gamma"),
    (r"^layernorm\.", "norm."),
)


def cubic(before: int, after: int) -> np.ndarray:
    """Weights (after, before) of Keys' interpolation between places in the middle of equal parts, with a of -3/4."""
    a, weights = -0.75, np.zeros((after, before))
    for new in range(after):
        place = (new + 0.5) * before / after - 0.5
        for old in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            d = abs(place - old)
            near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4)
            weights[new, min(max(old, 0), before - 1)] += near if d <= 1 else far
    return weights


def dinov2() -> Tensor:
    from timm import create_model

    state = renamed(published_state(transformer.DINOV2_SPEC), *TO_TIMM)
    del state["embeddings.mask_token"]
    positions = state["pos_embed"][0].double()
    grid = torch.einsum("ai,bj,ijc->abc", *[torch.tensor(cubic(37, 16))] * 2, positions[1:].reshape(37, 37, -1))
    state["pos_embed"] = torch.cat([positions[:1], grid.flatten(0, 1)])[None].float()
    network = create_model("vit_base_patch14_dinov2", img_size=224, num_classes=0)
    return fill(network, state)(pictures([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def ast_spectra() -> Tensor:
    """As AST's makers have them from torchaudio."""
    from torchaudio.compliance.kaldi import fbank

    waves = torch.tensor(inputs(transformer.AST_SPEC))
    options = dict(htk_compat=True, window_type="hanning", num_mel_bins=128, dither=0.0, frame_shift=10)
    made = torch.stack([fbank(wave[None], sample_frequency=16000, use_energy=False, **options) for wave in waves])
    return (made + 4.2677393) / (2 * 4.5689974)


def ast(spectra: Tensor) -> Tensor:
    """timm's blocks, put together as AST's makers do."""
    from timm.models.deit import VisionTransformerDistilled

    network = VisionTransformerDistilled(img_size=224, patch_size=16, embed_dim=768, depth=12, num_heads=12)
    network.patch_embed.proj = nn.Conv2d(1, 768, 16, stride=10)
    state = renamed(published_state(transformer.AST_SPEC), *TO_TIMM)
    tokens, patches = state["pos_embed"].split([2, 1212], dim=1)
    steps = (spectra.shape[1] - 16) // 10 + 1
    patches = patches.transpose(1, 2).reshape(1, 768, 12, 101)[:, :, :, 50 - steps // 2 : 50 - steps // 2 + steps]
    state["pos_embed"] = torch.cat([tokens, patches.flatten(2).transpose(1, 2)], dim=1)
    network.pos_embed = nn.Parameter(state["pos_embed"])
    fill(network, state, but="^head")
    x = network.patch_embed.proj(spectra[:, None].transpose(2, 3)).flatten(2).transpose(1, 2)
    tokens = [token.expand(len(x), -1, -1) for token in (network.cls_token, network.dist_token)]
    x = torch.cat([*tokens, x], dim=1) + network.pos_embed
    return network.norm(network.blocks(x))[:, :2].mean(dim=1)


def clap() -> tuple[Tensor, Tensor]:
    """Spectra (2, 1, 1001, 64) and features (2, 512)."""
    for package in ("laion_clap", "laion_clap.clap_module"):  # which ask the hub for files when they are imported
        spec = importlib.util.find_spec(package)
        assert spec is not None
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = spec.submodule_search_locations
    from laion_clap.clap_module.htsat import create_htsat_model

    settings = dict(model_name="tiny", class_num=527, sample_rate=48000, window_size=1024, hop_size=480)
    network = create_htsat_model(types.SimpleNamespace(**settings, mel_bins=64, fmin=50, fmax=14000))
    state = renamed(
        published_state(transformer.CLAP_SPEC),
        (r"^audio_model\.audio_encoder\.", ""),
        (r"^batch_norm\.", "bn0."),
        (r"\.layernorm_before\.", ".norm1."),
        (r"\.layernorm_after\.", ".norm2."),
        (r"\.attention\.self\.(query|key|value)\.", lambda found: f".attn.qkv.[{found[1][0]}]"),
        (r"\.attention\.self\.", ".attn."),
        (r"\.attention\.output\.dense\.", ".attn.proj."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"\.output\.dense\.", ".mlp.fc2."),
    )
    trunk = {name: tensor for name, tensor in state.items() if not name.startswith("audio_projection.")}
    fill(network, trunk, but=r"_extractor\.|\.attn_mask$|^tscam_conv|^head")
    tens = torch.tensor(np.tile(inputs(transformer.CLAP_SPEC), 10))
    spectra = network.logmel_extractor(network.spectrogram_extractor(tens))
    x = network({"waveform": tens}, device="cpu")["embedding"]
    first, second = ([state[f"audio_projection.linear{n}.{kind}"] for kind in ("weight", "bias")] for n in (1, 2))
    return spectra, F.normalize(F.linear(F.relu(F.linear(x, *first)), *second), dim=-1)


if __name__ == "__main__":
    with torch.no_grad():
        heard = ast_spectra()
        clap_spectra, clap_features = clap()
        made = {
            "clip": clip(),
            "dinov2": dinov2(),
            "ast": ast(heard),
            "ast spectra": heard[:, ::16],
            "clap": clap_features,
            "clap spectra": clap_spectra[:, 0, ::40],
        }
    arrays = {name: value.numpy() for name, value in made.items()}
    np.savez_compressed(Path(__file__).with_name("transformer.npz"), **arrays)
