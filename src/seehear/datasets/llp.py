"""LLP, "Look, Listen, and Parse" (Tian et al., ECCV 2020): 11,849 ten-second clips of YouTube videos, 25 classes."""

from __future__ import annotations

import re

from seehear.datasets.spec import DataSet, span_in

ID = 11  # characters of a YouTube id, which may hold _ and -
NAME = re.compile(rf".{{{ID}}}_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)")

CLASSES = (
    "Accordion",
    "Acoustic_guitar",
    "Baby_cry_infant_cry",
    "Baby_laughter",
    "Banjo",
    "Basketball_bounce",
    "Blender",
    "Car",
    "Cat",
    "Cello",
    "Chainsaw",
    "Cheering",
    "Chicken_rooster",
    "Clapping",
    "Dog",
    "Fire_alarm",
    "Frying_(food)",
    "Helicopter",
    "Lawn_mower",
    "Motorcycle",
    "Singing",
    "Speech",
    "Telephone_bell_ringing",
    "Vacuum_cleaner",
    "Violin_fiddle",
)


def span(clip: str) -> tuple[float, float] | None:
    """Return the seconds of the full video that a clip is: (20, 30) for BjCEufrlXm4_20_30; None for other names."""
    return span_in(clip, NAME)


SPEC = DataSet(
    name="llp",
    source="https://github.com/YapengTian/AVVP-ECCV20",
    weak={"train": "AVVP_train.csv", "val": "AVVP_val_pd.csv", "test": "AVVP_test_pd.csv"},
    dense={"audio": "AVVP_eval_audio.csv", "visual": "AVVP_eval_visual.csv"},
    forms=("llp-vggish", "llp-resnet152", "llp-r2plus1d"),
    prefix=ID,
    classes=CLASSES,
    span=span,
)
