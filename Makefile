# Two commands do all the set-up: `make train` and `make test`.
PYTHON ?= python3
LOCK ?= requirements.lock# requirements-cuda12.lock or requirements-cuda13.lock on a machine with a GPU
ARGS ?=
BIN := .venv/bin

.PHONY: train test test-slow lint setup bench peers lock

train: setup
	$(BIN)/python -m flexrl.train --algo ppo --config examples/humanoid_walk_forward.yaml $(ARGS)

test: setup
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: setup
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error

bench: setup
	$(BIN)/python -m benchmarks.throughput $(ARGS)

# Stable-Baselines3, for its test and its benchmark, in an environment of its own.
peers: .venv-peers/installed

.venv-peers/installed: requirements.lock
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install -q torch==2.13.0 stable-baselines3
	.venv-peers/bin/python -m pip install -q --require-hashes -r requirements.lock
	.venv-peers/bin/python -m pip install -q --no-deps -e .
	touch $@

setup: .venv/installed-$(LOCK)

.venv/installed-$(LOCK): $(LOCK) pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install -q --no-deps -e .
	rm -f .venv/installed-* && touch $@

lock:
	$(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.lock
	for cuda in cuda12 cuda13; do $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev --extra $$cuda pyproject.toml -o requirements-$$cuda.lock; done
