# `make` alone lists the targets.
PYTHON ?= python3
BIN := .venv/bin
RAW ?=
RAW_OPTION := $(if $(RAW),--raw "$(RAW)")

.DEFAULT_GOAL := help
.PHONY: help demo serve test check lint terraform checkov secrets audit proof history live-check backup restore lock benchmarks scale skill picture clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(BIN)/celec ## forecasts on a sample, or on your own raw files: make demo RAW=/some/folder
	$(BIN)/celec demo $(RAW_OPTION)

serve: $(BIN)/celec ## the report as a web page, at http://localhost:8080, or where there is room: make serve PORT=8081
	$(BIN)/celec serve $(if $(PORT),--port $(PORT))

test: $(BIN)/celec ## every test but the slow ones
	$(BIN)/python -m pytest -m "not slow" --numprocesses auto --dist loadfile

check: $(BIN)/celec ## the pipeline in a new lake; fails when an asset check does; writes check-results.xml
	$(BIN)/celec check $(RAW_OPTION)

lint: $(BIN)/celec ## style, format and types; scripts, workflows and Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck scripts/*.sh
	$(BIN)/hadolint Dockerfile
	PATH="$(BIN):$$PATH" $(BIN)/actionlint

terraform: ## Terraform's own checks; needs Terraform, and a network for the provider
	terraform fmt -check -recursive terraform
	for folder in terraform/bootstrap terraform/environments/*; do \
		terraform -chdir=$$folder init -backend=false -input=false > /dev/null && \
		terraform -chdir=$$folder validate || exit 1; \
	done
	for folder in $$(find terraform -name tests -type d -not -path '*/.terraform/*' -printf '%h\n'); do \
		terraform -chdir=$$folder init -backend=false -input=false > /dev/null && \
		terraform -chdir=$$folder test || exit 1; \
	done

checkov: .venv-checkov/bin ## known mistakes in Terraform's code; those with a reason stand beside their resource
	.venv-checkov/bin/checkov --directory terraform --framework terraform --skip-download --quiet --compact

secrets: .venv-checkov/bin ## passwords and keys that do not belong into the code
	.venv-checkov/bin/checkov --directory . --framework secrets --skip-download --quiet --compact

audit: .venv-pip-audit/bin ## known vulnerabilities of what is locked; asks the network
	.venv-pip-audit/bin/pip-audit --require-hashes --disable-pip --requirement requirements.txt

proof: lint check benchmarks ## everything: lint, all tests, checks, benchmarks
	$(BIN)/python -m pytest

benchmarks: $(BIN)/celec ## the figures that the README quotes
	$(BIN)/python -m benchmarks

scale: $(BIN)/celec ## a thousand stations beside six: docs/scaling.md; half an hour, needs PostgreSQL
	$(BIN)/python -m benchmarks.scale

skill: $(BIN)/celec ## the README's skill table: make skill RAW=/raw/files FROM=2022-01-01 TO=2025-12-31
	$(BIN)/python -m benchmarks.skill $(RAW_OPTION) $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO))

picture: $(BIN)/celec ## the README's picture, from the report in the lake; needs Chromium
	$(BIN)/python -m benchmarks.picture

history: $(BIN)/celec ## years of raw files from the public services; Ctrl-C and again goes on: make history FROM=2010-01
	$(BIN)/celec history $(if $(FROM),--from $(FROM)) $(foreach id,$(STATION),--station $(id)) $(foreach id,$(GEOGLOWS),--geoglows $(id))

live-check: $(BIN)/celec ## one question to each public service: do they still answer as they did? Needs a network
	$(BIN)/python -m celec_assets.live_check

backup: ## a copy of lake, models and runs, while Compose runs: make backup INTO=/backups/today
	scripts/backup.sh $(INTO)

restore: ## a backup into a new installation: make restore FROM=backups/2026-11-23T21-00-00Z
	scripts/restore.sh $(FROM)

lock: ## resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
		--custom-compile-command "make lock" pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
		--custom-compile-command "make lock" --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	for group in notebook store; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
			--custom-compile-command "make lock" --group $$group -c requirements.txt -o deploy/compose/requirements-$$group.txt; \
	done
	for tool in awscli checkov pip-audit; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
			--custom-compile-command "make lock" --group $$tool -o scripts/requirements-$$tool.txt; \
	done

.venv-%/bin: scripts/requirements-%.txt # an environment of its own for a program whose pins clash with ours
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

clean: ## remove environment, run history and caches; the lake stays
	rm -rf .venv .venv-* .dagster .pytest_cache .mypy_cache .ruff_cache .hypothesis check-results.xml

$(BIN)/celec: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; say which: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
