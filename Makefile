# Two commands for a newcomer: `make demo` and `make test`. Each sets up everything it needs in .venv.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup demo test soak lint format clean
help:
	@echo "make demo    the main job, live: git push, rolling update, automatic rollback, fix"
	@echo "make test    lint, types, import contracts and all tests"
	@echo "make soak    the long proofs"
	@echo "make lint    ruff, mypy, import-linter"

setup: $(READY)

$(READY): pyproject.toml Makefile
	@test -n "$(PYTHON)" || { echo "stackc needs python3 3.11 or newer; none was found on PATH." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "installing stackc and its tools into .venv ..."
	@# the launchers that an old pip writes import what costs 6 ms, a third of a small compile
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)
	@$(BIN)/python -m examples.hello

test: lint
	@$(BIN)/python -m pytest -m "not soak" --numprocesses 4 --dist loadgroup

soak: $(READY)
	@$(BIN)/python -m pytest -m soak

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
