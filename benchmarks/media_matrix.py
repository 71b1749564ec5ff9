"""Read every form of media file at every rate, and compare each frame and click with FFmpeg's times.

    make media-matrix

Prints a table of Markdown: a form of file per line, a frame rate per column, and in each cell how many frames and
clicks were compared, or what is wrong. The tests read a part of it: tests/media/test_truth.py.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from media.truth import CLICKS, FORMS, RATES, Form, expected, make, sample
from seehear.errors import SeehearError
from seehear.media.notes import NoteKind
from seehear.progress import Progress

SAMPLED = (1, 2, 8)  # frames per second that a network is shown
SYNC = 0.11  # seconds by which encoders delay the audio at most


def compare(form: Form, folder: Path) -> tuple[str, int]:
    """Return what is wrong with how a form is read, and how many frames and clicks were compared."""
    try:
        path = make(folder / "clip", form)
    except (LookupError, ValueError, OSError) as error:
        return f"not made: {error}"[:60], 0
    compared = 0
    for fps in SAMPLED:
        try:
            read = sample(path, fps)
        except SeehearError as error:
            return str(error).removeprefix(f"{path}: "), compared
        numbers, heard = expected(path, read.times)
        if amount := read.notes.pop(NoteKind.AMBIGUOUS_TIMES, 0):
            return f"ambiguous: FFmpeg gives {amount:.0f} frames the time of another", compared
        wrong = [(time, n, m) for time, n, m in zip(read.times, read.numbers, numbers, strict=True) if n != m]
        if wrong:
            return f"at {fps} per second, {len(wrong)} frames differ, the first at {wrong[0][0]:.2f} s", compared
        if any(abs(a - b) > 2e-3 for a, b in zip(read.heard, heard, strict=False)) or len(read.heard) != len(heard):
            return f"clicks at {read.heard}, not at {heard}", compared
        if form.sound and any(abs(a - b) > SYNC for a, b in zip(read.heard, CLICKS, strict=False)):
            return f"clicks at {read.heard}, written at {CLICKS}", compared
        if read.notes:
            return ", ".join(f"{kind.slug} {amount:g}" for kind, amount in read.notes.items()), compared
        compared += len(numbers) + len(heard)
    return "", compared


def rows() -> Iterator[tuple[Form, list[float]]]:
    """Yield each form with the frame rates to try; audio alone has none."""
    for form in FORMS:
        yield form, list(RATES) if form.codec and form.suffix != ".mxf" else [form.fps]


def cell(wrong: str, compared: int) -> str:
    """Return what the table says of a file."""
    if wrong.startswith("not made"):
        return "–"
    if wrong.startswith("ambiguous"):
        return "(ambiguous)"
    return f"**{wrong}**" if wrong else str(compared)


def main() -> int:
    """Print the table. Return 1 if anything is wrong."""
    table, faults, total = [], [], 0
    work = list(rows())
    with tempfile.TemporaryDirectory() as place, Progress("reading", sum(len(rates) for _, rates in work)) as bar:
        for form, rates in work:
            cells = {}
            for rate in rates:
                wrong, compared = compare(replace(form, fps=rate), Path(place))
                cells[rate] = cell(wrong, compared)
                faults += [f"{replace(form, fps=rate)}: {wrong}"] if cells[rate].startswith("**") else []
                total += compared
                bar.advance(str(form))
            name = f"| {form.suffix} | {form.codec or '–'} | {form.sound or '–'} |"
            values = (
                [cells.get(rate, "") for rate in RATES] if form.codec else [cells[form.fps]] + [""] * len(RATES[1:])
            )
            table.append(" ".join([name, *(f"{value} |" for value in values)]))
    head = "| file | video | audio | " + " | ".join(f"{rate:g}" for rate in RATES) + " |"
    print(head, "|" + "---|" * (3 + len(RATES)), *table, sep="\n")
    print(f"\n{total} frames and clicks compared, {len(faults)} files read wrongly", *faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
