"""How fast seehear is on this machine, beside what it set out to reach. Run it with nothing else running.

python benchmarks/run.py [scoring] [training] [alignment] [loading] [extraction] [parsing]
"""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
SEEHEAR = str(Path(sys.executable).with_name("seehear"))
CLIPS, CLASSES, SEGMENTS = 1200, 25, 10  # LLP's test split
AUDIO, FRAMES, PER_SEGMENT, CLIP_NETWORK, WIDTH, BATCH = 128, 2048, 8, 512, 512, 16  # LLP's features, the baseline

Row = tuple[str, str, str]  # what, found, goal


def seconds(job: Callable[[], object], least: float = 1.0, repeats: int = 3) -> float:
    """Median time of a call: at least `repeats` calls and `least` seconds, after one that does not count."""
    job()
    times: list[float] = []
    while len(times) < repeats or sum(times) < least:
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def spans(rng: np.random.Generator) -> np.ndarray:
    """Events as LLP's: a class or two a clip, each a span or two. (CLIPS, SEGMENTS, CLASSES)"""
    active = np.zeros((CLIPS, SEGMENTS, CLASSES), dtype=bool)
    for n in range(CLIPS):
        for c in rng.choice(CLASSES, rng.integers(1, 4), replace=False):
            start = rng.integers(SEGMENTS)
            active[n, start : start + rng.integers(1, SEGMENTS + 1), c] = True
    return active


def scoring() -> list[Row]:
    from scoring import oracle
    from seehear.scoring.scores import score
    from seehear.scoring.signature import Signature

    rng = np.random.default_rng(0)
    predicted, true = ({name: spans(rng) for name in ("audio", "visual")} for _ in range(2))
    names, signature = [str(c) for c in range(CLASSES)], Signature("given", "made", CLIPS)
    ours = seconds(lambda: score(predicted, true, names, signature))
    start = time.perf_counter()
    expected, _ = oracle.scores(predicted, true)
    loop = time.perf_counter() - start
    found = score(predicted, true, names, signature)
    differ = max(abs(found.level(at)[name] - expected[at][name]) for at in expected for name in expected[at])
    return [
        ("scoring 1,200 clips", f"{1000 * ours:.1f} ms", ""),
        ("  against a loop over clips", f"{loop / ours:.0f}×, differs by {differ:.0e}", "100×"),
    ]


def training() -> list[Row]:
    from seehear.fusion.model import ParsingModel  # before torch, whose threads then wait as in the product

    import torch  # isort: skip

    from fusion.reference import ReferenceModel
    from seehear.losses.weak import weak_loss
    from seehear.training.precision import computing
    from seehear.training.recipe import Recipe

    torch.manual_seed(0)
    audio = torch.randn(BATCH, SEGMENTS, AUDIO)
    frames = torch.rand(BATCH, SEGMENTS * PER_SEGMENT, FRAMES)
    clips = torch.randn(BATCH, SEGMENTS, CLIP_NETWORK)
    labels = (torch.rand(BATCH, CLASSES) < 0.1).float()
    pooled = torch.cat([frames.unflatten(1, (SEGMENTS, PER_SEGMENT)).mean(dim=2), clips], dim=-1)
    model = ParsingModel({"audio": [AUDIO], "visual": [FRAMES, CLIP_NETWORK]}, CLASSES, width=WIDTH)
    reference = ReferenceModel(AUDIO, FRAMES, CLIP_NETWORK, CLASSES, WIDTH, 0.1)
    reference.take(model)
    with torch.no_grad():
        ours, usual = model.eval()({"audio": audio, "visual": pooled}), reference.eval()(audio, frames, clips)
    differ = max(float((one - other).abs().max()) for one, other in zip(ours, usual, strict=True))

    def step(net: torch.nn.Module, *inputs: object, precision: str = "float32") -> Callable[[], None]:
        recipe = Recipe(precision=precision)
        optimiser = torch.optim.Adam(net.train().parameters(), lr=3e-4, fused=True)

        def once() -> None:
            optimiser.zero_grad(set_to_none=True)
            with computing(recipe, "cpu"):
                output = net(*inputs)
            weak_loss(output, labels, (1.0, 0.9)).backward()
            optimiser.step()

        return once

    features = {"audio": audio, "visual": pooled}
    halved = copy.deepcopy(model)
    mine, theirs = step(model, features), step(reference, audio, frames, clips)
    half = step(halved, features, precision="bfloat16")
    # In turn: the machine's moods hit all.
    rounds = [(seconds(mine, 0.1), seconds(theirs, 0.2), seconds(half, 0.1)) for _ in range(25)]
    took, usually, halves = (float(np.median(column)) for column in zip(*rounds, strict=True))
    rate = matrix_rate()
    share = arithmetic() / took / rate
    return [
        ("training step, batch 16, width 512", f"{1000 * took:.1f} ms, {1 / took:.1f} a second", ""),
        ("  against all frames projected, two directions", f"{usually / took:.2f}×, differs by {differ:.0e}", "2×"),
        ("  in bfloat16, against the same in float32", f"{usually / halves:.2f}×, {1000 * halves:.1f} ms", "3.2×"),
        (f"  of the measured matrix rate, {rate / 1e9:.0f} GFLOP/s", f"{100 * share:.0f} %", ""),
    ]


