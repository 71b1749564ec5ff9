"""Make the demo's clips and their tables anew, from openly licensed photographs and recordings (see SOURCES.md).

    sh demo/fetch.sh PACKAGES
    pip install -r demo/requirements-render.txt
    python demo/render.py PACKAGES

The clips are part of the repository, so this is needed only to change them. Everything is drawn from one seed, and
every clip from a generator of its own: the same seed and the same packages give the same files, however many processes
share the work.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import pictures
import sounds
from sources import Packages

AUDIO_VISUAL = ["Speech", "Music", "Bird", "Livestock", "Vehicle", "Water"]
ONLY_HEARD = ["Dog", "Rooster"]
ONLY_SEEN = ["Fish", "Windmill"]
CLASSES = [*AUDIO_VISUAL, *ONLY_HEARD, *ONLY_SEEN]
SPLITS = {"train": 96, "val": 24, "test": 36}

SECONDS = 10
SIZE = (224, 224)
LONG_SECONDS = 40
LONG_SIZE = (320, 180)
FRAMES_PER_SECOND = 8
CRF = 32
AUDIO_BITS_PER_SECOND = 28_000
AAC_FRAME = 1024  # samples

Span = tuple[int, int]  # onset and offset in whole seconds, the offset exclusive


@dataclass
class Plan:
    """One clip before it is rendered: when each class should be heard and seen."""

    name: str
    split: str
    seconds: int
    size: tuple[int, int]
    heard: dict[str, list[Span]]
    seen: dict[str, list[Span]]


@dataclass
class Truth:
    """The ground truth of a rendered clip."""

    name: str
    heard: dict[str, list[Span]]
    seen: dict[str, list[Span]]

    def labels(self) -> list[str]:
        return [name for name in CLASSES if name in self.heard or name in self.seen]


# The long clip: by the water, a visitor with a dog, then music and a farm.
LONG_PLAN = Plan(
    name="long",
    split="test",
    seconds=LONG_SECONDS,
    size=LONG_SIZE,
    heard={
        "Water": [(0, 9)],
        "Vehicle": [(7, 14)],
        "Dog": [(15, 20)],
        "Speech": [(18, 25)],
        "Bird": [(24, 28)],
        "Music": [(28, 40)],
        "Livestock": [(33, 36)],
    },
    seen={
        "Water": [(2, 8)],
        "Vehicle": [(9, 14)],
        "Speech": [(18, 27)],
        "Bird": [(23, 29)],
        "Music": [(29, 38)],
        "Livestock": [(32, 40)],
    },
)


# Planning


def draw_spans(rng: np.random.Generator) -> list[Span]:
    """When one class is heard or seen in a clip: all along, once or twice."""
    style = rng.choice(["whole", "once", "twice"], p=[0.25, 0.47, 0.28])
    if style == "whole":
        return [(0, SECONDS)]
    if style == "once":
        length = int(rng.integers(2, 9))
        onset = int(rng.integers(0, SECONDS - length + 1))
        return [(onset, onset + length)]
    first, second = (int(n) for n in rng.integers(2, 5, 2))
    slack = SECONDS - first - second - 1  # at least one second lies between the two
    before = int(rng.integers(0, slack + 1))
    between = 1 + int(rng.integers(0, slack - before + 1))
    onset = before + first + between
    return [(before, before + first), (onset, onset + second)]


def draw_mode(decks: dict[str, list[str]], name: str, rng: np.random.Generator) -> str:
    """How a class occurs in a clip; drawn from a deck, so that each class occurs in every way even in a small split."""
    if not decks.get(name):
        decks[name] = rng.permutation(["together"] * 3 + ["apart"] * 2 + ["heard", "seen"]).tolist()
    return decks[name].pop()


def plan_clip(split: str, index: int, names: list[str], decks: dict[str, list[str]], rng: np.random.Generator) -> Plan:
    plan = Plan(f"{split}_{index:03d}", split, SECONDS, SIZE, {}, {})
    both = [name for name in names if name in AUDIO_VISUAL]
    if len(both) == 2 and rng.random() < 0.15:  # one is heard while the other is seen
        together = draw_spans(rng)
        plan.heard[both[0]], plan.seen[both[1]] = together, together
    else:
        for name in both:
            match draw_mode(decks, name, rng):
                case "together":
                    plan.heard[name] = plan.seen[name] = draw_spans(rng)
                case "apart":
                    plan.heard[name], plan.seen[name] = draw_spans(rng), draw_spans(rng)
                case "heard":
                    plan.heard[name] = draw_spans(rng)
                case "seen":
                    plan.seen[name] = draw_spans(rng)
    for name in names:
        if name in ONLY_HEARD:
            plan.heard[name] = draw_spans(rng)
        if name in ONLY_SEEN:
            plan.seen[name] = draw_spans(rng)
    return plan


def plan_split(split: str, count: int, seed: list[int]) -> list[Plan]:
    """`count` clips of one to three classes, every class about equally often."""
    rng = np.random.default_rng(seed)
    deck: list[str] = []
    decks: dict[str, list[str]] = {}
    plans = []
    for index in range(count):
        wanted = int(rng.choice([1, 2, 3], p=[0.27, 0.53, 0.20]))
        names: list[str] = []
        while len(names) < wanted:
            free = [name for name in deck if name not in names]
            if not free:
                deck += rng.permutation(CLASSES).tolist()
                continue
            deck.remove(free[0])
            names.append(free[0])
        plans.append(plan_clip(split, index, names, decks, rng))
    return plans


# Rendering


def merge(active: NDArray[np.bool_]) -> list[Span]:
    """The runs of true seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(int)))
    return [(int(on), int(off)) for on, off in edges.reshape(-1, 2)]


