"""Pages as a browser reads them: their elements and their text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> & \"quoted\" 'too' </style> {{ 7 * 7 }} #000000 url(#a) 山"
)


class Read(HTMLParser):
    """tags: name and attributes of each element. text: outside scripts and styles. cells: of tables, row by row."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.parts: list[str] = []
        self.rows: list[list[str]] = []
        self.source = page.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert not self.open  # every element was ended
        self.text = words(" ".join(self.parts))
        self.cells = {words(cell) for row in self.rows for cell in row}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.parts.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def check(self) -> None:
        """Check that it is one of our pages: small, self-contained, and without scripts but its own."""
        assert len(self.source.encode()) < 5_000_000
        for _, attributes in self.tags:
            for name in ("src", "href", "xlink:href", "action", "poster"):
                assert not re.match(r"\s*(https?:)?//", attributes.get(name) or "")
            assert not [name for name in attributes if name.startswith("on")]
        assert "@import" not in self.source
        assert len(self.named("script")) == 1
        assert not self.named("img")
        ids = [attributes["id"] for _, attributes in self.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        for link in self.named("a"):
            if (link["href"] or "").startswith("#"):
                assert (link["href"] or "")[1:] in ids


def words(text: str) -> str:
    """A text with one space between words, and hyphens in place of minus signs."""
    return " ".join(text.replace("−", "-").split())


def numbers(text: str) -> set[str]:
    """The numbers in a text, with their signs, as written."""
    return set(re.findall(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\w)", words(text)))
