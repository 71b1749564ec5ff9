"""Networks that name classes: which of them hear and see where nothing was trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seehear import networks
from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.modality import AUDIO, VISUAL
from seehear.networks.spec import Classifier, Network, NetworkSpec
from seehear.networks.weights import fetch

LISTENERS = ("efficientat-mn04", "yamnet")  # the best one first
NAMES_NONE = "names no classes of AudioSet or ImageNet; choose another network"
VISUAL_NETWORKS = ("efficientnet-lite0", "efficientnet-lite2")


def default_networks() -> tuple[dict[str, str], tuple[str, ...]]:
    """Return modality -> network, with the best listener whose weights can be had; and a note if that is not the best.

    Raises:
        SeehearError: If the weights of none can be had.
    """
    best, fallback = LISTENERS
    try:
        fetch(networks.get(best).weights)
    except SeehearError:
        note = f"{fallback} listens: the weights of {best} can't be had here (`seehear networks check {best}` says why)"
        return {AUDIO: fallback, VISUAL: VISUAL_NETWORKS[0]}, (note,)
    return {AUDIO: best, VISUAL: VISUAL_NETWORKS[0]}, ()


def networks_in(dataset: Dataset) -> dict[str, str]:
    """Return modality -> the first of these networks that a data set has features of.

    Raises:
        SeehearError: If it has none of a modality.
    """
    stored = dataset.source.networks()
    chosen = {}
    for modality, names in ((AUDIO, LISTENERS), (VISUAL, VISUAL_NETWORKS)):
        known = [name for name in names if name in stored]
        if not known:
            raise SeehearError(f"{dataset}: extract {' or '.join(names)} to parse its clips untrained")
        chosen[modality] = known[0]
    return chosen


def specs_of(given: Mapping[str, str]) -> Iterator[tuple[str, NetworkSpec]]:
    """Yield each modality with its network, audio first."""
    for modality in sorted(given):
        spec = networks.get(given[modality])
        if spec.modality != modality:
            raise SeehearError(f"{spec.name}: its input is {spec.modality}, not {modality}")
        if spec.name in networks.REGISTRY and not spec.sample_class:
            raise SeehearError(f"{spec.name}: {NAMES_NONE}")
        yield modality, spec


def classifier_of(spec: NetworkSpec, network: Network) -> Classifier:
    """Return a network's classifier. Raises SeehearError if it names no classes of a public vocabulary."""
    classifier = network.classifier()
    if classifier is None or classifier.vocabulary is None:
        raise SeehearError(f"{spec.name}: {NAMES_NONE}")
    return classifier
