"""How memory and time grow with the number of clips: listing, planning, label tables, packing, training, scores, pages.

    python benchmarks/scaling.py --clips 10000 100000 1000000 --out FOLDER

Clips are made up, and their features are tiny: what is measured is what each clip costs, whatever it holds. Each
measurement is a process of its own; memory is its peak above what it had after its imports. OUT gets scaling.json, a
line per measurement as soon as it is made, scaling.md, the table with the law of growth, and scaling.png, memory
against clips. Resume by rerunning the same command. Linux only: the peak is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import seehear as sh
from seehear.data import Dataset
from seehear.decoding import Decoding
from seehear.events import Activity
from seehear.features.segments import Settings
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.files import atomic_json, atomic_text
from seehear.labels import read_dense, read_weak
from seehear.media.clips import find_clips
from seehear.names import clip_name
from seehear.networks.function import network
from seehear.parsing.base import FileParser
from seehear.parsing.batch import ParsedFolder, parse_clips
from seehear.parsing.clip import ParsedClip, parsed_clip

SECONDS, CLASSES, WIDTH = 10, tuple(f"Class {c:02}" for c in range(25)), 4  # of a clip, as in LLP; of a feature
PER_FOLDER = 1000  # clips
BLOCK = 256  # clips per file of a store of blocks
ROWS_PER_CLIP = 3  # of a dense table
MODALITIES = ("audio", "visual")
MODIFIED = 1_700_000_000 * 10**9  # ns, of every clip
WARM = 100  # clips of a job that runs before the measured one, so that what is imported late does not count
EXTRAPOLATED = "≈"  # marks what was computed from fewer clips


# Made-up clips, label tables, features, predictions


def stem(n: int) -> str:
    return f"clip{n:08}"  # all names are of one length, so that a file of features can be copied


def clip_files(place: Path, count: int) -> Path:
    """Make empty media files in subfolders."""
    folder = place / "clips"
    if not (place / "clips.done").exists():
        for n in range(count):
            if n % PER_FOLDER == 0:
                (folder / f"{n // PER_FOLDER:04}").mkdir(parents=True, exist_ok=True)
            file = folder / f"{n // PER_FOLDER:04}" / f"{stem(n)}.mp4"
            file.touch()
            os.utime(file, ns=(MODIFIED, MODIFIED))
        (place / "clips.done").touch()
    return folder


def tables(place: Path, count: int) -> tuple[Path, dict[str, Path]]:
    """Write a weak table, and a dense table per modality with 3 rows a clip."""
    weak, dense = place / "weak.csv", {name: place / f"{name}.csv" for name in MODALITIES}
    if not (place / "tables.done").exists():
        with weak.open("w") as stream:
            stream.write("filename\tevent_labels\n")
            stream.writelines(f"{stem(n)}\t{CLASSES[n % 25]},{CLASSES[(n + 7) % 25]}\n" for n in range(count))
        for m, file in enumerate(dense.values()):
            with file.open("w") as stream:
                stream.write("filename\tonset\toffset\tevent_labels\n")
                for n in range(count):
                    for row in range(ROWS_PER_CLIP):
                        onset, label = 3 * row + m, CLASSES[(n + 7 * (row % 2)) % 25]
                        stream.write(f"{stem(n)}\t{onset}\t{onset + 1 + n % 2}\t{label}\n")
        (place / "tables.done").touch()
    return weak, dense


@network(name="tiny-audio", modality="audio", width=WIDTH)
def tiny_audio(waves):  # type: ignore[no-untyped-def]
    return waves[:, :WIDTH]


def store(place: Path, count: int, networks: tuple[str, ...] = MODALITIES) -> Store:
    """Fill a store: a file of the first clip is written, and copied for the others with their names in it."""
    folder = clip_files(place, count)
    kept = Store(place / "store", segment=1.0, create=True)
    for m, modality in enumerate(MODALITIES):
        name, made_by = f"tiny-{modality}", Settings(8.0, 1.0).made_by(tiny_audio)
        if modality not in networks or (place / f"{name}.done").exists():
            continue
        kept.register(NetworkInfo(name, modality, WIDTH, made_by))
        first = Origin.of(stem(0), folder / "0000" / f"{stem(0)}.mp4", made_by)
        values = np.random.default_rng(m).random((SECONDS, WIDTH), dtype=np.float32)
        kept.write(name, first, values)
        content = kept.file(name, stem(0)).read_bytes()
        for n in range(1, count):
            file = kept.file(name, stem(n))
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content.replace(stem(0).encode(), stem(n).encode()))
        (place / f"{name}.done").touch()
    return kept


def fill_blocks(folder: Path, clips: Path, count: int) -> Store:
    """Fill a store of blocks by its own means, with features of one network."""
    kept = Store(folder, segment=1.0, create=True, block=BLOCK)
    name, made_by = "tiny-audio", Settings(8.0, 1.0).made_by(tiny_audio)
    kept.register(NetworkInfo(name, "audio", WIDTH, made_by))
    first = Origin.of(stem(0), clips / "0000" / f"{stem(0)}.mp4", made_by)
    values = np.random.default_rng(0).random((SECONDS, WIDTH), dtype=np.float32)
    with kept:
        for n in range(count):
            kept.write(name, replace(first, clip=stem(n)), values)
    return kept


def blocks(place: Path, count: int) -> Path:
    """Return a full store of blocks."""
    if not (place / "blocks.done").exists():
        fill_blocks(place / "blocks", clip_files(place, count), count)
        (place / "blocks.done").touch()
    return place / "blocks"


def active(count: int, seed: int) -> Activity:
    """Return two or three events a clip and modality, (N, T, C)."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name in MODALITIES:
        arrays[name] = np.zeros((count, SECONDS, len(CLASSES)), dtype=bool)
        for _ in range(3):
            label, start = rng.integers(len(CLASSES), size=count), rng.integers(SECONDS, size=count)
            for length in range(3):
                arrays[name][np.arange(count), np.minimum(start + length, SECONDS - 1), label] = True
    return Activity(arrays, classes=CLASSES, source="made")


