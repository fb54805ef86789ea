# The two commands: `make run` and `make test`. The rest are the steps that they are made of.

PYTHON ?= python3
BIN := .venv/bin
SITE_PORT ?= 8000
LAB_PORT ?= 8888

# Material announces its own end of life on every build; the plan for it is in docs/contributing.md.
export NO_MKDOCS_2_WARNING := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test quick fix setup ready clients site offline lint types unit notebooks coverage golden errors templates observed bench screenshot dist lock clean

help: ## what there is to make
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

run: ready ## serve the site and JupyterLab on loopback, until Ctrl-C
	@$(BIN)/python -m tools.run --site-port $(SITE_PORT) --lab-port $(LAB_PORT)

test: setup lint types unit notebooks ## everything that must pass
	@echo "All tests passed."

quick: setup lint ## the tests that are fast, for while you work
	$(BIN)/python -m pytest -n 2 -m "not slow" -q

fix: setup ## format, and fix what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: ready .venv/.ready ## the virtual environment and the browser assets

ready: .venv/.run node_modules/.ready ## as much of them as serves and builds the site and JupyterLab

.venv/.run: requirements-run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	@$(PYTHON) -m tools.install run

.venv/.ready: requirements.txt pyproject.toml | .venv/.run
	@$(PYTHON) -m tools.install all

node_modules/.ready: package.json package-lock.json | .venv/.run
	@$(BIN)/python -m tools.assets

clients: tests/clients/node_modules/.ready ## the SDK for JavaScript, the command line 2 and cfn-guard, 120 MB, for the tests

tests/clients/node_modules/.ready: tests/clients/package.json tests/clients/package-lock.json | .venv/.run
	@$(BIN)/python -m tools.assets tests/clients

site: ready ## build the site into site/
	$(BIN)/mkdocs build --strict

offline: ready ## build the site that is read from a folder, without a server, into build/offline.zip
	OFFLINE=true $(BIN)/mkdocs build --strict --site-dir build/offline
	@cd build && ../$(BIN)/python -m zipfile -c offline.zip offline

lint: setup ## style, words, and the layers of the package
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tools.words
	$(BIN)/lint-imports --no-cache

types: setup ## strict types
	$(BIN)/mypy

unit: setup ## the package, the sandbox, the pages, the site and JupyterLab in a real browser
	@if [ "$$(uname -sm)" != "Linux x86_64" ]; then echo "The clients of the tests are for Linux on x86_64: the tests of them are skipped."; \
	else $(MAKE) --no-print-directory clients || echo "The clients of the tests could not be installed: the tests of them are skipped."; fi
	$(BIN)/python -m pytest -n 3

notebooks: setup ## every cell of every runbook against its committed output
	$(BIN)/python -m pytest -p tests.support.nbval_guard --nbval --nbval-current-env --nbval-cell-timeout 60 notebooks

coverage: setup ## which lines of the package and of the sandbox no test reaches, processes of their own included
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered --cov-report=html

golden: setup ## execute the runbooks and rewrite their committed outputs
	$(BIN)/python -m tools.golden

errors: setup ## make errors.json of the pages of the errors, and run what they reproduce; a test says when it is out of date
	$(BIN)/python -m tools.errors
	$(BIN)/python -m tests.support.reproductions

templates: setup ## write the templates that are made from the package
	$(BIN)/python -m tools.templates

observed: setup ## write what the checks call, take and find in the sandbox, for the policy and the pages of the checks
	$(BIN)/python -m tests.support.observe

bench: setup ## a diagnosis against the same calls in bare boto3, and the box on 1 MB, as ratios
	$(BIN)/python -m tools.bench

screenshot: setup site ## the picture in the README
	$(BIN)/python -m tests.support.screenshot

dist: ready ## build the wheels of the package and of the sandbox into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . ./sandbox

LOCKED = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate pyproject.toml sandbox/pyproject.toml

lock: setup ## resolve pyproject.toml and package.json again, to the newest versions that they allow
	$(BIN)/python -m pip install --quiet uv
	@{ echo '# Every version that the project is built and tested with. Written by `make lock` from pyproject.toml; do not edit.'; \
	   echo '-e .'; \
	   echo '-e ./sandbox'; \
	   $(LOCKED) --all-extras; } > requirements.new
	@mv requirements.new requirements.txt
	@grep -v '^-e' requirements.txt > requirements.new
	@{ echo '# Those of requirements.txt that `make run` needs. Written by `make lock`; do not edit.'; \
	   $(LOCKED) --extra site --extra notebooks --constraint requirements.new; } > requirements-run.txt
	@rm requirements.new
	$(BIN)/python -m tools.assets --lock

clean: ## remove what the steps made
	rm -rf .venv node_modules tests/clients/node_modules site build dist sandbox/build .pytest_cache .mypy_cache .ruff_cache *.egg-info sandbox/*.egg-info
