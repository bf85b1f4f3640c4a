# Everything a person or CI does here. `make` alone lists it.
PYTHON ?= python3
PORT   ?= 8000
ARGS   ?=
BIN    := .venv/bin
PY     := $(BIN)/python
PIP    := $(BIN)/pip --disable-pip-version-check install --quiet --require-hashes

.DEFAULT_GOAL := help
.PHONY: help run test check format lock bench-engine bench-gateway bench-page test-faults test-images screenshots clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@echo "Making the virtual environment in .venv"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv .venv

# A stamp per lock file: installs again only when the lock file changes.
.venv/.installed-run: standalone/requirements.txt | $(BIN)/python
	@echo "Installing the packages (once)"
	@$(PIP) -r $<
	@touch $@

.venv/.installed-test: tests/requirements.txt | $(BIN)/python
	@echo "Installing the packages for the tests (once)"
	@$(PIP) -r $<
	@touch $@ .venv/.installed-run

# Compiles the dithering kernels once, so that nobody's first picture waits for it.
.venv/.kernels: $(shell find dither_engine -name "*.py") | .venv/.installed-run
	@find dither_engine -name "*.nb[ic]" -delete # the cache does not see what a kernel inlines
	@echo "Compiling the dithering kernels (once)"
	@$(PY) -m dither_engine --warm
	@touch $@

run: .venv/.installed-run .venv/.kernels ## Start everything on this machine, without Docker (PORT=8000)
	@PORT=$(PORT) exec $(PY) -m standalone $(ARGS)

test: .venv/.installed-test .venv/.kernels ## Run all tests (ARGS="-k name" for some)
	@tests/prepare
	@$(PY) -m pytest $(ARGS)

check: .venv/.installed-test ## Lint, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: .venv/.installed-test ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: .venv/.installed-test ## Write the lock files anew from the .in files
	@for d in . standalone tests; do (cd $$d && $(CURDIR)/$(BIN)/uv pip compile -q --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade requirements.in -o requirements.txt) || exit 1; done

bench-engine: .venv/.installed-test .venv/.kernels ## Measure the engine against other ditherers (ARGS="--json FILE")
	@$(PY) -m bench.engine $(ARGS)

bench-gateway: .venv/.installed-test ## Measure the gateway against nginx and Envoy (ARGS="--json FILE")
	@$(PY) -m bench.gateway $(ARGS)

bench-page: .venv/.installed-test .venv/.kernels ## Measure the web page in a browser (ARGS="--json FILE")
	@tests/prepare
	@$(PY) -m bench.page $(ARGS)

test-faults: .venv/.installed-test .venv/.kernels ## Break things on purpose and compare the ledger (SEED=, FAULTS=full, LONG=1)
	@tests/prepare
	@$(PY) -m tests.faults $(ARGS)

test-images: .venv/.installed-test ## Build the image on a local base and start every service from it
	@tests/support/images/prove

screenshots: .venv/.installed-test .venv/.kernels ## Take the pictures of the web page
	@tests/prepare
	@$(PY) -m tests.browser.screenshots $(ARGS)

clean: ## Remove the virtual environment and caches (never data/)
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