class MadeUp(FileParser):
    """Parses without a network: some events, by the clip's number."""

    classes, segment, decoding, identity = CLASSES, 1.0, Decoding(), "made up"
    collocation = property(lambda self: {name: [f"tiny-{name}"] for name in MODALITIES})
    reader = property(lambda self: None)

    def parse(self, file: Path, **options: object) -> ParsedClip:  # type: ignore[override]
        number = int(clip_name(file).removeprefix("clip"))
        rng = np.random.default_rng(number % 1000)
        probabilities = rng.random((1, SECONDS, len(MODALITIES), len(CLASSES)), dtype=np.float32) ** 4
        segments = {name: probabilities[:, :, m] >= 0.9 for m, name in enumerate(MODALITIES)}
        facts = {"clip": clip_name(file), "file": file, "duration": float(SECONDS), "overview": NOT_DRAWN}
        return parsed_clip(segments, probabilities, CLASSES, 1.0, self.decoding, **facts)  # type: ignore[arg-type]

    def _parsed(self, features, decoding, **facts):  # type: ignore[no-untyped-def]
        raise NotImplementedError


NOT_DRAWN = object()  # in the place of thumbnails: no page is written


# What is measured: each function prepares, and returns the job


Job = Callable[[], object]


def listing(place: Path, count: int) -> Job:
    folder = clip_files(place, count)
    return lambda: find_clips(folder)


def planning(place: Path, count: int) -> Job:
    store(place, count, ("audio",))
    return lambda: sh.extract(place / "clips", [tiny_audio], store=place / "store", progress=False)


