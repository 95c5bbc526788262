# What a person runs. `make demo` and `make test` need Python 3.11 and a package index, nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin

# As many tests beside each other as there are cores; servers and fits in them leave no use for more than four.
BESIDE = -n auto --maxprocesses 4 --dist worksteal

# What fails beside others runs once more by itself: a machine that stood still is no finding about the code.
ALONE = $(BIN)/python -m pytest --last-failed --last-failed-no-failures none
CHANCE = What failed above passed alone. That is a race, in the test or in the code: please report it.

# One BLAS thread a process: two on two busy cores turn 0.3 ms into 28. Nothing we use may phone home.
export OPENBLAS_NUM_THREADS = 1
export OMP_NUM_THREADS = 1
export BENTOML_DO_NOT_TRACK = True
export MLFLOW_DISABLE_TELEMETRY = true
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# The groups of customers that the demo has drawn go on with what is served after it.
ifneq ($(wildcard var/demo-bank.toml),)
serve: export KAIROS_ACTION_BANK ?= var/demo-bank.toml
endif

.PHONY: help demo test check quick lint serve bento browser lock openapi clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime ## real data, features, training, service, answers; then everything stops
	@$(BIN)/python -m pipelines demo

serve: $(VENV)/.runtime ## keep the service running and print its addresses
	@$(BIN)/python -m pipelines serve

test: $(VENV)/.dev ## set up what is missing, then every check
	@$(MAKE) --no-print-directory check

check: lint ## format, lint, types, layers, tests: what CI runs
	$(BIN)/python -m pytest $(BESIDE) || { test $$? = 1 && $(ALONE) && echo "$(CHANCE)"; }

quick: $(VENV)/.dev ## the tests without the slow ones
	$(BIN)/python -m pytest $(BESIDE) -m "not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bento: $(VENV)/.runtime ## package the service: `bentoml serve kairos:latest` runs it anywhere
	$(BIN)/bentoml build

browser: $(VENV)/.dev ## a browser for the tests of the console, where there is none yet
	@$(BIN)/python -m tests.browser

openapi: $(VENV)/.dev ## write docs/openapi.json anew
	$(BIN)/python -m serving > docs/openapi.json

lock: $(VENV)/.dev ## resolve pyproject.toml anew into the two lock files
	$(BIN)/uv pip compile -q --python-version 3.11 --extra demo --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --python-version 3.11 --extra demo -c requirements-dev.lock pyproject.toml -o requirements.lock

clean: ## forget the demo's data and models, keep the installation
	rm -rf var mlruns/mlflow.db* mlruns/artifacts

$(VENV)/.runtime: requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Kairos needs Python 3.11; name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing the locked dependencies into $(VENV) (once; 1.4 GB, about 75 CPU-seconds)"
	@$(BIN)/python -m pip install --quiet -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing the test tools into $(VENV) (once; 1.1 GB, most of it torch)"
	@$(BIN)/python -m pip install --quiet -r requirements-dev.lock
	@touch $@
