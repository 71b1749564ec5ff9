"""R(2+1)D-18 against torchvision's own."""

from __future__ import annotations

from pathlib import Path

import frozen
import numpy as np
import torch

from seehear.networks import get, r2plus1d

COUNT = 31_505_325  # weights that torchvision tells, with a classifier of 400 classes
SPEC = get("r2plus1d-18")


def test_has_as_many_weights_as_torchvision_says():
    module = r2plus1d.build()
    assert sum(weight.numel() for weight in module.parameters()) == COUNT - 400 * 512 - 400


def test_published_file_gives_what_torchvision_gives(tmp_path):
    """It holds the classifier as well. Frames were prepared by torchvision's own transforms."""
    module = r2plus1d.build()
    frozen.fill(module)
    (file,) = SPEC.weights
    classifier = {"fc.weight": torch.zeros(400, 512), "fc.bias": torch.zeros(400)}
    torch.save({**module.state_dict(), **classifier}, tmp_path / file.name)
    clips = frozen.frames(2, SPEC.input.frames, 56, 56, 3)  # half as wide as usual
    features = SPEC.load({file.name: tmp_path / file.name}, "cpu").features(clips)
    theirs = np.load(Path(__file__).parent / "data" / "visual.npz")["r2plus1d-18"]
    assert features.shape == (2, SPEC.width)
    np.testing.assert_allclose(features, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def test_file_is_named_by_its_hash():
    """As torch.hub checks files: the digits after the last hyphen are the first of the sha256."""
    (file,) = SPEC.weights
    assert file.name == f"r2plus1d_18-{file.sha256[:8]}.pth"
    assert [source.address for source in file.sources] == [f"https://download.pytorch.org/models/{file.name}"]
