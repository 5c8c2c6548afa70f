# The commands of this project; each makes sure first that .venv has what it needs. `make` alone lists them.
PYTHON ?=
QUICK ?=
VENV_PYTHON := .venv/bin/python
CACHES := .mypy_cache .pytest_cache .ruff_cache build dist recon.egg-info

export PYTHON

.DEFAULT_GOAL := help
.PHONY: help install test demo format clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

install: ## make .venv (PYTHON=python3.12 chooses the Python) and install recon there, unless nothing changed
	@sh scripts/install.sh

test: install ## check style and types, and run the tests
	@echo "== ruff check";          $(VENV_PYTHON) -m ruff check .
	@echo "== ruff format --check"; $(VENV_PYTHON) -m ruff format --check .
	@echo "== mypy";                $(VENV_PYTHON) -m mypy
	@echo "== pytest";              $(VENV_PYTHON) -m pytest

demo: install ## make data, train, measure and report on embedded data (a quarter of an hour; QUICK=1: minutes)
	@$(VENV_PYTHON) -m recon demo $(if $(filter-out 0,$(QUICK)),--quick)

format: install ## format the code and mend what ruff can mend
	@$(VENV_PYTHON) -m ruff check --fix-only --quiet .
	@$(VENV_PYTHON) -m ruff format .

clean: ## remove caches and build leftovers; .venv, data and runs stay
	@rm -rf $(CACHES)
	@find . \( -path ./.git -o -path ./.venv -o -path ./data -o -path ./runs \) -prune \
		-o -type d -name __pycache__ -prune -exec rm -rf {} +
