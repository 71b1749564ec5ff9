"""Which files and parts of files are clips: a clip is named by its file's stem, and by the seconds of a part."""

from __future__ import annotations

import glob
import os
import stat
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from seehear import arguments
from seehear.arguments import Paths
from seehear.errors import ClipError, SeehearError
from seehear.media.opening import is_animated_webp
from seehear.media.suffixes import SUFFIXES, is_media
from seehear.names import clip_name, valid_clip_name
from seehear.storage.files import (
    SHARD,
    File,
    Local,
    Location,
    RemoteFile,
    file_of,
    is_elsewhere,
    is_remote,
    listing,
    locate,
    part_of,
)
from seehear.storage.parts import Part, named
from seehear.storage.shards import members
from seehear.texts import is_url, without_credentials

Place = TypeVar("Place", bound=Location)
Found = TypeVar("Found")

FULL = "_full_video"  # ends the names of files that are full videos for certain
PICTURES = frozenset((".apng", ".gif", ".webp"))  # these may move or not, and often lie beside a clip as its thumbnail
# What people keep beside clips. A search says nothing about them.
BESIDE_CLIPS = frozenset(
    (
        *(".avif", ".bmp", ".heic", ".ico", ".jpeg", ".jpg", ".png", ".svg", ".thm", ".tif", ".tiff"),
        *(".csv", ".doc", ".docx", ".eaf", ".etf", ".htm", ".html", ".json", ".jsonl", ".log", ".md", ".ods", ".pdf"),
        *(".pfsx", ".rst", ".toml", ".tsv", ".txt", ".xls", ".xlsx", ".xml", ".yaml", ".yml"),
        *(".ass", ".lrc", ".srt", ".ssa", ".sub", ".textgrid", ".vtt"),
        *(".css", ".ipynb", ".js", ".npy", ".npz", ".py", ".pyc", ".safetensors", ".sh"),
        *(".cue", ".db", ".ini", ".m3u", ".m3u8", ".md5", ".nfo", ".sha256", ".url"),
    )
)
CASELESS = sys.platform in ("darwin", "win32")  # their file systems take A.json and a.json for one file
GIF_FRAME = b"\x21\xf9\x04"  # begins the control block before each frame of a GIF
FRAMES_WITHIN = 1 << 22  # bytes of a GIF in which its second frame must begin


