# Everything a developer does here; `make` lists it.
# PORT, AZURITE_PORT, DATA_DIR, STORE, S3_PORT, SEARCH and SEARCH_PORT reach `make run` from the command line or the environment.

PYTHON ?= python3.13
BIN := .venv/bin
UNIT_TESTS := tests/unit tests/client tests/bench -m "not azurite and not host and not scale and not slow"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run viewer check test test-scale bench conformance lock fix clean

help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

run: .venv/installed $(if $(filter s3,$(STORE))$(filter 1,$(SEARCH)),.venv/installed-dev) .tools/installed ## Start Azurite and the app with sample data; Ctrl-C stops them. STORE=s3: objects on SeaweedFS; SEARCH=1: a search index
	@$(BIN)/python -m client start

viewer: .tools/viewer/installed ## Install the OHIF viewer; `make run` then serves it at /viewer/

check: .venv/installed-dev ## Format, lint, types, layers and unit tests: under two minutes, no services
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --dist worksteal --hypothesis-profile=quick $(UNIT_TESTS)

test: .venv/installed-dev .tools/installed .tools/viewer/installed ## All tests but the big ones, with what they need
	$(BIN)/pytest -m "not scale"

test-scale: .venv/installed-dev .tools/installed ## The big tests: much data, many kills
	$(BIN)/pytest -m scale

bench: .venv/installed-dev .tools/installed ## Measure beside Orthanc and bare storage: make bench ARGS="--quick"
	$(BIN)/python -m bench $(ARGS)

conformance: .venv/installed ## Check a DICOMweb service: make conformance URL=http://127.0.0.1:7071/dicomweb
	@$(BIN)/python -m client conformance $(URL)

lock: .venv/installed-dev ## Write requirements*.txt and package-lock.json anew
	$(BIN)/uv pip compile -q --no-header --generate-hashes \
		--python-version 3.13 requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --no-header --generate-hashes \
		--python-version 3.13 requirements-pixels.in -o requirements-pixels.txt
	$(BIN)/uv pip compile -q --no-header --generate-hashes \
		--python-version 3.13 requirements-dev.in -o requirements-dev.txt
	npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

fix: .venv/installed-dev ## Format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what was installed and stored here: .venv, .tools, .data, caches
	rm -rf .venv .tools .data artifacts .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { \
		echo "Python 3.13 is needed, and '$(PYTHON)' is not it. Install it, for example by" >&2; \
		echo "  pyenv install 3.13        or        uv python install 3.13" >&2; \
		echo "or say where it is: make PYTHON=/path/to/python3.13 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Debian keeps venv apart: apt-get install python3.13-venv" >&2; exit 1; }

# Stamps: nothing is installed twice, and nothing is asked of a registry once all is there.
.venv/installed: requirements.txt | .venv/bin/python
	@echo "installing the Python packages of requirements.txt (once)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements-pixels.txt requirements.txt | .venv/bin/python
	@echo "installing the Python packages of requirements-dev.txt (once)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch .venv/installed $@

.tools/installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Node.js with npm is needed for Azurite, for example: apt-get install nodejs npm" >&2; exit 1; }
	@echo "installing Azurite (once)"
	@mkdir -p .tools && cp $^ .tools/
	@npm ci --prefix .tools --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

VIEWER := client/viewer/package.json client/viewer/package-lock.json
.tools/viewer/installed: $(VIEWER) client/viewer/app-config.js client/viewer/site.py | .venv/installed
	@command -v npm >/dev/null || { echo "Node.js with npm is needed for the viewer, for example: apt-get install nodejs npm" >&2; exit 1; }
	@echo "installing the OHIF viewer (once; 50 MB to download)"
	@mkdir -p .tools/viewer && cp $(VIEWER) .tools/viewer/
	@npm ci --prefix .tools/viewer --ignore-scripts --no-audit --no-fund --loglevel=error
	@$(BIN)/python -m client.viewer .tools/viewer/node_modules/@ohif/app/dist .tools/viewer/site
	@rm -rf .tools/viewer/node_modules
	@touch $@
