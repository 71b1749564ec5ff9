"""What `make docs` does not see: links between files, the width of lines, and that nothing public is left out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import seehear as sh
from seehear.cli.app import COMMANDS, GROUP_COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("demo/*.md"), *ROOT.glob("docs/**/*.md")])
COLUMNS = 100


def prose(page):
    """Its lines, with their numbers, without code blocks, tables and images."""
    code = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        code ^= line.lstrip().startswith("```")
        if not code and not line.lstrip().startswith(("|", "```", "![", "[![")):
            yield number, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#\s]+)", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    generated = {  # a notebook's page is made by `make docs`
        link for link in local if link.endswith(".md") and (page.parent / link).with_suffix(".ipynb").exists()
    }
    assert [link for link in local if link not in generated and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_narrow(page):
    wide = [
        f"{page.relative_to(ROOT)}:{number}"
        for number, line in prose(page)
        if len(line) > COLUMNS and not re.search(r"\]\(\S{40,}\)|https?://\S{40,}|^\S+$", line)
    ]
    assert wide == []


def test_reference_has_every_public_name():
    page = (ROOT / "docs" / "reference" / "seehear.md").read_text(encoding="utf-8")
    shown = {*re.findall(r"^::: seehear\.(\w+)$", page, flags=re.MULTILINE), *re.findall(r"\[`sh\.(\w+)`\]", page)}
    assert shown == {*sh.__all__} - {"__version__"}


def test_reference_has_a_page_for_every_package():
    packages = {folder.parent.name for folder in (ROOT / "src" / "seehear").glob("*/__init__.py")} - {"cli"}
    pages = {page.stem for page in (ROOT / "docs" / "reference").glob("*.md")}
    assert packages <= pages
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert all(f"reference/{page}.md" in site for page in pages)


def test_every_command_is_described():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    names = [name for name, *_ in COMMANDS] + [name for _, name, *_ in GROUP_COMMANDS]
    assert [name for name in names if f"{name}`" not in page] == []


def test_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "seehear", "--version"], capture_output=True, text=True)
    assert done.returncode == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\s*", done.stdout)
