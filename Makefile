# What a contributor types. `make check` is what .ci/run runs.
PYTHON ?= python

.PHONY: help install check format lint types layers commits test index clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install:  ## install the project and everything its checks need, at the pinned versions
	$(PYTHON) -m pip install -r requirements-dev.txt

check: lint types layers commits test  ## everything a change must pass

format:  ## format the code and mend what the linter can mend
	$(PYTHON) -m ruff format
	$(PYTHON) -m ruff check --fix

lint:  ## formatting and lint, changing nothing
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check

types:  ## static types
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(PYTHON) -m pyright --pythonpath "$$(command -v $(PYTHON))"

layers:  ## imports point one way
	$(PYTHON) -c "from importlinter.cli import lint_imports_command as check; check()"

commits:  ## subjects of new commits
	$(PYTHON) scripts/check_commits.py

index:  ## write the list of experiments in docs/experiments.md
	$(PYTHON) scripts/experiments_index.py

test:  ## the tests
	$(PYTHON) -m pytest

clean:  ## remove what tools leave behind (never runs/)
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
