"""What the commands work on: a few small clips, networks that are short functions, tables; and the commands."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faults.server import Job, Server

NETWORKS = """
import numpy as np
from seehear.networks import network


@network(name="level", modality="audio", width=2, rate=8000, window=1.0)
def level(waves):
    return np.stack([np.abs(waves).max(axis=1), (np.diff(np.sign(waves), axis=1) != 0).mean(axis=1)], axis=1)


@network(name="colour", modality="visual", width=12, size=16)
def colour(pictures):
    return (pictures.reshape(-1, 2, 8, 2, 8, 3).mean(axis=(2, 4)) / 255).reshape(-1, 12)


@network(name="grey", modality="visual", width=1, size=16)
def grey(pictures):
    return pictures.mean(axis=(1, 2, 3))[:, None] / 255


@network(name="wide", modality="audio", width=4096, rate=8000)
def wide(waves):
    return np.repeat(np.abs(waves).max(axis=1)[:, None], 4096, axis=1)
"""
CLIPS, SECONDS = 4, 2
VIDEOS = [f"{letter * 11}_1_3" for letter in "abc"]  # clips of LLP, to be cut from longer videos
SMALL = ["width=8", "feed_forward=8", "epochs=3", "batch=4"]


@dataclass(frozen=True)
class Command:
    """A command of the campaign.

    Attributes:
        name: For the table.
        arguments: From the world's folder, the folder to write into, the number of a part and the number of parts to
            a command line; all parts together do what one part of one does.
        copies: Entries of the world that it changes or adds to; they are copied into the folder before.
        timed: Files that say how long it took.
    """

    name: str
    arguments: Callable[[Path, Path, int, int], Sequence[object]]
    copies: Sequence[str] = field(default=())
    timed: Sequence[str] = field(default=())

    def line(self, world: Path, out: Path, part: int = 0, of: int = 1) -> list[str]:
        """Return the arguments as text."""
        return [str(each) for each in self.arguments(world, out, part, of)]


def _networks(world: Path, names: str) -> list[object]:
    return ["--networks", *(f"{world / 'nets.py'}:{name}" for name in names.split())]


def _clips(world: Path, part: int, of: int) -> list[Path]:
    return sorted((world / "clips").glob("*.mp4"))[part::of]


def _training(world: Path, store: Path) -> list[object]:
    return ["--store", store, "--labels", world / "weak.csv", "--device", "cpu", "--set", *SMALL]


COLLOCATION = ["--collocation", "audio=level", "visual=colour"]
PRETRAINED = ["contrast.loss=mtsc", "contrast.stage=pretrain", "contrast.epochs=2"]
FORMATS = ["webvtt", "audacity", "elan", "csv"]
COMMANDS = [
    Command(
        "extract",
        lambda w, o, n, of: [
            "extract",
            *_clips(w, n, of),
            "--store",
            o / "store",
            *_networks(w, "level colour grey wide"),
        ],
    ),
    Command(
        "train",
        lambda w, o, n, of: ["train", *_training(w, o / "store"), *PRETRAINED, *COLLOCATION, "--out", o / "run"],
        ["store"],
    ),
    Command(
        "select",
        lambda w, o, n, of: [
            *("select", *_training(w, o / "store"), "refine.teacher=none", "--out", o / "selection"),
            *("--networks", "audio=level", "visual=colour,grey", "--workers", 1, "--seeds", 0, 1, "--budget", 1),
            *("--estimators", "traversal@val"),
        ],
        ["store"],
        ["selection/selection.html"],
    ),
    Command(
        "parse",
        lambda w, o, n, of: [
            "parse",
            w / "run",
            *_clips(w, n, of),
            "--out",
            o / "parsed",
            "--device",
            "cpu",
            "--trust-code",
        ],
    ),
    Command(
        "evaluate",
        lambda w, o, n, of: [
            *("evaluate", o / "run", "--store", o / "store", "--labels", w / "weak.csv", "--out", o / "evaluation"),
            *("--dense-audio", w / "truth.csv", "--dense-visual", w / "truth.csv", "--device", "cpu"),
            *("--clips", w / "clips", "--examples", 1),
        ],
        ["store", "run"],
    ),
    Command(
        "export",
        lambda w, o, n, of: ["export", w / "parsed", "--out", o / "exported", "--formats", *FORMATS[n::of]],
    ),
    Command(
        "prepare",
        lambda w, o, n, of: [
            *("prepare", "--dataset", "llp", "--annotations", w / "llp", "--store", o / "store"),
            *("--videos", w / "videos", "--cut", o / "cut", *_networks(w, "level colour")),
        ],
    ),
    Command(
        "labels import",
        lambda w, o, n, of: ["labels", "import", *sorted((w / "marks").glob("*.txt"))[n::of], "--out", o / "tables"],
        ["tables"],
    ),
    Command(
        "labels refine",
        lambda w, o, n, of: [
            *("labels", "refine", "--store", o / "store", "--labels", w / "weak.csv", *COLLOCATION),
            *("--out", o / "refined", "--folds", 2),
        ],
        ["store"],
    ),
    Command(
        "features import",
        lambda w, o, n, of: [
            *("features", "import", w / "arrays", "--store", o / "store", "--network", "own", "--modality", "audio")
        ],
    ),
    Command(
        "features export",
        lambda w, o, n, of: ["features", "export", o / "arrays", "--store", w / "store", "--network", "level"],
    ),
]


def make(world: Path, server: Server) -> None:
    """Make what the commands work on, unless it is complete."""
    from make_media import movie, tone

    if (world / "complete").exists():
        return
    shutil.rmtree(world, ignore_errors=True)
    world.mkdir(parents=True)
    (world / "nets.py").write_text(NETWORKS)
    weak, truth = ["filename\tevent_labels"], ["filename\tonset\toffset\tevent_labels"]
    (world / "marks").mkdir()
    for n in range(CLIPS):
        red, name = n % 2 == 0, f"clip {n}"
        fill = np.full((64, 64, 3), (220, 20, 20) if red else (20, 220, 20), np.uint8)
        sound = tone(440 if red else 1760, SECONDS)
        movie(world / f"clips/{name}.mp4", SECONDS, sound=sound, picture=lambda _, fill=fill: fill)
        weak.append(f"{name}\t{'Dog' if red else 'Cat'}")
        truth.append(f"{name}\t0\t1\t{'Dog' if red else 'Cat'}")
        (world / f"marks/{name}.heard.txt").write_text("0.0\t1.0\tDog\n")
    (world / "weak.csv").write_text("\n".join(weak) + "\n")
    (world / "truth.csv").write_text("\n".join(truth) + "\n")
    (world / "tables").mkdir()
    (world / "tables" / "audio.csv").write_text("filename\tonset\toffset\tevent_labels\nolder\t0\t1\tDog\n")
    (world / "arrays").mkdir()
    for n in range(CLIPS):
        np.save(world / f"arrays/own {n}.npy", np.full((2, 3), n, np.float32))
    _make_llp(world)
    by_name = {command.name: command for command in COMMANDS}
    for name in ("extract", "train", "parse"):
        (ended,) = server.run([Job(by_name[name].line(world, world), str(world / "log"))])
        assert ended.code == 0, ended.text
    shutil.rmtree(world / "store" / "packed")
    (world / "complete").touch()


def _make_llp(world: Path) -> None:
    from make_media import movie

    tables = world / "llp"
    tables.mkdir()
    for n, name in enumerate(("AVVP_train", "AVVP_val_pd", "AVVP_test_pd")):
        (tables / f"{name}.csv").write_text(f"filename\tevent_labels\n{VIDEOS[n]}\tDog\n")
        movie(world / f"videos/{VIDEOS[n][:11]}.mp4", 4, hertz=300 + 100 * n)
    for name in ("audio", "visual"):
        text = f"filename\tonset\toffset\tevent_labels\n{VIDEOS[1]}\t0\t1\tDog\n"
        (tables / f"AVVP_eval_{name}.csv").write_text(text)
