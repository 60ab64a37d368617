# make up      set up and run everything in the foreground; Ctrl-C stops it all
# make test    every test, on a RabbitMQ of its own; with MQADMIN_FLAKY=file, as in CI, what fails runs once more
# make soak    what `make test` does shortly, at full length: 20,000 messages through each fault, every page at every
#              width in light and dark; half an hour or more
# make check   style, types, import contract, templates, migrations, deployment settings: never edits
# make fix     what `make check` can repair
# make package the wheel and the source archive, into dist/
# make manual  the manual, from docs/ and from the code, into dist/manual; fails where a link leads nowhere
# make messages  what is shown to people, gathered from the code into locale/, and compiled; ADD=pt_BR begins a language
# make bench   how fast and how small it is, beside its peers (benchmarks/README.md); ROUNDS=5
# make screenshots  pictures of every page into docs/images
#
# Variables of `make up` (make up PORT=8001): PORT, HOST, RABBITMQ_URL, RABBITMQ_MANAGEMENT_URL, DATABASE_URL,
# DEMO, MQADMIN_VAR, MQADMIN_BASE_PATH, BROKER_AMQP_PORT, BROKER_HTTP_PORT.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCHMARKS ?= consume lifecycle supervise inbox deadletters
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help up python test soak check fix package manual bench screenshots messages venv venv-dev venv-bench clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile

up: python
	@$(PYTHON) -m deploy.prepare && exec $(BIN)/python -m mqadmin.up.foreground

python:
	@command -v $(PYTHON) >/dev/null || { echo "mqadmin: there is no $(PYTHON) here. Install Python 3.11 or newer" \
		"(sudo apt-get install python3), or name one: make up PYTHON=python3.12" >&2; exit 1; }

venv: python
	@$(PYTHON) -m deploy.venv requirements.txt

venv-dev: python
	@$(PYTHON) -m deploy.venv requirements-dev.txt

venv-bench: python
	@$(PYTHON) -m deploy.venv requirements-bench.txt

test: venv-dev
	@$(PYTHON) -m deploy.test_packages
	@$(BIN)/python -m $(if $(MQADMIN_FLAKY),deploy.twice,pytest) -n 4 --dist worksteal tests

soak: venv-dev
	@$(PYTHON) -m deploy.test_packages
	@MQADMIN_SOAK=1 $(BIN)/python -m pytest -s tests/faults/soak tests/faults/test_guessing.py tests/history/test_history.py \
		tests/consumers/supervisor/live/test_clock.py tests/consumers/supervisor/live/test_two_people.py \
		tests/consumers/runtime/channel/test_consumer_connection.py \
		tests/browser/test_message_life.py tests/browser/test_every_page.py tests/browser/test_every_noun.py \
		tests/browser/test_below_a_path.py tests/deploy/test_up.py tests/core/test_access_matrix.py \
		tests/core/test_hostile_requests.py tests/core/api/test_contract.py tests/core/api/test_strictness.py \
		tests/core/test_starting.py tests/core/test_base_path.py tests/queues/pages/test_listing.py \
		tests/deadletters/search/test_query.py tests/deadletters/acts/test_export_import.py tests/rabbit/reading/test_bodies.py tests/rabbit/test_codec.py \
		tests/rabbit/publishing/test_connection.py tests/deadletters/real/test_peeking.py $(if $(ONLY),-k "$(ONLY)")

check: venv-dev
	@$(BIN)/python -m deploy.check

fix: venv-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@find templates -name '*.html' -exec $(BIN)/djade --target-version 5.2 {} +

package: venv-dev
	@rm -rf dist
	@$(BIN)/python -m hatchling build

manual: venv-dev
	@$(BIN)/python -m deploy.manual

messages: venv-dev
	@$(BIN)/python -m deploy.messages $(if $(ADD),--add $(ADD))

bench: venv-bench
	@for name in $(BENCHMARKS); do \
		$(BIN)/python -m benchmarks.$$name $(if $(ROUNDS),--rounds $(ROUNDS)) || exit 1; \
	done

screenshots: venv-dev
	@$(PYTHON) -m deploy.test_packages
	@$(BIN)/python -m deploy.screenshots

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed the virtual environment and all caches. Data stays in var/."