def filling_blocks(place: Path, count: int) -> Job:
    clips = clip_files(place, count)
    shutil.rmtree(place / "filled", ignore_errors=True)
    return lambda: fill_blocks(place / "filled", clips, count)


def planning_blocks(place: Path, count: int) -> Job:
    kept = blocks(place, count)
    return lambda: sh.extract(place / "clips", [tiny_audio], store=kept, progress=False)


def packing_blocks(place: Path, count: int) -> Job:
    weak, _ = tables(place, count)
    kept = blocks(place, count)
    shutil.rmtree(kept / "packed", ignore_errors=True)
    return lambda: Dataset.from_tables(weak, store=kept)


def weak_table(place: Path, count: int) -> Job:
    weak, _ = tables(place, count)
    return lambda: read_weak(weak)


def dense_table(place: Path, count: int) -> Job:
    _, dense = tables(place, count)
    return lambda: read_dense(dense["audio"])


def packing(place: Path, count: int) -> Job:
    """From tables and features to packs of both networks."""
    weak, _ = tables(place, count)
    kept = store(place, count)
    for pack in [*kept.path.rglob("*.pack"), *kept.path.rglob("*pack*/*")]:
        if pack.is_file():
            pack.unlink()
    return lambda: Dataset.from_tables(weak, store=kept.path)


def data_set(place: Path, count: int) -> Job:
    """From tables with ground truth and packs that exist."""
    weak, dense = tables(place, count)
    kept = store(place, count)
    return lambda: Dataset.from_tables(weak, store=kept.path, truth=dense)


def epoch(place: Path, count: int) -> Job:
    weak, _ = tables(place, count)
    data = Dataset.from_tables(weak, store=store(place, count).path)
    return lambda: sh.Parser("small", epochs=1, device="cpu", batch=128).fit(data, progress=False)


def scores(place: Path, count: int) -> Job:
    predicted, true = active(count, 0), active(count, 1)
    return lambda: sh.score(predicted, true)


def evaluation(place: Path, count: int) -> Job:
    """Scores with references, given modality and times, and intervals over clips."""
    truth = active(count, 1)
    data = Dataset.from_arrays({}, truth=truth, classes=CLASSES, clips=[stem(n) for n in range(count)])
    predicted = active(count, 0)
    return lambda: sh.evaluate(predicted, data).text()


def parsing(place: Path, count: int) -> Job:
    """The first parse of every clip, without pages."""
    folder = clip_files(place, count)
    return lambda: parse_all(folder, place / "parsed")


def tables_again(place: Path, count: int) -> Job:
    """A parse of clips that are parsed: their files are read, and the tables written."""
    folder = clip_files(place, count)
    if not (place / "parsed.done").exists():
        os.fsync = lambda file: None  # type: ignore[assignment]  # the preparation alone need not wait for the disk
        parse_all(folder, place / "parsed")
        (place / "parsed.done").touch()
    return lambda: parse_all(folder, place / "parsed")


def index_again(place: Path, count: int) -> Job:
    """The same with the index of pages, which are empty files here."""
    again = tables_again(place, count)
    if not (place / "pages.done").exists():
        for n in range(count):
            (place / "parsed" / f"{stem(n)}.html").touch()
        (place / "pages.done").touch()
    return lambda: (again, parse_all(place / "clips", place / "parsed", ("html",)))[1]


def parse_all(clips: Path, out: Path, figures: tuple[str, ...] = ()) -> ParsedFolder:
    result = parse_clips(MadeUp(), clips, out=out, figures=figures, progress=False)  # type: ignore[arg-type]
    result.text()
    return result


@dataclass(frozen=True)
class Row:
    """What is measured.

    Attributes:
        name: What the table calls it.
        prepare: From a folder and a number of clips to the job that is measured.
        made: Globs of the files that count as its files, in the folder.
        most: The largest number of clips; more are extrapolated.
    """

    name: str
    prepare: Callable[[Path, int], Job]
    made: tuple[str, ...] = ()
    most: int = 10**6


