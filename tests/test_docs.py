"""What `make docs` does not see: links between Markdown files of the repository, and the width of their lines."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "seehear", "--version"], capture_output=True, text=True)
    assert done.returncode == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\s*", done.stdout)
