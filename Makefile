# `make demo` and `make test` do all the set-up they need; a second call costs nothing.
PYTHON ?= $(firstword $(foreach p,python3.11 python3 python,$(if $(shell command -v $(p)),$(p))))
BIN := .venv/bin
STAMP := .venv/.installed
ARGS ?=

.PHONY: install demo test test-slow test-gpu test-clients check bench lock clean

install: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v == (3, 11) else f"blendgap: got Python {v[0]}.{v[1]}; bpy 5.0 needs 3.11. Install it, then: make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	touch $@

demo: install
	$(BIN)/blendgap demo -o runs/demo $(ARGS)

# Files are shared out among as many processes as there are cores, at most four: each takes 2 GB.
test: install
	$(BIN)/python -m pytest -q -m "not slow and not gpu" -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-slow: install
	$(BIN)/python -m pytest -q -m slow $(ARGS)

test-gpu: install
	$(BIN)/python -m pytest -q -m gpu $(ARGS)

# Other people's readers on our exports, in an environment of their own (tests/clients).
CLIENTS := .venv-clients
EXPORTS := runs/clients

test-clients: install $(CLIENTS)/.installed
	rm -rf $(EXPORTS)
	$(BIN)/python tests/clients/write_exports.py $(EXPORTS)
	cd tests/clients && BLENDGAP_EXPORTS=$(CURDIR)/$(EXPORTS) \
		$(CURDIR)/$(BIN)/python -m pytest -q test_clients_coco_voc.py $(ARGS)
	cd tests/clients && BLENDGAP_EXPORTS=$(CURDIR)/$(EXPORTS) YOLO_CONFIG_DIR=$(CURDIR)/$(EXPORTS) \
		$(CURDIR)/$(CLIENTS)/bin/python -m pytest -q --ignore test_clients_coco_voc.py $(ARGS)

$(CLIENTS)/.installed: tests/clients/requirements.txt | install
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(CLIENTS)
	$(BIN)/uv pip install --quiet --python $(CLIENTS)/bin/python --no-deps -r tests/clients/requirements.txt
	touch $@

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python benchmarks/bench_render.py $(ARGS)

lock: install
	$(BIN)/uv pip compile --quiet --python-version 3.11 --no-header --no-annotate --no-emit-package blendgap requirements.in -o requirements.txt

clean:
	rm -rf .venv build *.egg-info
