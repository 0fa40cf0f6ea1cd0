SHELL := /bin/bash
.DELETE_ON_ERROR:
VENV := .venv
BIN := $(VENV)/bin
# The distribution's interpreter first: Triton's Python stub carries its own libpython and needs the matching standard library.
PYTHON := $(shell for p in $(PYTHON) /usr/bin/python3 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)

.PHONY: help dev demo e2e test lint bench cluster models results docs manifests protos lock clean
help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16
	@echo 'bar-NAME        measure one promise ($(BARS)); the last line is one JSON object; whether it holds is in there, not in the exit status'

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11 to 3.13 with venv was found; on Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# $(1) is local (what the demo needs) or dev (what the tests need: local and more, the same pins).
define install
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endef

$(VENV)/local.done: requirements/local.txt pyproject.toml | $(BIN)/python
	@echo "installing what the demo needs into $(VENV) (once, about a minute)"
	$(call install,local)
	@touch $@

$(VENV)/dev.done: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "installing what the tests need into $(VENV) (once, some minutes: torch is large)"
	$(call install,dev)
	@touch $@ $(VENV)/local.done

dev: $(VENV)/dev.done  ## install what training and the tests need (torch among it) into .venv

demo: $(VENV)/local.done  ## three real models, real Triton, a bursty trace: static sizes against best effort
	$(BIN)/besteffort demo $(ARGS)

lint: $(VENV)/dev.done  ## format, rules, types, import contracts, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## everything CI runs
	$(BIN)/pytest

e2e: $(VENV)/dev.done  ## the whole on a real Kubernetes node: needs root, says what it installs (ARGS="--kubeconfig FILE": on yours)
	@PYTHONPATH=tests $(BIN)/python -m e2e $(ARGS)

BARS := availability bursty calibration chart crd demo dqn drift e2e evaluate-time failover generation greedy live-gap \
	models operator-faults parity per-gpu reconcile rollout router-start shift sim stable stale windows
.PHONY: $(BARS:%=bar-%)
$(BARS:%=bar-%): bar-%: $(VENV)/dev.done
	@$(BIN)/python benchmarks/$(subst -,_,$*).py

bench: $(VENV)/dev.done  ## figures that no promise hangs on: the router's overhead, Triton's queue
	$(BIN)/python benchmarks/router_overhead.py
	$(BIN)/python benchmarks/triton_stall.py

cluster: $(VENV)/dev.done  ## a real Kubernetes control plane with GPU nodes in name only, until Ctrl-C
	@$(BIN)/python tests/cluster up $(ARGS)

models: $(VENV)/dev.done  ## train the demo's three language models anew (about an hour)
	$(BIN)/python -m besteffort_models train
	$(BIN)/python -m besteffort_models export
	$(BIN)/python -m besteffort_models evaluate

STUDY := quick
results: $(VENV)/dev.done  ## play a study (STUDY=full: hours) and write docs/results.md from it; goes on where it was
	$(BIN)/besteffort evaluate --study $(STUDY) --out .besteffort/study-$(STUDY)
	cp .besteffort/study-$(STUDY)/report.json docs/results.json
	$(BIN)/python -m besteffort_study.files docs/results.json docs results

docs: $(VENV)/dev.done  ## regenerate what is generated in docs/
	$(BIN)/python -m besteffort_study.files docs/results.json docs results
	$(BIN)/python -m besteffort_resource.reference > docs/reference/resource.md
	$(BIN)/python -m besteffort_operator.troubleshooting > docs/troubleshooting.md
	$(BIN)/python charts/reference.py > docs/reference/chart.md

manifests: $(VENV)/dev.done  ## regenerate what is generated in manifests/ and charts/
	$(BIN)/python -m besteffort_resource.crd > manifests/crd.yaml
	cp manifests/crd.yaml charts/besteffort/files/crd.yaml
	$(BIN)/python charts/render.py "$$($(BIN)/python tests/cluster build helm)" > manifests/install.yaml

protos: $(VENV)/dev.done  ## regenerate protos/besteffort/v1/*_pb2.py
	$(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=protos --pyi_out=protos protos/besteffort/v1/*.proto

PIN := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url \
	--no-emit-find-links -q
lock:  ## pin what pyproject.toml asks for into requirements/*.txt, with hashes
	$(PIN) pyproject.toml --extra local --extra dev -o requirements/dev.txt
	$(PIN) pyproject.toml requirements/build.in --extra local -c requirements/dev.txt -o requirements/local.txt
	$(PIN) requirements/build.in -c requirements/dev.txt -o requirements/build.txt
	$(PIN) pyproject.toml --extra router -c requirements/dev.txt -o requirements/router.txt
	$(PIN) pyproject.toml --extra operator -c requirements/dev.txt --no-emit-package numpy --no-emit-package safetensors \
	  -o requirements/operator.txt

clean:  ## remove what the commands made here (environments, downloads, run data), not ~/.cache/besteffort
	rm -rf $(VENV) .besteffort .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
