"""An ensemble: parsers that differ in their seeds alone, and predict as one.

ensemble = load("RUN", ensemble=True)     # of RUN/seed-0, RUN/seed-1, …
ensemble.predict_proba(test)              # (N, T, M, C), the mean over its members
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from seehear.decoding import Decoding, Probabilities, mean_decoding
from seehear.errors import SeehearError
from seehear.parsing.parser import Parser
from seehear.results import counted
from seehear.training.runs import differences_but_seed

if TYPE_CHECKING:
    from seehear.scoring.false_alarms import FalseAlarms
    from seehear.training.bags import Bags


class Ensemble(Parser):
    """Several parsers as one. Its probabilities of segments and of clips are the means over its members.

    It predicts, parses and is evaluated like a parser. It is neither trained nor saved: its members are.
    """

    def __init__(self, parsers: Sequence[Parser], *, decoding: Decoding | None = None) -> None:
        """Join parsers. All compute on the device of the first.

        Args:
            parsers: Two or more, trained with different seeds and otherwise alike.
            decoding: From probabilities to events; by default that of the parsers, with the means of their thresholds.

        Raises:
            SeehearError: If there are fewer, one is no trained parser, or they differ in more or less than their seeds.
        """
        for parser in parsers:
            if not isinstance(parser, Parser) or isinstance(parser, Ensemble):
                raise SeehearError(f"{parser!r}: is not a parser of one seed; an ensemble joins those")
        if len(parsers) < 2:
            names = [parser.run.name for parser in parsers]
            raise SeehearError(
                f"{', '.join(names) or 'no parser'}: an ensemble joins two seeds or more; train them with seeds 0 1 2"
            )
        check_alike(parsers, "an ensemble joins parsers that differ in their seeds alone")
        first = parsers[0]
        seeds = [parser.run.facts.seed for parser in parsers]
        if twice := [seed for seed in seeds if seeds.count(seed) > 1]:
            raise SeehearError(f"seed {twice[0]} is there twice: an ensemble joins parsers of different seeds")
        protocol = decoding or mean_decoding([parser.decoding for parser in parsers])
        trust_code = all(parser.trust_code for parser in parsers)
        super().__init__(first.recipe, seed=first.seed, device=first.device, decoding=protocol, trust_code=trust_code)
        self._members = tuple(
            parser if parser.device == first.device else Parser.of_run(parser.run, first.device) for parser in parsers
        )
        self._run = first.run  # for all that members have in common
        self.notes = tuple(dict.fromkeys(note for parser in parsers for note in parser.notes))

    def __repr__(self) -> str:
        networks = " × ".join("+".join(names) for names in self.run.facts.collocation.values())
        where = f"; {self.path}" if self.path else ""
        seeds = ", ".join(map(str, self.seeds))
        return f"Ensemble({networks}, {counted(len(self.classes), 'class', 'classes')}, seeds {seeds}{where})"

    @property
    def members(self) -> tuple[Parser, ...]:
        """The parsers, one per seed."""
        return self._members

    @property
    def path(self) -> Path | None:
        """The folder in which the members' runs lie as seed-0, seed-1, …; None if they lie elsewhere."""
        folders = {parser.path.parent for parser in self.members if parser.path is not None}
        named = all(parser.path and parser.path.name == f"seed-{parser.seed}" for parser in self.members)
        return folders.pop() if named and len(folders) == 1 else None

    def _predict_bags(self, bags: Bags) -> Probabilities:
        parts = [member._predict_bags(bags) for member in self.members]
        return Probabilities(
            np.mean([part.segment for part in parts], axis=0),
            np.mean([part.clip for part in parts], axis=0),
            np.mean([part.modality_clip for part in parts], axis=0),
        )

    # What a member has and an ensemble does not

    @property
    def history(self) -> NoReturn:
        """Raise SeehearError: each member has its own."""
        raise _of_members("history")

    @property
    def model(self) -> NoReturn:
        """Raise SeehearError: each member has its own."""
        raise _of_members("model")

    def fit(self, *args: Any, **options: Any) -> NoReturn:
        """Raise SeehearError: train the members."""
        raise SeehearError("an ensemble is not trained: train its members, as by train(..., seeds=[0, 1, 2])")

    def keep_thresholds(self, thresholds: FalseAlarms) -> None:
        """Use thresholds from now on. No member's run keeps them: save them, and load with that decoding."""
        self._decoding = thresholds.decoding

    def save(self, *args: Any, **options: Any) -> NoReturn:
        """Raise SeehearError: save the members."""
        raise SeehearError("an ensemble is not saved: save its members, and load their folders as an ensemble")


def check_alike(parsers: Sequence[Parser], remedy: str) -> None:
    """Check that parsers differ in nothing but their seeds.

    Args:
        parsers: Trained ones.
        remedy: What to do otherwise, or what is required.

    Raises:
        SeehearError: Naming the differences.
    """
    for parser in parsers[1:]:
        if differ := differences_but_seed(parsers[0].run, parser.run):
            raise SeehearError(f"{parsers[0].run.name} and {parser.run.name} differ in {'; '.join(differ)}: {remedy}")


def _of_members(what: str) -> SeehearError:
    return SeehearError(f"an ensemble has no {what} of its own: take those of its members, [p.{what} for p in members]")
