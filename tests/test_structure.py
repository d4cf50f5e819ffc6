"""What the layout promises: lazy imports, root links, public names, docstrings."""

import subprocess
import sys
from pathlib import Path

import pytest

import rasolve as ra

ROOT = Path(__file__).parents[1]
HEAVY = ("scipy", "highspy", "torch", "cvxpy", "pyomo", "matplotlib", "pydantic", "typer")


def imported_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(out.stdout.split())


def test_import_loads_nothing_heavy():
    assert not imported_by("import rasolve") & set(HEAVY)


def test_solving_loads_neither_torch_nor_plots_nor_modeling():
    loaded = imported_by("import rasolve as ra; ra.solve(ra.FedsLLM.sample(seed=0))")
    assert not loaded & {"torch", "matplotlib", "cvxpy", "pyomo", "highspy", "typer"}


def test_import_takes_little_more_than_the_interpreter():
    code = (
        "import subprocess, sys, time\n"
        "def best(s):\n"
        "    times = []\n"
        "    for _ in range(5):\n"
        "        t = time.perf_counter()\n"
        "        subprocess.run([sys.executable, '-c', s])\n"
        "        times.append(time.perf_counter() - t)\n"
        "    return min(times)\n"
        "print(best('import rasolve') - best('pass'))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert float(out.stdout) < 0.2


@pytest.mark.parametrize("name", ["problems", "solvers", "surrogate_models"])
def test_root_links_are_relative_and_point_into_the_package(name):
    path = ROOT / name
    assert path.is_symlink() and path.readlink() == Path("rasolve") / name


def test_nothing_imports_through_the_links():
    for file in [*ROOT.glob("rasolve/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]:
        for line in file.read_text().splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]):
                assert words[1].split(".")[0] not in ("problems", "solvers", "surrogate_models"), f"{file}: {line}"


@pytest.mark.parametrize("name", ra.__all__)
def test_every_public_name_resolves(name):
    getattr(ra, name)


def test_public_names_are_the_lazy_ones():
    assert ra.__all__ == sorted([*ra._EXPORTS, *ra._MODULES])
    assert set(ra.__all__) <= set(dir(ra))


def test_unknown_public_name():
    with pytest.raises(AttributeError, match="module 'rasolve' has no attribute 'sovle'"):
        ra.sovle  # noqa: B018


def test_public_functions_stay_functions_whatever_is_imported_first():
    code = "import rasolve.solving, rasolve.executor.run, rasolve as ra; assert callable(ra.solve) and callable(ra.run)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_files_stay_small():
    for file in ROOT.glob("rasolve/**/*.py"):
        assert len(file.read_text().splitlines()) <= 600, file
