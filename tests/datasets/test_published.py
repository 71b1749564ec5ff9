"""The field's data sets: their tables are read as published, with every defect, and serve every further command."""

import csv
import json
import re
import shlex
import shutil
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest

import commands
from seehear import datasets
from seehear.cli.app import build
from seehear.datasets.activity import SyntheticActivity
from seehear.datasets.spec import Truth, shared_folders
from seehear.datasets.tables import check_tables, read_tables
from seehear.errors import SeehearError
from seehear.features.store import Store
from seehear.labels import DENSE_COLUMNS, WEAK_COLUMNS, DefectKind, header_of, read_classes, read_dense, read_weak

from .published import MAKERS, SHARED, SIZES, needs_tables, video, write

TINY = ["epochs=1", "width=8", "feed_forward=8"]


def prepare(tmp_path, name, **options):
    return commands.prepare(dataset=name, annotations=tmp_path / "given", store=tmp_path / "store", **options)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kinds(report):
    return {kind: len(defects) for kind, defects in report.defects_by_kind().items()}


@pytest.fixture(params=MAKERS)
def name(request, tmp_path):
    """A data set whose tables lie in tmp_path / "given"."""
    MAKERS[request.param](tmp_path / "given")
    return request.param


def test_from_tables_to_a_trained_model(name, tmp_path):
    """The commands that `prepare` prints run as they are."""
    generated = datasets.generate(name, tmp_path / "given", tmp_path / "feats")
    assert generated.count == sum(SIZES[name].values())
    report = prepare(tmp_path, name, features=tmp_path / "feats")
    assert report.sizes == SIZES[name]
    assert report.exit_code == 0
    spec = datasets.get(name)
    assert spec.truth.says in report.text()
    assert report.annotations.folder == tmp_path / "given"
    verb = "evaluate" if spec.truth is Truth.PER_MODALITY else "benchmark"
    train = [command for command in report.commands() if not command.startswith(f"seehear {verb} RUN-{name} ")]
    for path in re.findall(rf"{re.escape(str(tmp_path))}\S+\.csv", " ".join(report.commands())):
        assert header_of(path) in (WEAK_COLUMNS, DENSE_COLUMNS)
    if name == "vggsounder":
        assert not train
        assert len(report.commands()) == 1
        assert "vggsounder has no train split" in report.text()
        return
    assert follow(tmp_path, report) == SIZES[name]["train"]


def follow(tmp_path, report):
    """Run the commands that train and score, as they are printed, and return the number of training clips."""
    train, *scores = report.commands()
    tokens = [*shlex.split(train.replace("--out RUN-", f"--out {tmp_path}/RUN-"))[1:], "--set", *TINY]
    tokens[tokens.index("--recipe") + 1] = "small"
    command, bound, _ = build(tokens).parse_args(tokens, print_error=False, exit_on_error=False)
    trained = command(*bound.args, **bound.kwargs)
    assert (trained.exit_code, trained.missing) == (0, [])
    assert scores
    for score in scores:
        if "psds" in score and not find_spec("sed_scores_eval"):
            continue
        tokens = [f"{tmp_path}/{token}" if token.startswith("RUN-") else token for token in shlex.split(score)[1:]]
        command, bound, _ = build(tokens).parse_args(tokens, print_error=False, exit_on_error=False)
        assert command(*bound.args, **bound.kwargs).exit_code == 0
    return trained.clips


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        (["audio_visual"], "when a class is heard and seen at once"),
        (["audio"], "when a class is heard; it says nothing of what is seen"),
        (["visual"], "when a class is seen; it says nothing of what is heard"),
        (["audio", "audio_visual"], "when a class is heard and seen at once"),
        (["audio", "visual", "audio_visual"], "what is heard and what is seen, each"),
        (["audio", "touch"], "when a class is active in audio and in touch, each"),
    ],
)
def test_the_next_commands_of_a_folder_follow_from_its_dense_tables(tmp_path, kinds, says):
    MAKERS["ave"](tmp_path / "given")
    folder = tmp_path / "ave-tables"
    prepare(tmp_path, "ave")
    events = (folder / "eval_audio_visual.csv").read_text()
    (folder / "eval_audio_visual.csv").unlink()
    for kind in kinds:
        write(folder / f"eval_{kind}.csv", events)
    datasets.generate("folder", folder, tmp_path / "feats")
    report = datasets.prepare("folder", folder, tmp_path / "own", features=tmp_path / "feats")
    assert says in report.text()
    assert f"{folder} holds tables that `prepare` wrote for ave: use --dataset ave with" in report.text()
    if says.startswith("what is heard"):
        assert report.commands()[1].startswith("seehear reproduce table5 ")
    else:
        assert follow(tmp_path, report) == SIZES["ave"]["train"]
    (folder / "val.csv").unlink()
    with pytest.raises(SeehearError, match=r"lacks val\.csv, .*: use --dataset ave with the tables as published"):
        datasets.prepare("folder", folder, tmp_path / "own")


