# make demo   parse videos that come with seehear, from extraction to pictures
# make test   run the tests          make lint   check style and types
# make bench  measure speed          make clean  remove the environment and what the demo made
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint bench clean

demo: .venv/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/run.sh

test: .venv/installed-dev
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-dev
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf .venv demo/out

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("seehear needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

# What the main job needs, in the versions that were tested.
.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

# The same and what tests need: their tools, and the networks that need one more reader for their weights.
# pytorchcv comes without torchvision, which it asks for and seehear does not use: a build of it that does not fit torch
# breaks transformers.
.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) install --quiet --constraint constraints.txt --requirement requirements-dev.txt --editable '.[all]'
	$(PIP) install --quiet --constraint constraints.txt --no-deps pytorchcv
	touch $@
