"""CLAP, AST, CLIP and DINOv2 against other implementations of them, and against their usual preprocessing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from towers import inputs, published_state

from seehear.networks import get, transformer
from seehear.networks.samples import sample
from seehear.networks.torch_network import NormaliseFrames

NAMES = ("clap", "ast", "clip", "dinov2")
THEIRS = Path(__file__).parent / "data" / "transformer.npz"

# Some of what the files hold besides.
MORE = {
    "clap": ("logit_scale_a", "text_model.embeddings.position_ids", "text_projection.linear1.weight"),
    "ast": ("classifier.layernorm.weight", "classifier.dense.weight"),
    "clip": ("logit_scale", "text_model.final_layer_norm.weight", "vision_model.embeddings.position_ids"),
    "dinov2": (),
}


@pytest.mark.parametrize("name", NAMES)
def test_published_file_gives_what_others_make_of_it(name):
    """From audio or frame to features; half of the weights have other names in the file than in memory."""
    spec = get(name)
    (file,) = spec.weights
    state = published_state(spec) | {more: torch.ones(2) for more in MORE[name]}
    with tempfile.TemporaryDirectory() as folder:  # a third of a gigabyte, which pytest would keep
        path = Path(folder) / file.name
        save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
        del state
        features = spec.load({file.name: path}, "cpu").features(inputs(spec))
    theirs = np.load(THEIRS)[name]
    assert features.shape == (2, spec.width)
    np.testing.assert_allclose(features, theirs, rtol=0, atol=5e-5 * np.abs(theirs).max())


def test_positions_of_dinov2_are_those_of_its_last_training():
    """37 × 37 patches of 14 pixels, and the token for the whole."""
    with torch.device("meta"):
        module = transformer.build_dinov2()
    assert module.embeddings.position_embeddings.shape == (1, 37 * 37 + 1, 768)
    assert sum(weight.numel() for weight in module.parameters()) == 86_580_480


def test_spectra_of_ast_are_those_of_torchaudio():
    found = transformer.ast_spectra(inputs(transformer.AST_SPEC))
    assert found.shape == (2, transformer.AST_FRAMES, 128)
    np.testing.assert_allclose(found[:, ::16], np.load(THEIRS)["ast spectra"], rtol=0, atol=1e-4)


@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")
def test_spectra_of_ast_are_those_of_transformers():
    """A dog, a whisper and silence."""
    from transformers import ASTFeatureExtractor

    waves = sample(transformer.AST_SPEC.input, 3)
    waves[1] *= 1e-4
    waves[2] = 0
    extractor = ASTFeatureExtractor(max_length=transformer.AST_FRAMES)
    theirs = extractor(list(waves), sampling_rate=16000)["input_values"]
    np.testing.assert_allclose(transformer.ast_spectra(waves), theirs, rtol=0, atol=1e-5)


def test_spectra_of_clap_are_those_of_laion_clap():
    """In decibels, from -100."""
    found = transformer.clap_front_end()(inputs(transformer.CLAP_SPEC))
    assert found.shape == (2, 1, 1001, 64)
    np.testing.assert_allclose(found[:, 0, ::40], np.load(THEIRS)["clap spectra"], rtol=0, atol=1e-3)


@pytest.mark.filterwarnings("ignore")  # about torchvision, which one of the processors would rather use
@pytest.mark.parametrize(("name", "kind"), [("clip", "CLIPImageProcessor"), ("dinov2", "BitImageProcessor")])
def test_frames_are_normalised_as_transformers_does(name, kind):
    """DINOv2's processor has ImageNet's mean and deviation in place of its own."""
    import transformers
    from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

    from seehear.networks.transformer_module import OF_CLIP, OF_IMAGENET

    pictures = sample(get(name).input, 2)
    usual = {} if name == "clip" else {"image_mean": IMAGENET_DEFAULT_MEAN, "image_std": IMAGENET_DEFAULT_STD}
    processor = getattr(transformers, kind)(do_resize=False, do_center_crop=False, **usual)
    theirs = processor(list(pictures), return_tensors="pt", input_data_format="channels_last")["pixel_values"]
    own = NormaliseFrames(*(OF_CLIP if name == "clip" else OF_IMAGENET))
    np.testing.assert_allclose(own(torch.from_numpy(pictures)), theirs, rtol=0, atol=1e-6)


def test_weights_are_found_by_either_name():
    query = "a.encoder.layer.3.attention.attention.query.weight"
    newest, newer = "a.layers.3.attention.q_proj.weight", "a.encoder.layer.3.attention.q_proj.weight"
    for own in (query, newer, newest):
        assert transformer.own_name(query, {own, "other"}) == own
        assert transformer.own_name(own, {own, "other"}) == own
    assert transformer.own_name("a.encoder.layer.3.output.dense.bias", {"a.layers.3.mlp.fc2.bias"}) == (
        "a.layers.3.mlp.fc2.bias"
    )
    assert transformer.own_name("classifier.weight", {newest}) is None


def test_nothing_is_fetched_from_the_hub_and_nothing_is_printed():
    """As modules are made and a front end is used; a connection is noted even where it fails and is passed over."""
    code = """
import sys
asked = []
sys.addaudithook(lambda event, _: asked.append(event) if event.startswith("socket.") else None)
import numpy as np, torch
from seehear.networks import transformer
with torch.device("meta"):
    for build in (transformer.build_clap, transformer.build_ast, transformer.build_clip, transformer.build_dinov2):
        build()
transformer.clap_front_end()(np.zeros((1, 48000), np.float32))
print(sorted(set(asked) - {"socket.__new__"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