def matrix_rate(size: int = 2048) -> float:
    """Floating-point operations a second of a large matrix product in torch."""
    import torch

    a, b = torch.randn(2, size, size)
    return 2 * size**3 / seconds(lambda: a @ b, repeats=5)


def arithmetic() -> float:
    """Operations of a training step's matrix products: forward, back to weights and, but for inputs, to features."""
    rows = BATCH * SEGMENTS
    inputs = 2 * rows * WIDTH * (AUDIO + FRAMES + CLIP_NETWORK)
    layer = 2 * (2 * rows) * WIDTH * WIDTH * (6 + 2 + 2)
    attention = 2 * 2 * (2 * rows) * SEGMENTS * WIDTH * 2
    heads = 2 * (2 * rows) * WIDTH * 3 * CLASSES
    return 2 * inputs + 3 * (layer + attention + heads)


def alignment() -> list[Row]:
    import torch

    from seehear.alignment.search import Search
    from seehear.losses.contrastive.module import ContrastiveLoss
    from seehear.losses.contrastive.settings import ContrastSettings

    rng = np.random.default_rng(0)
    n = CLIPS * SEGMENTS
    embedded = {name: rng.standard_normal((n, WIDTH), dtype=np.float32) for name in ("audio", "visual")}
    labels = {name: spans(rng).reshape(n, CLASSES) for name in embedded}
    search = Search("audio", "visual")
    took = seconds(lambda: search(embedded, labels, np.repeat(np.arange(CLIPS), SEGMENTS)))
    loss = ContrastiveLoss(ContrastSettings(loss="mtsc"), tuple(embedded))
    embeddings = torch.randn(2, BATCH, SEGMENTS, WIDTH, requires_grad=True)
    weak = (torch.rand(BATCH, CLASSES) < 0.1).float()
    added = seconds(lambda: torch.autograd.grad(loss(embeddings, weak), embeddings), 0.2)
    return [
        (f"five alignment measures of {n:,} × {n:,} segments, width {WIDTH}", f"{took:.1f} s", "10 s"),
        ("MTSC and its gradient, batch 16, width 512", f"{1000 * added:.1f} ms", "10 % of a step"),
    ]


