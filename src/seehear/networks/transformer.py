"""CLAP, AST, CLIP and DINOv2: transformers for audio and frames, from Hugging Face's package `transformers`.

The architectures come from that package; the settings of each network are listed here, so that only its weight file is
fetched. Other contents of a file, such as text towers and classifiers, are skipped. The files of CLIP and CLAP are in
torch's format, because their repositories hold no safetensors.

Sources:
- CLAP: Y. Wu et al., "Large-scale contrastive language-audio pretraining", ICASSP 2023,
  https://arxiv.org/abs/2211.06687; numbers: laion-clap 1.1.7, clap_module/model_configs/HTSAT-tiny.json and htsat.py.
  One second is repeated to fill the ten seconds of the input, as its authors do with short audio. Features have a
  length of 1, as theirs do.
- AST: Y. Gong, Y.-A. Chung, J. Glass, "AST: Audio spectrogram transformer", Interspeech 2021,
  https://arxiv.org/abs/2104.01778, and its code, https://github.com/YuanGongND/ast, src/models/ast_models.py. It was
  trained on ten seconds. Two seconds, used here, cost a fifth, and locate events better. For shorter audio its authors
  crop the centre of the learnt positions; so does seehear.
- CLIP: A. Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021,
  https://arxiv.org/abs/2103.00020; numbers: open_clip 3.3, model_configs/ViT-B-32-quickgelu.json and constants.py.
- DINOv2: M. Oquab et al., "DINOv2: Learning robust visual features without supervision", TMLR 2024,
  https://arxiv.org/abs/2304.07193; numbers: timm 1.0.31, vit_base_patch14_dinov2. Its positions are those of 37 × 37
  patches, interpolated to 16 × 16.

The authors of CLIP and DINOv2 scale the shorter side of an image and crop the centre; seehear squeezes the whole frame
into the square.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from seehear.networks.mel import mel_filters
from seehear.networks.spec import AudioInput, ImageInput, Network, NetworkSpec
from seehear.networks.weights import Url, WeightFile

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[np.float32]
FrontEnd = Callable[[Any], NDArray[Any]]

HUB = "https://huggingface.co"
SIZE = 224  # pixels

CLAP_RATE = 48000
CLAP_AUDIO = {  # arguments of its feature extractor
    "sampling_rate": CLAP_RATE,
    "max_length_s": 10,
    "fft_window_size": 1024,
    "hop_length": 480,
    "feature_size": 64,  # mel bands
    "frequency_min": 50,
    "frequency_max": 14000,
    "truncation": "rand_trunc",  # how spectra are made for a network without fusion; nothing is longer than ten seconds
    "padding": "repeatpad",
}

AST_RATE = 16000
AST_FRAME, AST_HOP, AST_FFT, AST_BANDS = 400, 160, 512, 128  # samples: 25 ms every 10 ms
AST_STEPS = 20  # patches along the time, of the 101 in ten seconds
AST_FRAMES = (AST_STEPS - 1) * 10 + 16  # a patch is 16 frames long, and they are 10 apart
AST_WINDOW = ((AST_FRAMES - 1) * AST_HOP + AST_FRAME) / AST_RATE  # 2.075 s
AST_MEAN, AST_DEVIATION = -4.2677393, 4.5689974  # of log-mel spectra of AudioSet

_AST_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(AST_FRAME) / (AST_FRAME - 1))  # symmetric
_AST_FILTERS = mel_filters(AST_RATE, AST_FFT, AST_BANDS, 20.0, AST_RATE / 2)


def clap_front_end() -> Callable[[Array], Array]:
    """From waves (n, 48000) in [-1, 1] to log-mel spectra (n, 1, 1001, 64) of ten seconds of each, repeated."""
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor(**CLAP_AUDIO)

    def spectra(waves: Array) -> Array:
        return np.asarray(extractor(list(waves), sampling_rate=CLAP_RATE)["input_features"], np.float32)

    return spectra


def ast_spectra(waves: Array) -> Array:
    """Log-mel spectra (n, 206, 128) of waves (n, 33200) in [-1, 1], minus a mean, divided by twice a deviation.

    As in Kaldi, the mean of each frame is subtracted, and its high frequencies are emphasised. The feature extractor of
    `transformers` uses torchaudio if it is installed, so its numbers would depend on the machine.
    """
    frames = sliding_window_view(waves.astype(np.float64), AST_FRAME, axis=1)[:, ::AST_HOP]  # (n, frames, 400)
    frames = frames - frames.mean(axis=2, keepdims=True)
    before = np.concatenate([frames[..., :1], frames[..., :-1]], axis=2)
    power = np.abs(np.fft.rfft((frames - 0.97 * before) * _AST_HANN, AST_FFT)) ** 2  # (n, frames, 257)
    loudness = np.log(np.maximum(power @ _AST_FILTERS, np.finfo(np.float32).eps))  # (n, frames, 128)
    return np.asarray((loudness - AST_MEAN) / (2 * AST_DEVIATION), np.float32)


def build_clap() -> nn.Module:
    """From spectra (n, 1, 1001, 64) to features (n, 512), in the space that audio shares with text."""
    from seehear.networks.transformer_module import Clap

    return Clap()


def build_ast() -> nn.Module:
    """From spectra (n, 206, 128) to features (n, 768), the mean of the two summary tokens."""
    from seehear.networks.transformer_module import Ast

    return Ast(AST_STEPS)


def build_clip() -> nn.Module:
    """From frames (n, 224, 224, 3) uint8 to features (n, 512), in the space that images share with text."""
    from seehear.networks.transformer_module import Clip

    return Clip()


def build_dinov2() -> nn.Module:
    """From frames (n, 224, 224, 3) uint8 to features (n, 768), the class token."""
    from seehear.networks.transformer_module import Dino

    return Dino()


def own_name(published: str, own: Collection[str]) -> str | None:
    """Return the name of a weight of a published file among `own`, the names of the module; None if it has none.

    Files have the names of early releases of `transformers`, some of which changed around release 5.10.
    """
    name = published
    changes = (
        ("", ""),
        (r"\.attention\.attention\.(q|k|v)(uery|ey|alue)\.", r".attention.\1_proj."),
        (r"\.attention\.output\.dense\.", ".attention.o_proj."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"\.output\.dense\.", ".mlp.fc2."),
        (r"\.encoder\.layer\.", ".layers."),
    )
    for pattern, replacement in changes:
        name = re.sub(pattern, replacement, name)
        if name in own:
            return name
    return None


def _spec(
    name: str,
    *,
    repository: str,
    file: str,
    build: Callable[[], nn.Module],
    input: AudioInput | ImageInput,
    width: int,
    domain: str,
    paper: str,
    licence: str,
    front_end: Callable[[], FrontEnd] = lambda: np.asarray,
) -> NetworkSpec:
    """file: its name in the repository. front_end: returns the function from a batch to the input of the module."""
    address = f"{HUB}/{repository}"
    weights = WeightFile(f"{repository.rpartition('/')[2]}-{file}", "", (Url(f"{address}/resolve/main/{file}"),))

    def load(paths: Mapping[str, Path], device: str) -> Network:
        from seehear.networks.torch_network import TorchNetwork, load_state

        module = build()
        own = module.state_dict().keys()
        load_state(module, paths[weights.name], name, rename=lambda published: own_name(published, own))
        return TorchNetwork(module, device, front_end=front_end(), chunk=8)

    return NetworkSpec(
        name=name,
        input=input,
        width=width,
        domain=domain,
        origin=address,
        paper=paper,
        licence=licence,
        load=load,
        weights=(weights,),
        extra="transformers",
        build=build,
    )


CLAP_SPEC = _spec(
    "clap",
    repository="laion/clap-htsat-unfused",
    file="pytorch_model.bin",
    build=build_clap,
    front_end=clap_front_end,
    input=AudioInput(rate=CLAP_RATE, window=1.0),
    width=512,
    domain="audio with captions (LAION-Audio-630K, AudioSet)",
    paper="Wu et al., Large-scale contrastive language-audio pretraining, ICASSP 2023 (arXiv:2211.06687)",
    licence="Apache-2.0",
)
AST_SPEC = _spec(
    "ast",
    repository="MIT/ast-finetuned-audioset-10-10-0.4593",
    file="model.safetensors",
    build=build_ast,
    front_end=lambda: ast_spectra,
    input=AudioInput(rate=AST_RATE, window=AST_WINDOW),
    width=768,
    domain="sound events (AudioSet)",
    paper="Gong, Chung, Glass, AST: Audio spectrogram transformer, Interspeech 2021 (arXiv:2104.01778)",
    licence="BSD-3-Clause",
)
CLIP_SPEC = _spec(
    "clip",
    repository="openai/clip-vit-base-patch32",
    file="pytorch_model.bin",
    build=build_clip,
    input=ImageInput(size=SIZE),
    width=512,
    domain="images with captions from the web",
    paper="Radford et al., Learning transferable visual models from language, ICML 2021 (arXiv:2103.00020)",
    licence="MIT",
)
DINOV2_SPEC = _spec(
    "dinov2",
    repository="facebook/dinov2-base",
    file="model.safetensors",
    build=build_dinov2,
    input=ImageInput(size=SIZE),
    width=768,
    domain="images from the web, without labels (LVD-142M)",
    paper="Oquab et al., DINOv2: Learning robust visual features, TMLR 2024 (arXiv:2304.07193)",
    licence="Apache-2.0",
)
