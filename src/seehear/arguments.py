"""The forms in which people give arguments, in Python and on the command line, brought to one.

A function takes one path or many, a mapping or KEY=VALUE texts. Each helper here accepts every such form, returns
plain lists and dictionaries, and raises SeehearError for anything else.
"""

from __future__ import annotations

import os
import tomllib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

from seehear.errors import SeehearError
from seehear.names import valid_modality_name
from seehear.texts import is_url, without_credentials

PathLike = str | os.PathLike[str]
Paths = PathLike | Iterable[PathLike]
Names = str | Iterable[str]
Texts = str | Iterable[str]
K = TypeVar("K")


@dataclass(frozen=True)
class Shard:
    """One of several parts of a list of clips, chosen by their names: the same on every machine.

    Attributes:
        number: Which part, from 1.
        of: How many parts there are.
    """

    number: int = 1
    of: int = 1

    @staticmethod
    def parse(text: str) -> Shard:
        """Read `N/OF`.

        Raises:
            SeehearError: The text has another form, or N is not from 1 to OF.
        """
        number, slash, of = text.partition("/")
        if slash and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of):
            return Shard(int(number), int(of))
        raise SeehearError(f"{text!r}: a shard is N/OF, as in 3/16")

    def holds(self, clip: str) -> bool:
        """Return whether the part holds a clip."""
        return zlib.crc32(clip.encode()) % self.of == self.number - 1


def audio_track(value: int | None) -> int | None:
    """Return the number of an audio track, None for the one that players choose.

    Raises:
        SeehearError: It is no whole number from 1.
    """
    if value is None:
        return None
    if not _is_number(value, Integral) or value < 1:
        raise SeehearError(f"audio tracks are numbered from 1: there is no track {value!r}")
    return int(value)


def real(value: Any, name: str) -> float:
    """Return a number as the command line reads it, so that fingerprints and files have the same bytes for each form.

    Args:
        value: An int, a float, or a scalar of numpy: that of float32 stands for the decimal number that it prints.
        name: What the number is, for messages.

    Raises:
        SeehearError: It is no number.
    """
    if _is_number(value, Real):
        try:
            exact = isinstance(value, float) or _is_number(value, Integral) or not hasattr(value, "dtype")
            return float(value if exact else str(value))
        except OverflowError:
            pass
    raise SeehearError(f"{name} must be a number, not {value!r}")


def whole(value: Any, name: str) -> int:
    """Return a whole number as the command line reads it; see `real`. A float may be one, as 8.0 is.

    Raises:
        SeehearError: It is no whole number.
    """
    if _is_number(value, Real):
        try:
            if _is_number(value, Integral) or int(value) == value:
                return int(value)
        except (OverflowError, ValueError):  # infinity and NaN
            pass
    raise SeehearError(f"{name} must be a whole number, not {value!r}")


def _is_number(value: Any, kind: type) -> bool:
    """Return whether a value is a number of this kind: Real or Integral. True and False are none."""
    return isinstance(value, kind) and not isinstance(value, bool)


def paths(value: Paths) -> list[Path]:
    """List paths.

    Args:
        value: One path, or several. A string is one path, never its characters.

    Returns:
        The paths, in the order given.

    Raises:
        SeehearError: A path is empty, or is neither a string nor a path.
    """
    given = [value] if isinstance(value, str | os.PathLike) else value
    if not isinstance(given, Iterable):
        raise SeehearError(f"{given!r}: give a path, or a list of paths")
    return [_path(item) for item in given]


def locations(value: Paths, kept: type[K]) -> list[Path | str | K]:
    """List paths, and the addresses of files elsewhere, which stay texts. Arguments and errors are those of `paths`.

    Args:
        value: As for `paths`.
        kept: A class whose objects stay what they are, although they are paths.
    """
    given = [value] if isinstance(value, str | os.PathLike) else value
    if not isinstance(given, Iterable):
        raise SeehearError(f"{given!r}: give a path, or a list of paths")
    return [
        item if isinstance(item, kept) or (isinstance(item, str) and is_url(item)) else _path(item) for item in given
    ]


def names(value: Names) -> list[str]:
    """List names, each once.

    Args:
        value: One text, or several. A text may hold several names, with commas between them.

    Returns:
        The names, in the order in which each comes first.

    Raises:
        SeehearError: An item is not a string.
    """
    split = (name.strip() for text in _texts(value) for name in text.split(","))
    return list(dict.fromkeys(name for name in split if name))


MODALITY_FORM = "MODALITY=FILE, as in audio=audio.csv"
KIND_FORM = "KIND=TABLE, as in audio=audio.csv"  # where a kind may be audio_visual


def by_modality(value: Mapping[str, PathLike] | Texts | None, form: str = MODALITY_FORM) -> dict[str, Path]:
    """Map modalities to files.

    Args:
        value: `{"audio": "a.csv"}`, or texts of the form MODALITY=FILE. None for no files.
        form: What to call this form in messages.

    Returns:
        modality -> file, in the order given.

    Raises:
        SeehearError: A text is not MODALITY=FILE, or a modality is given twice.
    """
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {valid_modality_name(modality): _path(path) for modality, path in value.items()}
    if isinstance(value, os.PathLike) or (isinstance(value, str) and "=" not in value):  # no command line gives these
        raise SeehearError(f"{value}: name its modality too, as in {{'audio': {str(value)!r}}}")
    files: dict[str, Path] = {}
    for text in _texts(value):
        modality, path = _pair(text, form)
        if modality in files:
            raise SeehearError(f"{text!r}: {modality} already has the file {files[modality]}")
        files[valid_modality_name(modality)] = Path(path)
    return files


