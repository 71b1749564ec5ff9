"""Are weak labels given to the right modality? Judged by true labels per modality, of clips.

A judged label is a clip and a class that the weak labels have, and that is true in some modality. It is right if it was
given to exactly the modalities in which it is true. The share of right labels is compared with that of the class prior,
which knows how often a class is heard, seen and both, and looks at no clip.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.arguments import PathLike, Texts
from seehear.errors import SeehearError
from seehear.labels import (
    DenseTable,
    WeakTable,
    classes_of,
    clip_hint,
    doubts,
    read_table,
    repeated_files,
    suggestion,
)
from seehear.refinement.folder import read_labels
from seehear.refinement.judgement import (
    Gap,
    JudgedClass,
    JudgedModality,
    LabelJudgement,
    Missing,
    Reference,
    ReferenceShare,
    states_of,
)
from seehear.refinement.result import Refinement
from seehear.results import counted
from seehear.scoring.comparison import difference
from seehear.scoring.f1 import ratio
from seehear.scoring.intervals import Interval, bootstrap_each, share_values
from seehear.scoring.signature import revision
from seehear.version import __version__

Table = PathLike | WeakTable | DenseTable
Tables = Mapping[str, Table] | Texts
Array = NDArray[np.int64]
K = TypeVar("K")


@dataclass(frozen=True)
class ByModality:
    """In which modalities the labels of N clips hold.

    Attributes:
        modalities: Names.
        clips: Names.
        classes: Names.
        states: (N, C), sums of 2**m over the modalities m in which a class holds.
        source: Where they come from, for signatures.
    """

    modalities: tuple[str, ...]
    clips: tuple[str, ...]
    classes: tuple[str, ...]
    states: Array
    source: str

    def of(self, clips: list[str], classes: list[str]) -> Array:
        """Return the states of some clips and classes, (n, c); classes that are not there hold nowhere."""
        row = {clip: n for n, clip in enumerate(self.clips)}
        column = {label: c for c, label in enumerate(self.classes)}
        states = np.zeros((len(clips), len(classes)), dtype=np.int64)
        known = [c for c, label in enumerate(classes) if label in column]
        chosen = np.array([row[clip] for clip in clips], dtype=np.int64)
        states[:, known] = self.states[np.ix_(chosen, np.array([column[classes[c]] for c in known], dtype=np.int64))]
        return states


def judge_labels(refined: PathLike | Refinement, truth: Tables, *, prior: Tables | None = None) -> LabelJudgement:
    """Judge labels per modality by true ones.

    Args:
        refined: A refinement, or the folder of one; one by hand (`seehear label`) will do.
        truth: modality -> table of true labels, or its file: weak, or dense. A clip is judged if all weak tables name
            it, and any of the dense ones.
        prior: Likewise of other clips, such as those of validation: there, the class prior is each class's most
            frequent answer. Without them it is that of the other judged clips, for each clip (leaving one out). At a
            tie, and for a class without other labels, the answer that is most frequent over all classes counts.

    Returns:
        The share of labels in the right modality, with an interval over clips, beside those of answers that look at no
        clip; per class and per modality.

    Raises:
        SeehearError: If a table can't be read, the truth lacks a modality, or no label can be judged.
    """
    given = _refined(refined)
    tables = _tables(truth, given.modalities, "truth")
    true = _truth(tables)
    known = {*true.clips}
    clips = [clip for clip in given.clips if clip in known]
    if not clips:
        raise SeehearError(_none_named(tables, given))
    classes = [*dict.fromkeys([*given.classes, *true.classes])]
    labels = _Labels(given.modalities, clips, classes, true.of(clips, classes), given.of(clips, classes))
    if not labels.judged.any():
        raise SeehearError(f"{true.source}: no weak label of the refined clips is true in any modality")
    prior_of = _prior(prior, labels)
    right = labels.right(_constant(labels, prior_of.answers))
    share, references, p = _compared(labels.right({None: labels.given})[None], right, labels.judged.sum(axis=1))
    signature = (
        f"right-modality|refined:{given.source}|truth:{true.source}|prior:{prior_of.source}|clips:{len(clips)}"
        f"|labels:{int(labels.judged.sum())}|seehear{__version__}"
    )
    return LabelJudgement(
        given.modalities,
        share,
        references,
        p,
        labels.by_class(right[Reference.PRIOR]),
        labels.by_modality(),
        labels.confusion(),
        _gaps(given, true, labels),
        len(clips),
        signature,
        prior_of.described,
        notes=tuple(dict.fromkeys([*repeated_files(tables), *_doubts(tables, given, clips), *prior_of.notes])),
    )


@dataclass(frozen=True)
class _Labels:
    """Labels of N clips and C classes: in which modalities they are true, and to which they were given.

    Attributes:
        modalities: Names.
        clips: Names.
        classes: Names.
        true: States, (N, C), 0 where there is no label.
        given: Likewise.
    """

    modalities: tuple[str, ...]
    clips: list[str]
    classes: list[str]
    true: Array
    given: Array

    @cached_property
    def judged(self) -> NDArray[np.bool_]:
        """Which labels are judged, (N, C)."""
        return (self.true > 0) & (self.given > 0)

    @property
    def decided(self) -> Array:
        """Where the judged labels are true, (N, C); 0 for others."""
        return np.where(self.judged, self.true, 0)

    def right(self, answers: Mapping[K, Array]) -> dict[K, NDArray[np.bool_]]:
        """Return which judged labels answers are right about, (N, C) each. answers: states, of that shape or (C,)."""
        return {name: (each == self.true) & self.judged for name, each in answers.items()}

    def by_class(self, prior: NDArray[np.bool_]) -> tuple[JudgedClass, ...]:
        """Return a row per class that has judged labels. prior: which the class prior is right about, (N, C)."""
        right = self.right({None: self.given})[None]
        rows = []
        for c in np.flatnonzero(self.judged.any(axis=0)):
            true = self.true[self.judged[:, c], c]
            counts = tuple(int((true == state).sum()) for state in states_of(len(self.modalities)))
            rows.append(JudgedClass(self.classes[c], len(true), counts, int(right[:, c].sum()), int(prior[:, c].sum())))
        return tuple(rows)

    def by_modality(self) -> tuple[JudgedModality, ...]:
        """Return a row per modality."""
        rows = []
        for m, name in enumerate(self.modalities):
            true, given = (each[self.judged] >> m & 1 for each in (self.true, self.given))
            both, n_true, n_given = int((true & given).sum()), int(true.sum()), int(given.sum())
            shares = 100 * ratio(np.array([both, both, 2 * both]), np.array([n_given, n_true, n_true + n_given]))
            precision, recall, f1 = shares.tolist()
            rows.append(JudgedModality(name, precision, recall, f1, n_true))
        return tuple(rows)

    def confusion(self) -> Array:
        """Return the number of labels by where they are true (rows) and were given to; in no modality comes last."""
        order = [*states_of(len(self.modalities)), 0]
        table = [[int(((self.true == row) & (self.given == column)).sum()) for column in order] for row in order]
        table[-1][-1] = 0  # no labels
        return np.array(table)


@dataclass(frozen=True)
class _Prior:
    """The class prior.

    Attributes:
        answers: States, (N, C) or (C,).
        source: Where they come from, for signatures.
        described: The same for people.
        notes: What else to know.
    """

    answers: Array
    source: str
    described: str
    notes: tuple[str, ...] = ()


def _constant(labels: _Labels, prior: Array) -> dict[Reference, Array]:
    """Return the answers of each reference, (N, C) or (C,). prior: those of the class prior."""
    every = np.full(len(labels.classes), 2 ** len(labels.modalities) - 1)
    return {Reference.PRIOR: prior, Reference.ALL: every, Reference.HINDSIGHT: _most_frequent(labels.decided)}


def _prior(tables: Tables | None, labels: _Labels) -> _Prior:
    """Return the class prior: of other clips by tables of true labels, or else of the judged clips, leaving one out."""
    if tables is None:
        how = "class prior: per class, the most frequent answer in the other clips, for each clip (leave one out)"
        return _Prior(_left_out(labels.decided), "leave-one-out", how)
    of_prior = _tables(tables, labels.modalities, "prior")
    others, judged = _truth(of_prior), {*labels.clips}
    kept = [clip for clip in others.clips if clip not in judged]
    seen = others.of(kept, labels.classes)
    if not seen.any():
        raise SeehearError(f"{others.source}: the prior's tables name no labels of other clips: leave out --prior")
    how = f"class prior: per class, the most frequent answer in {counted(len(kept), 'other clip')} ({others.source})"
    return _Prior(_most_frequent(seen), f"{others.source}:{len(kept)}", how, tuple(repeated_files(of_prior)))


def _most_frequent(states: Array) -> Array:
    """Return the state that most labels of each class have, (C,). At a tie, that of more labels of all classes counts.

    Args:
        states: (N, C), 0 where there is no label.
    """
    held = np.stack([(states == state).sum(axis=0) for state in range(int(states.max()) + 1)], axis=1)  # (C, S)
    return _best(held, held.sum(axis=0))


def _left_out(states: Array) -> Array:
    """Return for each label, (N, C), the answer of `_most_frequent` over the other clips. states: (N, C)."""
    number = int(states.max()) + 1
    held = np.stack([(states == state).sum(axis=0) for state in range(number)], axis=1)  # (C, S)
    of_clip = np.stack([(states == state).sum(axis=1) for state in range(number)], axis=1)  # (N, S)
    n, c = np.nonzero(states)
    own = np.arange(number) == states[n, c][:, None]  # (labels, S)
    answers = np.zeros_like(states)
    answers[n, c] = _best(held[c] - own, held.sum(axis=0) - of_clip[n])
    return answers


def _best(held: Array, overall: Array) -> Array:
    """Return the state that is held most often, (n,); of equals, the one more often held overall, then the largest.

    Args:
        held: How often each state is, (n, S).
        overall: Likewise over all classes, (S,) or (n, S).
    """
    ranked = held + overall / (overall.sum(axis=-1, keepdims=True) + 1)  # the second part is below 1
    ranked[:, 0] = -1  # of no label
    return ranked.shape[1] - 1 - ranked[:, ::-1].argmax(axis=1)


def _compared(
    own: NDArray[np.bool_], right: Mapping[Reference, NDArray[np.bool_]], items: Array
) -> tuple[Interval, dict[Reference, ReferenceShare], float]:
    """Compare answers, each right or not (N, C), with references.

    Args:
        own: The answers.
        right: Those of each reference.
        items: Judged labels of each clip, (N,).

    Returns:
        Their share; what each reference reaches, and how far they are ahead; and p, by flipping the signs of clips, of
        the difference from the class prior.
    """
    number: dict[Reference | None, NDArray[np.float64]] = {None: own.sum(axis=1).astype(np.float64)}  # (N,) each
    number |= {name: each.sum(axis=1).astype(np.float64) for name, each in right.items()}
    values = {name: share_values(each, items.astype(np.float64)) for name, each in number.items()}
    shares = bootstrap_each({name: each[None] for name, each in values.items()})
    ahead = bootstrap_each({name: (values[None] - values[name])[None] for name in right})
    scale = 100 / items.mean()
    p = difference(scale * number[None][None], scale * number[Reference.PRIOR][None]).p
    references = {name: ReferenceShare(_within(shares[name]), ahead[name]) for name in right}
    return _within(shares[None]), references, p


def _within(share: Interval) -> Interval:
    """Return the interval of a share: its linear part may exceed the range of a share; the ratio can't."""
    return replace(share, low=max(share.low, 0.0), high=min(share.high, 100.0))


