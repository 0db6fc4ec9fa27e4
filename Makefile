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
	$(BIN)/python -m pytest -n 2 --dist loadfile

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
	$(BIN)/python benchmarks/alignment.py
	$(BIN)/python benchmarks/decoders.py
	$(BIN)/python benchmarks/soft_dtw.py
	$(BIN)/python benchmarks/train_step.py
	$(BIN)/python benchmarks/train_small.py

clean:
	rm -rf .venv .bench

.venv/bin/python:
	$(PYTHON) -m venv .venv

# torch first and alone: its version decides the rest.
.venv/speaks: pyproject.toml requirements/constraints.txt | .venv/bin/python
	$(PIP) -c requirements/constraints.txt torch
	$(PIP) -c requirements/constraints.txt -e '.[espeak]'
	@touch $@

.venv/tests: .venv/speaks requirements/judges.txt
	$(PIP) -c requirements/constraints.txt -e '.[dev]'
	$(PIP) --no-deps -r requirements/judges.txt
	@touch $@

# coqui-tts imports torchaudio and torchcodec, whose wheels hold CUDA libraries: what it needs works without those.
.bench/peers: requirements/peers.txt
	$(PYTHON) -m venv .bench
	.bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/peers.txt
	.bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps torchaudio torchcodec
	rm -f .bench/lib/python3*/site-packages/torchaudio/lib/*.so
	@touch $@
