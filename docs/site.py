"""Shows notebooks on the documentation site: a hook of mkdocs.

A notebook in docs/notebooks becomes a page. Its output is that of the executed copy in build/notebooks, which
`make notebooks` writes; without a copy the page shows the code alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

EXECUTED = Path("build/notebooks")
ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook. The notebook itself stays, to be downloaded."""
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        source = Path(file.abs_src_path)
        executed = EXECUTED / source.name
        notebook = json.loads((executed if executed.exists() else source).read_text(encoding="utf-8"))
        page = "\n\n".join([*_page(notebook), f"[Download this notebook]({source.name})"])
        files.append(File.generated(config, file.src_uri.removesuffix(".ipynb") + ".md", content=page))
    return files


def _page(notebook: dict[str, Any]) -> Iterator[str]:
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield source
        elif source:
            yield f"```python\n{source}\n```"
            for output in cell["outputs"]:
                yield _shown(output)


def _shown(output: dict[str, Any]) -> str:
    """One output as Markdown: the richest form that a web page can show."""
    data = output.get("data", {})
    if "text/html" in data:
        html = "".join(data["text/html"]).replace('border="1" class="dataframe"', "")  # the site has a style for tables
        lines = [line for line in html.splitlines() if line.strip()]
        return "<div>" + "\n".join(lines) + "</div>"
    if "image/svg+xml" in data:
        return "<div>" + "".join(data["image/svg+xml"]) + "</div>"
    if "image/png" in data:
        return f'<img alt="Output of the cell above" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
    text = "".join(output.get("text") or data.get("text/plain", ""))
    return f"```text\n{ANSI_COLOUR.sub('', text).rstrip()}\n```" if text else ""