def _gaps(given: ByModality, true: ByModality, labels: _Labels) -> dict[Gap, Missing]:
    """Return what true and refined labels lack of each other."""
    found: dict[Gap, list[str]] = {}
    for gap, one, other in ((Gap.NOWHERE, labels.given, labels.true), (Gap.NOT_WEAK, labels.true, labels.given)):
        cells = np.argwhere((one > 0) & (other == 0))
        found[gap] = [f"{labels.clips[n]} ({labels.classes[c]})" for n, c in cells]
    known, refined = {*true.clips}, {*given.clips}
    found[Gap.NO_TRUTH] = [clip for clip in given.clips if clip not in known]
    found[Gap.NOT_REFINED] = [clip for clip in true.clips if clip not in refined]
    return {gap: Missing(len(names), names[0]) for gap, names in found.items() if names}


def _refined(refined: PathLike | Refinement) -> ByModality:
    """Return the labels of a refinement, or of its folder."""
    if isinstance(refined, Refinement):
        return _signed(_joined(refined.weak, refined.clips, refined.classes, refined.pseudo.source))
    folder = Path(refined)
    tables, source = read_labels(folder)
    named = [{*table.clips} for table in tables.values()]
    clips = [clip for clip in next(iter(tables.values())).clips if all(clip in each for each in named)]
    classes = classes_of(tables.values())
    weak = {name: table.array(clips, classes) > 0 for name, table in tables.items()}
    return _signed(_joined(weak, tuple(clips), classes, source))


