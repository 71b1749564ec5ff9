"""Networks with their real weights, fetched once into the user's cache and loaded once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from seehear.errors import SeehearError
from seehear.networks import REGISTRY, LocalFile, Network, NetworkSpec, efficientat, fetch, load


@functools.cache
def _load(name: str) -> Network:
    return load(REGISTRY[name], "cpu")


@functools.cache
def _take_local_weights() -> None:
    """Take weights that lie beside the project, on machines without the hub that they come from."""
    file = efficientat.MODEL
    local = Path(__file__).parents[3] / "shared/weights/efficientat_mn04_as_mAP_432.pt"
    if local.is_file():
        fetch([replace(file, sources=(LocalFile(str(local)),))])


def _or_skip(give: Callable[[], object]) -> object:
    _take_local_weights()
    try:
        return give()
    except SeehearError as error:
        # Weights that can't be had are no fault of the code; weights that came and were wrong are.
        came = re.search("sha256 is [0-9a-f]{64}", str(error))
        if str(error).startswith("can't get the weights") and not came:
            pytest.skip(str(error))
        raise


@pytest.fixture
def loaded() -> Callable[[str], Network]:
    """From the name of a network in the registry to the network, on CPU."""
    return lambda name: _or_skip(lambda: _load(name))


@pytest.fixture
def weights() -> Callable[[NetworkSpec], dict[str, Path]]:
    """From a spec to the paths of its weight files by their names."""
    return lambda spec: _or_skip(lambda: fetch(spec.weights))


@pytest.fixture
def with_fresh_weights(tmp_path, monkeypatch) -> Callable[..., NetworkSpec]:
    """From the name of a network on a hub to its spec, with weights as they are made in a cache of its own.

    The first file may be left out, for a test that writes it.
    """
    import torch
    from published import write

    def make(name: str, first: bool = True) -> NetworkSpec:
        monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path))
        spec = REGISTRY[name]
        files = tuple(replace(file, sha256="", sha1="") for file in spec.weights)  # those are of trained weights
        assert spec.build is not None
        written = files if first else files[1:]
        files[0].path.parent.mkdir(parents=True, exist_ok=True)
        if not written:
            return replace(spec, weights=files)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            module = spec.build()
        for file in written:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            write(file.path, module)
        return replace(spec, weights=files)

    return make
