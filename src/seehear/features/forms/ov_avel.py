"""OV-AVEBench's features (jasongief/OV-AVEL): ImageBind's embeddings of ten seconds.

The repository shares frames and audio, and computes these arrays of each clip while it trains. This is the form of
files that keep them.
"""

from __future__ import annotations

from seehear.features.forms.spec import Form, SharedForm
from seehear.modality import AUDIO, VISUAL

SOURCE = "jasongief/OV-AVEL"
IMAGEBIND = Form(width=1024, stride=1.0, rows=10)
FORMS = (
    SharedForm("ov-avel-audio", SOURCE, AUDIO, "ImageBind", IMAGEBIND),
    SharedForm("ov-avel-visual", SOURCE, VISUAL, "ImageBind", IMAGEBIND),
)
