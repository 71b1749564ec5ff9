"""Networks on their own, and extraction with decoding."""

from __future__ import annotations

import tempfile
from pathlib import Path

from speed import floors
from speed.row import Row, Size, measured, seconds

DEMO = Path(__file__).parents[2] / "demo"
# Operations of one window and of one image, two per multiplication: of the networks' own descriptions.
YAMNET, LITE0 = 2 * 69.2e6, 2 * 407e6


def rows(size: Size) -> list[Row]:
    import seehear
    from seehear import networks
    from seehear.networks.samples import sample

    rate = floors.arithmetic(size)
    yamnet = networks.load(networks.get("yamnet"), "cpu")
    declared = networks.get("yamnet").input
    windows = sample(declared, round(10 / declared.hop))
    took = seconds(lambda: yamnet.features(windows))
    heard = measured(
        f"YAMNet, 10 seconds in {len(windows)} windows",
        took,
        len(windows) * YAMNET / rate,
        goal="200×",
        found=f"{10 / took:.0f}× real time",
    )
    lite = networks.load(networks.get("efficientnet-lite0"), "cpu")
    images = sample(networks.get("efficientnet-lite0").input, 64)
    took = seconds(lambda: lite.features(images))
    seen = measured(
        "EfficientNet-Lite0, 64 images", took, 64 * LITE0 / rate, goal="100 images/s", found=f"{64 / took:.0f} images/s"
    )
    clips = sorted((DEMO / "clips").glob("test_*.mp4"))[:20]
    with tempfile.TemporaryDirectory() as folder:
        both = ["yamnet", "efficientnet-lite0"]
        report = seehear.extract(clips, networks=both, store=f"{folder}/store", device="cpu")
    speed = report.clip_seconds / report.seconds
    floor = report.clip_seconds * (YAMNET / declared.hop + 8 * LITE0) / rate
    return [
        heard,
        seen,
        measured("extraction with both, 8 frames/s", report.seconds, floor, goal="8×", found=f"{speed:.1f}× real time"),
    ]
