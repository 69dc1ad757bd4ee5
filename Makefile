# make demo    decompose the demo clip in a real Blender and show the figures
# make test    everything that must pass
# make help    the rest

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BLENDERS := 4.2 4.5 5.0
# Any 3.11 will do: Blender's wheels are made for it. make PYTHON=/path/to/python3.11 chooses one.
PYTHON ?= $(shell command -v python3.11 || \
    (python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && command -v python3))
UV := $(shell command -v uv)
# A CPU build is enough; pip takes it where its configuration offers one, otherwise the default build.
TORCH ?= torch==2.13.0
DEMO_OUT ?= demo_out
PYTEST_FLAGS ?= -q
# Jobs of the test run. Two, as on the smallest machine that the time limits are for.
JOBS ?= 2
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

PY := .venv/bin/python
PIP_INSTALL = bin/python -m pip install --quiet --disable-pip-version-check
BLENDER_ENVS := $(BLENDERS:%=.venv-bpy-%)
ENVS := .venv $(BLENDER_ENVS)
SOURCES := toondecompose_blender backend tests benchmarks tools build_addon.py

export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help demo test test-all lint test-backend test-blender test-end-to-end zip environments clean distclean \
        $(ENVS) $(BLENDERS:%=test-blender-%)

help:
	@sed -n '/^# make /s/^# //p' Makefile
	@echo "make test-backend | test-blender | test-end-to-end | lint    parts of the tests"
	@echo "make zip           dist/toondecompose-VERSION.zip for Blender"
	@echo "make environments  .venv and .venv-bpy-*, about 5 GB"
	@echo "make clean         what was built; make distclean: the environments too"

# ------------------------------------------------------------------------------------------------- environments

define NO_PYTHON
Python 3.11 was not found: install it (for example with `uv python install 3.11`, or your system's python3.11 and
python3.11-venv packages), or name one with `make PYTHON=/path/to/python3.11`.
endef
export NO_PYTHON

# An environment that is there already, however it was made, is only brought up to its list.
define make_venv
@if [ ! -x $(1)/bin/python ]; then \
    if [ -n "$(PYTHON)" ]; then echo "making $(1)"; "$(PYTHON)" -m venv $(1); \
    elif [ -n "$(UV)" ]; then echo "making $(1) with uv"; "$(UV)" venv --quiet --seed --python 3.11 $(1); \
    else echo "$$NO_PYTHON" >&2; exit 1; fi; \
fi
endef

environments: $(ENVS)
$(ENVS): %: %/.made

.venv/.made: tools/environments/backend.txt backend/pyproject.toml
	$(call make_venv,.venv)
	@echo "installing into .venv"
	@.venv/$(PIP_INSTALL) "$(TORCH)"
	@.venv/$(PIP_INSTALL) -r tools/environments/backend.txt
	@.venv/$(PIP_INSTALL) --no-build-isolation -e backend
	@touch $@

.venv-bpy-%/.made: tools/environments/blender-%.txt
	$(call make_venv,.venv-bpy-$*)
	@echo "installing into .venv-bpy-$*"
	@.venv-bpy-$*/$(PIP_INSTALL) -r $<
	@touch $@

# -------------------------------------------------------------------------------------------------------- tests

# The parts share the machine's cores, and torch and numpy would each start a thread for every one of them. Each part's
# report comes in one piece when it ends.
test test-backend test-blender test-end-to-end $(BLENDERS:%=test-blender-%): export OMP_NUM_THREADS ?= 1
test test-backend test-blender test-end-to-end $(BLENDERS:%=test-blender-%): export OPENBLAS_NUM_THREADS ?= 1
test: environments
	@start=$$SECONDS; $(MAKE) --no-print-directory --keep-going -j$(JOBS) $(SYNC) test-all; \
	 echo "make test: everything passed in $$((SECONDS - start)) s"

# in the order of length, longest first, so that two jobs end together
test-all: test-backend test-end-to-end $(BLENDERS:%=test-blender-%) lint

lint: .venv/.made
	$(PY) -m ruff check $(SOURCES)

test-backend: .venv/.made
	$(PY) -m pytest $(PYTEST_FLAGS) tests/backend

test-blender: $(BLENDERS:%=test-blender-%)

$(BLENDERS:%=test-blender-%): test-blender-%: .venv-bpy-%/.made
	.venv-bpy-$*/bin/python -m pytest $(PYTEST_FLAGS) -p no:cacheprovider tests/blender

test-end-to-end: environments
	$(PY) -m pytest $(PYTEST_FLAGS) tests/end_to_end

# ---------------------------------------------------------------------------------------------- demo and release

demo: .venv/.made .venv-bpy-5.0/.made
	$(PY) tools/demo.py --out "$(DEMO_OUT)" --blender .venv-bpy-5.0/bin/python

zip: .venv/.made .venv-bpy-5.0/.made
	$(PY) build_addon.py --index

clean:
	rm -rf dist build backend/build "$(DEMO_OUT)" .pytest_cache .ruff_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(ENVS) backend/*.egg-info
