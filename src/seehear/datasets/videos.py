"""Full videos in a folder: which file a clip of a data set is, or which part of a file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from seehear.datasets.spec import DataSet
from seehear.errors import ClipError, SeehearError
from seehear.media.child import duration_of
from seehear.media.clips import FULL, Clips, file_with, search_folder
from seehear.media.extent import check_part
from seehear.names import clip_name
from seehear.progress import Progress, say
from seehear.storage.files import Local
from seehear.storage.parts import Part, named

LENGTH_TOLERANCE = 1.0  # seconds by which a file that is the clip already may be longer or shorter than it
T = TypeVar("T")


@dataclass
class Videos:
    """Where the clips of a data set are.

    Attributes:
        clips: Clip -> its file, or the part of a full video that it is; for clips that have one.
        failed: Clip -> why it has none.
        whole: How many files were the clip already.
    """

    clips: dict[str, Local] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    whole: int = 0


def find_parts(dataset: DataSet, clips: Iterable[str], videos: Path) -> Videos:
    """Find every clip in a folder of clips and of full videos. Nothing is cut.

    Args:
        dataset: The data set, which maps a clip's name to its seconds of the video.
        clips: Names of clips.
        videos: Folder of videos, also in subfolders, named by the clip, by its short name in the data set, or by that
            and _full_video. A file that is as long as the clip counts as the clip. In a data set whose clips' names
            say nothing of seconds, a clip without a file may be the part of one by its name, as `with_parts` says.

    Returns:
        The files and parts, and why some clips have none.

    Raises:
        SeehearError: If `videos` is not a folder.
    """
    if not videos.is_dir():
        raise SeehearError(f"{videos}: no such folder")
    by_stem = find_videos(videos)
    found, names = Videos(), list(clips)
    with Progress("finding clips", len(names)) as progress:
        for clip in names:
            span, sources, is_named = seconds_and_videos(clip, dataset, by_stem)
            try:
                found.clips[clip] = _located(clip, span, sources, videos, is_named)
            except (ClipError, OSError) as error:  # OSError: a file was deleted since it was listed
                found.failed[clip] = str(error)
                if sources:
                    progress.say(f"skipped: {error}")
            progress.advance(clip)
    found.whole = sum(not isinstance(file, Part) or math.isinf(file.stop) for file in found.clips.values())
    return found


def _located(
    clip: str, span: tuple[float, float] | None, sources: Sequence[Path], videos: Path, is_named: bool
) -> Local:
    """Return a clip's file, or the part of a file that it is. Raises ClipError if there is none.

    The first three and the last arguments are as `seconds_and_videos` returns them.
    """
    if span is None:
        return whole_file(clip, sources, videos)

    def part_or_file(source: Path) -> Local:
        if not is_clip(source, duration_of(source), clip, span, is_named):
            return Part(source, *span, clip=clip)
        return source if clip_name(source) == clip else Part(source, clip=clip)

    return first_usable(clip, sources, videos, part_or_file)


def find_videos(folder: Path, but: Path | None = None) -> dict[str, list[Path]]:
    """Return stem -> media files of that stem in a folder and its subfolders, except those in the folder `but`."""
    found, by_stem = Clips[Path](), dict[str, list[Path]]()
    excluded = but.resolve() if but is not None else None
    with suppress(SeehearError):  # of a folder without videos: each clip says that it has none
        for file in search_folder(folder, found):
            if file.parent.resolve() != excluded:
                by_stem.setdefault(clip_name(file), []).append(file)
    for problem in found.unusable.values():
        say(problem)
    if several := [files for files in by_stem.values() if len(files) > 1]:
        example = " and ".join(map(str, several[0][:2]))
        names = "name is that" if len(several) == 1 else "names are those"
        say(f"{len(several)} {names} of several files, such as {example}: the first that can be used is taken")
    return by_stem


def videos_of(clip: str, dataset: DataSet, by_stem: Mapping[str, Sequence[Path]]) -> list[Path]:
    """Return the files that may hold a clip, the likeliest first. by_stem: as `find_videos` returns it."""
    return [file for stem in stems_of(clip, dataset) for file in by_stem.get(stem, ())]


def stems_of(clip: str, dataset: DataSet) -> list[str]:
    """Return the stems of files that may hold a clip, the likeliest first."""
    short = dataset.short(clip)
    return list(dict.fromkeys((clip, short, f"{short}{FULL}")))


def seconds_and_videos(
    clip: str, dataset: DataSet, by_stem: Mapping[str, Sequence[Path]]
) -> tuple[tuple[float, float] | None, Sequence[Path], bool]:
    """Return the seconds of a video that a clip is, the files that may hold it, and whether its own name says so.

    The seconds are None for a clip that is a file. In a data set whose names say nothing of seconds, a clip without a
    file may be a part by its name, see `file_with`.
    """
    span, sources = dataset.span(clip), videos_of(clip, dataset, by_stem)
    if span is None and not sources and (part := file_with(clip, by_stem)):
        return part[1:], part[0], True
    return span, sources, False


def whole_file(clip: str, sources: Sequence[Path], videos: Path) -> Path:
    """Return the file that is a clip, of a data set whose clips are files. Raises ClipError if there is none."""
    if not sources or clip_name(sources[0]) != clip:
        raise ClipError(f"{videos}: holds no file named {clip}{_hint(clip)}")
    return sources[0]


def _hint(clip: str) -> str:
    """Return what to append to a message about a clip without a file, if its name has the form of a part's."""
    seconds = named(clip)
    if seconds is None:
        return ""
    stem, start, stop = seconds
    if start >= stop:
        fault = "are empty" if start == stop else "end before they begin"
        return f"; seconds {start:g} to {stop:g} of {stem}, which the name says, {fault}: correct the name"
    return f", and none named {stem} or {stem}{FULL}, of which it would be a part"


def first_usable(clip: str, sources: Sequence[Path], videos: Path, use: Callable[[Path], T]) -> T:
    """Return what the first file gives that can be used. Raises ClipError saying why none can be."""
    problems = [] if sources else [f"{videos}: holds no video of {clip}"]
    for source in sources:
        try:
            return use(source)
        except ClipError as error:
            problems.append(str(error))
    raise ClipError("; ".join(problems))


def is_clip(file: Path, duration: float, clip: str, span: tuple[float, float], is_full: bool = False) -> bool:
    """Return whether a file is the clip already, not the full video. Raises ClipError if it is neither.

    is_full: Whether it is the full video for certain, by its name.
    """
    start, stop = span
    from_clip, from_full = abs(duration - (stop - start)), abs(duration - stop)
    # A clip at the very start of its video may be either; otherwise the closer length decides.
    if from_clip <= min(LENGTH_TOLERANCE, from_full) and not (is_full or file.stem.endswith(FULL)):
        return True
    check_part(file, duration, start, stop, clip)
    return False
