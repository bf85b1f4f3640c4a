# The commands for people and for CI. `make` alone lists them.
PYTHON ?= python3
PORT   ?= 8000
ARGS   ?=
BIN    := .venv/bin
PY     := $(BIN)/python

# uv where it is installed, because it is faster; pip does the same, from the same locked hashes.
INSTALL := $(if $(shell command -v uv),uv pip install --quiet --python $(PY),$(PY) -m pip --disable-pip-version-check install --quiet)

.DEFAULT_GOAL := help
.PHONY: help run test test-all check audit format lock docs package sbom images bench-engine bench-gateway bench-edge bench-call bench-page bench-pipeline test-edge test-faults test-images screenshots clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@echo "Creating the virtual environment in .venv"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv .venv

# A stamp for each set of packages: it is installed again only when the lock file changes.
.venv/.installed-run: requirements.lock pyproject.toml .ci/locked.py | $(BIN)/python
	@echo "Installing the packages (once)"
	@$(PY) .ci/locked.py services >.venv/run.txt && $(INSTALL) --require-hashes -r .venv/run.txt
	@touch $@

.venv/.installed-test: requirements.lock pyproject.toml .ci/locked.py | $(BIN)/python
	@echo "Installing the packages for the tests (once)"
	@$(PY) .ci/locked.py dev >.venv/dev.txt && $(INSTALL) --require-hashes -r .venv/dev.txt
	@touch $@ .venv/.installed-run

# Compile the dithering kernels before the first picture needs them, and again when a file that they
# are made of has changed.
KERNELS := dither_engine/compiled dither_engine/methods dither_engine/light.py dither_engine/masks/__init__.py
.venv/.kernels: $(shell find $(KERNELS) -name "*.py") | .venv/.installed-run
	@find dither_engine -name "*.nb[ic]" -delete # the cache does not see what a kernel inlines
	@$(PY) -m dither_engine --warm
	@touch $@

run: .venv/.installed-run .venv/.kernels ## Start everything on this machine, without Docker (PORT=8000)
	@PORT=$(PORT) exec $(PY) -m standalone $(ARGS)

# Two processes: pytest-xdist gives each its own broker and database when one of its tests asks.
PYTEST := $(PY) -m pytest -n 2
QUICK  := tests/unit tests/page tests/contract

test: .venv/.installed-test .venv/.kernels ## Run the unit and contract tests (ARGS="-k name" for some)
	@$(PYTEST) $(ARGS) $(QUICK)

# Breaking things on purpose needs both processors, so those tests run alone.
test-all: .venv/.installed-test .venv/.kernels ## Run all tests, on a real Kafka, Postgres and browser
	@tests/prepare
	@$(PYTEST) $(QUICK)
	@$(PYTEST) --dist loadscope $(QUICK:%=--ignore=%) --ignore=tests/faults
	@$(PY) -m pytest tests/faults

check: .venv/.installed-test ## Lint, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

audit: .venv/.installed-test ## Known vulnerabilities and licences of what the services bring along
	@$(PY) .ci/audit.py

format: .venv/.installed-test ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: | $(BIN)/python ## Bring requirements.lock up to date with pyproject.toml (ARGS=--upgrade, ARGS="-P name")
	@[ -x $(BIN)/uv ] || $(PY) -m pip install --quiet uv # a lock that lacks a package installs nothing
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links $(ARGS) pyproject.toml -o requirements.lock

docs: .venv/.installed-test ## Write anew what is made from the code: OpenAPI, AsyncAPI, options, .env.example
	@$(PY) -m tests.support.openapi_document
	@$(PY) -m tests.support.asyncapi_document
	@$(PY) -m tests.support.options_table
	@$(PY) -m tests.support.env_example

package: .venv/.installed-test ## Build the wheel and the source archive into dist/
	@$(PY) -m build --no-isolation $(ARGS)

sbom: .venv/.installed-test ## Write dist/sbom.cdx.json: all packages that an image installs (CycloneDX)
	@mkdir -p dist && $(PY) -m venv --without-pip --clear dist/sbom
	@$(PY) .ci/locked.py server >dist/sbom/server.txt
	@$(PY) -m pip --disable-pip-version-check --python dist/sbom/bin/python install --quiet --require-hashes -r dist/sbom/server.txt
	@.ci/sbom $(abspath $(BIN)) $(abspath dist/sbom) >dist/sbom.cdx.json && rm -rf dist/sbom

images: ## Build and push the images for amd64 and arm64 (REGISTRY=example.org/ann TAG=1.0.0)
	@REGISTRY=$(REGISTRY) TAG=$(TAG) deploy/images

bench-engine: .venv/.installed-test .venv/.kernels ## Measure the engine against other ditherers (ARGS="--json FILE")
	@$(PY) -m bench.engine $(ARGS)

bench-gateway: .venv/.installed-test ## Measure the gateway against nginx and Envoy (ARGS="--json FILE")
	@$(PY) -m bench.gateway $(ARGS)

bench-edge: .venv/.installed-test ## Measure the edge: cache, inspection, floods (ARGS="--json FILE")
	@tests/prepare
	@$(PY) -m bench.edge $(ARGS)

bench-pipeline: .venv/.installed-test .venv/.kernels ## Measure the whole system beside its engine (BROKER=kafka, ARGS="--json FILE")
	@$(PY) -m bench.pipeline $(ARGS)

bench-call: .venv/.installed-test .venv/.kernels ## Measure POST /dither beside its engine (ARGS="--json FILE")
	@$(PY) -m bench.one_call $(ARGS)

bench-page: .venv/.installed-test .venv/.kernels ## Measure the web page in a browser (ARGS="--json FILE")
	@tests/prepare
	@$(PY) -m bench.page $(ARGS)

test-edge: .venv/.installed-test ## Show what the edge does, with the real nginx (ARGS="-k name")
	@tests/prepare
	@$(PY) -m pytest tests/edge $(ARGS)

test-faults: .venv/.installed-test .venv/.kernels ## Inject faults and check that nothing is lost (SEED=, FAULTS=full, LONG=1)
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
