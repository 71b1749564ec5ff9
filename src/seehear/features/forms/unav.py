"""UnAV-100's features (ttgeng233/UnAV): one folder of .npy files for three networks.

A row is of 24 frames at 25 frames per second, and the next row begins 8 frames later.
"""

from __future__ import annotations

from seehear.features.forms.spec import Form, SharedForm
from seehear.modality import AUDIO, VISUAL

SOURCE = "ttgeng233/UnAV"
STRIDE, WINDOW = 8 / 25, 24 / 25  # seconds
I3D, VGGISH = Form(width=1024, stride=STRIDE, window=WINDOW), Form(width=128, stride=STRIDE, window=WINDOW)
FORMS = (
    SharedForm("unav-rgb", SOURCE, VISUAL, "I3D of frames", I3D, file="{clip}_rgb"),
    SharedForm("unav-flow", SOURCE, VISUAL, "I3D of optical flow", I3D, file="{clip}_flow"),
    SharedForm("unav-vggish", SOURCE, AUDIO, "VGGish", VGGISH, file="{clip}_vggish"),
)