def test_tables_in_seehears_form_are_without_defects_of_their_own(name, tmp_path):
    report = prepare(tmp_path, name)
    tables = report.annotations
    for split, path in tables.weak.items():
        assert len(read_weak(path).clips) == SIZES[name][split]
    classes = read_classes(tmp_path / f"{name}-tables" / "classes.txt")
    weak = [read_weak(path) for split, path in tables.weak.items() if split != "train"]
    evaluated = {clip for table in weak for clip in table.clips}
    for path in tables.dense.values():
        table = read_dense(path, classes)
        assert table.events
        assert {event.clip for event in table.events} <= evaluated
        assert all(event.onset < event.offset for event in table.events)
    for splits in tables.by_modality.values():
        assert {split: len(read_weak(path, classes).clips) for split, path in splits.items()} == SIZES[name]
    before = contents(tmp_path / f"{name}-tables")
    prepare(tmp_path, name)
    assert contents(tmp_path / f"{name}-tables") == before
    checked = commands.check_labels(sorted((tmp_path / f"{name}-tables").glob("*.csv")))
    assert not [defect for defect in checked.defects if defect.kind is DefectKind.SHARED_CLIPS]


def test_missing_files_are_named_with_where_to_get_them(name, tmp_path):
    optional = ("public.tsv", "Annotations.txt")
    first = min(path for path in (tmp_path / "given").rglob("*.*") if path.name not in optional)
    first.unlink()
    spec = datasets.get(name)
    with pytest.raises(SeehearError, match=f"lacks .*{re.escape(first.name)}.*{re.escape(spec.source)}"):
        prepare(tmp_path, name)
    with pytest.raises(SeehearError, match="no such folder"):
        datasets.prepare(name, tmp_path / "none", tmp_path / "store")


def test_tables_of_others_are_not_overwritten(name, tmp_path):
    write(tmp_path / f"{name}-tables" / "test.csv", "mine")
    with pytest.raises(SeehearError, match=r"holds test\.csv, which `prepare` did not write; choose another --tables"):
        prepare(tmp_path, name)
    assert prepare(tmp_path, name, tables=tmp_path / "elsewhere").annotations.weak["test"].parent.name == "elsewhere"
    assert (tmp_path / f"{name}-tables" / "test.csv").read_text() == "mine"
    other = "ave" if name != "ave" else "desed"
    MAKERS[other](tmp_path / "given")
    with pytest.raises(SeehearError, match=f"holds the tables of {name}; choose another --tables"):
        prepare(tmp_path, other, tables=tmp_path / "elsewhere")


def test_paths_in_commands_are_relative_where_the_store_is(tmp_path, monkeypatch):
    MAKERS["ave"](tmp_path / "given")
    monkeypatch.chdir(tmp_path)
    datasets.generate("ave", "given", "feats")
    report = datasets.prepare("ave", "given", "w/store", features="feats")
    train, score = report.commands()
    assert train.startswith("seehear train --store w/store --labels w/ave-tables/train.csv --val w/ave-tables/val.csv ")
    assert " --out RUN-ave " in train
    assert score.startswith(
        "seehear benchmark RUN-ave --store w/store --labels w/ave-tables/test.csv --truth audio_vis"
    )
    assert datasets.prepare("ave", "given", "store").annotations.weak["test"].as_posix() == "ave-tables/test.csv"


def test_tables_that_another_store_uses_are_not_overwritten(name, tmp_path):
    prepare(tmp_path, name)
    before = contents(tmp_path / f"{name}-tables")
    commands.prepare(dataset=name, annotations=tmp_path / "given", store=tmp_path / "store2")
    for path in (path for path in (tmp_path / "given").rglob("*") if path.is_file()):
        path.write_text(path.read_text().replace("abcdef", "abcdeF"))  # other clips
    with pytest.raises(
        SeehearError, match=f"{name}-tables: holds tables of {name} .* --tables DIR .* delete the folder"
    ):
        commands.prepare(dataset=name, annotations=tmp_path / "given", store=tmp_path / "store2")
    assert contents(tmp_path / f"{name}-tables") == before
    for path in (tmp_path / f"{name}-tables").rglob("*"):
        path.is_file() and path.unlink()
    prepare(tmp_path, name)
    assert contents(tmp_path / f"{name}-tables") != before


OTHER = (b"", b"\xff\xfe\x00a", b"a\n", b"[]", b'{"database": {"a": 3}}', b"a\tb&c&d,e&f\n" * 2)


