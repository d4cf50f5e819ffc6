import re
import tomllib
from pathlib import Path

from rasolve.cli import doctor

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_this_machine_is_healthy(cli):
    told = cli("doctor", "--json")
    assert told.code == 0 and told.json["healthy"] and told.json["self_test"] == "passed"
    text = cli("doctor").out
    assert "self-test: passed" in text and "numpy" in text


def test_a_missing_extra_is_named_with_its_command(cli, monkeypatch):
    monkeypatch.setitem(doctor.EXTRAS, "plot", ("no-such-library",))
    outcome = cli("doctor")
    assert outcome.code == 0 and "no-such-library" in outcome.out
    assert 'python -m pip install "rasolve[plot]"' in outcome.out
    assert cli("doctor", "--json").json["missing_extras"] == ["plot"]


def test_a_missing_base_library_or_a_failed_self_test_is_an_error(cli, monkeypatch):
    monkeypatch.setattr(doctor, "BASE", ("no-such-library",))
    assert cli("doctor").code == 2
    monkeypatch.undo()
    monkeypatch.setattr(doctor, "_self_test", lambda: "enumeration found nothing feasible")
    assert "FAILED: enumeration found nothing feasible" in cli("doctor").out


def test_the_libraries_are_those_of_the_package():
    project = tomllib.loads(PYPROJECT.read_text())["project"]

    def names(requirements):
        return tuple(re.split(r"[^\w-]", requirement)[0] for requirement in requirements)

    assert names(project["dependencies"]) == doctor.BASE
    for extra, libraries in doctor.EXTRAS.items():
        assert names(project["optional-dependencies"][extra]) == libraries
