"""Two files whose clips have one name: what is written of one must not replace what was written of the other."""

from __future__ import annotations

import filecmp
import os
from contextlib import suppress
from pathlib import Path

from seehear.errors import ClipError
from seehear.parsing.clip import ParsedClip
from seehear.parsing.folder import place_of
from seehear.storage.files import is_elsewhere, part_of
from seehear.texts import is_url


def check_same_file(parsed: ParsedClip, file: str, where: Path) -> None:
    """Refuse a file whose clip has the name of a clip that was parsed before, of another file.

    A file that is no longer there was moved or replaced, and one of the same content gives the same events: neither is
    another file.

    Args:
        parsed: The clip that was parsed before.
        file: That of the clip of the same name, as `ParsedClip.file`.
        where: The JSON file of the parsed clip.

    Raises:
        ClipError: Naming both files.
    """
    if is_another(parsed.file, place_of(file, where.parent)):
        raise ClipError(
            f"{file}: {where} holds the clip {parsed.clip!r} of another file, {parsed.file}: choose another folder, "
            "rename one of the files, or delete what was written of the other"
        )


def is_another(before: str, now: str) -> bool:
    """Return whether a parsed clip's file is another one than `now`, which is still there and has other content."""
    if before == now:
        return False
    (old, old_part), (new, new_part) = _divided(before), _divided(now)
    if is_elsewhere(old) or is_elsewhere(new):
        return True  # a file that someone names in a JSON file is not looked for elsewhere
    with suppress(OSError):
        if os.path.isfile(old):
            return old_part != new_part or not (os.path.samefile(old, new) or filecmp.cmp(old, new, shallow=False))
    return False


def _divided(file: str) -> tuple[str, str]:
    """Return a file, and which part of it the clip is. An address is not looked at."""
    part = None if is_url(file) else part_of(file)
    return (file, "") if part is None else (part[0], file.removeprefix(part[0]))
