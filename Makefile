# `make demo` shows what nbbanana does, `make test` shows that it works, `make help` lists the rest.
# Needs Python >= 3.11 with pip, and make. PYTHON names another interpreter, VENV another environment.

PYTHON ?= python3
VENV ?= .venv
# Tests wait for disks, browsers and kernels about as long as they calculate: two at once for each core.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')
TESTS ?= tests
# What pip installs to work on it; CI needs less of it on the other Pythons.
DEV ?= '.[demo,lab,serve]' --group dev
BIN := $(VENV)/bin
# Bytecode is made of what is imported, when it is: of all that is installed it takes twice the time.
INSTALL = $(BIN)/pip install --quiet --no-compile
# Stores sync all that they write. Where there is a file system in memory with four gigabytes to spare, from which
# programs may run, tests take a seventh less time there.
IN_MEMORY = $(shell $(PYTHON) -c 'import os; s = os.statvfs("/dev/shm"); \
	print("TMPDIR=/dev/shm" if s.f_bavail * s.f_frsize > 4 << 30 and not s.f_flag & os.ST_NOEXEC else "")' 2>/dev/null)
PYTEST = $(IN_MEMORY) $(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder \
	--ignore=tests/benchmarks
DEMO := build/demo
SOURCES := pyproject.toml $(shell find nbbanana -type f -not -name '*.pyc')
# The demo never spends money: the sandbox answers, and the store is its own.
SANDBOXED := env -u RUNCOMFY_TOKEN -u NBBANANA_MODE NBBANANA_PROVIDER=sandbox NBBANANA_STORE='$(CURDIR)/$(DEMO)/store'
FAST := not browser and not kernel and not nightly and not soak and not benchmark
# How many examples, and how large the long forms: a multiple of what `make test` runs.
SCALE ?= 10
# At 1 the laws of hypothesis are as long as in `make test`, which ran them.
NIGHTLY := ($(if $(filter 1,$(SCALE)),nightly,nightly or hypothesis)) and not soak and not benchmark

# Tests start some hundred interpreters; each would compile nbbanana anew where bytecode is not kept.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo lab test fast nightly soak lint benchmark chromium clean

help:  ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(DEMO)/quickstart.html  ## Run the quickstart for real, in the sandbox, and make a page of it
	@printf '%s\n' 'The notebook as it ran:  $(CURDIR)/$(DEMO)/quickstart.ipynb' \
		'The same as a page:      $(CURDIR)/$(DEMO)/quickstart.html' \
		'Open it in JupyterLab:   make lab'

lab: $(DEMO)/quickstart.html $(VENV)/.lab  ## Open JupyterLab on the demo (NBBANANA_PROVIDER=runcomfy to pay)
	NBBANANA_PROVIDER="$${NBBANANA_PROVIDER:-sandbox}" NBBANANA_STORE='$(CURDIR)/$(DEMO)/store' \
		$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) $(DEMO)/quickstart.ipynb

test: $(VENV)/.dev  ## Run every quick test; without Chromium, all but those in a browser
	$(PYTEST)

fast: $(VENV)/.dev  ## Run the tests that need neither a kernel nor a browser
	$(PYTEST) -m '$(FAST)' $(TESTS)

nightly: $(VENV)/.dev  ## Run the long forms: all hosts and widths, hostile words, SCALE times the examples
	NBBANANA_SCALE=$(SCALE) $(PYTEST) -m '$(NIGHTLY)'

soak: $(VENV)/.dev  ## Run what takes hours, by hand: prints its counts
	$(BIN)/python -m pytest -m soak -s --timeout=0

lint: $(VENV)/.dev  ## Check style, types, layers and the JavaScript
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/oxlint --config .ci/oxlint.json --deny-warnings nbbanana/widgets/static

benchmark: $(VENV)/.dev  ## Measure: prints tables
	$(BIN)/python -m pytest -m benchmark -s

clean:  ## Remove what was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find nbbanana tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The kernel's log says at every start that it talks over TCP; on loopback that is no news, hence log_level.
$(DEMO)/quickstart.html: notebooks/quickstart.ipynb $(SOURCES) $(VENV)/.demo
	@echo 'Running notebooks/quickstart.ipynb in the sandbox; that takes about half a minute ...'
	@rm -rf $(DEMO)
	@mkdir -p $(DEMO)
	@cp notebooks/quickstart.ipynb $(DEMO)/quickstart.ipynb
	@$(SANDBOXED) $(BIN)/jupyter nbconvert --log-level=WARN --to notebook --execute --inplace \
		--ExecutePreprocessor.kernel_name=python3 --ExecutePreprocessor.timeout=600 \
		--ExecutePreprocessor.extra_arguments=--IPKernelApp.log_level=40 $(DEMO)/quickstart.ipynb
	@$(BIN)/jupyter nbconvert --log-level=WARN --to html $(DEMO)/quickstart.ipynb

chromium:  ## Install Chromium from Debian where it is not here, the one without windows: tests take less with it
	@export DEBIAN_FRONTEND=noninteractive; \
	if command -v chromium-headless-shell; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
		&& { apt-get install -y -qq chromium-headless-shell || apt-get install -y -qq chromium; }; then :; \
	elif command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	else echo 'Chromium is not here and cannot be installed without root and apt-get: the browser tests are skipped.'; fi

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nbbanana needs Python 3.11 or newer; say which: make PYTHON=python3.12")'
	@echo 'Making $(VENV) ...'
	@$(PYTHON) -m venv --upgrade-deps $(VENV)
	@touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.made
	@echo 'Installing into $(VENV) ...'
	@$(INSTALL) --editable '.[demo]'
	@touch $@

$(VENV)/.lab: pyproject.toml $(VENV)/.made
	@echo 'Installing into $(VENV) ...'
	@$(INSTALL) --editable '.[demo,lab]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.made
	@echo 'Installing into $(VENV) ...'
	@$(INSTALL) --editable $(DEV)
	@touch $@
