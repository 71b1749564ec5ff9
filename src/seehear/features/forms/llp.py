"""LLP's features (YapengTian/AVVP-ECCV20): folders of .npy files, named by the first 11 characters of the clip."""

from __future__ import annotations

from seehear.features.forms.spec import Form, SharedForm
from seehear.modality import AUDIO, VISUAL

SOURCE = "YapengTian/AVVP-ECCV20"
FORMS = (
    SharedForm(
        "llp-vggish",
        SOURCE,
        AUDIO,
        "VGGish",
        Form(width=128, stride=1.0, rows=10),
        prefix=11,
        folder="vggish",
        network="vggish",
    ),
    SharedForm(
        "llp-resnet152",
        SOURCE,
        VISUAL,
        "ResNet-152",
        Form(width=2048, stride=0.125, rows=80),
        prefix=11,
        folder="res152",
        network="resnet152",
    ),
    SharedForm(
        "llp-r2plus1d",
        SOURCE,
        VISUAL,
        "R(2+1)D-18",
        Form(width=512, stride=1.0, rows=10),
        prefix=11,
        folder="r2plus1d_18",
        network="r2plus1d-18",
    ),
)
