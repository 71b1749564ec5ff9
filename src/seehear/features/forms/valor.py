"""VALOR's features of LLP (Franklin905/VALOR; Lai et al. 2023): folders CLIP/features and CLAP/features of .npy files.

An array of CLAP is the last feature map of its audio encoder. Its 64 rows are 2 bands of frequency after one another,
of 32 steps over the ten seconds each. They are no 64 steps of time.
"""

from __future__ import annotations

from seehear.features.forms.spec import Form, SharedForm
from seehear.modality import AUDIO, VISUAL

SOURCE = "Franklin905/VALOR"
FORMS = (
    SharedForm("valor-clip", SOURCE, VISUAL, "CLIP ViT-L/14", Form(width=768, stride=1.0, rows=10), prefix=11),
    SharedForm(
        "valor-clap", SOURCE, AUDIO, "CLAP, its last map", Form(width=768, stride=0.3125, rows=32, bands=2), prefix=11
    ),
)