def render_sound(
    plan: Plan, packages: Packages, rng: np.random.Generator
) -> tuple[NDArray[np.float32], dict[str, list[Span]]]:
    """The audio of a clip, and when each class is audible in it."""
    mix = sounds.background(packages, plan.split, plan.seconds, rng)
    noise = sounds.decibels(mix)
    heard = {}
    for name, spans in plan.heard.items():
        level = noise + rng.uniform(6, 20)
        source = sounds.draw_source(name, plan.split, rng)  # one animal or speaker in a clip
        track = np.zeros_like(mix)
        for onset, offset in spans:
            stem = sounds.stem(packages, source, offset - onset, rng)
            track[onset * sounds.RATE : offset * sounds.RATE] = stem * 10 ** (level / 20)
        mix += track
        audible = merge(sounds.audible_seconds(track, noise))
        if audible:
            heard[name] = audible
    # A clip's overall level says nothing about it; the peak stays clear of what the codec might push over full scale.
    gain = min(10 ** (rng.uniform(0, 10) / 20), 0.6 / np.abs(mix).max())
    return (mix * gain).astype(np.float32), heard


def render_frames(plan: Plan, packages: Packages, rng: np.random.Generator) -> Iterator[Image.Image]:
    """The frames of a clip. Only classes that are seen at the same time share the frame."""
    scene = pictures.background(packages, plan.split, *plan.size, rng)
    cast = {}
    for group in together(plan.seen):
        cast |= pictures.cast(packages, plan.split, group, *plan.size, rng)
    for index in range(plan.seconds * FRAMES_PER_SECOND):
        at = index / FRAMES_PER_SECOND
        canvas = Image.new("RGB", plan.size)
        scene.paint(canvas, at / plan.seconds)
        for name, spans in plan.seen.items():
            if any(onset <= at < offset for onset, offset in spans):
                cast[name].paint(canvas, at / plan.seconds)
        yield canvas


def render_clip(plan: Plan, folder: Path, seed: list[int], packages: Packages) -> Truth:
    """Write one clip as `folder`/name.mp4 and return its ground truth."""
    rng = np.random.default_rng(seed)
    frames = list(render_frames(plan, packages, rng))
    sound, heard = render_sound(plan, packages, rng)

    encode(
        folder / f"{plan.name}.mp4",
        frames,
        sound,
        frames_per_second=FRAMES_PER_SECOND,
        crf=CRF,
        audio_bits_per_second=AUDIO_BITS_PER_SECOND,
    )
    return Truth(plan.name, heard, plan.seen)


def encode(
    path: Path,
    frames: Sequence[Image.Image],
    sound: NDArray[np.float32],
    *,
    frames_per_second: int,
    crf: int,
    audio_bits_per_second: int,
) -> None:
    """Write a clip: H.264 and AAC in MP4, the same bytes for the same frames and samples."""
    part = path.with_suffix(".part")
    with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=frames_per_second)
        video.width, video.height = frames[0].size
        video.pix_fmt = "yuv420p"
        # One thread, since x264's decisions depend on how many there are; without mbtree, since that differs from run
        # to run.
        video.codec_context.thread_count = 1
        video.options = {"crf": str(crf), "preset": "slow", "g": "250", "x264-params": "mbtree=0"}
        audio = container.add_stream("aac", rate=sounds.RATE, layout="mono")
        audio.bit_rate = audio_bits_per_second

        for index, canvas in enumerate(frames):
            picture = av.VideoFrame.from_image(canvas)
            picture.pts = index
            picture.time_base = Fraction(1, frames_per_second)
            container.mux(video.encode(picture))
        container.mux(video.encode())

        # Whole AAC frames only: the encoder would pad the last one, and the audio would outlast the video.
        whole = len(sound) // AAC_FRAME * AAC_FRAME
        frame = av.AudioFrame.from_ndarray(sound[None, :whole], format="fltp", layout="mono")
        frame.sample_rate = sounds.RATE
        frame.pts = 0
        container.mux(audio.encode(frame))
        container.mux(audio.encode())
    os.replace(part, path)


