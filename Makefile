# `make` alone lists what there is. Nothing has to be done before any of it.

# The distribution's Python goes first: it was built with optimisations, which a version manager mostly leaves out, and
# is a quarter to a half quicker (docs/performance.md). Its own name is kept: an upgrade of the system changes no environment.
PYTHON ?= $(firstword $(shell for each in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do $$each -c \
	'import ensurepip, os, sys; sys.version_info >= (3, 11) and print(os.path.realpath(sys.executable))' 2>/dev/null; done))
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
CODE := isocket broker_bridge portal_api alerts privacy firmware_sim tests docs/journey.py
LEAST_COVERAGE := 85
WORKERS := 2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: .make/run mosquitto ## Run the whole cloud with five simulated sockets; Ctrl-C stops it
	@exec $(BIN)/isocket demo

.PHONY: test
test: check pytest ## Check everything and run every test

# Bytecode is kept whatever the surroundings say: without it each worker, and each cloud that a test starts, compiles
# every module of every library anew.
pytest coverage: export PYTHONDONTWRITEBYTECODE :=

.PHONY: pytest
pytest: .make/all mosquitto chromium ## Run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q

.PHONY: explore
explore: .make/all mosquitto ## Run the property tests with examples that were not tried before
	$(BIN)/python -m pytest -n $(WORKERS) -q -m hypothesis --hypothesis-profile=default

.PHONY: coverage
coverage: .make/all mosquitto chromium ## Run every test and see which lines they pass through: takes twice as long
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=$(LEAST_COVERAGE)

.PHONY: check
check: .make/all ## Look at format, lint, types and imports
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports

.PHONY: format
format: .make/all ## Format the code and mend what can be mended by itself
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

.PHONY: bench
bench: .make/run mosquitto ## Run the benchmarks of what matters most
	$(BIN)/isocket bench ingest
	$(BIN)/isocket bench alarm
	$(BIN)/isocket bench storm
	$(BIN)/isocket bench history

.PHONY: messages
messages: .make/run ## Write docs/messages.md anew: every message in every language
	$(BIN)/isocket messages > docs/messages.md

.PHONY: promises
promises: .make/all ## Write docs/promises.md anew: every clause of the privacy policy, and what proves it
	@$(BIN)/python -m tests.promises.document > .make/promises.md && mv .make/promises.md docs/promises.md

.PHONY: pictures
pictures: .make/all chromium ## Make the pictures in docs/ anew
	$(BIN)/python -m tests.browser.pictures

.PHONY: lock
lock: .make/all ## Pin dependencies anew, with hashes and without addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --no-header --generate-hashes --python-version 3.11 \
		--group dev pyproject.toml .ci/build.in --output-file .ci/requirements.txt
	$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --generate-hashes --python-version 3.11 \
		--constraint .ci/requirements.txt pyproject.toml .ci/build.in --output-file .ci/requirements-run.txt

.PHONY: clean
clean: ## Remove the environment and every cache; data in var/ stays
	rm -rf .venv .make .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: chromium
chromium:
	@.ci/chromium

.PHONY: mosquitto
mosquitto:
	@.ci/mosquitto

# What runs, and what tests need besides. Each stamp is as old as what was installed by it.
.venv/pyvenv.cfg:
ifeq ($(PYTHON),)
	@echo "Python 3.11 or newer is needed, with its venv (on Debian: sudo apt-get install python3-venv)" >&2
	@echo "Where it is somewhere else, say where: make PYTHON=/path/to/python3" >&2; exit 1
endif
	@echo "Making the environment in .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.make/packages-run: .venv/pyvenv.cfg .ci/requirements-run.txt
	@echo "Installing what runs"
	@$(PIP) --no-compile --require-hashes --requirement .ci/requirements-run.txt
	@mkdir -p .make && touch $@

.make/run: .make/packages-run pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.make/all: .make/run .ci/requirements.txt
	@echo "Installing what tests need"
	@$(PIP) --no-compile --require-hashes --requirement .ci/requirements.txt
	@touch $@
