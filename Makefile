# What a person types. Everything else is in install.sh and the `neuronova` command.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run demo test long check bench chaos load soak fuzz scale translations texts tools install dev

help: ## Show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: install ## Install what is missing and start the platform; Ctrl-C ends it
	@exec .venv/bin/neuronova run

demo: install ## Send sample studies to the running platform
	@exec .venv/bin/neuronova demo

test: install dev ## Install what the tests need and run them all
	@exec .venv/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

long: install dev ## Run what the tests have a short form of: kills of every part at every stage, more at random
	@exec .venv/bin/python -m pytest -n 2 --dist loadfile -m long $(ARGS)

check: tools ## Check format, lint, types, import rules and what is known against dependencies
	@./install.sh system python
	@$(MAKE) dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/python .ci/audit.py

bench: install dev ## Measure the platform against its peers
	@./install.sh bench
	@exec .venv/bin/python -m bench

chaos: install dev ## Break the platform at random while a hospital works (15 minutes)
	@exec .venv/bin/python -m proof.chaos $(ARGS)

load: install dev ## Measure how long 100 radiologists wait
	@exec .venv/bin/python -m proof.load $(ARGS)

soak: install dev ## Watch the memory of each part for 30 minutes of work
	@exec .venv/bin/python -m proof.soak $(ARGS)

fuzz: install dev ## Send damaged and harmful objects for 60 minutes
	@exec .venv/bin/python -m proof.fuzz $(ARGS)

scale: install dev ## Measure users' calls in archives of growing size
	@exec .venv/bin/python -m proof.scale $(ARGS)

# `Problem:3` is what the API says of an error: pages show it in their reader's language.
POT ?= cdss_api/translations/messages.pot
texts:
	@.venv/bin/pybabel -q extract -F babel.cfg -k Problem:3 -k marked --add-location=file --no-wrap --sort-by-file \
	  --project NeuroNova --omit-header -o $(POT) cdss_api neuronova/doctor

translations: texts ## Bring the catalogs up to what pages and scripts say; new texts come empty, to be translated
	@.venv/bin/pybabel -q update -i $(POT) -d cdss_api/translations --no-wrap --no-fuzzy-matching --ignore-obsolete
	@rm $(POT)
	@.venv/bin/pybabel -q compile -d cdss_api/translations

install: tools
	@./install.sh

dev:
	@./install.sh test

tools:
	@for tool in git python3 node npm; do \
	  command -v $$tool >/dev/null || { echo "make: $$tool is missing: apt-get install git python3 nodejs npm" >&2; exit 1; }; \
	done