def test_files_of_other_content_are_errors_or_defects(name, tmp_path):
    """Each published file in turn is something else: never a traceback, and never tables without clips."""
    spec = datasets.get(name)
    for path in [path for path in (tmp_path / "given").rglob("*.*") if path.is_file()]:
        before = path.read_bytes()
        for changed in (*OTHER, before[: len(before) // 2], before.replace(b"1", b'"', 9), before + OTHER[-1]):
            path.write_bytes(changed)
            problem = ""
            try:
                tables = read_tables(spec, tmp_path / "given")
                check_tables(spec, tables)
            except SeehearError as error:
                problem = str(error)
            assert path.name in problem if problem else all(table.clips for table in tables.weak.values())
        path.write_bytes(before)


def test_names_state_the_seconds():
    spans = {
        "vggsounder": ("-0abcdef_1g_000020", (20, 30), "-0abcdef_1g"),
        "audioset-strong": ("-0abcdef_1g_30500", (30.5, 40.5), "-0abcdef_1g"),
        "desed": ("Y-0abcdef_1g_350.000_360.000", (350, 360), "-0abcdef_1g"),
    }
    for name, (clip, span, short) in spans.items():
        spec = datasets.get(name)
        assert (spec.span(clip), spec.short(clip), spec.length(clip)) == (span, short, 10)
        assert spec.span("another name") is None
    for name, seconds in (("ave", 10), ("ov-avebench", 10), ("lfav", None), ("unav100", None)):
        spec = datasets.get(name)
        assert (spec.span(video(1)), spec.short(video(1)), spec.length(video(1))) == (None, video(1), seconds)


def test_a_form_of_its_own_is_no_folder_of_tables(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    with pytest.raises(SeehearError, match="`seehear prepare --dataset lfav` writes its tables"):
        datasets.find_tables(datasets.get("lfav"), tmp_path / "given")
    prepare(tmp_path, "lfav")
    own = datasets.prepare("folder", tmp_path / "lfav-tables", tmp_path / "other")
    assert own.sizes == SIZES["lfav"]
    with pytest.raises(SeehearError, match="leave out --tables"):
        datasets.prepare("folder", tmp_path / "lfav-tables", tmp_path / "other", tables=tmp_path / "t")


def test_without_features_the_forms_that_the_field_shares_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shared = {
        "ave": ["ave-vggish", "ave-vgg19"],
        "unav100": ["unav-rgb", "unav-flow", "unav-vggish"],
        "ov-avebench": ["ov-avel-audio", "ov-avel-visual"],
        "desed": [],
    }
    for name, forms in shared.items():
        MAKERS[name](tmp_path / name)
        *imports, last = datasets.prepare(name, name, "store").commands()
        assert [re.search("--form (\\S+)", command)[1] for command in imports] == forms
        assert last.startswith(f"seehear prepare --dataset {name} ")
        for command in imports:
            tokens = shlex.split(command)[1:]
            _, bound, _ = build(tokens).parse_args(tokens, print_error=False, exit_on_error=False)
            assert len(bound.arguments["labels"]) == len(SIZES[name])
            assert name != "ave" or " --order ave/Annotations.txt " in command
        with pytest.raises(SeehearError, match=", ".join(forms) or "import others with `seehear features import`$"):
            datasets.prepare(name, name, "store", features=name)
    MAKERS["lfav"](tmp_path / "lfav")
    report = datasets.prepare("lfav", "lfav", "store", tables="mine")
    assert report.commands() == [
        "seehear prepare --dataset lfav --annotations lfav --store store --tables mine --features FOLDER"
    ]
    assert report.text().endswith("in the forms lfav-vggish, lfav-resnet18, lfav-r2plus1d")
    folder = tmp_path / "unav"
    for n in range(TRAIN := SIZES["unav100"]["train"]):
        folder.mkdir(exist_ok=True)
        np.save(folder / f"{video(n)}_rgb.npy", np.ones((30, 1024), np.float32))
    command = datasets.prepare("unav100", "unav100", "store").commands()[0]
    tokens = shlex.split(command.replace(" FEATURES ", " unav "))[1:]
    run, bound, _ = build(tokens).parse_args(tokens, print_error=False, exit_on_error=False)
    run(*bound.args, **bound.kwargs)
    assert len(Store(tmp_path / "store").clips("unav-rgb")) == TRAIN


def test_from_python(tmp_path):
    MAKERS["ave"](tmp_path / "given")
    prepared = datasets.prepare("ave", tmp_path / "given", tmp_path / "store")
    assert (prepared.tables, prepared.truth) == (tmp_path / "ave-tables", Truth.JOINT)
    for annotations in (None, 3, ""):
        with pytest.raises(SeehearError, match="path"):
            datasets.prepare("ave", annotations, tmp_path / "store")
    with pytest.raises(SeehearError, match="not a path"):
        datasets.prepare("ave", tmp_path / "given", None)
    for name in ("ave", "folder"):
        with pytest.raises(SeehearError, match=r"Annotations\.txt: is a file; name its folder, .*given"):
            datasets.prepare(name, tmp_path / "given" / "Annotations.txt", tmp_path / "store")
    for option in ("features", "videos"):
        with pytest.raises(SeehearError, match="is a file; name its folder"):
            prepare(tmp_path, "ave", **{option: tmp_path / "given" / "Annotations.txt"})


def test_an_empty_split_is_named_once_and_only_below_a_header(tmp_path):
    for name, file, header in (
        (
            "vggsounder",
            "vggsounder/data/vggsounder.csv",
            "video_id,label,modality,background_music,static_image,voice_over",
        ),
        ("ov-avebench", "ovave_dataset_meta.csv", "split,cls_name,cls_type,vid_name"),
    ):
        MAKERS[name](tmp_path / "given")
        for content, expected in (("id,name\n", 1), (f"{header}\n", len(SIZES[name]))):
            write(tmp_path / "given" / file, content)
            with pytest.raises(SeehearError) as error:
                prepare(tmp_path, name)
            lines = str(error.value).splitlines()
            assert len(lines) == expected
            if content.startswith(header):
                assert [line.rpartition(" names no ")[2] for line in lines] == [
                    f"{split} clip" for split in SIZES[name]
                ]


def test_what_is_still_missing_is_said(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    datasets.generate("lfav", tmp_path / "given", tmp_path / "feats", only="vggish")
    report = prepare(tmp_path, "lfav", features=tmp_path / "feats")
    absent = [form.folder for form in shared_folders(datasets.get("lfav")) if form.modality == "visual"]
    assert f"no clip has visual features: {tmp_path / 'feats'} lacks {' and '.join(absent)}" in report.remarks()
    assert report.commands()[-1].endswith(f" --features {tmp_path / 'feats'}")
    assert "no clip has" not in prepare(tmp_path, "lfav").text()


@pytest.mark.parametrize(("name", "clip"), [("vggsounder", f"{video(0)}_000000"), ("ave", video(0))])
def test_how_videos_are_named_is_said(tmp_path, name, clip):
    MAKERS[name](tmp_path / "given")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "holiday.mp4").touch()
    report = prepare(tmp_path, name, videos=tmp_path / "videos")
    named = [f"{stem}.mp4" for stem in ((clip, video(0), f"{video(0)}_full_video") if name != "ave" else (clip,))]
    example = " or ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
    held = tmp_path / "videos" / "holiday.mp4"
    assert f"videos are found by their names, for example {example}, as {held} is not" in report.notes
    assert report.commands()[-1].endswith(f" --videos {tmp_path / 'videos'} --networks NAMES")


def test_features_of_other_clips_are_named(tmp_path):
    MAKERS["ave"](tmp_path / "given")
    folder = tmp_path / "feats" / "synthetic-audio"
    folder.mkdir(parents=True)
    np.save(folder / "another.npy", np.ones((10, 128), np.float32))
    expected = f"no file of {folder} is named as these clips: it holds another.npy, for example, and they need "
    assert f"{expected}{video(0)}.npy" in prepare(tmp_path, "ave", features=tmp_path / "feats").notes


def test_of_two_files_of_one_name_the_published_place_counts(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    for name in ("val_audio.csv", "val_weak_av.csv"):
        write(tmp_path / "given" / name, "filename\tonset\n")
    given = tmp_path / "given" / "LFAV_dataset" / "val"
    (given / "val_weak_av.csv").rename(given / "val_weakly_av.csv")
    assert prepare(tmp_path, "lfav").sizes == SIZES["lfav"]


def test_names_of_desed_are_no_defect(tmp_path):
    MAKERS["desed"](tmp_path / "given")
    for path in (tmp_path / "given").rglob("*.tsv"):
        path.write_text(path.read_text().replace(".000", ".130"))
    prepared = prepare(tmp_path, "desed")
    checked = commands.check_labels(sorted(prepared.tables.glob("*.csv")))
    assert not [defect for defect in checked.defects if defect.kind is DefectKind.FRACTIONAL_NAME]


# ---- what is odd in the tables of each


def copy(folder, one, other):
    shutil.copy(next(folder.rglob(one)), next(folder.rglob(other)))


@pytest.mark.parametrize(
    ("one", "other", "holds"),
    [
        ("val_audio.csv", "test_audio.csv", "audio events"),
        ("test_visual.csv", "val_visual.csv", "visual events"),
        ("val_visual_weakly.csv", "test_visual_weakly.csv", "visual labels"),
        ("val_audio_weakly.csv", "train_audio_weakly.csv", "audio labels"),
    ],
)
def test_a_table_of_another_split_is_fatal(tmp_path, one, other, holds):
    MAKERS["lfav"](tmp_path / "given")
    copy(tmp_path / "given", one, other)
    of, instead = (re.match("[a-z]+", name)[0] for name in (one, other))
    expected = (
        rf"{other}: error: holds {holds}, and names none of the {SIZES['lfav'][instead]} clips of \S+/{instead}_\S+: "
        rf"{SIZES['lfav'][of]} of its {SIZES['lfav'][of]} clips are in \S+/{of}_weak\S*csv; get the file again"
    )
    with pytest.raises(SeehearError, match=expected):
        prepare(tmp_path, "lfav")
    with pytest.raises(SeehearError, match=expected):
        datasets.generate("lfav", tmp_path / "given", tmp_path / "feats")


def test_a_table_of_some_clips_of_other_splits_is_a_defect(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    test, val = (next((tmp_path / "given").rglob(f"{split}_audio.csv")) for split in ("test", "val"))
    header, first, *_ = test.read_text().splitlines()
    test.write_text("\n".join([header, first, *val.read_text().splitlines()[1:]]) + "\n")
    weak = next((tmp_path / "given").rglob("train_visual_weakly.csv"))
    weak.write_text("".join(weak.read_text().splitlines(keepends=True)[:3]))
    report = prepare(tmp_path, "lfav")
    assert kinds(report)[DefectKind.OTHER_SPLITS] == 1
    assert kinds(report)[DefectKind.FEW_CLIPS] == 2
    text = report.text()
    assert f"3 of its clips are not of test, for example {video(6)}, which is in " in text
    assert "holds audio events of 1 of the 3 labelled clips of " in text
    assert "holds visual labels of 2 of the 6 labelled clips of " in text


def test_events_of_no_clip_of_a_folder_are_fatal(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    prepare(tmp_path, "lfav")
    folder = tmp_path / "lfav-tables"
    (folder / "prepared.json").unlink()
    assert not datasets.prepare("folder", folder, tmp_path / "own").defects_by_kind().keys() & {
        DefectKind.WRONG_SPLIT,
        DefectKind.OTHER_SPLITS,
        DefectKind.FEW_CLIPS,
    }
    events = folder / "eval_audio.csv"
    header, *rows = events.read_text().splitlines()
    events.write_text("\n".join([header, *rows[:3]]) + "\n")  # of val alone
    report = datasets.prepare("folder", folder, tmp_path / "own")
    assert [str(defect) for defect in report.defects_by_kind()[DefectKind.FEW_CLIPS]] == [
        f"{events}: holds audio events of 0 of the 3 labelled clips of {folder / 'test.csv'}; the others count as "
        "clips without any"
    ]
    events.write_text("\n".join([header, *(row.replace("-0", "-9") for row in rows)]).replace("-1", "-8") + "\n")
    with pytest.raises(SeehearError, match=r"names none of the 6 clips of \S+val.csv and \S+test.csv; it names -9"):
        datasets.prepare("folder", folder, tmp_path / "own")


def test_a_split_of_ave_whose_clips_all_count_elsewhere(tmp_path):
    MAKERS["ave"](tmp_path / "given")
    copy(tmp_path / "given", "testSet.txt", "trainSet.txt")
    expected = r"trainSet\.txt: error: the file names no train clip of its own: all 3 are also in testSet\.txt, where "
    with pytest.raises(SeehearError, match=expected + "they count; get the file again"):
        prepare(tmp_path, "ave")


def test_lfav(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    base = tmp_path / "given" / "LFAV_dataset"
    with (base / "val" / "val_audio.csv").open("a") as file:
        file.write(f"{video(6)}\t39\t39\tcar\n{video(6)}\t3\t26220\tcat\n{video(7)}\t116116\t116117\tcar\n")
        file.write(f"{video(7)}\t9\t6\tcar\n")
    with (base / "test" / "test_visual.csv").open("a") as file:
        file.write(f"{video(9)}\t1\t2\ttrain\n")
    silent = base / "train" / "train_audio_weakly.csv"
    silent.write_text(silent.read_text().replace(f"{video(0)}\tcar", f"{video(0)}\tsilent"))
    report = prepare(tmp_path, "lfav")
    found = report.defects_by_kind()
    assert [defect.line for defect in found[DefectKind.STRAY_CLASS]] == [2, 8]
    assert [defect.line for defect in found[DefectKind.CUT_END]] == [6, 7]
    assert [defect.line for defect in found[DefectKind.EMPTY_EVENT]] == [5, 8]
    assert "from 3 to 26220 s counts until 40 s" in str(found[DefectKind.CUT_END][0])
    heard = read_dense(report.annotations.dense["audio"])
    first = {(event.label, event.onset, event.offset) for event in heard.events if event.clip == video(6)}
    assert first == {("car", 2, 17), ("car", 39, 40), ("cat", 3, 40)}  # 2 to 16, 39 to 39 and 3 to 26220 in the file
    assert [event.label for event in heard.events if event.clip == video(7)] == ["cat"]
    assert read_weak(report.annotations.by_modality["audio"]["train"]).labels[video(0)] == ()
    assert read_classes(tmp_path / "lfav-tables" / "classes.txt") == ("car", "cat", "dog")


def test_ave(tmp_path):
    MAKERS["ave"](tmp_path / "given")
    with (tmp_path / "given" / "trainSet.txt").open("a") as file:
        file.write(f"Flute&{video(0)}&good&1&3\nBark&{video(9)}&good&8&10\nBark&emptyclip_0&good&0&0\n")
    with (tmp_path / "given" / "Annotations.txt").open("a") as file:
        file.write("Bark&nosplit---0&good&0&10\n")
    report = prepare(tmp_path, "ave")
    assert kinds(report) == {
        DefectKind.SEVERAL_ROWS: 1,
        DefectKind.SHARED_CLIPS: 1,
        DefectKind.RENAMED_CLASS: 1,
        DefectKind.CLIP_IN_NO_SPLIT: 1,
        DefectKind.NO_LABEL: 1,
        DefectKind.EMPTY_EVENT: 1,
    }
    weak = {split: read_weak(path).labels for split, path in report.annotations.weak.items()}
    assert weak["train"][video(0)] == ("Bark", "Flute")
    assert weak["train"]["emptyclip_0"] == ()
    assert video(9) not in weak["train"]
    assert weak["test"][video(9)] == ("Bark",)
    events = [event for event in read_dense(report.annotations.dense["audio_visual"]).events if event.clip == video(9)]
    assert {(event.onset, event.offset) for event in events} == {(8, 10), (1, 6)}
    assert weak["train"][video(1)] == ("Race car_auto racing",)
    renamed = (tmp_path / "ave-tables" / "renamed.tsv").read_text()
    assert renamed == "published\tclass\nRace car, auto racing\tRace car_auto racing\n"


def test_ave_needs_its_splits(tmp_path):
    MAKERS["ave"](tmp_path / "given")
    for split in ("train", "val", "test"):
        (tmp_path / "given" / f"{split}Set.txt").unlink()
    with pytest.raises(SeehearError, match=r"lacks trainSet\.txt, valSet\.txt, testSet\.txt, .* in AVE_Dataset\.zip"):
        prepare(tmp_path, "ave")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Bark&abc&good&1", r"trainSet\.txt:7: error: 4 fields where Category&VideoID&Quality&StartTime&EndTime"),
        ("Bark&abcdefghijk&good&one&2", r"trainSet\.txt:7: error: 'one' is not a number of seconds"),
        ("Bark&a/b&good&1&2", r"trainSet\.txt:7: error: .*path separator"),
        ("A, b&abcdefghijk&good&1&2\nA_b&abcdefghijk&good&1&2", "would both be called 'A_b'"),
    ],
)
def test_rows_that_can_not_be_read_are_fatal(tmp_path, row, message):
    MAKERS["ave"](tmp_path / "given")
    with (tmp_path / "given" / "trainSet.txt").open("a") as file:
        file.write(row)
    with pytest.raises(SeehearError, match=message):
        prepare(tmp_path, "ave")


def test_unav100(tmp_path):
    MAKERS["unav100"](tmp_path / "given")
    path = tmp_path / "given" / "data" / "unav100_annotations.json"
    content = json.loads(path.read_text())
    content["database"]["elsewhere_0"] = {"duration": 3, "subset": "extra", "annotations": []}
    content["database"][video(9)]["annotations"] += [
        {"segment": [3, 400], "label": "Flute", "label_id": 2},
        {"segment": [20, 21.5], "label": "Flute", "label_id": 2},
        {"segment": [5, 5], "label": "Flute", "label_id": 2},
    ]
    path.write_text(json.dumps(content))
    report = prepare(tmp_path, "unav100")
    found = kinds(report)
    expected = (DefectKind.CLIP_IN_NO_SPLIT, DefectKind.CUT_END, DefectKind.ROUNDED_END)
    assert [found[kind] for kind in expected] == [1, 1, 1]
    assert found[DefectKind.EMPTY_EVENT] == 1
    events = read_dense(report.annotations.dense["audio_visual"]).events
    assert (video(9), 3, 21) in {(event.clip, event.onset, event.offset) for event in events}
    content["database"][video(9)]["annotations"] = [{"segment": [1], "label": "Flute"}]
    path.write_text(json.dumps(content))
    with pytest.raises(SeehearError, match=f"{video(9)}, annotation 1: it lacks a segment of two times, or a label"):
        prepare(tmp_path, "unav100")
    path.write_text('{"results": {}}')
    with pytest.raises(SeehearError, match="holds no videos under `database`"):
        prepare(tmp_path, "unav100")


def test_defects_of_unav100_name_the_clip_and_the_annotation(tmp_path):
    MAKERS["unav100"](tmp_path / "given")
    path = tmp_path / "given" / "data" / "unav100_annotations.json"
    content = json.loads(path.read_text())
    one, two = content["database"][video(1)], content["database"][video(2)]  # of 13 s and 14 s
    for own in (one, two):
        own["annotations"] = [{"segment": segment, "label": "Flute"} for segment in ([2, 5], [4, 6], [4, 6], [50, 40])]
    two["annotations"].append({"segment": [50, 60], "label": "Bark"})
    two["annotations"].append({"segment": [9, 14.5], "label": "Bark"})
    path.write_text(json.dumps(content))
    lines = [str(defect).removeprefix(f"{path}: ") for defect in prepare(tmp_path, "unav100").defects]
    for clip in (video(1), video(2)):
        assert [line for line in lines if line.startswith(clip)][:3] == [
            f"{clip}, annotation 2: Flute overlaps annotation 1 (2 to 5); they are merged",
            f"{clip}, annotation 3: repeats annotation 2; it counts once",
            f"{clip}, annotation 4: onset 50 is not before offset 40; the event fills no segment",
        ]
    assert [line for line in lines if line.startswith(video(2))][3:] == [
        f"{video(2)}, annotation 5: Bark of {video(2)} from 50 to 60 s is left out",
        f"{video(2)}, annotation 6: Bark ends at 14.5 s, after the end of its clip at 14 s",
    ]
    assert len([line for line in lines if line.startswith(video(1))]) == 3
    one["annotations"][0]["segment"], two["annotations"][0]["segment"] = [-3, 5], [-3, 6]
    path.write_text(json.dumps(content))
    with pytest.raises(SeehearError) as error:
        prepare(tmp_path, "unav100")
    for clip in (video(1), video(2)):
        assert f"{clip}, annotation 1: '-3' is before the clip's start" in str(error.value)


def test_an_event_of_lfav_that_is_odd_in_two_ways_is_one_defect(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    with (tmp_path / "given" / "LFAV_dataset" / "val" / "val_audio.csv").open("a") as file:
        file.write(f"{video(6)}\t50000\t40\tcar\n{video(6)}\t50000\t50000\tcar\n")
    report = prepare(tmp_path, "lfav")
    assert [str(defect).partition(".csv:")[2] for defect in report.defects if defect.line in (5, 6)] == [
        f"5: car of {video(6)} has the onset 50000, after its offset 40; it is left out",
        f"6: car of {video(6)} from 50000 to 50000 s is left out",
    ]


def test_ov_avebench(tmp_path):
    MAKERS["ov-avebench"](tmp_path / "given")
    path = tmp_path / "given" / "released_ovavel_dataset_anno.json"
    content = json.loads(path.read_text())
    content["elsewhere_0"] = {"category": "arc welding", "label": str([1] * 10)}
    content[video(9)]["category"] = "airplane flyby"
    path.write_text(json.dumps(content, indent=4))
    report = prepare(tmp_path, "ov-avebench")
    found = report.defects_by_kind()
    lines = path.read_text().splitlines()
    (in_no_split,), (mismatch,) = found[DefectKind.CLIP_IN_NO_SPLIT], found[DefectKind.WEAK_DENSE_MISMATCH]
    assert "elsewhere_0" in lines[in_no_split.line - 1]
    assert video(9) in lines[mismatch.line - 1]
    assert "other is listed as a class, and no clip has it" in str(found[DefectKind.UNUSED_CLASS][0])
    assert len(found[DefectKind.UNTRAINED_CLASS]) == 3  # in val, in test and in the events
    tables = tmp_path / "ov-avebench-tables"
    assert read_weak(tables / "parts" / "test_open.csv").clips == (video(11),)
    assert set(read_weak(tables / "parts" / "test_close.csv").clips) == {video(9), video(10)}
    assert "test_open.csv" in report.text()
    events = read_dense(report.annotations.dense["audio_visual"]).events
    assert {(event.onset, event.offset) for event in events if event.clip == video(10)} == {(1, 6)}
    (train, *_), close = _featured(tmp_path, "ov-avebench").commands(), tables / "parts" / "val_close.csv"
    assert f" --val {close} " in train
    text = _featured(tmp_path, "ov-avebench").text()
    assert "val_close.csv holds the val clips whose classes training clips have" in text
    content[video(9)]["label"] = "[0, 1]"
    path.write_text(json.dumps(content))
    with pytest.raises(SeehearError, match="has no label of 10 numbers 0 or 1"):
        prepare(tmp_path, "ov-avebench")


def test_vggsounder(tmp_path):
    MAKERS["vggsounder"](tmp_path / "given")
    report = prepare(tmp_path, "vggsounder")
    tables = report.annotations
    speech = "male speech_man speaking"
    heard = read_weak(tables.by_modality["audio"]["test"]).labels
    seen = read_weak(tables.by_modality["visual"]["test"]).labels
    assert [speech in labels for labels in heard.values()] == [True, False, True]
    assert [speech in labels for labels in seen.values()] == [False, True, True]
    assert read_weak(tables.parts["test_static_image"]).clips == (f"{video(1)}_000030",)
    assert kinds(report) == {DefectKind.RENAMED_CLASS: 1}
    path = tmp_path / "given" / "vggsounder" / "data" / "vggsounder.csv"
    path.write_text(path.read_text().replace(",AV,", ",both,", 1))
    with pytest.raises(SeehearError, match=r"vggsounder\.csv:3: error: the modality 'both' is none of A, V, AV"):
        prepare(tmp_path, "vggsounder")
    path.write_text("id,label\n")
    with pytest.raises(SeehearError, match=r"vggsounder\.csv:1: error: the header lacks video_id, modality"):
        prepare(tmp_path, "vggsounder")


def test_audioset_strong(tmp_path):
    MAKERS["audioset-strong"](tmp_path / "given")
    with (tmp_path / "given" / "audioset_eval_strong.tsv").open("a") as file:
        file.write(f"{video(7)}_7000\t1\t2\t/m/none\n")
    report = prepare(tmp_path, "audioset-strong")
    assert kinds(report)[DefectKind.STRAY_CLASS] == 1
    assert read_classes(tmp_path / "audioset-strong-tables" / "classes.txt") == (
        "/m/none", "Dog", "Male speech_man speaking",
    )  # fmt: skip
    assert (
        "audioset-strong has no val split: without --val `train` holds a fifth of the training clips out"
        in report.text()
    )
    events = read_dense(report.annotations.dense["audio"]).events
    assert (2.35, 10) in {(event.onset, event.offset) for event in events}


def test_desed(tmp_path):
    MAKERS["desed"](tmp_path / "given")
    (tmp_path / "given" / "metadata" / "eval" / "public.tsv").unlink()
    report = prepare(tmp_path, "desed")
    assert report.sizes == {"train": 6, "val": 4}
    assert "there are no test clips" in report.text()
    assert kinds(report)[DefectKind.NO_LABEL] == 1
    assert read_weak(report.annotations.weak["val"]).clips[0] == f"Y{video(96)}_126.000_136.000"
    prepared = _featured(tmp_path, "desed")
    for score, metric in zip(prepared.commands()[1:], ("map", "psds"), strict=True):
        assert f" --labels {report.annotations.weak['val']} " in score
        assert score.endswith(f" --metrics {metric}")
    assert prepared.text().endswith("psds needs a package of its own: pip install 'seehear[psds]'")


def _featured(tmp_path, name):
    datasets.generate(name, tmp_path / "given", tmp_path / "feats")
    return prepare(tmp_path, name, features=tmp_path / "feats")


# ---- synthetic features


def activity(tmp_path, name, seed=0):
    spec = datasets.get(name)
    return SyntheticActivity.of(spec, read_tables(spec, tmp_path / "given"), seed)


def test_joint_truth_is_heard_and_seen(tmp_path):
    MAKERS["unav100"](tmp_path / "given")
    drawn = activity(tmp_path, "unav100")
    for modality in ("audio", "visual"):
        active = drawn.active(modality, video(3))
        assert active.shape == (15, 3)
        assert np.flatnonzero(active[:, drawn.classes.index("Bark")]).tolist() == list(range(6))
        assert np.flatnonzero(active[:, drawn.classes.index("Race car_auto racing")]).tolist() == list(range(4, 12))


def test_labels_without_times_last_all_the_time(tmp_path):
    MAKERS["vggsounder"](tmp_path / "given")
    drawn = activity(tmp_path, "vggsounder")
    speech = drawn.classes.index("male speech_man speaking")
    clip = f"{video(0)}_000000"
    assert drawn.active("audio", clip)[:, speech].all()
    assert not drawn.active("visual", clip)[:, speech].any()
    assert drawn.segments(clip) == 10


def test_weak_labels_per_modality_decide_what_is_heard(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    lengths = Counter()
    for seed in range(20):
        drawn = activity(tmp_path, "lfav", seed)
        clip = video(0)  # a car, heard and seen, and a cat that is only seen
        heard, seen = drawn.active("audio", clip), drawn.active("visual", clip)
        assert heard.any(axis=0).tolist() == [True, False, False]
        assert seen.any(axis=0).tolist() == [True, True, False]
        assert len(heard) == len(seen)
        lengths[len(heard)] += 1
    assert set(lengths) <= {12 + n for n in range(6, 12)}
    assert len(lengths) > 1
    assert drawn.segments(video(6)) == 18  # its last event ends then


def test_generated_features_have_each_clips_length(tmp_path):
    MAKERS["lfav"](tmp_path / "given")
    datasets.generate("lfav", tmp_path / "given", tmp_path / "feats", only=["vggish", "resnet18"])
    prepare(tmp_path, "lfav", features=tmp_path / "feats")
    store, drawn = Store(tmp_path / "store"), activity(tmp_path, "lfav")
    for clip in drawn.tables.clips:
        assert len(store.read("vggish", clip)) == len(store.read("resnet18", clip)) == drawn.segments(clip)


# ---- the real tables


@needs_tables
def test_the_tables_of_lfav(tmp_path):
    report = datasets.prepare("lfav", SHARED / "lfav", tmp_path / "store")
    assert report.sizes == {"train": 3721, "val": 486, "test": 968}
    found = kinds(report)
    assert (found[DefectKind.EMPTY_EVENT], found[DefectKind.CUT_END], found[DefectKind.STRAY_CLASS]) == (425, 2, 9)
    assert len(read_classes(tmp_path / "lfav-tables" / "classes.txt")) == 35
    assert max(event.offset for path in report.annotations.dense.values() for event in read_dense(path).events) == 1059


@needs_tables
def test_the_tables_of_ov_avebench(tmp_path):
    report = datasets.prepare("ov-avebench", SHARED / "ovavel", tmp_path / "store")
    assert report.sizes == {"train": 13182, "val": 5798, "test": 5820}
    assert kinds(report) == {
        DefectKind.UNUSED_CLASS: 1, DefectKind.NO_LABEL: 6019, DefectKind.UNTRAINED_CLASS: 63,
    }  # fmt: skip
    parts = {name: len(read_weak(path).clips) for name, path in report.annotations.parts.items()}
    assert parts == {"val_close": 1651, "val_open": 4147, "test_close": 1664, "test_open": 4156}


@needs_tables
def test_the_tables_of_vggsounder(tmp_path):
    report = datasets.prepare("vggsounder", SHARED, tmp_path / "store")
    assert report.sizes == {"test": 12014}
    assert kinds(report) == {DefectKind.RENAMED_CLASS: 23}
    labels = {kind: read_weak(splits["test"]).labels for kind, splits in report.annotations.by_modality.items()}
    with (SHARED / "vggsounder.csv").open(encoding="utf-8") as file:
        published = Counter(row["modality"] for row in csv.DictReader(file))
    assert sum(map(len, labels["audio"].values())) == published["A"] + published["AV"]
    assert sum(map(len, labels["visual"].values())) == published["V"] + published["AV"]


@needs_tables
def test_the_annotations_of_ave_with_splits_by_their_order(tmp_path):
    rows = (SHARED / "ave" / "Annotations.txt").read_text(encoding="utf-8").splitlines()
    for split, own in (("train", rows[:3339]), ("val", rows[3339:3741]), ("test", rows[3741:])):
        write(tmp_path / "given" / f"{split}Set.txt", "\n".join(own) + "\n")
    report = prepare(tmp_path, "ave")
    assert sum(report.sizes.values()) == 4097
    found = kinds(report)
    assert found[DefectKind.SEVERAL_ROWS] + found.get(DefectKind.SHARED_CLIPS, 0) == 46
    assert (found[DefectKind.EMPTY_EVENT], found[DefectKind.RENAMED_CLASS]) == (1, 7)
    assert len(read_classes(tmp_path / "ave-tables" / "classes.txt")) == 28
