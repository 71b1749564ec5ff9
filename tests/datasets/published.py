"""Small tables of each data set in the form in which it is published, and where the real ones may be."""

import json
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "tables"
needs_tables = pytest.mark.skipif(not SHARED.is_dir(), reason="the data sets' tables are not on this machine")

CLASSES = ("Bark", "Race car, auto racing", "Flute")
TRAIN, VAL, TEST = 6, 3, 3


def video(n: int) -> str:
    """A YouTube id, which may hold - and _."""
    return f"-{n:02}_abcdef-"[:11].ljust(11, "x")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def lfav(folder: Path) -> None:
    """Each clip is heard with its first label and seen with both."""
    names = ("car", "cat", "dog")
    for split, first, count in (("train", 0, TRAIN), ("val", 6, VAL), ("test", 9, TEST)):
        union = "train_weakly" if split == "train" else f"{split}_weak_av"
        rows: dict[str, list[str]] = {union: [], f"{split}_audio_weakly": [], f"{split}_visual_weakly": []}
        events: dict[str, list[str]] = {f"{split}_audio": [], f"{split}_visual": []}
        for n in range(first, first + count):
            one, two = names[n % 3], names[(n + 1) % 3]
            rows[union].append(f"{video(n)}\t{one},{two}")
            rows[f"{split}_audio_weakly"].append(f"{video(n)}\t{one}")
            rows[f"{split}_visual_weakly"].append(f"{video(n)}\t{one},{two}")
            events[f"{split}_audio"].append(f"{video(n)}\t2\t{10 + n}\t{one}")
            events[f"{split}_visual"] += [f"{video(n)}\t0\t5\t{one}", f"{video(n)}\t4\t{11 + n}\t{two}"]
        for name, lines in (*rows.items(), *(events.items() if split != "train" else ())):
            header = "filename\tonset\toffset\tevent_labels" if name in events else "filename\tevent_labels"
            write(folder / "LFAV_dataset" / split / f"{name}.csv", "\n".join([header, *lines]) + "\n")


def ave(folder: Path) -> None:
    rows = [f"{CLASSES[n % 3]}&{video(n)}&good&{n % 4}&{n % 4 + 5}" for n in range(TRAIN + VAL + TEST)]
    for name, own in (("train", rows[:6]), ("val", rows[6:9]), ("test", rows[9:])):
        write(folder / f"{name}Set.txt", "\n".join(own) + "\n")
    write(folder / "Annotations.txt", "\n".join(["Category&VideoID&Quality&StartTime&EndTime", *rows]) + "\n")


def unav100(folder: Path) -> None:
    database = {}
    for n in range(TRAIN + VAL + TEST):
        subset = "train" if n < 6 else "validation" if n < 9 else "test"
        segments = [{"segment": [0.25, 6.25], "label": CLASSES[n % 3], "label_id": n % 3}]
        segments += [{"segment": [4, 12], "label": CLASSES[(n + 1) % 3], "label_id": (n + 1) % 3}]
        database[video(n)] = {"duration": 12 + n, "annotations": segments, "subset": subset}
    write(folder / "data" / "unav100_annotations.json", json.dumps({"version": "unav100", "database": database}))


def ov_avebench(folder: Path) -> None:
    meta, labels = ["split,cls_name,cls_type,vid_name"], {}
    for n in range(TRAIN + VAL + TEST):
        split = "train" if n < 6 else "val" if n < 9 else "test"
        name, group = ("dog barking", "open") if n in (8, 11) else (("airplane flyby", "arc welding")[n % 2], "close")
        meta.append(f"{split},{name},{group},{video(n)}")
        flags = [0] * 10 if n == 5 else [int(n % 3 <= t < 6) for t in range(10)]
        labels[video(n)] = {"category": name, "label": str(flags)}
    write(folder / "ovave_dataset_meta.csv", "\n".join(meta) + "\n")
    write(folder / "released_ovavel_dataset_anno.json", json.dumps(labels, indent=4))
    listed = "airplane flyby\narc welding\ndog barking\nother\n"
    write(folder / "ovave_total_close_open_categories.csv", listed)


def vggsounder(folder: Path) -> None:
    rows = ["video_id,label,modality,background_music,static_image,voice_over"]
    for n in range(TEST):
        flags = f"False,{n == 1},False"
        rows.append(f'{video(n)}_{30 * n:06},"male speech, man speaking",{("A", "V", "AV")[n]},{flags}')
        rows.append(f"{video(n)}_{30 * n:06},dog barking,AV,{flags}")
    write(folder / "vggsounder" / "data" / "vggsounder.csv", "\n".join(rows) + "\n")


def audioset_strong(folder: Path) -> None:
    write(folder / "mid_to_display_name.tsv", "/m/05zppz\tMale speech, man speaking\n/m/0bt9lr\tDog\n")
    for name, first, count in (("train", 0, TRAIN), ("eval", 6, TEST)):
        rows = ["segment_id\tstart_time_seconds\tend_time_seconds\tlabel"]
        for n in range(first, first + count):
            rows.append(f"{video(n)}_{1000 * n}\t0.000\t{1.5 + n:.3f}\t/m/05zppz")
            rows.append(f"{video(n)}_{1000 * n}\t2.350\t10.000\t/m/0bt9lr")
        write(folder / f"audioset_{name}_strong.tsv", "\n".join(rows) + "\n")


def desed(folder: Path) -> None:
    names = ("Dog", "Speech", "Blender")

    def clip(n: int) -> str:
        return f"Y{video(n)}_{30 + n}.000_{40 + n}.000.wav"

    weak = ["filename\tevent_labels", *(f"{clip(n)}\t{names[n % 3]},{names[(n + 1) % 3]}" for n in range(TRAIN))]
    write(folder / "metadata" / "train" / "weak.tsv", "\n".join(weak) + "\n")
    for place, first, count in (("validation/validation", 6, VAL), ("eval/public", 9, TEST)):
        rows = ["filename\tonset\toffset\tevent_label", f"{clip(90 + first)}\t\t\t"]
        rows += [f"{clip(n)}\t0.25\t{1 + n % 5}\t{names[n % 3]}" for n in range(first, first + count)]
        rows += [f"{clip(n)}\t3\t10.02\t{names[(n + 1) % 3]}" for n in range(first, first + count)]
        write(folder / "metadata" / f"{place}.tsv", "\n".join(rows) + "\n")


MAKERS = {
    "lfav": lfav,
    "ave": ave,
    "unav100": unav100,
    "ov-avebench": ov_avebench,
    "vggsounder": vggsounder,
    "audioset-strong": audioset_strong,
    "desed": desed,
}
SIZES = {name: {"train": TRAIN, "val": VAL, "test": TEST} for name in MAKERS} | {
    "vggsounder": {"test": TEST},
    "audioset-strong": {"train": TRAIN, "test": TEST},
    "desed": {"train": TRAIN, "val": VAL + 1, "test": TEST + 1},
}