class Clips(dict[str, Place]):
    """Clip name -> file, with what the search could not use.

    Attributes:
        unusable: File or folder -> why it can't be used: something that was requested is left out.
        notes: What else a user should know.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unusable: dict[str, str] = {}
        self.notes: list[str] = []

    @property
    def problems(self) -> list[str]:
        """Return one line for each thing that a user should know."""
        return [*self.unusable.values(), *self.notes]


def find_clips(paths: Paths) -> Clips[Location]:
    """Find the clips among files and in folders, of this machine and elsewhere.

    A search follows links, and visits each folder once. It takes files by their suffix, without hidden files and
    folders, and without pictures that don't move.

    Args:
        paths: Media files, and folders that are searched for them at any depth. A path that does not exist may begin
            with ~, and may be a pattern such as `clips/*.mp4`, which not every shell expands. An address such as
            `s3://bucket/folder` names a file, a folder or a pattern, and `https://…` a single file. A shard (an
            uncompressed tar archive that is named, or that a pattern finds) gives the media files in it. Behind each,
            #t=START,STOP names a part of the file in seconds, as in `video.mp4#t=30,40`, whose clip is `video_30_40`;
            a `Part` does so too.

    Returns:
        Clip name -> file, in the order of `paths`; within a folder, in the order of paths.

    Raises:
        SeehearError: If a path does not exist, a folder has no media file, two files have the same stem, or a clip may
            not have the name.
    """
    clips = Clips[Location]()
    for given in arguments.locations(paths, Part):
        for file in _named(given, clips):
            _check_name(file)
            other = clips.setdefault(clip_name(file), file)
            if other is not file and not _same_file(other, file):
                raise SeehearError(f"{file} and {other} would be one clip, {clip_name(file)!r}: rename one")
    _check_case(clips)
    return clips


def find_local_clips(paths: Paths, purpose: str) -> Clips[Local]:
    """Find clips of this machine, as `find_clips` does. purpose: why others can't be used, for the message.

    Raises:
        SeehearError: As `find_clips`, or if a clip is elsewhere or in a shard.
    """
    found = find_clips(paths)
    for file in found.values():
        if is_remote(file):
            raise SeehearError(f"{file}: {purpose}: copy it to this machine, and name that file")
    return cast("Clips[Local]", found)


def file_with(clip: str, found: Mapping[str, Found]) -> tuple[Found, float, float] | None:
    """Return the file of which a clip is a part by its name, `<stem>_<start>_<stop>`, and the seconds; None if none is.

    Args:
        clip: The name of a clip that is no file.
        found: Stem -> file. A full video may be called `<stem>_full_video`.
    """
    if (seconds := named(clip)) is None or not seconds[1] < seconds[2]:
        return None
    stem, start, stop = seconds
    file = found.get(stem, found.get(f"{stem}{FULL}"))
    return None if file is None else (file, start, stop)


def with_parts(found: Mapping[str, Local], wanted: Iterable[str]) -> dict[str, Local]:
    """Return the clips that are found, and the wanted ones that are parts of found files by their names.

    Args:
        found: Clip -> file. A file that is wanted only for parts of it is left out.
        wanted: Names of clips. A name that is a file means the file.
    """
    names = dict.fromkeys(wanted)
    whole = {clip: file for clip, file in found.items() if isinstance(file, Path)}
    parts: dict[str, Local] = {}
    used: set[Path] = set()
    for clip in names:
        if clip not in found and (part := file_with(clip, whole)):
            parts[clip] = Part(*part, clip=clip)
            used.add(part[0])
    return {clip: file for clip, file in found.items() if file not in used or clip in names} | parts


def file_by_file(clips: Mapping[str, Place]) -> dict[str, Place]:
    """Return clips so that the parts of one file follow one another, and files are in the order of their first clips.

    The packets of a file are then listed once: those of a few files stay listed.
    """
    order: dict[File, int] = {}
    for file in clips.values():
        order.setdefault(file_of(file), len(order))
    return dict(sorted(clips.items(), key=lambda clip: order[file_of(clip[1])]))


def names_one_file(clips: Paths, found: Clips[Location]) -> bool:
    """Return whether somebody names one media file or part, not a folder, a pattern, a shard, or a list.

    Args:
        clips: What is named.
        found: What `find_clips` finds there.
    """
    if isinstance(clips, Part):
        return True
    if isinstance(clips, str | Path) and (part := part_of(clips)):
        clips = part[0]
    if isinstance(clips, str) and is_url(clips):
        files = [file_of(clip) for clip in found.values()]
        return [file.address for file in files if isinstance(file, RemoteFile) and not file.member] == [clips]
    if not isinstance(clips, str | os.PathLike):
        return False
    return os.path.isfile(os.path.expanduser(clips)) and not os.fspath(clips).endswith(SHARD)


def _named(given: Path | str | Part, clips: Clips[Location]) -> Iterator[Location]:
    """Yield the files, and the parts of files, that an argument names."""
    if isinstance(given, Part):
        yield given
    elif part := part_of(given):
        file, start, stop = part
        for each in _whole_files(file):
            yield Part(each, start, stop)
    else:
        yield from _elsewhere(given, clips) if isinstance(given, str) else _here(given, clips)


def _whole_files(name: str) -> Iterator[File]:
    """Yield the files that a path, an address or a pattern names. Raises SeehearError for a folder or a shard."""
    if is_url(name):
        found = listing(name)
        files: list[File] = [] if found.searched else [*found.files]
    elif is_elsewhere(name):  # a member of a shard
        files = [cast("RemoteFile", locate(name))]
    else:
        files = [*_expand(Path(name))]
    if not files or any(file.suffix == SHARD or (isinstance(file, Path) and file.is_dir()) for file in files):
        raise SeehearError(f"{without_credentials(name)}: is a folder or a shard: #t=START,STOP is a part of one file")
    yield from files


def _here(given: Path, clips: Clips[Location]) -> Iterator[Location]:
    """Yield the files that a path names, and the media files in folders and shards."""
    for path in _expand(given):
        if path.is_dir():
            yield from search_folder(path, clips)
        elif path.suffix == SHARD:
            yield from _in_shard(str(path), clips)
        else:
            yield path


def _elsewhere(address: str, clips: Clips[Location]) -> Iterator[RemoteFile]:
    """Yield the files that an address names, and the media files in folders and shards."""
    found = listing(address)
    if found.searched:
        yield from _in_folder(address, found.files, clips)
        return
    for file in found.files:
        if file.suffix == SHARD:
            yield from _in_shard(file.address, clips)
        else:
            yield file


def _in_shard(shard: str, clips: Clips[Location]) -> Iterator[RemoteFile]:
    """Yield the media files in a shard. Adds a shard that can't be used, or not in whole, to the clips' problems."""
    where = without_credentials(shard)
    try:
        held = members(shard)
    except SeehearError as error:
        clips.unusable[where] = str(error)
        return
    if held.fault:
        clips.unusable[where] = held.fault
    media = [file for file in held.files if _is_media_name(file)]
    if not media and not held.fault:
        clips.unusable[where] = f"{where}: no media files in this shard, such as .mp4 or .wav"
    yield from media


def _in_folder(address: str, files: Iterable[RemoteFile], clips: Clips[Location]) -> Iterator[RemoteFile]:
    """Yield the media files among those in a folder elsewhere, as `search_folder` does."""
    search, where = _Search(), without_credentials(address)
    for file in files:
        inner = file.address.removeprefix(address.rstrip("/") + "/")
        if any(part.startswith(".") for part in inner.split("/")):
            continue
        if _is_media_name(file):
            search.media.append(file)
        elif file.suffix.lower() not in BESIDE_CLIPS:
            search.others[file.suffix.lower()] += 1
    yield from cast("list[RemoteFile]", _chosen(where, search, clips))


def _is_media_name(file: Location) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def _expand(path: Path) -> Iterator[Path]:
    """Yield the files and folders that a path names. Raises SeehearError if there is none, or it can't be a clip."""
    text = str(path)
    if text.startswith("~") and not os.path.lexists(text):
        text = os.path.expanduser(text)
    if glob.has_magic(text) and not os.path.lexists(text):
        found = sorted(glob.glob(text, recursive=True))
        if not found:
            raise SeehearError(f"{path}: no file or folder is named like this")
    else:
        found = [text]
    for each in found:
        if fault := _fault(Path(each)):
            raise SeehearError(fault)
        yield Path(each)


