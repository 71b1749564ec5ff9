"""seehear classes: what words stand for in the vocabularies of pretrained classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.vocabulary.classes import ClassMap  # the command line reads annotations


def classes(names: Sequence[str] = (), *, out: str | Path | None = None, overwrite: bool = False) -> ClassMap:
    """Show which classes of AudioSet and ImageNet words stand for, heard and seen.

    Args:
        names: Class names, several with commas between; or a table that this command wrote. By default the built-in
            vocabulary.
        out: A table to write, which can be corrected and given to `seehear parse --classes`.
        overwrite: Replace a table that exists with other content, such as one that was corrected.

    Returns:
        Each class, as what it is heard and seen, and by which rule.
    """
    from seehear.progress import say
    from seehear.vocabulary import as_map, builtin, write_map
    from seehear.vocabulary.table import check_kept

    found = as_map(names) if names else builtin()
    if out is not None:
        if not overwrite:
            check_kept(out, found)
        write_map(out, found)
        say(f"written to {out}: correct it, and give it as `seehear parse --classes {out}`")
    return found
