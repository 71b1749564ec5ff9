# make demo       parse the videos that come with seehear, from extraction to pages
# make test       run the tests             make lint   check style and types
# make docs       build the documentation   make bench  measure speed
# make study      train grids in full and judge selections on them: hours; see CONTRIBUTING.md for its arguments
# make media-matrix   read every form of media file at every rate, and compare with FFmpeg's times: minutes
# make scaling    measure how memory and time grow with the number of clips: half an hour; SCALING="--clips 10000 100000"
# make faults     kill commands, run them again, look for what was lost or left: ten minutes
# make fuzz       damage files of every format in 10,000 ways and read them: some minutes; FUZZ="--only store.json"
# make notebooks  run the notebooks, so that `make docs` shows their output
# make clean      remove the environments and everything that was built
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DOCS_PIP := .venv-docs/bin/python -m pip --disable-pip-version-check

.PHONY: demo test lint docs notebooks bench study media-matrix scaling faults fuzz clean

demo: .venv/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/run.sh

test: .venv/installed-dev
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(TESTS)

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A broken link or reference fails. The documentation tools read src/ without importing it.
docs: .venv-docs/installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

notebooks: .venv/installed-dev
	SEEHEAR_NOTEBOOKS=build/notebooks $(BIN)/pytest tests/test_notebooks.py

bench: .venv/installed-dev
	$(BIN)/python benchmarks/run.py

# make study STUDY="train --store STORE …", and then STUDY="report --out OUT"
study: .venv/installed-dev
	PYTHONPATH=benchmarks $(BIN)/python -m study $(STUDY)

media-matrix: .venv/installed-dev
	PYTHONPATH=tests $(BIN)/python benchmarks/media_matrix.py

# make scaling SCALING="--clips 10000 100000 1000000 --rows listing scores"
SCALING ?= --clips 10000 100000
scaling: .venv/installed-dev
	$(BIN)/python benchmarks/scaling.py --out build/scaling $(SCALING)

# make faults FAULTS="--moments 40 --seed 1"; FAULTS=--help lists the arguments
faults: .venv/installed-dev
	PYTHONPATH=benchmarks $(BIN)/python -m faults $(FAULTS)

# make fuzz FUZZ="--only run.json --count 500 --seed 1"
fuzz: .venv/installed-dev
	PYTHONPATH=benchmarks $(BIN)/python -m fuzz $(FUZZ)

clean:
	rm -rf .venv .venv-docs build site demo/out

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("seehear needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

# The main job's dependencies, in the versions that were tested.
.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[train]'
	touch $@

# The same, the tools of the tests, and the optional extras.
# pytorchcv is installed without torchvision, which it asks for and seehear does not use: a torchvision that does not fit
# torch breaks transformers.
.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) install --quiet --constraint constraints.txt --requirement requirements-dev.txt --editable '.[all]'
	$(PIP) install --quiet --constraint constraints.txt --no-deps pytorchcv
	touch $@

# The documentation tools have an environment of their own: the other two stay as small as they are.
.venv-docs/installed: requirements-docs.txt constraints.txt
	$(PYTHON) -m venv .venv-docs
	$(DOCS_PIP) install --quiet --constraint constraints.txt --requirement requirements-docs.txt
	touch $@
