"""All targets. A further kind of file is one file with a list `TARGETS`, and one line here."""

from fuzz import media, own, selections, tables
from fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *own.TARGETS,
    *selections.TARGETS,
    *tables.TARGETS,
    *media.TARGETS,
)