ROWS = (
    Row("listing", listing, ("clips/*/*.mp4",)),
    Row("planning, 1 network", planning, ("store/tiny-audio/*/*",), 10**5),
    Row(f"blocks of {BLOCK}: writing, 1 network", filling_blocks, ("filled/tiny-audio/blocks/*",)),
    Row(f"blocks of {BLOCK}: planning, 1 network", planning_blocks, ("blocks/tiny-audio/blocks/*",)),
    Row(f"blocks of {BLOCK}: packing, 1 network", packing_blocks, ("blocks/packed/*",)),
    Row("weak table", weak_table, ("weak.csv",)),
    Row("dense table, 3 rows a clip", dense_table, ("audio.csv",)),
    Row("packing, 2 networks", packing, ("store/tiny-*/*/*",), 10**5),
    Row("data set with ground truth", data_set, ("*.csv",), 10**5),
    Row("training, 1 epoch", epoch, (), 10**5),
    Row("scores", scores),
    Row("evaluation", evaluation),
    Row("parsing", parsing, ("parsed/*.json",), 10**5),
    Row("parsed again: tables", tables_again, ("parsed/*.json", "parsed/*.csv"), 10**5),
    Row(
        "parsed again: tables, index",
        index_again,
        ("parsed/*.json", "parsed/*.csv", "parsed/index*", "parsed/index/*"),
        10**5,
    ),
)


# Measuring


@dataclass(frozen=True)
class Measured:
    """One measurement.

    Attributes:
        row: Its name.
        clips: Number of clips.
        files: Number of its files.
        bytes: Of these.
        seconds: Wall time.
        memory: Peak of resident memory above that after the preparation, bytes.
    """

    row: str
    clips: int
    files: int
    bytes: int
    seconds: float
    memory: int


