"""The forms in which repositories of the field share features: one file each, and one line in REGISTRY."""

from __future__ import annotations

from seehear.features.forms import ave, lfav, llp, ov_avel, unav, valor
from seehear.features.forms.spec import SharedForm
from seehear.registry import Registry

REGISTRY: Registry[SharedForm] = Registry(
    "form of shared features",
    (*llp.FORMS, *valor.FORMS, *lfav.FORMS, *ave.FORMS, *unav.FORMS, *ov_avel.FORMS),
    "Without one, the suffix of the files decides, and --frames, --stride, --key and --order say the rest.",
)
