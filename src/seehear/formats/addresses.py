"""Addresses of clips' files, as cutting and labelling programs hold them: URLs and paths."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, quote, unquote, urlsplit

from seehear.names import normal
from seehear.texts import is_url

UPLOADED = re.compile(r"[0-9a-f]{8}-")  # what Label Studio puts in front of an uploaded file's name
UPLOADS, LOCAL_FILES = "/data/upload/", "/data/local-files/"  # Label Studio's own addresses


def absolute(file: str) -> str:
    """Return the absolute path of a file, with slashes, percent-encoded, without the first slash."""
    return quote(Path(os.path.abspath(file)).as_posix().lstrip("/"), safe="/:")


def url_of(file: str) -> str:
    """Return the address of a clip's file: one of this machine, or elsewhere."""
    return file if is_url(file) else f"file:///{absolute(file)}"


def stem_of(address: str) -> str:
    """Return the name of the clip at an address; empty if there is none.

    Args:
        address: A URL, percent-encoded; or a path, which is taken as it is.
    """
    try:
        url = urlsplit(address)
    except ValueError:
        return ""
    if address.startswith(LOCAL_FILES):
        path = parse_qs(url.query).get("d", [""])[0]
    elif address.startswith(UPLOADS):
        path = UPLOADED.sub("", PurePosixPath(unquote(url.path)).name)
    else:
        path = unquote(url.path) if "://" in address else address
    return normal(PurePosixPath(path.replace("\\", "/")).stem)
