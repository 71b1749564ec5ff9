"""Prepare a data set: check its tables, import or extract its features, and list what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear import arguments
from seehear.arguments import Names
from seehear.datasets.prepared import Prepared
from seehear.datasets.registry import get
from seehear.datasets.spec import (
    SPLITS,
    DataSet,
    default_tables,
    existing_folder,
    feature_folders,
    find_tables,
    prepared_for,
    shared_folders,
    shared_forms,
)
from seehear.datasets.tables import check_tables, read_tables, write_tables
from seehear.engines.choose import LOCAL, engine_of
from seehear.engines.interface import Engine
from seehear.errors import SeehearError
from seehear.files import atomic_text, check_folder, sweep
from seehear.media.notes import Note, merged
from seehear.storage.files import Local
from seehear.stored import names_in
from seehear.texts import is_url

if TYPE_CHECKING:
    from seehear.features.store import Store
    from seehear.labels import WeakTable


LACKING = {  # split that a data set lacks -> what follows from that
    "train": ": score models that were trained elsewhere, or parse without training",
    "val": ": without --val `train` holds a fifth of the training clips out, which choose the epoch and the "
    "thresholds; recipes with the official thresholds, such as `paper`, keep the last epoch",
    "test": "",
}


def prepare(
    dataset: str | DataSet,
    annotations: str | Path,
    store: str | Path,
    *,
    features: str | Path | None = None,
    videos: str | Path | None = None,
    networks: Names = (),
    cut: str | Path | None = None,
    tables: str | Path | None = None,
    fps: float = 8.0,
    engine: str | Engine = LOCAL,
    workers: int | None = None,
    gpus: float = 0.0,
    device: str = "auto",
) -> Prepared:
    """Check a data set's tables, import or extract its features, and list what is missing.

    Rerun the same call to resume it. Without features and videos it lists what the store has. In the store's folder,
    <dataset>-defects.txt lists every defect and <dataset>-missing.tsv every clip without features. Tables of a data set
    that is published in a form of its own are written in seehear's, for all further commands.

    Args:
        dataset: Its name: llp, lfav, ave, unav100, ov-avebench, vggsounder, audioset-strong, desed, or folder for
            tables and clips of your own.
        annotations: Folder of the label tables as they were published.
        store: Folder of the features; created if needed.
        features: Folder of the feature folders that the data set's authors share.
        videos: Folder of clips, or of full videos whose parts the clips are, named as in the data set.
        networks: Networks to extract features with.
        cut: Folder to cut the clips into, as files of their own. By default nothing is cut: features are made from
            the parts of the full videos.
        tables: Folder of the tables in seehear's form; <dataset>-tables next to the store if omitted.
        fps: Frames per second for visual networks.
        engine: Where networks run, see `extract`.
        workers: Processes that work at once, see `extract`.
        gpus: GPUs of each process of a cluster, which may be a fraction.
        device: auto, cpu or cuda.

    Returns:
        What the data set has, and what is missing.

    Raises:
        SeehearError: If the tables have a fatal defect, or a folder or network is unknown.
    """
    from seehear.features.store import Store
    from seehear.networks import get as get_network

    if is_url(store):
        raise SeehearError(f"{store}: a data set is prepared into a folder of this machine; `extract` takes an address")
    spec = get(dataset)
    given, place = arguments.paths([annotations, store])
    names = arguments.names(networks)
    if names and videos is None:
        raise SeehearError("networks are run over videos: name their folder with --videos")
    weak, result = _check(spec, given, place, tables)
    clips = list(dict.fromkeys(clip for table in weak.values() for clip in table.clips))
    kept = Store(place, create=True)
    defects_file = kept.path / f"{spec.name}-defects.txt"
    atomic_text(defects_file, "".join(f"{defect}\n" for defect in result.defects))
    result.features = None if features is None else Path(features)
    result.videos = None if videos is None else Path(videos)
    imported = _import(result, kept, clips, result.features) if result.features is not None else []
    if result.videos is not None:
        left = [name for name in names if name not in imported]
        how = {"fps": fps, "device": device, "engine": engine_of(engine, workers, gpus)}
        for name in left:
            get_network(name)  # an unknown name fails before anything is cut
        files, failed = _find(result, clips, result.videos, None if cut is None else Path(cut))
        _extract(result, kept, files, failed, left, how)
    result.networks = kept.networks()
    expected = [get_network(name).name for name in names]
    expected += [form.network for form in shared_folders(spec) if not result.networks]
    featured = {name: kept.clips(name) for name in dict.fromkeys([*result.networks, *expected])}
    result.missing = {
        name: {split: [clip for clip in table.clips if clip not in found] for split, table in weak.items()}
        for name, found in featured.items()
    }
    _collect_notes(result, kept, clips, featured)
    missing_file = kept.path / f"{spec.name}-missing.tsv"
    atomic_text(missing_file, result.missing_table())
    result.lists = {"defects": defects_file, "missing clips": missing_file}
    return result


def _collect_notes(
    result: Prepared, store: Store, clips: Sequence[str], featured: Mapping[str, frozenset[str]]
) -> None:
    """Collect the notes on the clips that the store keeps with their features. featured: network -> its clips."""
    for clip in clips:
        notes: list[Note] = []
        for name in (name for name in featured if clip in featured[name]):
            try:
                notes += store.notes(name, clip)
            except SeehearError as error:
                result.notes.append(str(error))
        if notes:
            result.clip_notes[clip] = merged(notes)


def _check(
    dataset: DataSet, folder: Path, store: Path, out: str | Path | None
) -> tuple[Mapping[str, WeakTable], Prepared]:
    """Return the weak tables by split, and the result so far. Raises SeehearError naming every fatal defect.

    Tables in a form of their own are written in seehear's into `out`, by default next to the store.
    """
    if dataset.read is None and out is not None:
        raise SeehearError(f"the tables of {dataset.name} are used where they are; leave out --tables")
    tables = read_tables(dataset, folder)
    defects = check_tables(dataset, tables)
    sizes = {split: len(table.clips) for split, table in tables.weak.items()}
    if dataset.read is None:
        result = Prepared(find_tables(dataset, folder), store, sizes, defects)
        if name := prepared_for(folder):
            result.notes.append(
                f"{folder} holds tables that `prepare` wrote for {name}: use --dataset {name} with the "
                "tables as published, which also knows what its field shares as features, and the scores of its papers"
            )
        return tables.weak, result
    place = Path(out) if out is not None else default_tables(dataset, store)
    result = Prepared(write_tables(dataset, tables, folder, place), store, sizes, defects)
    lacking = [split for split in SPLITS if split not in sizes]
    lacking = lacking[:1] if "train" in lacking else lacking
    result.notes += [
        f"{len(tables.classes)} classes; the tables are written in seehear's form into {place}",
        *tables.notes,
        *(f"{dataset.name} has no {split} split{LACKING[split]}" for split in lacking),
    ]
    return tables.weak, result


def _import(result: Prepared, store: Store, clips: Sequence[str], features: Path) -> list[str]:
    """Import the feature folders that exist; return their networks."""
    from seehear.features.npy import NO_FILE, import_folder

    dataset = result.annotations.dataset
    existing_folder(features)
    known = feature_folders(dataset, result.annotations.modalities)
    existing = [form for form in known if (features / form.folder).is_dir()]
    if not existing:
        names = ", ".join(form.name for form in shared_forms(dataset))
        others = "import others with `seehear features import`" + (f", which knows the forms {names}" if names else "")
        if not shared_folders(dataset):
            raise SeehearError(f"{features}: no folders of features are shared for {dataset.name}; {others}")
        expected = ", ".join(form.folder for form in known)
        raise SeehearError(f"{features}: holds none of the folders {expected}; {others}")
    for form in known:
        path = features / form.folder
        if form not in existing:
            result.notes.append(f"{path} does not exist: {form.network} was not imported")
            continue
        done = import_folder(path, clips, store, form.network, form)
        result.reasons[form.network] = done.failed
        result.notes.append(f"{done.count} clips of {form.network} imported from {path}")
        if not done.count and all(reason.endswith(NO_FILE) for reason in done.failed.values()):
            result.notes.append(_unlike(path, form.file_of(clips[0])))
        if unusable := [reason for reason in done.failed.values() if not reason.endswith(NO_FILE)]:
            result.notes.append(f"{len(unusable)} of its files can't be used, get them again: {unusable[0]}")
    return [form.network for form in existing]


def _unlike(folder: Path, name: str) -> str:
    """Return a note on a folder of features of which no file is named as a clip. name: what a clip's file is called."""
    held = next((each for each in names_in(folder) if each.endswith(".npy")), "no .npy file")
    return f"no file of {folder} is named as these clips: it holds {held}, for example, and they need {name}.npy"


