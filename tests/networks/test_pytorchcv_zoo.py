"""The networks of pytorchcv against what the package lists, and against other implementations of them."""

from __future__ import annotations

import csv
from pathlib import Path

import frozen
import numpy as np
import pytest
import torch

from seehear.networks import get, pytorchcv_zoo
from seehear.networks.torch_network import TorchNetwork

ROWS = {
    "resnet152": pytorchcv_zoo.RESNET152,
    "vgg19-bn": pytorchcv_zoo.VGG19_BN,
    "senet154": pytorchcv_zoo.SENET154,
    "polynet": pytorchcv_zoo.POLYNET,
}
each = pytest.mark.parametrize("name", ROWS)


@pytest.fixture(scope="module")
def others():
    """Features (1, width) from data/visual_numbers.py, which normalises frames itself."""
    return np.load(Path(__file__).parent / "data" / "visual.npz")


def listed(name: str) -> dict[str, str]:
    """The row of the installed package's own table."""
    from pytorchcv.models.common import model_store

    with open(model_store.get_model_metainfos_file_path(), encoding="utf-8", newline="") as table:
        (row,) = (row for row in csv.DictReader(table) if row["model_name"] == name)
    return row


@each
def test_is_the_row_that_the_package_lists(name):
    row, theirs = ROWS[name], listed(ROWS[name].name)
    assert (row.error, row.sha1, row.tag) == (theirs["error_value"], theirs["checksum"], theirs["repo_release_tag"])
    assert (str(row.size), get(name).input.size) == (theirs["img_size"], row.size)
    assert theirs["arxiv_paper"] in get(name).paper
    assert get(name).weights[0].sha1 == row.sha1


def test_address():
    """As get_model_file in the package puts it together."""
    (file,) = get("resnet152").weights
    assert file.name == "resnet152-0468-d46977dd.pth"
    (source,) = file.sources
    assert source.member == file.name
    assert source.address == (
        "https://github.com/osmr/imgclsmob/releases/download/v0.0.518/resnet152-0468-d46977dd.pth.zip"
    )


@each
def test_has_all_weights_but_the_last_linear_map(name):
    row = ROWS[name]
    with torch.device("meta"):
        module = row.build().eval()
        features = module(torch.zeros(1, row.size, row.size, 3, dtype=torch.uint8))
    assert features.shape == (1, row.width)
    count = sum(weight.numel() for weight in module.parameters())
    assert count + 1000 * row.width + 1000 == int(listed(row.name)["net_weights"])


@pytest.mark.parametrize("name", ["vgg19-bn", "senet154", "polynet"])
def test_agrees_with_another_implementation(name, others):
    module = ROWS[name].build()
    frozen.fill(module)
    size = ROWS[name].size
    features = TorchNetwork(module, "cpu").features(frozen.frames(1, size, size, 3))
    np.testing.assert_allclose(features, others[name], rtol=0, atol=1e-5 * np.abs(others[name]).max())


def test_published_file_gives_what_another_implementation_gives(tmp_path, others):
    """It holds the classifier as well, and may hold more, which the package passes over too."""
    from pytorchcv.models.resnet import resnet152

    theirs = resnet152()
    frozen.fill(theirs)
    spec = get("resnet152")
    file = spec.weights[0].name
    torch.save({**theirs.state_dict(), "total_ops": torch.zeros(1)}, tmp_path / file)
    features = spec.load({file: tmp_path / file}, "cpu").features(frozen.frames(1, 224, 224, 3))
    np.testing.assert_allclose(features, others["resnet152"], rtol=0, atol=1e-5 * np.abs(others["resnet152"]).max())