def together(seen: dict[str, list[Span]]) -> list[list[str]]:
    """Classes in groups: two whose spans overlap are always in the same one."""
    groups: list[list[str]] = []
    for name, spans in seen.items():

        def meets(group: list[str], spans: list[Span] = spans) -> bool:
            return any(on < off2 and on2 < off for other in group for on2, off2 in seen[other] for on, off in spans)

        joined = [group for group in groups if meets(group)]
        groups = [group for group in groups if not meets(group)]
        groups.append([*(other for group in joined for other in group), name])
    return groups


# Tables


def write_table(path: Path, columns: list[str], rows: Sequence[Sequence[object]]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        for row in [columns, *rows]:
            file.write("\t".join(str(value) for value in row) + "\n")
    os.replace(part, path)


def write_weak(path: Path, labels: dict[str, list[str]]) -> None:
    write_table(path, ["filename", "event_labels"], [[name, ",".join(of_clip)] for name, of_clip in labels.items()])


def write_dense(path: Path, truths: list[Truth], modality: str) -> None:
    rows: list[list[object]] = []
    for truth in truths:
        events = [(on, off, name) for name, spans in getattr(truth, modality).items() for on, off in spans]
        rows += [[truth.name, on, off, name] for on, off, name in sorted(events)]
    write_table(path, ["filename", "onset", "offset", "event_labels"], rows)


def report(truths: list[Truth]) -> None:
    """For each class: in how many clips it is heard only, seen only and both, and for how many seconds."""
    print(f"{'class':<10} {'heard only':>10} {'seen only':>10} {'both':>5} {'heard s':>8} {'seen s':>7} {'both s':>7}")
    for name in CLASSES:
        clips = [0, 0, 0]
        seconds = [0, 0, 0]
        for truth in truths:
            heard = {t for on, off in truth.heard.get(name, []) for t in range(on, off)}
            seen = {t for on, off in truth.seen.get(name, []) for t in range(on, off)}
            if heard or seen:
                clips[0 if not seen else 1 if not heard else 2] += 1
            for k, n in enumerate((len(heard), len(seen), len(heard & seen))):
                seconds[k] += n
        print(f"{name:<10} {clips[0]:>10} {clips[1]:>10} {clips[2]:>5} {seconds[0]:>8} {seconds[1]:>7} {seconds[2]:>7}")


def main() -> None:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path, help="folder that demo/fetch.sh filled")
    parser.add_argument("--out", type=Path, default=here, help="folder of the tables, with clips/ in it")
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    packages = Packages(arguments.packages)
    clips: Path = arguments.out / "clips"
    clips.mkdir(parents=True, exist_ok=True)

    started = time.monotonic()
    plans = {split: plan_split(split, count, [arguments.seed, k]) for k, (split, count) in enumerate(SPLITS.items())}
    jobs = [
        (plan, clips, [arguments.seed, k, index + 1], packages)
        for k, split in enumerate(SPLITS)
        for index, plan in enumerate(plans[split])
    ]
    jobs.append((LONG_PLAN, arguments.out, [arguments.seed, len(SPLITS), 1], packages))
    with multiprocessing.get_context("fork").Pool(arguments.jobs) as pool:
        truths = {truth.name: truth for truth in pool.starmap(render_clip, jobs, chunksize=1)}

    by_split = {split: [truths[plan.name] for plan in plans[split]] for split in SPLITS}
    for split in SPLITS:
        write_weak(arguments.out / f"{split}.csv", {truth.name: truth.labels() for truth in by_split[split]})
    for modality, suffix in (("heard", "audio"), ("seen", "visual")):
        write_dense(arguments.out / f"eval_{suffix}.csv", by_split["val"] + by_split["test"], modality)
        write_dense(arguments.out / f"long_{suffix}.csv", [truths["long"]], modality)

    for split in SPLITS:
        print(f"\n{split}: {len(by_split[split])} clips")
        report(by_split[split])
    files = [*clips.glob("*.mp4"), arguments.out / "long.mp4"]
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"\n{len(files)} files, {size:.1f} MB, rendered in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