def _fault(path: Path) -> str:
    """Return why a path is neither a regular file nor a folder; an empty string if it is."""
    shown = str(path) if str(path).isprintable() else f"{str(path)!a}"
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return (
            f"{shown}: links to a file that doesn't exist" if path.is_symlink() else f"{shown}: no such file or folder"
        )
    except (OSError, ValueError) as error:
        return f"{shown}: can't be read ({getattr(error, 'strerror', None) or error})"
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    return f"{shown}: is a pipe, socket or device: a clip must be a regular file"


@dataclass
class _Search:
    """What a search of a folder finds."""

    media: list[File] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)  # unknown suffix -> files
    unusable: dict[str, str] = field(default_factory=dict)


def search_folder(folder: Path, clips: Clips[Any]) -> list[Path]:
    """Return the media files in a folder and its subfolders. Adds what can't be used to the clips' problems.

    Raises:
        SeehearError: If there are none.
    """
    search = _Search()
    pending, linked, visited = [folder], list[Path](), set[str]()
    while pending or linked:
        each = pending.pop() if pending else linked.pop(0)  # a folder is named without links, if it can be
        real = os.path.realpath(each)
        if real not in visited:
            visited.add(real)
            for child in _children(each, search):
                (linked if child.is_symlink() else pending).append(child)
    search.media.sort()
    return cast("list[Path]", _chosen(str(folder), search, clips))