def _signed(labels: ByModality) -> ByModality:
    """Return labels whose source ends in eight hex digits of them: the same in memory and in a folder."""
    held = sorted((labels.clips[n], labels.classes[c], int(labels.states[n, c])) for n, c in np.argwhere(labels.states))
    digest = hashlib.sha256(repr((labels.modalities, sorted(labels.clips), held)).encode()).hexdigest()
    return replace(labels, source=f"{labels.source}@{digest[:8]}")


def _tables(given: Tables, modalities: tuple[str, ...], what: str) -> dict[str, WeakTable | DenseTable]:
    """Return the table of each modality, in their order.

    Args:
        given: As a user gives them.
        modalities: Of the refined labels.
        what: The argument that gives them, for messages.

    Raises:
        SeehearError: If a modality is unknown or lacks a table, or one can't be read.
    """
    named: Mapping[str, Table] = given if isinstance(given, Mapping) else arguments.by_modality(given)
    if others := [name for name in named if name not in modalities]:
        hint = suggestion(others[0], modalities)
        raise SeehearError(f"{what} of {others[0]}: the refined labels are of {' and '.join(modalities)}{hint}")
    if missing := [name for name in modalities if name not in named]:
        of = ", ".join(named) or "no modality"
        raise SeehearError(f"{what} has true labels of {of}: give those of {' and '.join(missing)} too")
    return {name: _read(named[name]) for name in modalities}


