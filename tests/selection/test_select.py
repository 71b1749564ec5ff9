"""The commands select and judge."""

import json

import numpy as np
import pytest

from commands import judge, select, train
from seehear.cli import main
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo, Origin, Store
from selection.conftest import Choice

LEAKS = "USED EVALUATION LABELS"


def stamps(folder):
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*.safetensors")}


def spoil(store, network, clip, features):
    store.write(network, Origin(clip, "made", "spoilt"), features)


def test_select_then_judge(choice, capsys):
    found = select(**choice.selecting())
    assert found.best.argument == "audio=ears visual=eyes"
    assert found.exit_code == 0
    text = found.text()
    assert text.count("selection:pilots@val") == 1
    assert "4 collocations × 2 seeds: traversal takes 8 × (T0 + T1)" in capsys.readouterr().err
    assert "--collocation audio=ears visual=eyes" in text
    for file in found.files:
        assert file.exists()
    kept = json.loads((choice.folder / "selection" / "selection.json").read_text())
    assert kept["best"] == {"audio": ["ears"], "visual": ["eyes"]}
    assert sum(row["p_best"] for row in kept["ranking"]) == pytest.approx(1)

    names = ["pilots", "ridge", "ridge@val", "upper-bound-weak-segment-final", "chance"]
    judged = judge(choice.folder / "selection", estimators=names, leaking=True, **choice.judging())
    rows = {row.name: row for row in judged.rows}
    assert set(names[:2]) <= {row.estimates.name for row in judged.rows}
    assert rows["ridge@val"].estimates.split == "val"
    assert [name for name, row in rows.items() if row.leaks] == [
        name for name in rows if name.endswith("@test") and name.startswith("upper-bound")
    ]
    assert rows["pilots@val"].agreement.regret == 0
    assert rows["pilots@val"].agreement.tied_hit
    assert judged.deviation > 0
    assert judged.cost(rows["ridge@train"]) < 1
    assert len(judged.text().split("clips:20|")) == 2
    content = json.loads((choice.folder / "selection" / "judged-test.json").read_text())
    assert {f"{row['name']}@{row['split']}" for row in content["estimators"]} == set(rows)
    before = stamps(choice.folder / "selection")
    again = judge(choice.folder / "selection", estimators=["pilots"], **choice.judging())
    assert stamps(choice.folder / "selection") == before
    np.testing.assert_array_equal(again.truth.scores, judged.truth.scores)


def test_same_command_again_trains_nothing_and_says_the_same(choice):
    first = select(**choice.selecting())
    before = stamps(choice.folder)
    again = select(**choice.selecting())
    assert stamps(choice.folder) == before
    np.testing.assert_array_equal(first.standing.scores, again.standing.scores)
    np.testing.assert_array_equal(first.standing.p_best, again.standing.p_best)


def test_plan_counts_and_trains_nothing(choice):
    planned = select(**choice.selecting(plan=True, together=2, estimators=["all"]))
    assert planned.collocations == 9
    assert planned.traversal.trainings == 18
    assert planned.traversal.seconds[0] > 0
    assert not (choice.folder / "selection").exists()
    rows = {row.name.removesuffix("@val"): row for row in planned.estimators}
    assert rows["short-run"].trainings == 18
    assert len(rows["upper-bound-weak-clip-final"].also) == 5
    assert "read from the same trainings" in planned.text()


def test_paper_protocol_says_that_it_leaks(choice):
    options = {**choice.selecting(labels=choice.folder / "test.csv", **choice.truth("test")), "val": None}
    found = select(**options, protocol="paper")
    assert LEAKS in found.text().splitlines()[0]
    assert found.as_json()["leaks"]
    assert found.estimates[0].name == "upper-bound-weak-segment-final"
    with pytest.raises(SeehearError, match="judge an honest one"):
        judge(choice.folder / "selection", **choice.judging())
    with pytest.raises(SeehearError, match="leave --val out"):
        select(**choice.selecting(protocol="paper"))
    assert LEAKS not in select(**choice.selecting(out=choice.folder / "honest")).text()


def test_paper_protocol_without_dense_labels_reads_the_clip_score(choice):
    options = {**choice.selecting(labels=choice.folder / "test.csv"), "val": None, "dense": []}
    assert select(**options, protocol="paper").estimates[0].name == "upper-bound-weak-clip-final"


def test_without_validation_clips_some_are_held_out(choice):
    found = select(**{**choice.selecting(), "val": None, "dense": []})
    assert any("8 of the training clips are held out" in note for note in found.notes)
    assert found.best.argument == "audio=ears visual=eyes"
    assert found.signature.startswith("F1|clip|decoding:clip0.5|")
    assert "clips:8|" in found.signature
    assert "no per-second ground truth" in found.text()


