"""Which modalities of which clips have features that can be used: finite, and equally long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.features.packed import NotFinite, Packed
from seehear.features.source import FeatureSource
from seehear.features.store import NetworkInfo
from seehear.labels import clip_hint
from seehear.results import counted


def chosen_networks(
    source: FeatureSource, collocation: Mapping[str, Sequence[str]] | None
) -> dict[str, tuple[NetworkInfo, ...]]:
    """Return modality -> networks: those of the collocation, else all."""
    known = source.networks()
    where = f"{source.store}: " if source.store else ""
    if collocation is None:
        if not known:
            raise SeehearError(f"{where}holds no features yet; `seehear extract` makes them")
        by_modality: dict[str, list[NetworkInfo]] = {}
        for info in known.values():
            by_modality.setdefault(info.modality, []).append(info)
        first = [name for name in ("audio", "visual") if name in by_modality]  # the order that people expect
        return {name: tuple(by_modality[name]) for name in dict.fromkeys([*first, *by_modality])}
    chosen: dict[str, tuple[NetworkInfo, ...]] = {}
    for modality, names in collocation.items():
        for name in names:
            if name not in known:
                raise SeehearError(f"{where}no features of {name!r}; available: {', '.join(known) or 'none'}")
            if known[name].modality != modality:
                raise SeehearError(f"{name} is a network of modality {known[name].modality}: it can't feed {modality}")
        chosen[modality] = tuple(known[name] for name in names)
    return chosen


def availability(
    source: FeatureSource, networks: Mapping[str, Sequence[NetworkInfo]], clips: Sequence[str], what: str, where: str
) -> tuple[NDArray[np.bool_], list[str], dict[str, Packed]]:
    """Return which modalities clips have, (N, M), and notes on those whose features can't be used.

    A clip has a modality if it has finite features of all its networks, of equal length. The features that were packed
    to find out come with them, by network; none if clips differed in length.

    Raises:
        SeehearError: If no clip has any, or most clips differ in length between networks.
    """
    names = [info.name for infos in networks.values() for info in infos]
    complete = [source.clips(*(info.name for info in infos)) for infos in networks.values()]
    available = np.array([[clip in having for having in complete] for clip in clips], dtype=bool)  # (N, M)
    if not available.any():
        counts = ", ".join(f"{name} {sum(clip in source.clips(name) for clip in clips)}" for name in names)
        featured = sorted({clip for name in names for clip in source.clips(name)})
        hint = clip_hint(clips, featured) or "; a clip is named by its file's stem"
        raise SeehearError(
            f"none of the {counted(len(clips), 'clip')} of {what} has features of {' and '.join(names)}"
            f"{' in ' * bool(where)}{where} (clips with features: {counts}){hint}"
        )
    available, notes, packs = _finite(source, networks, clips, available)
    if not available.any():
        raise SeehearError(f"no clip of {what} has finite features of all networks of a modality: {'; '.join(notes)}")
    usable = np.asarray(available.any(axis=1))
    chosen = clips_where(clips, usable)
    if notes:
        packs = {name: pack(source, networks, chosen, available[usable], name) for name in names}
    lengths = np.stack([packs[name].lengths() for name in names], axis=1)  # (usable clips, networks)
    available[usable], differ = _equally_long(networks, chosen, available[usable], lengths)
    return available, [*notes, *differ], {} if differ else packs


def _finite(
    source: FeatureSource,
    networks: Mapping[str, Sequence[NetworkInfo]],
    clips: Sequence[str],
    available: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], list[str], dict[str, Packed]]:
    """Return which modalities clips have, (N, M), without features that are not finite, notes on them, and the packs.

    Args:
        source: Of the features.
        networks: modality -> its networks, M modalities.
        clips: N clips.
        available: (N, M) bool, which modalities a clip has features of.
    """
    available, notes, packs = available.copy(), list[str](), dict[str, Packed]()
    usable = np.asarray(available.any(axis=1))
    chosen, before = clips_where(clips, usable), available[usable]
    for m, (modality, infos) in enumerate(networks.items()):
        for name in [info.name for info in infos]:
            try:
                packs[name] = pack(source, networks, chosen, before, name)
            except NotFinite:
                having = clips_where(chosen, before[:, m])
                bad = clips_where(having, ~np.array(source.finite(name, having), dtype=bool))
                have = "clip has" if len(bad) == 1 else "clips have"
                notes.append(
                    f"{len(bad)} {have} features of {name} that are not finite, for example {bad[0]}: "
                    f"left out of {modality}"
                )
                available[np.isin(np.array(clips), bad), m] = False
    return available, notes, packs


def _equally_long(
    networks: Mapping[str, Sequence[NetworkInfo]],
    clips: Sequence[str],
    available: NDArray[np.bool_],
    lengths: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], list[str]]:
    """Return which modalities clips have, (N, M), without those that differ in length, and notes on these.

    A clip whose networks of a modality differ lacks that modality. One whose modalities differ lacks all of them, since
    nothing tells which of them is right.

    Args:
        networks: modality -> its networks, M modalities, K networks in all.
        clips: N clips.
        available: (N, M) bool, which modalities a clip has.
        lengths: (N, K), segments; of networks whose modality a clip lacks they don't count.

    Raises:
        SeehearError: If more than half of the clips that have several networks differ.
    """
    names = [info.name for infos in networks.values() for info in infos]
    column = np.repeat(np.arange(len(networks)), [len(infos) for infos in networks.values()])  # (K,)
    kept, found = available.copy(), list[tuple[str, str, int, str, int]]()
    for mask in [*(column == m for m in range(len(networks))), np.ones(len(column), dtype=bool)]:
        counts = kept[:, column] & mask  # (N, K)
        low = np.where(counts, lengths, np.iinfo(np.int64).max)
        high = np.where(counts, lengths, -1)
        for n in np.flatnonzero(low.min(axis=1) < high.max(axis=1)).tolist():
            shortest, longest = int(low[n].argmin()), int(high[n].argmax())
            found.append((clips[n], names[shortest], int(low[n].min()), names[longest], int(high[n].max())))
            kept[n, column[mask]] = False
    if not found:
        return available, []
    compared = int((available[:, column].sum(axis=1) > 1).sum())
    differing = len({clip for clip, *_ in found})
    if 2 * differing > compared:
        clip, one, short, other, long = found[0]
        raise SeehearError(
            f"clip {clip} has {counted(short, 'segment')} of {one} but {long} of {other}, and {differing} of "
            f"{counted(compared, 'clip')} differ like that: these features don't belong together; extract or import "
            "them from the same files"
        )
    return kept, _length_notes(networks, found)


def _length_notes(
    networks: Mapping[str, Sequence[NetworkInfo]], found: Sequence[tuple[str, str, int, str, int]]
) -> list[str]:
    """Return notes on clips that differ in length, by networks. found: clip, network, its segments, and the longer."""
    modality = {info.name: name for name, infos in networks.items() for info in infos}
    notes = []
    for shorter, longer in dict.fromkeys((each[1], each[3]) for each in found):
        own = [each for each in found if (each[1], each[3]) == (shorter, longer)]
        clip, _, short, _, long = own[0]
        have = "has" if len(own) == 1 else "have"
        of = f" of {modality[shorter]}" if modality[shorter] == modality[longer] else ""
        notes.append(
            f"{counted(len(own), 'clip')} {have} fewer segments of {shorter} than of {longer}, for example {clip} with "
            f"{short} and {long}: left out{of}; extract or import both from the same files"
        )
    return notes


def pack(
    source: FeatureSource,
    networks: Mapping[str, Sequence[NetworkInfo]],
    clips: tuple[str, ...],
    available: NDArray[np.bool_],
    network: str,
) -> Packed:
    """Return a network's features of clips, zeros for those that lack its modality, as long as the modality they have.

    Args:
        source: Of the features.
        networks: modality -> its networks, M modalities. The network may be another one of the source.
        clips: N clips, each with at least one modality.
        available: (N, M) bool, which modalities a clip has.
        network: Whose features.

    Raises:
        NotFinite: If a value is NaN or infinite.
    """
    own = [m for m, infos in enumerate(networks.values()) if network in {info.name for info in infos}]
    having = source.clips(network) if not own else frozenset[str]()
    has = available[:, own[0]] if own else np.array([clip in having for clip in clips], dtype=bool)
    first = [infos[0].name for infos in networks.values()]
    absent = {clips[n]: source.length(first[int(available[n].argmax())], clips[n]) for n in np.flatnonzero(~has)}
    return source.pack(network, clips, absent)


def clips_where(clips: Sequence[str], mask: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the clips at which a mask (N,) is true."""
    return tuple(clip for clip, chosen in zip(clips, mask, strict=True) if chosen)