def _find(result: Prepared, clips: Sequence[str], videos: Path, cut: Path | None) -> tuple[list[Local], dict[str, str]]:
    """Return the clips' files, or the parts of files that they are; and why some have none. cut: to cut them into."""
    existing_folder(videos)
    if cut is None:
        from seehear.datasets.videos import find_parts

        result.clips, found = videos, find_parts(result.annotations.dataset, clips, videos)
        result.notes.append(
            f"{len(found.clips)} clips in {videos}: {len(found.clips) - found.whole} are parts of full videos, "
            f"{found.whole} are files; {len(found.failed)} have no usable video"
        )
        result.notes += [] if found.clips else [_unnamed(result.annotations.dataset, clips[0], videos)]
        return list(found.clips.values()), found.failed
    from seehear.datasets.cutting import cut_clips

    check_folder(cut)
    sweep(cut)
    cuts = cut_clips(result.annotations.dataset, clips, videos, cut)
    result.clips = cut if any(file.parent == cut for file in cuts.files.values()) else videos
    result.notes.append(
        f"{len(cuts.files)} clips in {result.clips}: {cuts.made} cut now, {cuts.unchanged} before, "
        f"{cuts.whole} were clips already; {len(cuts.failed)} have no usable video"
    )
    result.notes += [] if cuts.files else [_unnamed(result.annotations.dataset, clips[0], videos)]
    return list(cuts.files.values()), cuts.failed