def test_one_network_per_modality_is_nothing_to_select(tmp_path):
    choice = Choice(tmp_path, ("ears", "eyes"), clips=20)
    found = select(**choice.selecting())
    assert any("nothing to select" in note for note in found.notes)
    assert found.best.argument == "audio=ears visual=eyes"
    assert found.estimates[0].trainings == 0


def test_a_choice_in_one_modality_alone(tmp_path):
    choice = Choice(tmp_path, ("ears", "cotton", "eyes"), clips=30)
    found = select(**choice.selecting())
    assert any("only one network for visual" in note for note in found.notes)
    assert found.effects is None
    assert found.best.argument == "audio=ears visual=eyes"
    judged = judge(choice.folder / "selection", estimators=["ridge"], **choice.judging())
    assert judged.rows[0].agreement.regret == 0


def test_clips_without_a_network_or_with_bad_features_are_left_out_and_listed(choice):
    store = Store(choice.store)
    store.file("cotton", "train03").unlink()
    store.file("cotton", "train04").unlink()
    features = store.read("fog", "train07").copy()
    features[1, 2] = np.nan
    spoil(store, "fog", "train07", features)
    store.write("fog", store.stored("fog", "train08").origin, store.read("fog", "train08")[:1])
    found = select(**choice.selecting())
    assert found.missing == ("train03", "train04", "train07", "train08")
    assert found.exit_code == 1
    assert any("fewer segments of fog than of " in note and "train08" in note for note in found.notes)
    assert any("36 of 40 clips" in note and "cotton 2" in note for note in found.notes)
    assert not any("used by what they have" in note for note in found.notes)
    assert "4 labelled clips were left out" in found.text()
    assert found.best.argument == "audio=ears visual=eyes"


def test_constant_features_fail_in_their_rows_only(choice):
    store = Store(choice.store)
    store.register(NetworkInfo("dead", "audio", 3, "made"))
    for clip in sorted(store.clips("ears")):
        spoil(store, "dead", clip, np.ones((4, 3), np.float32))
    found = select(**choice.selecting(estimators=["ridge"]))
    assert found.best.argument == "audio=ears visual=eyes"
    assert found.exit_code == 1
    assert "dead × eyes: features of dead are the same for all clips" in found.text()


@pytest.mark.parametrize(
    ("labels", "message"),
    [(lambda n: "Cat", "say nothing about networks"), (lambda n: "", "say nothing about networks")],
)
def test_labels_that_tell_nothing(choice, labels, message):
    table = choice.folder / "train.csv"
    rows = [f"train{n:02}\t{labels(n)}" for n in range(40)]
    table.write_text("\n".join(["filename\tevent_labels", *rows]) + "\n")
    with pytest.raises(SeehearError, match=message):
        select(**choice.selecting(classes=None) | {"dense": [], "val": None})


def test_one_class_is_enough(choice):
    table = choice.folder / "train.csv"
    rows = [row.split("\t") for row in table.read_text().splitlines()[1:]]
    kept = [f"{clip}\t{'Cat' if 'Cat' in names else ''}" for clip, names in rows]
    table.write_text("\n".join(["filename\tevent_labels", *kept]) + "\n")
    found = select(**choice.selecting(estimators=["ridge", "logme", "unimodal"]))
    assert found.best.argument == "audio=ears visual=eyes"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"networks": ["audio=ears,nobody"]}, "no features of 'nobody'"),
        ({"networks": ["audio=eyes"]}, "eyes is a network of modality visual"),
        ({"networks": ["ears"]}, "MODALITY=NETWORK"),
        ({"networks": ["audio=ears,ears"]}, "names a network twice"),
        ({"estimators": ["rigde"]}, "did you mean ridge"),
        ({"together": 0}, "together must be at least 1"),
        ({"seeds": []}, "seeds must be one or more"),
        ({"seeds": [1, 1]}, "different numbers"),
        ({"workers": -1}, "workers must be a number"),
        ({"budget": -0.1}, "budget is a share"),
        ({"val": None}, "dense tables are for validation clips"),
    ],
)
def test_what_cannot_be(choice, changed, message):
    with pytest.raises(SeehearError, match=message):
        select(**choice.selecting(**changed))


def test_judging_what_was_not_selected(choice):
    with pytest.raises(SeehearError, match="seehear select"):
        judge(choice.folder / "nowhere", **choice.judging())


