"""Which networks an experiment is run with: the user's, else the paper's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seehear.errors import SeehearError

if TYPE_CHECKING:
    from seehear.features.store import Store
    from seehear.paper.experiment import Experiment

Networks = Mapping[str, Sequence[str]]  # modality -> networks


@dataclass(frozen=True)
class Choice:
    """The networks that a user names.

    Attributes:
        candidates: To compare or to choose from, in place of the paper's; empty for the paper's.
        baseline: To train on if nothing is selected, in place of the paper's; empty for the paper's.
    """

    candidates: Networks
    baseline: Networks

    @property
    def names(self) -> set[str]:
        """All of them."""
        return {name for each in (self.candidates, self.baseline) for names in each.values() for name in names}

    def needed(self, experiments: Iterable[Experiment]) -> list[str]:
        """Return the networks whose features experiments need, each once."""
        needed: list[str] = []
        for experiment in experiments:
            baseline = self.baseline or (_first(self.candidates) if self.candidates else experiment.baseline)
            for each in (self.candidates or experiment.networks, baseline):
                needed += [name for names in each.values() for name in names]
        return list(dict.fromkeys(needed))

    def check_code(self, experiments: Mapping[str, Experiment], trust_code: bool) -> None:
        """Raise SeehearError if an experiment's file names code that the user neither named nor trusts."""
        from seehear.networks import get_named_in

        for source, experiment in experiments.items():
            for name in self.needed([experiment]):
                if ":" in name and name not in self.names:
                    get_named_in(source, name, trust_code=trust_code)

    def in_store(self) -> Choice:
        """Return the same networks by their names in a store, for those that are named as FILE.py:NAME."""
        from seehear.networks import get

        def named(networks: Networks) -> Networks:
            return {
                modality: [get(name).name if ":" in name else name for name in names]
                for modality, names in networks.items()
            }

        return Choice(named(self.candidates), named(self.baseline))


def choose(experiment: Experiment, choice: Choice, store: Store) -> tuple[Networks, Networks, list[str]]:
    """Choose what an experiment is run with.

    Args:
        experiment: What is run.
        choice: What the user names.
        store: The features.

    Returns:
        Candidates, baseline, and notes on networks that are absent or replaced.

    Raises:
        SeehearError: If the store lacks what is needed.
    """
    notes: list[str] = []
    candidates = _candidates(experiment, choice, store, notes)
    baseline = _baseline(experiment, choice, store)
    paper = {name for each in (experiment.networks, experiment.baseline) for names in each.values() for name in names}
    used = dict.fromkeys(name for each in (candidates, baseline) for names in each.values() for name in names)
    if replaced := [name for name in used if name not in paper]:
        notes.append(f"stand-ins for the paper's networks: {', '.join(replaced)}")
    return candidates, baseline, notes


def _candidates(experiment: Experiment, choice: Choice, store: Store, notes: list[str]) -> Networks:
    chosen = choice.candidates or experiment.networks
    candidates = {modality: list(names) for modality, names in chosen.items() if modality in experiment.networks}
    if choice.candidates:
        if absent := [modality for modality in experiment.networks if modality not in candidates]:
            raise SeehearError(f"--networks names none of modality {absent[0]}, which the experiment compares")
        return candidates
    known = store.networks()
    lost = [name for names in candidates.values() for name in names if name not in known]
    if lost:
        candidates = {modality: [name for name in names if name in known] for modality, names in candidates.items()}
        if not all(candidates.values()):
            raise _no_features(lost, store)
        notes.append(f"no features of {', '.join(lost)}: left out")
    return candidates


def _baseline(experiment: Experiment, choice: Choice, store: Store) -> Networks:
    if not experiment.baseline:
        return {}
    baseline = {modality: list(names) for modality, names in (choice.baseline or experiment.baseline).items()}
    known = store.networks()
    lost = [name for names in baseline.values() for name in names if name not in known]
    if lost and not choice.baseline:
        if not choice.candidates:
            raise _no_features(lost, store)
        return _first({modality: choice.candidates.get(modality, names) for modality, names in baseline.items()})
    return baseline


def _first(networks: Networks) -> Networks:
    """Return the first network of each modality."""
    return {modality: list(names[:1]) for modality, names in networks.items()}


def _no_features(lost: Sequence[str], store: Store) -> SeehearError:
    by_modality: dict[str, list[str]] = {}
    for info in store.networks().values():
        by_modality.setdefault(info.modality, []).append(info.name)
    instead = " ".join(f"{modality}={','.join(names)}" for modality, names in by_modality.items())
    return SeehearError(
        f"{store}: no features of {', '.join(lost)}, which the paper used: give --features or --videos to make "
        "them, or use stand-ins" + (f": --networks {instead}" if instead else "")
    )
