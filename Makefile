# Two commands matter: `make demo` and `make test`. Each does its own set-up, into .venv, and touches nothing else.
PYTHON ?= python3
BIN := .venv/bin
# One more than a small machine has cores: tests wait half of their time.
SIDE_BY_SIDE ?= 3
SETUP := .venv/.setup-done

.PHONY: demo test check audit docs site format setup lock bench clean

demo: $(SETUP)
	@$(BIN)/python starter.py demo $(if $(SCENARIO),--scenario $(SCENARIO)) $(DEMO)

# All of them side by side, which pays for servers of their own in each process; what TESTS names runs in one.
# Hundreds of processes load our modules: they keep what they compile, also where the environment says otherwise.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(SETUP)
	$(BIN)/python -m pytest $(or $(TESTS),-n $(SIDE_BY_SIDE))

check: $(SETUP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

audit: $(SETUP)
	@$(BIN)/python requirements/audit.py

docs: $(SETUP)
	$(BIN)/python -m docs.generate

# An error where a link or a heading that one names is not there.
site: $(SETUP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "site/index.html"

format: $(SETUP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(SETUP)
	$(BIN)/python -m bench

setup: $(SETUP)

# Repeated when the locked requirements change; written last, so that an interrupted set-up starts again.
$(SETUP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "setting up .venv, once: a minute or two on a slow network" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.txt requirements/uv.txt
	@touch $@

lock: $(SETUP)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra dashboard --extra local --extra dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra dashboard pyproject.toml -o requirements/worker.txt

clean:
	rm -rf .venv .local .cache build site .pytest_cache .mypy_cache .ruff_cache .hypothesis
