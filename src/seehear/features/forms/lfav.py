"""LFAV's features (GeWu-Lab/LFAV): folders of .npy files, a row per second, of as many seconds as the video has."""

from __future__ import annotations

from seehear.features.forms.spec import Form, SharedForm
from seehear.modality import AUDIO, VISUAL

SOURCE = "GeWu-Lab/LFAV"
FORMS = (
    SharedForm("lfav-vggish", SOURCE, AUDIO, "VGGish", Form(width=128, stride=1.0), prefix=11),
    SharedForm("lfav-resnet18", SOURCE, VISUAL, "ResNet-18", Form(width=512, stride=1.0), prefix=11),
    SharedForm("lfav-r2plus1d", SOURCE, VISUAL, "R(2+1)D-18", Form(width=512, stride=1.0), prefix=11),
)
