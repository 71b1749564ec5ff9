"""seehear networks: the networks that features can be extracted with, and checks on a sample clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seehear.results import Result, table

if TYPE_CHECKING:
    from seehear.features.check import CheckReport
    from seehear.networks.spec import NetworkSpec


@dataclass
class Networks(Result):
    """The networks of the registry."""

    specs: list[NetworkSpec]

    def text(self) -> str:
        """Return a table with one line per network."""
        rows = [["name", "modality", "input", "width", "trained on", "needs", "licence"]]
        for spec in self.specs:
            needs = f"seehear[{spec.extra}]" if spec.extra else ""
            facts = [spec.name, spec.modality, spec.input.described, str(spec.width), spec.domain, needs, spec.licence]
            rows.append(facts)
        return table(rows, right_from=len(rows[0]))

    def as_json(self) -> Any:
        """Return one object per network: what it takes, its width, its licence, and where its weights come from."""
        return [
            {
                "name": spec.name,
                "modality": spec.modality,
                "input": vars(spec.input),
                "width": spec.width,
                "domain": spec.domain,
                "origin": spec.origin,
                "paper": spec.paper,
                "licence": spec.licence,
                "extra": spec.extra,
                "weights": {weight.name: weight.sha256 for weight in spec.weights},
            }
            for spec in self.specs
        ]


@dataclass
class Checked(Result):
    """One report per network."""

    reports: list[CheckReport]

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if a network fails a check, else 0."""
        return 0 if all(report.passed for report in self.reports) else 1

    def text(self) -> str:
        """Return the lines of every report."""
        return "\n".join(report.text() for report in self.reports)

    def as_json(self) -> Any:
        """Return one object per network, with the outcome of each check."""
        return [
            {
                "network": report.network,
                "passed": report.passed,
                "speed": report.speed,
                "checks": [vars(check) for check in report.checks],
            }
            for report in self.reports
        ]


def networks() -> Networks:
    """List the networks that features can be extracted with.

    Returns:
        Their names, inputs, widths, licences and origins.
    """
    from seehear.networks import REGISTRY

    return Networks(list(REGISTRY.values()))


def check_networks(names: Sequence[str] = (), *, device: str = "auto") -> Checked:
    """Check networks on a sample clip: shapes, determinism, time stamps, sensible classes, speed.

    Args:
        names: Networks, by name or as FILE.py:NAME. By default all except those whose weights are on a hub and not in
            the cache.
        device: auto, cpu or cuda.

    Returns:
        What was checked of each, and whether it passed.
    """
    from seehear import arguments
    from seehear.features.check import check_network
    from seehear.networks import REGISTRY

    available = [
        name
        for name, spec in REGISTRY.items()
        if spec.build is None or all(file.path.is_file() for file in spec.weights)
    ]
    return Checked([check_network(name, device=device) for name in arguments.names(names) or available])
