.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

help:  ## Print the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

# The stamp is newer than these files once what they ask for is installed, and the checkout as a package.
.venv/installed: requirements.txt pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info < (3, 14) else \
		"Python 3.10 to 3.13 is needed, $(PYTHON) is " + sys.version.split()[0] + ": make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

setup: .venv/installed  ## Create .venv, install requirements.txt and the command imaging, once

.venv/search: .venv/installed requirements-search.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-search.txt
	@touch $@

search: .venv/search  ## Install what sweep=search needs as well

.venv/formats: .venv/installed requirements-formats.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-formats.txt
	@touch $@

formats: .venv/formats  ## Install what FITS, MATLAB 7.3 and some compressed TIFF files need as well

.venv/notebooks: .venv/installed requirements-notebooks.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-notebooks.txt
	@touch $@

notebooks: .venv/notebooks  ## Run the notebooks, into notebooks/*.ipynb with their figures (some minutes)
	printf '%s\n' notebooks/*.py | xargs -P 2 -n 1 $(BIN)/jupytext --quiet --to ipynb --set-kernel python3 --execute

.venv-docs/installed: requirements-docs.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

docs: .venv-docs/installed  ## Build the site into build/site, with warnings as errors
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

demo: setup  ## Train and compare all three studies on the bundled photographs (some minutes)
	$(BIN)/python train.py experiment=inpainting_bundled
	$(BIN)/python train.py sweep=bias_ablation model.hidden_channels=32 trainer.max_epochs=6
	$(BIN)/python train.py sweep=deconvolution trainer.max_epochs=2

# The tests' networks are too small to gain from threads: a process of one thread for each core.
test: setup  ## Run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal -m "not slow and not published"

# Not more than two at a time: many of these tests start several processes of their own. Slurm has its time limits.
test-slow: setup  ## Run the slow tests (a quarter of an hour)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m slow --durations 12 --ignore tests/slurm
	$(BIN)/python -m pytest -m slow tests/slurm

# Each requirement at its lower bound. torch 2.6 from PyPI brings CUDA with it: several gigabytes.
.venv-oldest/installed: requirements.txt
	$(PYTHON) -m venv .venv-oldest
	sed -E '/^(#|$$)/d; s/ *#.*//; s/>=([^,]+),.*/==\1/' requirements.txt > .venv-oldest/requirements.txt
	.venv-oldest/bin/pip install --quiet --disable-pip-version-check -r .venv-oldest/requirements.txt
	@touch $@

test-oldest: .venv-oldest/installed  ## Run the tests with the lowest versions that requirements.txt allows
	OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest -n auto --maxprocesses 4 --dist worksteal \
		-m "not slow and not published"

published: setup  ## Compare published networks with their published PSNR (twenty minutes, needs their files)
	$(BIN)/python -m pytest -m published -s

benchmark: setup  ## Measure speed and memory against other ways (ten minutes), into benchmarks/README.md
	$(BIN)/python benchmarks/all.py

attack: setup  ## Attack it: wrong settings, damaged files, hostile pictures, full disks, tampered runs (half an hour)
	$(BIN)/python tests/attacks/all.py $(ATTACK)

gpu: setup  ## Prove speed, equal numbers and resuming on a GPU (ten minutes), into benchmarks/gpu.md
	$(BIN)/python benchmarks/gpu.py

lint: setup  ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## Mend style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove .venv and caches; runs and data stay
	rm -rf .venv .venv-oldest .venv-docs .pytest_cache .ruff_cache .mypy_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup search formats notebooks docs demo test test-slow test-oldest published benchmark attack gpu lint format clean