def resident(name: str) -> int:
    """Return VmRSS or VmHWM of this process, bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


def measure(row: Row, place: Path, count: int) -> Measured:
    """Run a job in this process. It must be a new one, where the preparation finds its work done."""
    job = row.prepare(place, count)
    row.prepare(place.parent / "warm", WARM)()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
    before, began = resident("VmHWM"), time.perf_counter()
    kept = job()
    seconds, memory = time.perf_counter() - began, resident("VmHWM") - before
    del kept  # it counts: what is returned is held while the user has it
    sizes = [file.stat().st_size for pattern in row.made for file in place.glob(pattern) if file.is_file()]
    return Measured(row.name, count, len(sizes), sum(sizes), round(seconds, 3), memory)


def in_a_process(*arguments: str) -> None:
    subprocess.run([sys.executable, __file__, *arguments], check=True)


@contextmanager
def results(file: Path) -> Iterator[list[Measured]]:
    """Yield what was measured before; it is written with what was added, also if the block fails."""
    measured = [Measured(**each) for each in json.loads(file.read_text())] if file.exists() else []
    try:
        yield measured
    finally:
        atomic_json(file, [asdict(each) for each in measured])


def run_all(counts: list[int], chosen: list[str], out: Path, scratch: Path) -> None:
    for count in counts:
        for number, row in enumerate(ROWS):
            with results(out / "scaling.json") as measured:
                done = any((each.row, each.clips) == (row.name, count) for each in measured)
            if done or count > row.most or (chosen and row.prepare.__name__ not in chosen):
                continue
            place = scratch / str(count)
            (scratch / "warm").mkdir(parents=True, exist_ok=True)
            place.mkdir(exist_ok=True)
            if row.prepare is not parsing:  # which is measured as it is prepared
                in_a_process("--prepare", str(number), "--clips", str(count), "--out", str(out), "--place", str(place))
            in_a_process("--measure", str(number), "--clips", str(count), "--out", str(out), "--place", str(place))


# The table and the figure


def law(points: list[Measured]) -> tuple[float, float, float]:
    """Return constant and growth of memory, bytes and bytes per clip, and seconds per clip, by the largest two."""
    *_, few, many = sorted(points, key=lambda each: each.clips)
    per_clip = (many.memory - few.memory) / (many.clips - few.clips)
    return many.memory - per_clip * many.clips, per_clip, many.seconds / many.clips


def table(measured: list[Measured], counts: list[int]) -> str:
    """Return the measurements as Markdown; those that were not made are extrapolated, and marked."""
    lines = ["| | clips | files | MB | seconds | peak memory, MB |", "|---|--:|--:|--:|--:|--:|"]
    laws = ["| | memory, MB + bytes a clip | ms a clip |", "|---|--:|--:|"]
    for row in ROWS:
        points = sorted((each for each in measured if each.row == row.name), key=lambda each: each.clips)
        for each in points:
            cells = [f"{each.bytes / 1e6:.1f}", f"{each.seconds:.2f}", f"{each.memory / 1e6:.1f}"]
            lines.append(f"| {row.name} | {each.clips:,} | {each.files:,} | {' | '.join(cells)} |")
        if len(points) < 2:
            continue
        constant, per_clip, seconds = law(points)
        laws.append(f"| {row.name} | {constant / 1e6:.0f} + {per_clip:,.0f} | {1000 * seconds:.3f} |")
        last = points[-1]
        for count in (each for each in counts if each > last.clips):
            times, memory = count / last.clips, constant + per_clip * count
            cells = [f"{last.bytes * times / 1e6:.1f}", f"{seconds * count:.0f}", f"{memory / 1e6:.0f}"]
            files = round(last.files * times) if last.files > points[0].files else last.files
            marked = " | ".join(f"{EXTRAPOLATED} {cell}" for cell in [f"{files:,}", *cells])
            lines.append(f"| {row.name} | {count:,} | {marked} |")
    note = f"{EXTRAPOLATED}: extrapolated from fewer clips. The bytes of four networks are four times those of one."
    return "\n".join([*lines, "", note, "", *laws, ""])


def draw(measured: list[Measured], file: Path) -> None:
    """Draw memory against clips, both on logarithmic scales, one line per row."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    ends = []
    for number, row in enumerate(ROWS):
        points = sorted((each for each in measured if each.row == row.name), key=lambda each: each.clips)
        if not points:
            continue
        style = {"color": f"C{number % 10}", "linestyle": "-" if number < 10 else "--", "marker": "o", "markersize": 4}
        memory = [max(each.memory, 10**5) / 1e6 for each in points]
        axes.plot([each.clips for each in points], memory, label=row.name, **style)
        ends.append((memory[-1], row.name))
    axes.set(xscale="log", yscale="log", xlabel="clips", ylabel="peak memory, MB (0.1 and less as 0.1)")
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    order = [name for _, name in sorted(ends, reverse=True)]  # as the lines end, from the top
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend([handles[name] for name in order], order, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    figure.savefig(file, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", nargs="+", default=[], choices=[row.prepare.__name__ for row in ROWS])
    parser.add_argument("--place", type=Path, help="for the made-up clips; by default OUT/made. A gigabyte per 100,000")
    parser.add_argument("--prepare", type=int, help=argparse.SUPPRESS)  # the number of a row, in a process of its own
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    place = given.place or given.out / "made"
    if given.prepare is not None:
        ROWS[given.prepare].prepare(place, given.clips[0])
    elif given.measure is not None:
        found = measure(ROWS[given.measure], place, given.clips[0])
        with results(given.out / "scaling.json") as measured:
            measured.append(found)
        print(found, flush=True)
    else:
        run_all(given.clips, given.rows, given.out, place)
        with results(given.out / "scaling.json") as measured:
            atomic_text(given.out / "scaling.md", table(measured, given.clips))
            draw(measured, given.out / "scaling.png")
        print((given.out / "scaling.md").read_text())


if __name__ == "__main__":
    main()
