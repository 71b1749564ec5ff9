"""LFAV's features (GeWu-Lab/LFAV): folders of .npy files, a row per second, of as many seconds as the video has.

The folders are named as in its training script.
"""

from __future__ import annotations

from seehear.features.forms.spec import Form, SharedForm
from seehear.modality import AUDIO, VISUAL

SOURCE = "GeWu-Lab/LFAV"
FORMS = (
    SharedForm(
        "lfav-vggish",
        SOURCE,
        AUDIO,
        "VGGish",
        Form(width=128, stride=1.0),
        prefix=11,
        folder="audio-feat-vggish-align",
        network="vggish",
    ),
    SharedForm(
        "lfav-resnet18",
        SOURCE,
        VISUAL,
        "ResNet-18",
        Form(width=512, stride=1.0),
        prefix=11,
        folder="visual-feat-res18-align",
        network="resnet18",
    ),
    SharedForm(
        "lfav-r2plus1d",
        SOURCE,
        VISUAL,
        "R(2+1)D-18",
        Form(width=512, stride=1.0),
        prefix=11,
        folder="visual-feat-r2plus1d-align",
        network="r2plus1d-18",
    ),
)
