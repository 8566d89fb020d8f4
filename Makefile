# `make demo` opens the quick start in JupyterLab; `make test` runs every check. Both make the environment they need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?=
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/done
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# The numbers must not depend on the machine, nor the test workers fight for its cores.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
# A node that had to be installed into the environment is found before an older one of the system.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo test check lint types layers python-test browser-test js js-test format clean benchmark

help:
	@echo "make demo     open the quick start in JupyterLab (PORT=8890 for another port)"
	@echo "make test     install what the tests need, the browser included, and run every check"
	@echo "make check    the same: what CI runs"
	@echo "make lint types layers python-test browser-test js-test    one check alone"
	@echo "make js       build the bundle that the Python package carries"
	@echo "make format   put code into its format"
	@echo "make benchmark    race against other fitters, into benchmarks/README.md"
	@echo "make clean    remove environments, caches and builds"

demo: $(DONE)/demo
	$(BIN)/python scripts/demo.py $(if $(PORT),--port $(PORT))

# Each check runs even when one before it failed; the exit status says whether any did.
test: $(DONE)/test $(DONE)/browser js/node_modules/.done
	$(MAKE) --keep-going --no-print-directory lint types layers js-test python-test browser-test

check: test

lint: $(DONE)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DONE)/test
	$(BIN)/mypy

layers: $(DONE)/test
	$(BIN)/lint-imports --no-logo

python-test: $(DONE)/test
	$(BIN)/python -m pytest -n auto

browser-test: $(DONE)/test $(DONE)/browser
	$(BIN)/python -m pytest -m browser tests/browser

# vitest also builds the bundle and compares it with the committed one.
js-test: js/node_modules/.done
	cd js && npm run --silent check
	cd js && npm run --silent test

js: js/node_modules/.done
	cd js && npm run --silent build

format: $(DONE)/test js/node_modules/.done
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	cd js && npm run --silent fix

# Each tool with the threads that it takes by itself.
benchmark: $(DONE)/benchmark
	env -u OMP_NUM_THREADS -u OPENBLAS_NUM_THREADS -u MKL_NUM_THREADS $(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) js/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Stamps: a file in $(DONE) says that a step was done for the pyproject.toml of that time.
$(DONE)/environment: scripts/environment.sh
	PYTHON="$(PYTHON)" scripts/environment.sh $(VENV)
	mkdir -p $(DONE)
	touch $@

$(DONE)/demo: pyproject.toml $(DONE)/environment
	$(PIP) install --editable '.[lab]'
	touch $@

$(DONE)/test: pyproject.toml $(DONE)/environment
	$(PIP) install --editable '.[test]'
	touch $@

$(DONE)/benchmark: pyproject.toml $(DONE)/environment
	$(PIP) install --editable '.[benchmark]'
	touch $@

$(DONE)/browser: $(DONE)/test
	scripts/browser.sh $(BIN)/python
	touch $@

$(DONE)/node: scripts/node.sh $(DONE)/environment
	scripts/node.sh $(BIN)/python
	touch $@

js/node_modules/.done: js/package.json js/package-lock.json $(DONE)/node
	cd js && npm ci --no-audit --no-fund --loglevel=error
	touch $@
