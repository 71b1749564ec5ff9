"""Which files are media: those whose suffix is one of a video or audio file."""

from __future__ import annotations

from pathlib import Path

# Of media that FFmpeg reads, without those of pictures and of texts.
VIDEO_SUFFIXES = frozenset(
    (
        *(".264", ".265", ".266", ".3g2", ".3gp", ".amv", ".apng", ".asf", ".avc", ".avi", ".bik", ".cine"),
        *(".dav", ".divx", ".dv", ".dvr-ms", ".evo", ".f4v", ".flv", ".gif", ".gxf", ".h261", ".h263"),
        *(".h264", ".h265", ".h266", ".hevc", ".ifv", ".ismv", ".ivf", ".kux", ".lrv", ".m1v", ".m2p"),
        *(".m2t", ".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mov", ".mp4"),
        *(".mpe", ".mpeg", ".mpg", ".mpv", ".mts", ".mxf", ".nsv", ".nut", ".obu", ".ogm", ".ogv", ".ogx"),
        *(".qt", ".rec", ".rm", ".rmvb", ".roq", ".smk", ".tod", ".tp", ".trp", ".ts", ".ty", ".vc1", ".viv"),
        *(".vob", ".vro", ".vvc", ".webm", ".webp", ".wm", ".wmv", ".wtv", ".xvid", ".y4m"),
    )
)
AUDIO_SUFFIXES = frozenset(
    (
        *(".8svx", ".aa3", ".aac", ".ac3", ".ac4", ".adts", ".adx", ".aea", ".aif", ".aifc", ".aiff", ".amr"),
        *(".ape", ".aptx", ".ast", ".au", ".awb", ".bonk", ".caf", ".dff", ".dsf", ".dts", ".dtshd", ".eac3"),
        *(".ec3", ".flac", ".gsm", ".ircam", ".laf", ".m2a", ".m4a", ".m4b", ".m4r", ".mka", ".mlp", ".mmf"),
        *(".mp2", ".mp3", ".mpa", ".mpc", ".nist", ".oga", ".ogg", ".oma", ".omg", ".opus", ".osq", ".qoa"),
        *(".ra", ".rf64", ".shn", ".sln", ".snd", ".sph", ".spx", ".tak", ".thd", ".truehd", ".tta", ".voc"),
        *(".vqf", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv", ".xwma"),
    )
)
SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES


def is_media(file: Path) -> bool:
    """Return whether a file exists and has the suffix of a video or audio file. Hidden files don't count."""
    # Some systems keep notes on clip.mp4 in ._clip.mp4.
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
