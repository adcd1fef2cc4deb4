# Two commands do everything: `make app` opens the app, `make test` checks the project. Both install what they need.
# Another Python: make app PYTHON=python3.12        One test: make test ARGS="-k receptive_field"

PYTHON ?= python3
ARGS ?=
VENV := .venv
RUN := $(VENV)/bin/python
INSTALL := $(RUN) -m pip install --disable-pip-version-check --constraint constraints.txt
APP_READY := $(VENV)/.app-ready
DEV_READY := $(VENV)/.dev-ready

.DEFAULT_GOAL := help
.PHONY: help app test lint types docs bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

app: $(APP_READY) ## install what the app needs and open it
	$(RUN) -m streamlit run app.py

test: lint types ## install what the tests need, then lint, types and every test in a real browser too
	RESVIZ_CHROMIUM="$$($(RUN) -m tests.browser.chromium)" $(RUN) -m pytest $(ARGS)

lint: $(DEV_READY) ## ruff: style, imports, formatting
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: $(DEV_READY) ## mypy, strict
	$(RUN) -m mypy

docs: $(DEV_READY) ## build the site from docs/ into build/site
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet --strict

bench: $(DEV_READY) ## measure every performance claim
	$(RUN) -m benchmarks $(ARGS)

clean: ## remove the environment, the caches and what the tests left
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/artefacts build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. pip is the last thing venv writes, so an interrupted creation is done again;
# the two stamps are newer than the requirements they were installed from, so a second call installs nothing.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "resviz needs Python 3.11 or newer, '$(PYTHON)' is none: try make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(APP_READY): requirements.txt constraints.txt | $(VENV)/bin/pip
	@echo "Installing what the app runs on: on a new machine some gigabytes, most of them torch."
	$(INSTALL) -r requirements.txt
	@touch $@

$(DEV_READY): requirements-dev.txt requirements.txt constraints.txt | $(VENV)/bin/pip
	@echo "Installing the app's and the tests' packages: on a new machine some gigabytes, most of them torch."
	$(INSTALL) -r requirements-dev.txt
	@touch $@ $(APP_READY)