def loading() -> list[Row]:
    from seehear.features.packed import Packed
    from seehear.training.bags import Bags

    rng = np.random.default_rng(0)
    clips = 2000
    offsets = np.arange(clips + 1) * SEGMENTS
    with tempfile.TemporaryDirectory() as folder:
        packs = {}
        for modality, widths in {"audio": [AUDIO], "visual": [FRAMES, CLIP_NETWORK]}.items():
            packs[modality] = []
            for width in widths:
                file = Path(folder) / f"{width}.npy"
                np.save(file, rng.random((clips * SEGMENTS, width), dtype=np.float32))
                packs[modality].append(Packed(np.load(file, mmap_mode="r"), offsets, ""))
        rows = []
        for what, limit in (("in memory", 1 << 40), ("memory-mapped", 0)):
            bags = Bags(packs, in_memory=limit)
            took = seconds(lambda bags=bags: bags.batch(rng.integers(clips, size=BATCH)), repeats=20)
            rows.append((f"loading a batch, {what}", f"{1000 * took:.2f} ms", "5 % of a step"))
    return rows


def extraction() -> list[Row]:
    import seehear
    from seehear import networks
    from seehear.networks.samples import sample

    rows: list[Row] = []
    yamnet = networks.load(networks.get("yamnet"), "cpu")
    declared = networks.get("yamnet").input
    windows = sample(declared, round(10 / declared.hop))
    took = seconds(lambda: yamnet.features(windows))
    rows.append((f"YAMNet, 10 seconds in {len(windows)} windows", f"{10 / took:.0f}× real time", "200×"))
    lite = networks.load(networks.get("efficientnet-lite0"), "cpu")
    pictures = sample(networks.get("efficientnet-lite0").input, 64)
    took = seconds(lambda: lite.features(pictures))
    rows.append(("EfficientNet-Lite0, 64 pictures at once", f"{64 / took:.0f} images a second", "100"))
    clips = sorted((ROOT / "demo/clips").glob("test_*.mp4"))[:20]
    with tempfile.TemporaryDirectory() as folder:
        report = seehear.extract(
            clips, networks=["yamnet", "efficientnet-lite0"], store=f"{folder}/store", device="cpu"
        )
    speed = report.clip_seconds / report.seconds
    rows.append(("extraction with both, 8 frames a second, decoding included", f"{speed:.1f}× real time", "8×"))
    return rows


def parsing() -> list[Row]:
    demo, clip = ROOT / "demo", ROOT / "demo/clips/test_000.mp4"
    with tempfile.TemporaryDirectory() as folder:
        clips = [str(path) for path in sorted((demo / "clips").glob("train_00*.mp4"))]
        labels = Path(folder) / "train.csv"
        rows = (demo / "train.csv").read_text().splitlines()
        labels.write_text("\n".join(row for row in rows if row.startswith(("filename", "train_00"))) + "\n")
        store, run, out = f"{folder}/store", f"{folder}/run", f"{folder}/out"
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        extract = [SEEHEAR, "extract", *clips, "--networks", "yamnet,efficientnet-lite0", "--store", store]
        subprocess.run(extract, **quiet)
        train = [SEEHEAR, "train", "--store", store, "--labels", str(labels), "--out", run, "--set", "epochs=1"]
        subprocess.run([*train, "--collocation", "audio=yamnet", "visual=efficientnet-lite0"], **quiet)

        def parse() -> None:
            subprocess.run(["rm", "-rf", out], check=True)
            subprocess.run([SEEHEAR, "parse", run, str(clip), "--out", out], **quiet)

        took = seconds(parse)
        help_took = seconds(lambda: subprocess.run([SEEHEAR, "--help"], **quiet))
    return [
        ("parsing a 10-second clip, process start and pictures included", f"{took:.2f} s", "4 s"),
        ("seehear --help", f"{help_took:.2f} s", "0.5 s"),
    ]


SECTIONS = (scoring, training, alignment, loading, extraction, parsing)


def main() -> None:
    from seehear.results import table

    wanted = sys.argv[1:] or [section.__name__ for section in SECTIONS]
    rows: list[Row] = [("", "found", "goal")]
    for section in SECTIONS:
        if section.__name__ in wanted:
            print(f"measuring {section.__name__} …", file=sys.stderr)
            rows += section()
    print(table(rows))


if __name__ == "__main__":
    main()
