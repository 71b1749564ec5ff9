"""Pretrained networks: their declarations, and how to load them.

network = load(get("yamnet"))
network.features(windows)  # (n, 1024)
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path

from seehear.errors import SeehearError, not_installed, unknown
from seehear.modality import AUDIO, VISUAL
from seehear.networks import (
    aisfx,
    efficientat,
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
from seehear.networks.spec import (
    AudioInput,
    Classifier,
    ClipInput,
    ImageInput,
    Network,
    NetworkSpec,
    Vocabulary,
)
from seehear.networks.weights import LocalFile, Url, WeightFile, Wheel, fetch
from seehear.registry import Registry

__all__ = [
    "REGISTRY",
    "AudioInput",
    "Classifier",
    "ClipInput",
    "ImageInput",
    "LocalFile",
    "Network",
    "NetworkSpec",
    "Url",
    "Vocabulary",
    "WeightFile",
    "Wheel",
    "get",
    "get_named_in",
    "list_networks",
    "load",
    "network",
]

REGISTRY = Registry(
    "network",
    (
        yamnet.SPEC,
        aisfx.SPEC,
        speech_embedding.SPEC,
        efficientnet_lite.LITE0_SPEC,
        efficientnet_lite.LITE2_SPEC,
        open_nsfw.SPEC,
        hed.SPEC,
        efficientat.SPEC,
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
    ),
    "For your own, write path/to/file.py:attribute.",
)

EXTRAS = {  # the module that each optional dependency provides
    "speech": "ai_edge_litert",
    "hed": "h5py",
    "openl3": "h5py",
    "paper": "pytorchcv",
    "transformers": "transformers",
}


def list_networks(modality: str | None = None) -> list[str]:
    """List the networks of the registry.

    Args:
        modality: audio or visual; by default both.

    Returns:
        Their names.

    Raises:
        SeehearError: There is no such modality.
    """
    if modality not in (None, AUDIO, VISUAL):
        raise unknown("modality", modality, (AUDIO, VISUAL))
    return [name for name, spec in REGISTRY.items() if modality in (None, spec.modality)]


_named_by_user: set[str] = set()  # references whose code the user has run in this process


def get(name: str) -> NetworkSpec:
    """Look a network up.

    A network of the user's own is Python code, which runs here. So call this only with a name that the user gave, and
    `get_named_in` with a name that is written in a file.

    Args:
        name: Of a network in the registry; or "path/to/file.py:attribute" or "module:attribute" of your own.

    Raises:
        SeehearError: There is no such network, or its file or module can't be used.
    """
    place, colon, attribute = name.rpartition(":")
    if name not in REGISTRY and colon and place and attribute:
        spec = _user_network(name, place, attribute)
        _named_by_user.add(spec.reference)
        return spec
    return REGISTRY[name]


def get_named_in(source: str | Path, reference: str, *, trust_code: bool = False) -> NetworkSpec:
    """Look up a network that a file names, such as the run.json of a run or the network.json of a store.

    References that are not in the registry name Python code, and the file may come from anyone. The code runs only
    with `trust_code`, or if the user named the same reference in this process.

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
            "whoever made it, give --trust-code (in Python: trust_code=True)"
        )
    return get(reference)


def load(spec: NetworkSpec, device: str = "auto") -> Network:
    """Load a network; weights that are not in the cache are fetched.

    Args:
        spec: The network.
        device: "cpu", "cuda", or "auto" for CUDA if it is available.

    Raises:
        SeehearError: An optional dependency is missing, or no source gives the weights.
    """
    module = EXTRAS.get(spec.extra or "")
    if module is not None and importlib.util.find_spec(module) is None:
        raise _missing_extra(spec, module, spec.extra)
    paths = fetch(spec.weights)
    try:
        return spec.load(paths, device)
    except ModuleNotFoundError as error:
        extra = "train" if not_installed(error) else spec.extra
        if extra is None:
            raise
        raise _missing_extra(spec, str(error.name), extra) from error


def _missing_extra(spec: NetworkSpec, module: str, extra: str | None) -> SeehearError:
    return SeehearError(f"the network {spec.name} needs {module}: pip install 'seehear[{extra}]'")


def _user_network(name: str, place: str, attribute: str) -> NetworkSpec:
    if place.endswith(".py"):
        path = Path(os.path.expanduser(place)).resolve()
        module = _import_file(path)
        reference = f"{path}:{attribute}"
    else:
        try:
            module = importlib.import_module(place)
        except ModuleNotFoundError as error:
            raise SeehearError(f"{name}: {error}") from error
        reference = name
    value = getattr(module, attribute, None)
    if value is None:
        specs = [key for key, item in vars(module).items() if isinstance(item, NetworkSpec)]
        raise SeehearError(f"{place} has no {attribute!r}; its networks: {', '.join(specs) or 'none'}")
    if not isinstance(value, NetworkSpec):
        raise SeehearError(f"{name} is of type {type(value).__name__}, not a NetworkSpec; see seehear.network")
    return replace(value, reference=reference)


def _import_file(path: Path) -> object:
    """Run a file as a module; it may import the files in its folder."""
    if not path.is_file():
        raise SeehearError(f"{path}: no such file")
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]  # two folders may have files of one name
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
