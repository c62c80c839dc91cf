# make demo   renders the built-in scene, in an environment of its own (.venv)
# make test   everything that has to pass before a change is merged
# make docs   the documentation, in docs/_build/html
# make pictures   the README's picture of the phantom, anew

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
OUT ?= out/demo

.PHONY: demo test docs pictures clean

demo: .venv/core.stamp
	@$(BIN)/insonate render qa --quality fine --out $(OUT)
	@echo "Pictures: $(OUT)/"

test: .venv/dev.stamp
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest

docs: .venv/dev.stamp
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

pictures: demo
	@mkdir -p docs/pictures
	@cp $(OUT)/figure.png docs/pictures/qa.png

clean:
	rm -rf docs/_build out build dist

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making an environment in .venv"
	@$(PYTHON) -m venv .venv

.venv/core.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing insonate"
	@$(PIP) -e .
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing insonate with its tests' needs"
	@$(PIP) -e '.[dev]'
	@touch $@ .venv/core.stamp
