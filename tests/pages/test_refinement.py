"""The page of refined labels: all that is printed is on it, it stands alone, and names are text whatever is in them."""

import re
from dataclasses import replace

import numpy as np
import pytest

import seehear as sh
from refinement.made import CLASSES, clips, with_labels
from seehear.labels import Event, write_dense
from seehear.pages import refinement as page
from seehear.refinement.given import refine_by
from seehear.refinement.refine import refine

from .reading import HOSTILE, Read


@pytest.fixture(scope="module")
def made():
    return clips(30)


def read(refined, folder):
    found = Read(refined.save(folder))
    found.check()
    return found


def test_everything_is_on_it(made, tmp_path):
    refined = refine(made, "ridge")
    found = read(refined, tmp_path)
    counts = refined.counts()
    assert f"30 clips with {int(made.labels.sum())} weak labels: " in found.text
    assert f"{counts['only heard']} only heard, {counts['only seen']} only seen, {counts['both']} both" in found.text
    for row in refined.shares:
        assert [row.label, str(row.clips), *(f"{100 * count / row.clips:.0f}" for count in row.counts)] in found.rows
    for each in refined.unsure:
        (cells,) = (cells for cells in found.rows if cells[:2] == [each.clip, each.label])
        for cell, name in zip(cells[2:4], ("audio", "visual"), strict=True):
            assert float(cell.replace("−", "-")) == pytest.approx(each.margins[name], abs=0.005)
        holds = [word for word, name in (("heard", "audio"), ("seen", "visual")) if each.weak[name]]
        assert cells[4] == " and ".join(holds)
    assert "5 % of the seconds of clips without the class pass it" in found.text
    assert refined.pseudo.source in found.text
    assert "like (correlation)" not in found.text  # arrays have no classifier
    assert len(found.named("svg")) == 1
    assert page.NAME == "refinement"


def test_what_the_teachers_recognise_a_class_by(made, tmp_path):
    sources = {name: [[("Bark", 0.512), ("Growling, snarling", 0.4)], [], []] for name in ("audio", "visual")}
    refined = replace(refine(made, "ridge"), sources=sources)
    found = read(refined, tmp_path)
    assert "heard like (correlation)" in found.cells
    assert "Bark (0.51), Growling, snarling (0.40)" in found.cells
    assert "If they make no sense, the teacher learnt something else than the class" in found.text
    assert "heard: Bark / Growling, snarling; seen: Bark" in refined.text()


def test_labels_that_were_given(made, tmp_path):
    for name in ("audio", "visual"):
        write_dense(tmp_path / f"given_{name}.csv", [Event("clip001", 0.0, 2.0, "Dog"), Event("lost", 0.0, 2.0, "Dog")])
    refined = refine_by(made, {name: tmp_path / f"given_{name}.csv" for name in ("audio", "visual")})
    found = read(refined, tmp_path / "out")
    assert "The labels were given as tables" in found.text
    assert "Clips to look at" not in found.text
    assert all(note in found.text for note in refined.notes)


@pytest.mark.parametrize("modalities", [1, 3])
def test_any_number_of_modalities(made, tmp_path, modalities):
    arrays = {
        "audio": {"ears": made.arrays("ears")},
        "smell": {"nose": made.arrays("eyes")},
        "touch": {"skin": made.arrays("ears")},
    }
    some = dict(list(arrays.items())[:modalities])
    refined = refine(sh.Dataset.from_arrays(some, made.labels, CLASSES), "ridge")
    found = read(refined, tmp_path)
    heads = ["class", "clips", *(f"{kind}, %" for kind in refined.kinds)]
    assert heads in found.rows
    assert [*refined.counts()] == refined.kinds
    assert refined.kinds == (["heard"] if modalities == 1 else ["only heard", "only smell", "only touch", "several"])


def test_names_are_text_whatever_is_in_them(made, tmp_path):
    classes = ("Bell", HOSTILE, "Dog")
    sources = {name: [[(HOSTILE, 0.5)]] * 3 for name in ("audio", "visual")}
    refined = replace(refine(with_labels(made, made.labels, classes), "ridge"), sources=sources)
    found = Read(page.write(refined, tmp_path))
    found.check()
    assert not found.named("img")
    assert re.sub(r"\s+", " ", HOSTILE) in found.cells


def test_no_label_at_all(made, tmp_path):
    refined = refine(with_labels(made, np.zeros_like(made.labels)), "ridge")
    found = read(refined, tmp_path)
    assert "30 clips with 0 weak labels" in found.text
    assert refined.unsure == []
