"""The notebooks in docs/notebooks, cell by cell, as someone runs them.

Set SEEHEAR_NOTEBOOKS to a folder to keep the executed copies there; the documentation shows their output.
"""

import os
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed, so notebooks cannot be read")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed, so notebooks cannot be run")
pytest.importorskip("ipykernel", reason="ipykernel is not installed, so notebooks cannot be run")
pytest.importorskip("pandas", reason="pandas is not installed, and the notebooks show data frames")

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
KEPT = os.environ.get("SEEHEAR_NOTEBOOKS")
SECONDS_PER_CELL = 300  # a machine may be busy; idle, a whole notebook takes less than 60


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebook_runs(file):
    notebook = nbformat.read(file, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=SECONDS_PER_CELL, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()  # a cell that raises fails the test, with its traceback
    if KEPT:
        Path(KEPT).mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, Path(KEPT) / file.name)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebook_is_kept_without_output(file):
    notebook = nbformat.read(file, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
