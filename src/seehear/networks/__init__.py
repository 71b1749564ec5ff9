"""Pretrained networks: what is declared, how to get it, how to load it.

network = load(get("yamnet"))
network.features(windows)  # (n, 1024)
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

from seehear.errors import SeehearError, unknown
from seehear.networks import (
    aisfx,
    efficientnet_lite,
    hed,
    open_nsfw,
    openl3,
    pytorchcv_zoo,
    r2plus1d,
    speech_embedding,
    transformer,
    vggish,
    yamnet,
)
from seehear.networks.function import network
from seehear.networks.spec import AudioInput, ClipInput, ImageInput, Network, NetworkSpec
from seehear.networks.weights import LocalFile, Url, WeightFile, Wheel, fetch

__all__ = [
    "REGISTRY",
    "AudioInput",
    "ClipInput",
    "ImageInput",
    "LocalFile",
    "Network",
    "NetworkSpec",
    "Url",
    "WeightFile",
    "Wheel",
    "get",
    "get_named_in",
    "load",
    "network",
]

REGISTRY: dict[str, NetworkSpec] = {
    spec.name: spec
    for spec in (
        yamnet.SPEC,
        aisfx.SPEC,
        speech_embedding.SPEC,
        efficientnet_lite.LITE0_SPEC,
        efficientnet_lite.LITE2_SPEC,
        open_nsfw.SPEC,
        hed.SPEC,
        pytorchcv_zoo.RESNET152_SPEC,
        pytorchcv_zoo.VGG19_BN_SPEC,
        pytorchcv_zoo.SENET154_SPEC,
        pytorchcv_zoo.POLYNET_SPEC,
        r2plus1d.SPEC,
        vggish.SPEC,
        openl3.AUDIO_SPEC,
        openl3.IMAGE_SPEC,
        transformer.CLAP_SPEC,
        transformer.AST_SPEC,
        transformer.CLIP_SPEC,
        transformer.DINOV2_SPEC,
    )
}

EXTRAS = {  # what each optional dependency lets one import
    "speech": "ai_edge_litert",
    "hed": "h5py",
    "openl3": "h5py",
    "paper": "pytorchcv",
    "transformers": "transformers",
}


_named_by_user: set[str] = set()  # references whose code this process has run on the user's word


def get(name: str) -> NetworkSpec:
    """The network of that name, or a user's own: "path/to/file.py:attribute" or "module:attribute".

    A user's own network is Python code, which runs here: call this only with a name that the user gave, and
    `get_named_in` with one that stands in a file. Raises SeehearError where there is none.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    place, colon, attribute = name.rpartition(":")
    if colon and place and attribute:
        spec = _own(name, place, attribute)
        _named_by_user.add(spec.reference)
        return spec
    raise unknown("network", name, REGISTRY, "For your own, write path/to/file.py:attribute.")


def get_named_in(source: str | Path, reference: str, *, trust_code: bool = False) -> NetworkSpec:
    """The network that a file names, as a run's run.json or a store's network.json does.

    A name in the registry is looked up as ever. Other references name Python code, and the file may come from anyone.
    Their code runs only with `trust_code`, or where the user named the same reference in this process.

    Args:
        source: The file or folder that names it, for the message.
        reference: As NetworkInfo holds it.
        trust_code: Whether to run code that the source names.

    Raises:
        SeehearError: The reference names code that the user has not trusted, or there is no such network.
    """
    if reference not in REGISTRY and ":" in reference and not (trust_code or reference in _named_by_user):
        raise SeehearError(
            f"{source}: names the network {reference}, which is Python code that would run here. If you trust it and "
            "whoever made this folder, give --trust-code (in Python: trust_code=True)"
        )
    return get(reference)


def load(spec: NetworkSpec, device: str = "auto") -> Network:
    """The network in memory, its weights fetched into the cache where they aren't there yet.

    device: "cpu", "cuda", or "auto" for CUDA where it can be had.
    Raises SeehearError where an optional dependency is missing, or no source gives the weights.
    """
    module = EXTRAS.get(spec.extra or "")
    if module is not None and importlib.util.find_spec(module) is None:
        raise _missing(spec, module)
    paths = fetch(spec.weights)
    try:
        return spec.load(paths, device)
    except ModuleNotFoundError as error:
        if spec.extra is None:
            raise
        raise _missing(spec, str(error.name)) from error


def _missing(spec: NetworkSpec, module: str) -> SeehearError:
    return SeehearError(f"the network {spec.name} needs {module}: pip install 'seehear[{spec.extra}]'")


def _own(name: str, place: str, attribute: str) -> NetworkSpec:
    if place.endswith(".py"):
        path = Path(place).expanduser().resolve()
        module = _import_file(path)
        reference = f"{path}:{attribute}"
    else:
        try:
            module = importlib.import_module(place)
        except ModuleNotFoundError as error:
            raise SeehearError(f"{name}: {error}") from error
        reference = name
    found = getattr(module, attribute, None)
    if found is None:
        specs = [key for key, value in vars(module).items() if isinstance(value, NetworkSpec)]
        raise SeehearError(f"{place} has no {attribute!r}; its networks: {', '.join(specs) or 'none'}")
    if not isinstance(found, NetworkSpec):
        raise SeehearError(f"{name} is a {type(found).__name__}, not a NetworkSpec; see seehear.networks.network")
    return replace(found, reference=reference)


def _import_file(path: Path) -> object:
    """The module in a file, run anew, with what lies beside it importable."""
    if not path.is_file():
        raise SeehearError(f"{path} isn't there")
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]  # files of one name in two folders stay apart
    spec = importlib.util.spec_from_file_location(f"seehear_own_{path.stem}_{digest}", path)
    assert spec is not None  # its name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # inspect and pickle look a module up there
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        raise SeehearError(f"{path} can't be run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module
