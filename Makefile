# Everything a person or CI does with this project. Each target does its own set-up; it needs Python 3.11+, make and git.

PORT ?=
OPEN ?= 1
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
STARTED := $(VENV)/.installing
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
TWO_FILES := --numprocesses=2 --dist=loadfile
BENCHMARKS := $(wildcard tests/benchmarks/bench_*.py)

.PHONY: help setup lab test bench notebook-figures clean

help:
	@echo "make lab               set up, then start JupyterLab on the first notebook (PORT=8899, OPEN=0: no browser)"
	@echo "make test              set up, then lint, types, tests, notebooks and pages in a real browser"
	@echo "make bench             set up, then run every benchmark, one after another"
	@echo "make notebook-figures  set up, then refresh the README's pictures from executed notebooks"
	@echo "make setup             the environment alone, in $(VENV)"
	@echo "make clean             remove the environment and the caches of this folder"

setup: $(STAMP)

# Nothing is compiled ahead: Python compiles the part of the libraries that it comes to use, which is the smaller one.
# The stamp is written last, so a set-up that was cut short leaves none; what it left half-installed is thrown away.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv was not found." \
		"Install it (Debian: python3-venv), or name it: make setup PYTHON=/path/to/python3" >&2; exit 2; }
	@if [ -e $(STARTED) ]; then find $(VENV) -mindepth 1 ! -path $(STARTED) -delete; fi
	@mkdir -p $(VENV) && touch $(STARTED) && rm -f $@
	@echo "Making $(VENV) from constraints.txt: a few minutes, once."
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(RUN) -m pip install --no-compile \
		--disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(RUN) -m pip install --no-compile \
		--disable-pip-version-check --editable '.[dev]'
	@if test -f "$$($(RUN) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" && $(CXX) --version >/dev/null 2>&1; \
		then PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(RUN) -m pip install --no-compile \
		--disable-pip-version-check hnswlib || echo "hnswlib did not compile and is left out; everything else works."; fi
	@rm -f $(STARTED) && touch $@

lab: $(STAMP)
	@exec $(VENV)/bin/workbench lab $(if $(PORT),--port $(PORT)) $(if $(filter 0,$(OPEN)),--no-open)

# Files run side by side, so each gets one thread of OpenMP and of OpenBLAS: more would wait for each other, and waiting
# threads spin and take the core from the other file. Tests of several threads ask for them.
test: export OMP_WAIT_POLICY := PASSIVE
test: export OMP_NUM_THREADS := 1
test: $(STAMP)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy --strict workbench/
	$(if $(NOTEBOOKS),$(RUN) -m nbstripout --verify $(NOTEBOOKS))
	$(RUN) -m pytest tests --ignore=tests/browser $(TWO_FILES)
	$(RUN) -m pytest tests/browser $(if $(NOTEBOOKS),--nbmake $(NOTEBOOKS)) $(TWO_FILES) --no-loadscope-reorder

bench: $(STAMP)
	@failed=0; for file in $(BENCHMARKS); do \
		$(RUN) -m "$$(echo "$${file%.py}" | tr / .)" || failed=1; \
	done; exit $$failed

notebook-figures: $(STAMP)
	$(RUN) -m tests.notebook_figures

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .virtual_documents build dist *.egg-info
	find . -path ./.git -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