def _unnamed(dataset: DataSet, clip: str, videos: Path) -> str:
    """Return a note on how files of videos are named, for a folder without any. clip: an example."""
    from seehear.datasets.videos import find_videos, stems_of

    *others, last = [f"{stem}.mp4" for stem in (stems_of(clip, dataset) if dataset.span(clip) else [clip])]
    named = f"{', '.join(others)} or {last}" if others else last
    held = next(iter(find_videos(videos).values()), [])
    example = f", as {held[0]} is not" if held else ", and the folder holds no media file"
    return f"videos are found by their names, for example {named}{example}"


def _extract(
    result: Prepared,
    store: Store,
    files: Sequence[Local],
    failed: Mapping[str, str],
    names: Sequence[str],
    how: Mapping[str, Any],
) -> None:
    """Run networks over the clips' files. how: further arguments of `extract`. failed: clip -> why it has no file."""
    from seehear.features.extraction import extract
    from seehear.networks import get as get_network

    in_store = store.networks()
    imported = [name for name in names if name in in_store and in_store[name].made_by.startswith("imported/")]
    result.notes += [
        f"features of {name} in {store.path} were imported and are kept; to extract them, delete {store.path / name}"
        for name in imported
    ]
    # By the name in the store, which differs for a network from a file.
    by_name = {get_network(name).name: name for name in names if name not in imported}
    reasons = dict(failed)
    if by_name and files:
        done = extract(files, networks=list(by_name.values()), store=store.path, **how)
        result.notes += [*done.notes, f"{done.made} features made, {done.unchanged} unchanged"]
        reasons |= {clip: "; ".join(problems) for clip, problems in done.failed.items()}
    result.reasons |= {name: reasons for name in by_name}
