"""seehear package: a trained model as one file, which parses clips where torch is not installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seehear.cli.options import AS_TRAINED, DecodingOptions
from seehear.errors import SeehearError
from seehear.results import Result


@dataclass(repr=False)
class Packaged(Result):
    """A package that was written.

    Attributes:
        file: The package.
        size: Its bytes.
        signature: What its model was made of.
        within: Network -> licence, of the networks whose files it holds.
        named: Network -> licence, of those that the other machine must have.
    """

    file: Path
    size: int
    signature: str
    within: dict[str, str]
    named: dict[str, str]

    def text(self) -> str:
        """Return the file, its size, and where its networks come from."""
        lines = [f"{self.file}: {self.size / 1e6:.1f} MB", f"  {self.signature}"]
        lines += [f"  holds {name} ({licence})" for name, licence in self.within.items()]
        lines += [
            f"  needs {name} ({licence}) where it is used{self._torch(name)}" for name, licence in self.named.items()
        ]
        return "\n".join([*lines, f"parse with it: seehear parse {self.file} CLIP"])

    def _torch(self, name: str) -> str:
        from seehear.networks import REGISTRY

        return ", and torch to load it" if name in REGISTRY and REGISTRY[name].needs_torch else ""

    def as_json(self) -> Any:
        """Return all fields."""
        return {
            "file": str(self.file),
            "size": self.size,
            "signature": self.signature,
            "holds": self.within,
            "needs": self.named,
        }


def package(
    run: str | Path,
    file: str | Path,
    *,
    without_networks: bool = False,
    ensemble: bool = False,
    overwrite: bool = False,
    decoding: DecodingOptions = AS_TRAINED,
    trust_code: bool = False,
) -> Packaged:
    """Write a trained model as one file, which parses clips without torch.

    `seehear parse model.seehear clip.mp4` then needs no more than `pip install 'seehear[parse]'`, and gives the same
    probabilities to 1e-5. The file holds the fused model as ONNX, classes, thresholds and settings, and the files of
    its pretrained networks. Networks in torch and networks of your own are named only: the other machine must have
    them. No code and no pickle is in the file, and its hash shows every changed byte.

    Args:
        run: A run folder; with --ensemble, a folder of several seeds (RUN/seed-N).
        file: The package to write, such as model.seehear.
        without_networks: Leave the files of the networks out. The package is small then; the other machine fetches
            and converts them itself. The licences of the networks apply to a package that holds them.
        ensemble: Package all seeds as one model, which gives the mean of their probabilities.
        overwrite: Replace a file that exists with other content.
        decoding: How probabilities become events, for every use of the package.
        trust_code: Run networks of your own (FILE.py:NAME) that the run names. Only for runs whose author you trust.

    Returns:
        The file, its size, its signature, and where its networks come from.
    """
    from seehear.parsing.parser import Parser, load

    parser = load(run, ensemble=ensemble, device="cpu", decoding=decoding.decoding(), trust_code=trust_code)
    if not isinstance(parser, Parser):
        raise SeehearError(f"{run}: is a package already; name the run that it was made of")
    packaged = parser.package(file, networks=not without_networks, overwrite=overwrite)
    facts = packaged.facts
    return Packaged(
        packaged.path,
        packaged.path.stat().st_size,
        packaged.signature,
        {name: licence for name, licence in facts.licences.items() if name in facts.files},
        {name: licence for name, licence in facts.licences.items() if name not in facts.files},
    )
