# make demo: set up, run the main job on the bundled demo, show the overlap matrix and partner coverage.
# make exchange-demo: play two companies and a clean room that pass each other files, and compare their counts.
# make report: turn the demo's marts, once built, into demo/report.html.
# make test: set up, run all tests.
# make check: set up, lint, run the tests that are quick (3 minutes in all).
# Setting up happens once; it happens again only when requirements-dev.lock changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto

.DEFAULT_GOAL := help
.PHONY: help install demo exchange-demo report test check lint format lock clean

help:
	@sed -n 's/^# make/make/p' Makefile

$(VENV)/installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("account_mapping needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made: install Python's venv module (on Debian: apt install python3-venv)."; exit 1; }
	@$(BIN)/pip install --disable-pip-version-check --no-input --progress-bar off --quiet -r requirements-dev.lock
	@touch $@

install: $(VENV)/installed

demo: install
	@$(BIN)/python demo/run_demo.py

exchange-demo: install
	@$(BIN)/python -m demo.player.exchange_demo

report: install
	@$(BIN)/python report html demo/account_mapping_demo.duckdb --output demo/report.html

test: install
	@$(BIN)/python -m pytest -n $(JOBS)

check: lint
	@$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

# make lint: ruff on Python, sqlfluff on SQL.
lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar models tests/singular

# make format: mend what the linters can mend by themselves.
format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --processes 2 --disable-progress-bar models

# make lock: pin requirements-dev.in anew.
lock:
	uv pip compile --universal --python-version 3.11 --no-header --upgrade requirements-dev.in -o requirements-dev.lock

# make clean: remove what the commands above made.
clean:
	rm -rf $(VENV) benchmarks/.venv-peers .pytest_cache .ruff_cache .hypothesis target logs demo/*/target demo/*/logs demo/*/dbt_packages demo/*.duckdb demo/report.html
