"""seehear labels: check label tables, import annotations as tables, refine weak labels per modality, judge these."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.errors import SeehearError
from seehear.formats import ImportedAnnotations, import_annotations
from seehear.labels import LabelCheck, check
from seehear.refinement.settings import DEFAULT_TEACHER, FALSE_ALARMS, FOLDS
from seehear.results import Result


def check_labels(
    tables: Sequence[str | Path], *, classes: Path | None = None, clips: Sequence[str | Path] = ()
) -> LabelCheck:
    """Report every defect of label tables as file:line: message, and which are fatal.

    Args:
        tables: Weak and dense tables, which their headers tell apart; they are also checked against each other. The
            first weak table is that of training.
        classes: File with the classes that are allowed, one per line.
        clips: Clip files or folders, to find labels without a clip, clips without a label, and events past the end of
            their clip. The clip talk_20_30 may be that part of talk.mp4.

    Returns:
        The defects; the exit code is 1 if one is fatal.
    """
    return check(tables, classes, clips)


def import_labels(files: Sequence[str | Path], *, out: str | Path, modality: str | None = None) -> ImportedAnnotations:
    """Turn annotations from ELAN, Audacity, Label Studio, cutting programs, captions or tables into dense tables.

    Tables in the folder keep their events of other clips. Events of one class that overlap or touch become one; one
    annotation may hold several classes, separated by commas. Times are kept to the millisecond. Events of `both` count
    for the modalities that the files don't cover. One that is not within the events of a modality that they do cover is
    left out with a note.

    Args:
        files: ELAN's .eaf, Audacity's .txt, captions as .vtt, tables as .csv, ActivityNet's and Label Studio's .json,
            edit lists as .edl, timelines as .otio.
        out: Folder to write audio.csv, visual.csv and so on into; created if needed.
        modality: Of files and lines that name none, such as a label track that isn't called `CLIP.heard.txt`.

    Returns:
        The tables, and what was skipped.
    """
    return import_annotations(files, out=out, modality=modality)


def refine_labels(
    *,
    store: str | Path,
    labels: str | Path,
    collocation: Sequence[str],
    out: str | Path,
    teacher: str = DEFAULT_TEACHER,
    false_alarms: float = FALSE_ALARMS,
    folds: int = FOLDS,
    pseudo: Sequence[str] = (),
    classes: str | Path | None = None,
) -> Result:
    """Find out in which modality each weak label holds, and in which seconds, without dense labels.

    A teacher per modality learns from the weak labels and labels the clips that it has not seen. OUT gets weak tables
    per modality, dense tables of pseudo-labels with confidences, and a page: how often each class is only heard, only
    seen, and both; what the teacher recognises it by; and the clips to look at. `seehear train --refined OUT` trains by
    them. The recipe `refined` does the same by itself.

    Args:
        store: The folder with the clips' features.
        labels: Weak table: filename, event_labels.
        collocation: MODALITY=NETWORK, or several networks with + between.
        out: Folder to write into.
        teacher: Name from `seehear teachers`.
        false_alarms: Share of the seconds of clips without a class that pass its threshold, in clips of up to ten
            seconds; it is lowered in proportion for longer ones.
        folds: A clip is labelled by a teacher that learnt from the other folds.
        pseudo: MODALITY=TABLE, pseudo-labels that another system made, instead of a teacher. Dense tables, with a
            column confidence if there is one.
        classes: File with the classes, one per line; by default those of the labels.

    Returns:
        A Refinement: per class, the shares of only heard, only seen and both.
    """
    from seehear import arguments
    from seehear.data import Dataset
    from seehear.files import check_folder
    from seehear.refinement.given import refine_by
    from seehear.refinement.refine import refine

    check_folder(out)
    networks = arguments.collocation(collocation)
    dataset = Dataset.from_tables(labels, store=store, collocation=networks, classes=classes)
    tables = arguments.by_modality(pseudo)
    if tables:
        if (teacher, false_alarms, folds) != (DEFAULT_TEACHER, FALSE_ALARMS, FOLDS):
            raise SeehearError(
                "--pseudo takes the place of the teacher: leave out --teacher, --false-alarms and --folds"
            )
        refinement = refine_by(dataset, tables)
    else:
        refinement = refine(dataset, teacher, false_alarms=false_alarms, folds=folds)
    refinement.notes += dataset.notes
    refinement.save(out)
    return refinement


def judge_labels(refined: str | Path, *, truth: Sequence[str], prior: Sequence[str] = ()) -> Result:
    """Judge refined labels by true labels per modality: how many were given to the right modality?

    A label is a clip and a class. It is right if it was given to exactly the modalities in which it is true: only
    heard, only seen, or both. The share of right labels is compared with the class prior, which looks at no clip.

    Args:
        refined: A folder that `labels refine` or `label` wrote.
        truth: MODALITY=TABLE, true labels for each modality: weak or dense tables.
        prior: MODALITY=TABLE of other clips, such as those of validation, for the class prior. Without them it is
            estimated from the judged clips, leaving each clip out of its own.

    Returns:
        A LabelJudgement: shares with intervals over clips, confusions, tables per modality and class.
    """
    from seehear.refinement.judge import judge_labels as judged

    return judged(refined, truth, prior=prior or None)