def _chosen(folder: str, search: _Search, clips: Clips[Any]) -> list[File]:
    """Return the media files that a search found, without thumbnails. Raises SeehearError if there are none."""
    clips.unusable |= search.unusable
    passed_over = ""
    if search.others:
        counts = ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in search.others.most_common(8))
        passed_over = f"{folder}: passed over {search.others.total()} files that have no media suffix: {counts}"
    files = list(_without_thumbnails(search.media))
    if not files:
        why = "; ".join([*search.unusable.values(), *([passed_over] if passed_over else [])])
        raise SeehearError(
            f"{folder}: no media files in this folder, such as .mp4 or .wav" + (f". {why}" if why else "")
        )
    if passed_over:
        clips.notes.append(f"{passed_over}. Name a file itself to use it")
    return files


def _children(folder: Path, search: _Search) -> Iterator[Path]:
    """Yield the subfolders of a folder, and add its files to what the search finds."""
    try:
        children = sorted(folder.iterdir())
    except OSError as error:
        search.unusable[str(folder)] = f"{folder}: can't be searched ({error.strerror})"
        return
    for child in children:
        if child.name.startswith("."):
            continue
        suffix = child.suffix.lower()
        try:
            mode = child.stat().st_mode
        except (OSError, ValueError):
            mode = 0
        if stat.S_ISDIR(mode):
            yield child
        elif stat.S_ISREG(mode) and is_media(child):
            search.media.append(child)
        elif suffix in SUFFIXES or (not mode and suffix not in BESIDE_CLIPS):  # a broken link may have led to a folder
            search.unusable[str(child)] = _fault(child)
        elif suffix not in BESIDE_CLIPS:
            search.others[suffix] += 1


def _without_thumbnails(files: Iterable[File]) -> Iterator[File]:
    """Leave out pictures that don't move, and those that lie beside a clip of the same name."""
    files = list(files)
    pictures = any(file.suffix.lower() in PICTURES for file in files)  # in most folders there are none
    films = {_without_suffix(file) for file in files if file.suffix.lower() not in PICTURES} if pictures else set()
    for file in files:
        if file.suffix.lower() not in PICTURES or (_without_suffix(file) not in films and _moves(file)):
            yield file


def _without_suffix(file: File) -> str:
    return str(file).removesuffix(file.suffix)


def _moves(picture: File) -> bool:
    """Return whether a GIF or WebP has several frames. A file that is neither is left to the reader."""
    try:
        start = _part(picture, 21)
        if start[8:16] == b"WEBPVP8 " or start[8:16] == b"WEBPVP8L":
            return False
        if start[8:16] == b"WEBPVP8X":
            return is_animated_webp(start)
        if start[:3] == b"GIF":
            return _part(picture, FRAMES_WITHIN).count(GIF_FRAME) > 1
    except (OSError, IndexError):
        pass
    return True


def _part(file: File, length: int) -> bytes:
    """Return the beginning of a file."""
    if isinstance(file, RemoteFile):
        return file.read(0, length)
    with file.open("rb") as stream:
        return stream.read(length)


def _same_file(one: Location, other: Location) -> bool:
    if isinstance(one, Part) and isinstance(other, Part):
        return one.fragment == other.fragment and _same_file(one.file, other.file)
    if not (isinstance(one, Path) and isinstance(other, Path)):
        return one == other
    try:
        return one.samefile(other)
    except OSError:
        return False


def _check_case(clips: Clips[Location]) -> None:
    """Note clips whose files some systems take for one. Raises SeehearError on such a system."""
    first: dict[str, str] = {}
    alike = []
    for name in clips:
        other = first.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            alike.append(f"{clips[other]} and {clips[name]}")
    if not alike:
        return
    pairs = f"{alike[0]}" + (f", and {len(alike) - 1} more pairs," if len(alike) > 1 else "")
    differ = f"{pairs} differ in the case or the encoding of letters alone"
    if CASELESS:
        raise SeehearError(f"{differ}: what is written of one would overwrite the other: rename one")
    clips.notes.append(f"{differ}: rename one, or their results can't be copied to macOS or Windows")


def _check_name(file: Location) -> None:
    """Raise SeehearError if no clip may have the name of the file."""
    try:
        valid_clip_name(clip_name(file))
    except ClipError as error:
        place = str(file) if str(file).isprintable() else f"{str(file)!a}"
        raise SeehearError(f"{place}: {error}: rename it") from None
