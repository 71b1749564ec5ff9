"""A packaged parser: one file, which parses clips and data sets without torch.

parser.package("model.seehear")              # of a trained parser, where torch is
packaged = load("model.seehear")             # anywhere
packaged.parse("new.mp4")                    # a ParsedClip, as the trained parser gives it
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.data import Dataset, check_dataset
from seehear.decoding import Decoding, Probabilities
from seehear.errors import SeehearError
from seehear.features.packed import Packed
from seehear.features.required import check_required
from seehear.files import json_bytes, scratch, sha256
from seehear.networks.onnx_file import MAX_BYTES, check_content
from seehear.networks.portable import files_of
from seehear.networks.weights import scratch_folder
from seehear.packaged import archive
from seehear.packaged.facts import Chosen, Facts
from seehear.packaged.model import FusedModel
from seehear.parsing.base import BaseParser
from seehear.parsing.reading import FileReader, open_reader
from seehear.results import counted
from seehear.texts import MAX_JSON, json_of

if TYPE_CHECKING:
    from seehear.parsing.parser import Parser


class PackagedParser(BaseParser):
    """A parser from a package file. It parses clips and predicts from data sets; it can't be trained further."""

    def __init__(
        self, path: str | Path, *, device: str = "auto", decoding: Decoding | None = None, trust_code: bool = False
    ) -> None:
        """Open a package. Its networks are loaded when they are first needed.

        Args:
            path: A file that `Parser.package` or `seehear package` wrote.
            device: auto, cpu or cuda.
            decoding: From probabilities to events; by default the package's.
            trust_code: Whether to run a network of your own (FILE.py:NAME) that the package names.

        Raises:
            SeehearError: If there is no such file, it is damaged, or of another version.
        """
        self.path, self.device, self.trust_code = Path(path), device, trust_code
        self._hash = archive.check(self.path)
        where = f"{self.path}: {archive.FACTS}"
        self.facts = Facts.from_json(json_of(archive.read(self.path, archive.FACTS, MAX_JSON), where), where)
        self._decoding = decoding or Decoding.from_json(self.facts.decoding)

    def __repr__(self) -> str:
        networks = " × ".join("+".join(names) for names in self.collocation.values())
        return f"PackagedParser({networks}, {counted(len(self.classes), 'class', 'classes')}; {self.path})"

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes that it predicts, in the order of its probabilities."""
        return self.facts.classes

    @property
    def collocation(self) -> Mapping[str, list[str]]:
        """Return modality -> the networks that feed it, in order."""
        return self.facts.collocation

    @property
    def window(self) -> int:
        """Segments of the windows in which longer clips are predicted: those of a training clip."""
        return self.facts.window

    @property
    def segment(self) -> float:
        """Seconds per segment."""
        return self.facts.segment

    @property
    def decoding(self) -> Decoding:
        """From probabilities to events: as given, else as packaged."""
        return self._decoding

    @property
    def signature(self) -> str:
        """What the model was made of, in one line."""
        return self.facts.signature

    @property
    def identity(self) -> str:
        """Hash of the file."""
        return self._hash

    @cached_property
    def model(self) -> FusedModel:
        """The fused model."""
        content = archive.read(self.path, archive.MODEL, MAX_BYTES)
        widths = {name: sum(info.width for info in infos) for name, infos in self.facts.networks.items()}
        return FusedModel(check_content(self.path, content), widths, len(self.classes), self.device)

    @cached_property
    def reader(self) -> FileReader:
        """The networks in memory, from the package's own files or from where they are found on this machine."""
        facts, name = self.facts, str(self.path)
        with scratch(scratch_folder()) as folder:
            carried = archive.unpacked(self.path, folder)
            for network, files in facts.files.items():
                if carried.get(network, {}).keys() != files.keys():  # their content was checked with the whole file
                    raise SeehearError(f"{name}: its files of {network} are not those that it names; package again")
            try:
                return open_reader(
                    facts.infos, facts.segment, name, device=self.device, trust_code=self.trust_code, carried=carried
                )
            except SeehearError as error:
                if name in str(error):
                    raise
                raise SeehearError(f"{name}: a network that it names can't be had here: {error}") from error

    def _predict(self, packs: dict[str, list[Packed]]) -> Probabilities:
        return self.model.predict(packs, self.window)

    def _features(self, dataset: Dataset) -> Dataset:
        check_dataset(dataset, "dataset")
        if [*dataset.collocation.items()] != [*self.collocation.items()]:
            dataset = dataset.with_networks(self.collocation)
        found = {info.name: info for info in dataset.infos}
        check_required(self.facts.infos, self.segment, found, dataset.segment, str(dataset), str(self.path))
        return dataset


def package(parser: Parser, path: Path, *, networks: bool = True, overwrite: bool = False) -> PackagedParser:
    """Write a trained parser as one file; see `Parser.package`."""
    from seehear.packaged.graph import fused

    if not archive.is_package(path):
        raise SeehearError(f"{path}: the name of a package ends in {archive.SUFFIX}")
    models = [member.model for member in parser.members]  # of a training that has ended
    facts = parser.run.facts
    infos = [info for of_modality in facts.networks.values() for info in of_modality]
    reader = open_reader(infos, facts.segment, parser.run.name, device="cpu", trust_code=parser.trust_code)
    # Networks of one's own are code, which no file brings along; those in torch would need it there too.
    specs = [spec for spec, _ in reader.networks]
    alone = [spec for spec in specs if networks and spec.build is None and not spec.reference]
    files = {spec.name: files_of(spec) for spec in alone}
    content = Facts(
        classes=facts.classes,
        networks=facts.networks,
        segment=facts.segment,
        window=facts.window,
        decoding=parser.decoding.as_json(),
        chosen=tuple(_chosen(member) for member in parser.members),
        inputs=facts.inputs,
        recipe=facts.recipe.model_dump(mode="json"),
        files={name: {each: sha256(path) for each, path in of.items()} for name, of in files.items()},
        licences={spec.name: spec.licence for spec in specs},
    )
    members: dict[str, bytes | Path] = {
        archive.FACTS: json_bytes(content.as_json()),
        archive.MODEL: fused(models).SerializeToString(),
    }
    members |= {archive.member_of(name, each): file for name, of in files.items() for each, file in of.items()}
    archive.write(path, members, overwrite=overwrite)
    return PackagedParser(path, device=parser.device, trust_code=parser.trust_code)


def _chosen(member: Parser) -> Chosen:
    """Return the epoch that a seed's model is from."""
    entry: dict[str, Any] = member.run.chosen
    return Chosen(member.run.facts.seed, entry["epoch"], entry.get("val") or {})
