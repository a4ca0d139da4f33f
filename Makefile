# `make run` needs Python 3.11 or newer and a network, nothing else. `make` alone lists the targets.
# PYTHON=...       the Python to build .venv with; otherwise the first suitable one on PATH
# TORCH_INDEX=URL  an additional package index, for example PyTorch's own with its smaller CPU builds

VENV := .venv
BIN := $(VENV)/bin
PYTHONS := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)
UV := $(shell command -v uv 2>/dev/null)
INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

# Another project's settings in the shell must not leak into this one.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV DJANGO_SETTINGS_MODULE

ifdef UV
MAKE_VENV = $(UV) venv --quiet $(VENV) --python
# pip's way of choosing: the best version of all indexes, not the first index that has any.
INSTALL = $(UV) pip install --python $(BIN)/python --index-strategy unsafe-best-match $(INDEX)
else
MAKE_VENV = sh -c '"$$0" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }'
# ensurepip: an environment that uv made has no pip.
PIP = $(BIN)/python -m pip --disable-pip-version-check
INSTALL = $(PIP) --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; $(PIP) install $(INDEX)
endif

.DEFAULT_GOAL := help
.PHONY: help run test check format messages lock sbom licences bench-peers screenshots

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/requirements.stamp  ## start the application at http://127.0.0.1:8000; Ctrl-C stops it
	@exec $(BIN)/python manage.py start

test: $(VENV)/requirements-dev.stamp  ## run the tests
	@$(BIN)/python -m pytest --numprocesses 3

check: $(VENV)/requirements-dev.stamp  ## look for faults without running the application
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy .
	$(BIN)/djlint --lint templates
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker-compose.tls.yml
	$(BIN)/hadolint Dockerfile
	$(BIN)/lint-imports
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(VENV)/requirements-dev.stamp  ## lay the code out
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

messages: $(VENV)/requirements.stamp  ## collect and compile the translations (needs gettext)
	$(BIN)/python manage.py makemessages --locale ja --no-location --no-wrap --no-obsolete --ignore $(VENV)
	$(BIN)/python manage.py compilemessages --locale ja --ignore $(VENV)

lock: $(VENV)/requirements-dev.stamp  ## note the version and the hashes of every package for images
	$(BIN)/python deploy/lock.py

sbom: $(VENV)/requirements-dev.stamp  ## list what an image holds as build/sbom.json (CycloneDX)
	@mkdir -p build
	@cat requirements.lock requirements-torch.lock | $(BIN)/cyclonedx-py requirements --output-reproducible --output-file build/sbom.json -
	@echo "build/sbom.json"

licences: $(VENV)/requirements-dev.stamp  ## write docs/licences.md
	$(BIN)/python deploy/licences.py

bench-peers: $(VENV)/requirements-dev.stamp  ## measure against LitServe, Gradio and BentoML (a quarter of an hour)
	$(BIN)/python -m benchmarks.peers

screenshots: $(VENV)/requirements-dev.stamp  ## take docs/screenshots anew (needs Chromium)
	@rm -f docs/screenshots/*.webp
	DJANGO_SETTINGS_MODULE=imageanalysis.settings $(BIN)/python -m imageanalysis.tests.screenshots

$(BIN)/python:
	@rm -rf $(VENV); for python in $(PYTHONS); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  echo "Making the virtual environment $(VENV) with $$python ..."; \
	  $(MAKE_VENV) "$$python"; exit; \
	done; \
	echo "No Python 3.11 or newer among: $(PYTHONS). Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1

$(VENV)/%.stamp: %.txt | $(BIN)/python
	@echo "Installing $< (the first time this takes minutes) ..."
	@$(INSTALL) -r $<
	@touch $@

$(VENV)/requirements-dev.stamp: $(VENV)/requirements.stamp
