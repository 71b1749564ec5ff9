"""Files as answers: their media types, and the parts of them that players request."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import IO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from seehear.media.suffixes import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from seehear.serving.guard import refused

CHUNK = 1 << 18  # bytes of a file that are read at once

_PLAIN = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".txt": "text/plain",
    ".vtt": "text/vtt",
    ".xml": "application/xml",
}
_MEDIA = {suffix: f"video/x-{suffix[1:]}" for suffix in VIDEO_SUFFIXES}
_MEDIA |= {suffix: f"audio/x-{suffix[1:]}" for suffix in AUDIO_SUFFIXES}
TYPES = {suffix: f"{kind}; charset=utf-8" for suffix, kind in _PLAIN.items()} | _MEDIA
TYPES |= {
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".3gp": "video/3gpp",
    ".aac": "audio/aac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".avi": "video/x-msvideo",
    ".flac": "audio/flac",
    ".flv": "video/x-flv",
    ".m2ts": "video/mp2t",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".mts": "video/mp2t",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".ts": "video/mp2t",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".wma": "audio/x-ms-wma",
    ".wmv": "video/x-ms-wmv",
}
UNKNOWN = "application/octet-stream"

_RANGE = re.compile(r"bytes=([0-9]{0,30})-([0-9]{0,30})", re.IGNORECASE)
_TAG = re.compile(r'"[^"]*"')


def file_answer(file: Path, request: Request) -> Response:
    """Answer with a file, or with what is requested of it.

    Starlette's own answer refuses a header that is no range, where the whole file is due, and takes a date in If-Range.
    It also looks the file up twice, so that it may send another one than its tag says.

    Args:
        file: Where it lies.
        request: With the headers Range, If-Range and If-None-Match.
    """
    try:
        stream = file.open("rb")
    except OSError as error:
        busy = error.errno in (errno.EMFILE, errno.ENFILE)  # no file descriptor is left: it can be sent later
        return refused(HTTPStatus.SERVICE_UNAVAILABLE if busy else HTTPStatus.NOT_FOUND)
    stat = os.fstat(stream.fileno())
    size, tag = stat.st_size, f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'
    headers = {"ETag": tag, "Last-Modified": formatdate(stat.st_mtime, usegmt=True)}
    kind = TYPES.get(file.suffix.lower(), UNKNOWN)
    known = request.headers.get("If-None-Match", "")
    if known.strip() == "*" or tag in _TAG.findall(known):
        stream.close()
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    requested = None
    # A date in If-Range can't distinguish two versions of one second; the whole file is always right.
    if request.method == "GET" and request.headers.get("If-Range", tag).strip() == tag:
        requested = byte_range(", ".join(request.headers.getlist("Range")), size)
    status, part = HTTPStatus.OK, range(size)
    if requested is not None:
        status = HTTPStatus.PARTIAL_CONTENT if requested else HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        part = requested
        headers["Content-Range"] = f"bytes {f'{part.start}-{part.stop - 1}' if part else '*'}/{size}"
    headers |= {"Accept-Ranges": "bytes", "Content-Length": str(len(part))}
    if request.method == "GET" and part:
        return StreamingResponse(_chunks(stream, part), status, headers, kind)
    stream.close()
    return Response(status_code=status, headers=headers, media_type=kind)


def _chunks(stream: IO[bytes], part: range) -> Iterator[bytes]:
    """Yield the bytes of a part. Fewer if the file was cut short meanwhile: the connection is closed then."""
    with stream:
        stream.seek(part.start)
        left = len(part)
        while left and (chunk := stream.read(min(left, CHUNK))):
            left -= len(chunk)
            yield chunk


def byte_range(header: str, size: int) -> range | None:
    """The bytes of a file that a Range header requests (RFC 9110, section 14.1.2).

    Args:
        header: The header's value.
        size: Bytes of the file.

    Returns:
        The bytes, none if the file is shorter. None if the answer is the whole file: for several ranges, for another
        unit, and for what is no range.
    """
    match = _RANGE.fullmatch(header.strip())
    first, last = match.groups() if match else ("", "")
    if first:
        stop = int(last) + 1 if last else max(size, int(first) + 1)
        return range(int(first), min(stop, size)) if stop > int(first) else None
    if last and (size or not int(last)):  # of an empty file, the last bytes are the whole
        return range(max(0, size - int(last)), size)
    return None
