# make demo   makes a patient and renders three planes of her, in an environment of its own (.venv)
# make test   everything that has to pass before a change is merged
# make docs   the documentation, in docs/_build/html
# make pictures   the pictures of patients, findings and the phantom in the documentation, anew

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
OUT ?= out/demo
# planes of the patient, and how they are looked at
PLANES := transthalamic abdominal_circumference femur
SCANNER := --quality scanner --even-tgc
# realistic: a network makes a realistic image beside each, if its weights ship; LOOK= leaves it out,
# and WEIGHTS=RUN takes others; it brings torch, and has learned from images of so many rows
LOOK ?= $(if $(wildcard src/insonate/looks/realistic/card.json),realistic)
WEIGHTS ?=
LOOK_ROWS ?= 256
LOOKED := $(if $(LOOK),--look $(LOOK) $(if $(WEIGHTS),--weights $(WEIGHTS)) --set display.rows=$(LOOK_ROWS))

.PHONY: demo test docs pictures clean

demo: .venv/$(if $(LOOK),look,core).stamp
	@$(BIN)/insonate patient --format none --no-preview --out $(OUT)
	@for plane in $(PLANES); do \
	  $(BIN)/insonate render $(OUT)/patient.json --view $$plane $(SCANNER) $(LOOKED) --out $(OUT)/$$plane || exit 1; \
	done
	@echo "Pictures: $(OUT)/*/figure.png"

test: .venv/dev.stamp
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -n auto --dist loadfile

docs: .venv/dev.stamp
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

pictures: .venv/core.stamp
	@mkdir -p docs/pictures
	@$(BIN)/insonate patient --format none --out out/pictures
	@$(BIN)/python -c "from PIL import Image; i = Image.open('out/pictures/preview.png').convert('RGB'); \
	  i.resize((1200, i.height * 1200 // i.width), 1).save('docs/pictures/patient.jpg', quality=84)"
	@$(BIN)/insonate render qa --quality fine --out out/pictures/qa
	@cp out/pictures/qa/figure.png docs/pictures/qa.png
	@$(BIN)/python examples/patients.py out/pictures && cp out/pictures/patients.png docs/pictures
	@$(BIN)/python examples/findings.py out/pictures && cp out/pictures/findings.jpg docs/pictures

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

.venv/look.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing insonate with torch"
	@$(PIP) -e '.[learning]'
	@touch $@ .venv/core.stamp

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing insonate with its tests' needs"
	@$(PIP) -e '.[dev]'
	@touch $@ .venv/core.stamp .venv/look.stamp
