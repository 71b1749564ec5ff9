"""AVE's features (YapengTian/AVE-ECCV18): an .h5 file with one array for all clips, in the order of Annotations.txt.

`train_order.h5` and its siblings hold the numbers of rows of a split. Videos that Annotations.txt has twice have two
rows.
"""

from __future__ import annotations

from seehear.features.forms.spec import Form, SharedForm
from seehear.modality import AUDIO, VISUAL

SOURCE = "YapengTian/AVE-ECCV18"
KEY, ORDER = "avadataset", "Annotations.txt"
FORMS = (
    SharedForm("ave-vggish", SOURCE, AUDIO, "VGGish", Form(width=128, stride=1.0, rows=10), key=KEY, order=ORDER),
    SharedForm(
        "ave-vgg19",
        SOURCE,
        VISUAL,
        "VGG-19, its last map: 7 × 7 positions, averaged",
        Form(width=512, stride=1.0, rows=10, averaged=(7, 7)),
        key=KEY,
        order=ORDER,
    ),
)