def _doubts(tables: Mapping[str, WeakTable | DenseTable], given: ByModality, clips: Sequence[str]) -> list[str]:
    """Return notes on true labels that look wrong: spellings, and dense tables without a row of most judged clips."""
    used = [*tables.values()]
    weak = [each for each in used if isinstance(each, WeakTable)]
    dense = [each for each in used if isinstance(each, DenseTable)]
    notes = [
        str(each).replace("the list of classes", "the refined labels") for each in doubts(weak, dense, given.classes)
    ]
    for name, each in tables.items():
        if not isinstance(each, DenseTable):
            continue
        bare = [clip for clip in clips if clip not in set(each.clips)]
        if 2 * len(bare) > len(clips):
            notes.append(
                f"{each.path}: has no row of {len(bare)} of {counted(len(clips), 'judged clip')}, for example "
                f"{bare[0]}: there, no label is true in {name}. If they were not labelled, take them out of the truth"
            )
    return notes


def _none_named(tables: Mapping[str, WeakTable | DenseTable], given: ByModality) -> str:
    """Return why no refined clip is known in every modality: which table names how many."""
    refined = {*given.clips}
    number = {each.path: len(refined.intersection(each.clips)) for each in tables.values()}
    empty = [each for each in tables.values() if not number[each.path]]
    hint = clip_hint(dict.fromkeys(clip for each in empty for clip in each.clips), given.clips)
    if not any(number.values()):
        return f"{', '.join(map(str, number))}: the tables of true labels name none of the refined clips{hint}"
    counts = ", ".join(f"{path} names {counted(count, 'refined clip')}" for path, count in number.items())
    return f"no refined clip is named by the true labels of every modality: {counts}{hint}"


def _truth(tables: Mapping[str, WeakTable | DenseTable]) -> ByModality:
    """Return true labels, of the clips that are known in every modality."""
    dense = [each for each in tables.values() if isinstance(each, DenseTable)]
    weak = [each for each in tables.values() if isinstance(each, WeakTable)]
    clips = dict.fromkeys(clip for each in dense or weak for clip in each.clips)
    clips = dict.fromkeys(clip for clip in clips if all(clip in each.labels for each in weak))
    classes = classes_of(tables.values())
    holds = {name: _holds(each, tuple(clips), classes) for name, each in tables.items()}
    return _joined(holds, tuple(clips), classes, revision([each.path for each in tables.values()]))


def _read(given: Table) -> WeakTable | DenseTable:
    return given if isinstance(given, WeakTable | DenseTable) else read_table(Path(given))


def _holds(given: WeakTable | DenseTable, clips: tuple[str, ...], classes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which classes hold in which clips, (N, C). Events whose onset is not before their offset count nothing."""
    if isinstance(given, WeakTable):
        return given.array(clips, classes) > 0
    row, column = ({name: n for n, name in enumerate(names)} for names in (clips, classes))
    holds = np.zeros((len(clips), len(classes)), dtype=bool)
    for event in given.events:
        if event.clip in row and event.onset < event.offset:
            holds[row[event.clip], column[event.label]] = True
    return holds


def _joined(
    holds: Mapping[str, NDArray[np.bool_]], clips: tuple[str, ...], classes: tuple[str, ...], source: str
) -> ByModality:
    states = np.zeros((len(clips), len(classes)), dtype=np.int64)
    for m, of_modality in enumerate(holds.values()):
        states |= of_modality.astype(np.int64) << m
    return ByModality(tuple(holds), clips, classes, states, source)
