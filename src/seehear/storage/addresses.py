"""Addresses of files elsewhere, such as `s3://bucket/key`: which kinds there are, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from seehear.errors import SeehearError
from seehear.names import breaks_line
from seehear.texts import without_credentials


@dataclass(frozen=True)
class Scheme:
    """A kind of address.

    Attributes:
        package: The package of fsspec's file system; empty if fsspec has it itself.
        extra: Of seehear, which installs it.
        listed: Whether folders can be listed and files be written; single files are read otherwise.
        credentials: Where they come from, for messages.
    """

    package: str = ""
    extra: str = ""
    listed: bool = True
    credentials: str = ""


OF_HTTP = "a login for a server is read from ~/.netrc; a signed query (?…) may be part of the address"
SCHEMES = {
    "s3": Scheme(
        "s3fs",
        "s3",
        credentials="they are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws, a role of this machine, "
        "or fsspec's settings (FSSPEC_S3_ANON=true for public buckets)",
    ),
    "gs": Scheme(
        "gcsfs", "gs", credentials="they are read from GOOGLE_APPLICATION_CREDENTIALS, gcloud, or fsspec's settings"
    ),
    "https": Scheme("aiohttp", "https", listed=False, credentials=OF_HTTP),
    "http": Scheme("aiohttp", "https", listed=False, credentials=OF_HTTP),
    "memory": Scheme(),
}


def shown(address: object) -> str:
    """Return an address, or a text with addresses, as it may be shown and written: without credentials."""
    return without_credentials(str(address))


def scheme_of(address: str) -> str:
    """Return the part of an address before `://`, in small letters."""
    return address.partition(":")[0].lower()


def facts_of_scheme(address: str) -> Scheme:
    """Return the kind of an address. Raises SeehearError if it is none of `SCHEMES`."""
    scheme = scheme_of(address)
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES if name != "memory")
        raise SeehearError(
            f"{shown(address)}: addresses begin with {known}, not with {scheme}://; name files of this machine by "
            "their path"
        )
    return SCHEMES[scheme]


def checked(address: str) -> str:
    """Return an address, if it is of a known kind, names a bucket or server, and holds no credentials.

    Raises:
        SeehearError: Otherwise, without its credentials.
    """
    scheme = facts_of_scheme(address)
    after = address.partition("://")[2]
    authority = after.partition("/")[0].partition("?")[0] if not scheme.listed else after.partition("/")[0]
    port = authority.rpartition("]")[2].partition(":")[2]
    if "@" in authority or (port and not (port.isdigit() and not scheme.listed)):
        raise SeehearError(
            f"{shown(address)}: an address must not hold a user name or password, which others could read; "
            f"{scheme.credentials}"
        )
    if not authority or breaks_line(address):
        raise SeehearError(f"{shown(address)!a}: names no bucket or server, or has control characters")
    return address


def inner_path(address: str) -> str:
    """Return what fsspec calls a file: bucket and key, or the whole address on the web."""
    if not facts_of_scheme(address).listed:
        return address
    path = address.partition("://")[2]
    return f"/{path}" if scheme_of(address) == "memory" else path


def file_name(address: str) -> str:
    """Return the last part of an address's path; of the web without its query, and decoded."""
    if facts_of_scheme(address).listed:
        return PurePosixPath(address.partition("://")[2]).name
    return PurePosixPath(unquote(urlsplit(address).path)).name


def joined(address: str, name: str) -> str:
    """Return the address of a file in a folder."""
    return f"{address.rstrip('/')}/{name}" if name else address
