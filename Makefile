# make demo: set up, run the main job on the bundled demo, show the overlap matrix and partner coverage.
# make exchange-demo: play two companies and a clean room that pass each other files, by keys and by psi, and compare their counts.
# make report: turn the demo's marts, once built, into demo/report.html.
# make review: turn the demo's pairs that await a person into demo/review.html.
# make test: set up, run all tests.
# make check: set up, lint Python and the SQL that differs from the last commit, run the tests that are quick; under 3 minutes.
# make agents-check: ask the demo's marts through the MCP server of docs/agents.md, in an environment of its own; no part of make test.
# make attached-check: build the demo on a PostgreSQL (apt install postgresql), in an environment of its own; make test has it then too.
# make engines-check: run the same macros and models on Spark (apt install default-jre-headless), and parse for other engines, in an environment of its own; make test has it then too.
# make engines-build: build the demo, once made, by dbt on Spark with a master and two workers on this machine, two runs and the tests, and compare every model with DuckDB's.
# Setting up happens once; it happens again only when requirements-dev.lock changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto
COMPILE := uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --no-header --generate-hashes

.DEFAULT_GOAL := help
.PHONY: help install demo exchange-demo report review test check agents-check attached-check engines-check engines-build environments lint format lock clean

help:
	@sed -n 's/^# make/make/p' Makefile

$(VENV)/installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("account_mapping needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (once) ..."
	@if command -v uv > /dev/null; then \
	    uv venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV) && \
	    uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock; \
	else \
	    { $(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made: install Python's venv module (on Debian: apt install python3-venv)."; exit 1; }; } && \
	    $(BIN)/pip install --disable-pip-version-check --no-input --progress-bar off --quiet --require-hashes -r requirements-dev.lock; \
	fi
	@touch $@

install: $(VENV)/installed

demo: install
	@$(BIN)/python demo/run_demo.py

exchange-demo: install
	@$(BIN)/python -m demo.player.exchange_demo

report: install
	@$(BIN)/python report html demo/account_mapping_demo.duckdb --output demo/report.html

review: install
	@$(BIN)/python report review demo/account_mapping_demo.duckdb --output demo/review.html

test: install
	@$(BIN)/python -m pytest -n $(JOBS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@changed="$$(git diff --name-only --diff-filter=d HEAD -- 'models/*.sql' 'tests/singular/*.sql')"; \
	if [ -n "$$changed" ]; then $(BIN)/sqlfluff lint --disable-progress-bar $$changed; fi
	@$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

.venvs/%/installed: requirements-%.txt | install
	@if command -v uv > /dev/null; then \
	    uv venv --quiet --clear --python $(BIN)/python .venvs/$* && \
	    uv pip install --quiet --python .venvs/$*/bin/python -r $<; \
	else \
	    $(BIN)/python -m venv .venvs/$* && \
	    .venvs/$*/bin/pip install --disable-pip-version-check --no-input --progress-bar off --quiet -r $<; \
	fi
	@touch $@

agents-check: .venvs/agents/installed
	@ACCOUNT_MAPPING_AGENTS_SERVER=.venvs/agents/bin/mcp-server-motherduck $(BIN)/python -m pytest tests/python/test_agents.py

attached-check: .venvs/attached/installed
	@CI_POSTGRES=1 $(BIN)/python -m pytest tests/python/test_attached.py

engines-check: .venvs/engines/installed
	@CI_ENGINES=1 $(BIN)/python -m pytest tests/python/test_engines.py

engines-build: .venvs/engines/installed
	@.venvs/engines/bin/python tests/python/engines_build.py demo/account_mapping_demo.duckdb demo/project target/engines_build --workers 2 --tests

# make environments: build a new project and the demo with the newest and with the oldest versions that are allowed.
environments:
	@$(PYTHON) .ci/environments.py

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

# make lock: pin anew what the tools need, and the oldest versions that are allowed (needs uv).
lock:
	$(COMPILE) --upgrade requirements-dev.in -o requirements-dev.lock
	$(COMPILE) --upgrade --resolution lowest-direct requirements-environments.in -o requirements-oldest.txt

# make clean: remove what the commands above made.
clean:
	rm -rf $(VENV) .venvs benchmarks/.venv-peers benchmarks/.venv-logic .pytest_cache .ruff_cache .hypothesis target logs demo/*/target demo/*/logs demo/*/dbt_packages demo/*.duckdb demo/report.html demo/review.html
