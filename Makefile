# Works with GNU make 3.81 and later. The only requirements are Python 3.11 to 3.13, make and a C compiler.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 \
	&& echo $$python && break; done)
JOBS ?= 2
BIN = .venv/bin
INSTALLED = .venv/.installed

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL = help
.PHONY: help setup demo test check format bench dashboard constraints clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 was found; install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt --build-constraints constraints.txt \
		--editable '.[dev]'
	touch $@

setup: $(INSTALLED) ## Create .venv and install everything into it (the other targets do this by themselves)

demo: $(INSTALLED) ## Take two cases from submission to decision: one refused, one signed and sealed
	$(BIN)/greenlight demo $(ARGS)

test: $(INSTALLED) ## Run all tests on both databases (ARGS="..." goes to pytest, JOBS=N sets the workers)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(INSTALLED) ## Lint, check formatting, types and the dependency rule
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED) ## Format the code and mend what the linter can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(INSTALLED) ## Measure speed, each figure beside its peers
	@for script in benchmarks/*.py; do \
		test -e "$$script" || continue; echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

dashboard: $(INSTALLED) ## Open the dashboard on this machine
	$(BIN)/greenlight dashboard $(ARGS)

constraints: $(INSTALLED) ## Resolve all versions anew for Linux and macOS
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --upgrade --quiet \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file constraints.txt pyproject.toml

clean: ## Remove the virtual environment, caches and builds; records under .greenlight stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