def test_command_line_prints_and_gives_json(choice, capsys):
    given = choice.selecting(estimators=["ridge"])
    arguments = ["select", "--store", str(choice.store), "--labels", str(given["labels"])]
    arguments += ["--val", str(given["val"]), "--dense", *given["dense"], "--out", str(given["out"])]
    arguments += ["--estimators", "ridge,logme", "--set", *given["set"], "--seeds", "0", "1"]
    arguments += ["--workers", "1", "--json"]
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    content = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in content["estimators"]] == ["ridge", "logme"]


def test_networks_with_other_frame_rates_are_named(choice):
    store = Store(choice.store)
    store.register(NetworkInfo("fog", "visual", store.network("fog").width, "made", fps=2.0))
    found = select(**choice.selecting(estimators=["ridge"]))
    (note,) = (note for note in found.notes if "frame rates" in note)
    assert "fog 2" in note
    assert "eyes 8" in note
    seen = select(**choice.selecting(estimators=["ridge"], networks=["visual=eyes"]))
    assert not any("frame rates" in note for note in seen.notes)


def test_a_network_that_may_dominate_is_named(choice):
    store = Store(choice.store)
    store.register(NetworkInfo("loud", "audio", 6, "made"))
    for clip in sorted(store.clips("ears")):
        spoil(store, "loud", clip, 100 * store.read("ears", clip))
    given = choice.selecting(estimators=["ridge"], recipe="small")
    found = select(**given)
    assert any("features of loud are" in note and "scale=true" in note for note in found.notes)
    quiet = select(**{**given, "networks": ["audio=ears,cotton", "visual=eyes,fog"]})
    scaled = select(**{**given, "set": [*given["set"], "scale=true"]})
    assert not any("times as large" in note for note in [*quiet.notes, *scaled.notes])
    trained = train(
        store=choice.store,
        labels=choice.folder / "train.csv",
        collocation=["audio=loud", "visual=eyes"],
        out=choice.folder / "run",
        recipe="small",
        set=["epochs=1", "width=16"],
        device="cpu",
    )
    assert any("features of loud are" in hint for hint in trained.notes)


def test_dense_labels_of_one_modality_are_not_enough(choice):
    one = choice.truth("val")["dense"][:1]
    with pytest.raises(SeehearError, match="give a dense table for visual too"):
        select(**choice.selecting(dense=one))


def test_judging_by_clips_that_chose_is_refused(choice):
    select(**choice.selecting(estimators=["ridge"]))
    own = {**choice.judging(), "labels": choice.folder / "val.csv", **choice.truth("val")}
    with pytest.raises(SeehearError, match="20 of its clips were used in the selection, for example val00"):
        judge(choice.folder / "selection", **own)
    with pytest.raises(SeehearError, match="only estimators that are compared can be drawn"):
        judge(choice.folder / "selection", estimators=["ridge"], plotted=["logme"], **choice.judging())
    with pytest.raises(SeehearError, match="workers must be"):
        judge(choice.folder / "selection", **{**choice.judging(), "workers": -1})


def test_judging_one_collocation_by_one_seed(tmp_path):
    choice = Choice(tmp_path, ("ears", "eyes"), clips=20)
    select(**choice.selecting())
    judged = judge(choice.folder / "selection", estimators=["ridge"], seeds=[0], **choice.judging())
    assert judged.rows[0].agreement.regret == 0
    assert "nan" not in judged.text()


def test_estimators_that_need_dense_labels_are_skipped_without(tmp_path):
    choice = Choice(tmp_path, ("ears", "cotton", "eyes"), clips=20)
    few = ["epochs=2", "width=16", "feed_forward=16"]
    select(**{**choice.selecting(estimators=["ridge"], seeds=[0], set=few), "dense": []})
    judged = judge(choice.folder / "selection", estimators=["all"], **choice.judging())
    assert judged.exit_code == 0
    assert any("estimators can't be run on these clips" in note for note in judged.notes)
    named = judge(choice.folder / "selection", estimators=["upper-bound-dense-clip-final"], **choice.judging())
    assert named.exit_code == 1


def test_out_that_is_a_file_is_refused_at_once(choice):
    (choice.folder / "selection").write_text("")
    with pytest.raises(SeehearError, match="is a file"):
        select(**choice.selecting())


def test_an_estimator_that_fails_altogether_stops_no_other(choice):
    given = {**choice.selecting(estimators=["ridge", "upper-bound-dense-clip-final", "logme"]), "dense": []}
    found = select(**given)
    assert [each.name for each in found.estimates] == ["ridge", "logme"]
    assert "upper-bound-dense-clip-final failed for every collocation" in found.text()
    assert found.exit_code == 1
    with pytest.raises(SeehearError, match="upper-bound-dense-clip-final failed"):
        select(**{**given, "estimators": ["upper-bound-dense-clip-final"]})
