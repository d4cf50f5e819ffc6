PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test graphs clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[all]"
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/rasolve demo

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --dist loadfile

graphs: $(STAMP)
	for model in $$($(BIN)/python -c "from rasolve.executor.graphs import MODELS; print(*MODELS)"); do \
		$(BIN)/rasolve trace $$model --out rasolve/scenario/graphs/$$model.json > /dev/null || exit 1; \
	done

clean:
	rm -rf $(VENV) out