def collocation(value: Mapping[str, Names] | Texts) -> dict[str, list[str]]:
    """Map each modality to the networks that feed it.

    Args:
        value: `{"audio": "yamnet", "visual": ["efficientnet-lite0", "open-nsfw"]}`, or texts of the form
            MODALITY=NETWORK or MODALITY=NETWORK+NETWORK, several in one text with commas between them.

    Returns:
        modality -> networks, in the order given.

    Raises:
        SeehearError: There is no modality, a modality has no network or is given twice, or a text has another form.
    """
    if isinstance(value, Mapping):
        pairs = [(modality, _joined(networks, "+")) for modality, networks in value.items()]
    else:
        form = "MODALITY=NETWORK or MODALITY=NETWORK+NETWORK, for each modality"
        split = [part.strip() for text in _texts(value) for part in text.split(",")]
        pairs = [(modality, _joined(text, "+")) for modality, text in (_pair(part, form) for part in split)]
    chosen: dict[str, list[str]] = {}
    for modality, networks in pairs:
        if not networks:
            raise SeehearError(f"{modality}: name at least one network, as in {modality}=yamnet")
        if modality in chosen:
            raise SeehearError(f"{modality} is given twice; join its networks with +")
        chosen[valid_modality_name(modality)] = networks
    if not chosen:
        raise SeehearError("a collocation needs at least one MODALITY=NETWORK, as in audio=yamnet")
    return chosen


def candidates(value: Mapping[str, Names] | Texts) -> dict[str, list[str]]:
    """Map each modality to the networks to choose from.

    Args:
        value: `{"audio": ["yamnet", "aisfx"]}`, or texts of the form MODALITY=NETWORK,NETWORK. A modality that is
            given again gets more networks.

    Returns:
        modality -> networks, in the order given. A network that is itself several, joined with +, stays one name.

    Raises:
        SeehearError: A modality has no network, or a text has another form.
    """
    if isinstance(value, Mapping):
        pairs = [(modality, _joined(networks, ",")) for modality, networks in value.items()]
    else:
        form = "MODALITY=NETWORK,NETWORK, as in audio=yamnet,aisfx"
        split = (_pair(text, form) for text in _texts(value))
        pairs = [(modality, _joined(text, ",")) for modality, text in split]
    chosen: dict[str, list[str]] = {}
    for modality, networks in pairs:
        if not networks:
            raise SeehearError(f"{modality}: name at least one network, as in {modality}=yamnet,aisfx")
        chosen.setdefault(valid_modality_name(modality), []).extend(networks)
    return chosen


def by_class(value: Texts, classes: Sequence[str], what: str) -> dict[str, float]:
    """Map classes to numbers.

    Args:
        value: Texts of the form CLASS=NUMBER, or NUMBER for every class that is not named.
        classes: The classes.
        what: The numbers' name, for messages.

    Returns:
        class -> number, in the order of the classes.

    Raises:
        SeehearError: A text has another form, a class is unknown, or one is given twice.
    """
    given: dict[str, float] = {}
    for text in _texts(value):
        name, equals, number = text.rpartition("=")
        if equals and name not in classes:
            raise SeehearError(f"{text!r}: no class {name!r}; the classes are {', '.join(classes)}")
        if name in given:
            raise SeehearError(f"{text!r}: {what} of {name or 'all classes'} are given twice")
        try:
            given[name] = float(number)
        except ValueError:
            raise SeehearError(f"{text!r}: {what} must be a number, or CLASS=NUMBER, as in Dog=1") from None
    every = {**dict.fromkeys(classes, given.pop("")), **given} if "" in given else given
    return {name: every[name] for name in classes if name in every}


def settings(value: Mapping[str, Any] | Texts) -> dict[str, Any]:
    """Map settings to their values.

    Args:
        value: `{"epochs": 5}`, or texts of the form KEY=VALUE, whose values are read as TOML (numbers, true, false,
            lists) and are plain strings where they are no TOML. The last value of a key counts.

    Returns:
        key -> value, in the order given. A key with a dot names a setting of a group, as in `contrast.weight`.

    Raises:
        SeehearError: A text is not KEY=VALUE.
    """
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    pairs = (_pair(text, "KEY=VALUE, as in learning_rate=1e-3") for text in _texts(value))
    return {key.strip(): _toml_value(text) for key, text in pairs}


def _path(value: object) -> Path:
    if not isinstance(value, str | os.PathLike):
        raise SeehearError(f"{value!r}: is not a path; give a string or a pathlib.Path")
    if not os.fspath(value):
        raise SeehearError("a path is empty; name a file or a folder")
    if is_url(value):
        what = "an address" if isinstance(value, str) else "an address, which a pathlib.Path can't hold"
        as_text = "" if isinstance(value, str) else "give it as a string where clips are meant, or "
        raise SeehearError(
            f"{without_credentials(os.fspath(value))}: is {what}: {as_text}name a file or a folder of this machine"
        )
    return Path(value)


def _texts(value: object) -> list[str]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, Iterable):
        raise SeehearError(f"{given!r}: give a string, or a list of strings")
    texts: list[str] = []
    for item in given:
        if not isinstance(item, str):
            raise SeehearError(f"{item!r}: is not a string")
        texts.append(item)
    return texts


def _pair(text: str, form: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key or not value.strip():
        raise SeehearError(f"{text!r}: must be {form}")
    return key, value.strip()


def _joined(value: Names, separator: str) -> list[str]:
    """Return the parts of a text, or the names of a list as they are."""
    parts: Sequence[str] = value.split(separator) if isinstance(value, str) else _texts(value)
    return [part.strip() for part in parts if part.strip()]


def _plain(value: Any) -> Any:
    """Return the number that a scalar of numpy is; other values as they are."""
    if _is_number(value, Real) and hasattr(value, "dtype"):
        return int(value) if _is_number(value, Integral) else real(value, "a setting")
    return value


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
