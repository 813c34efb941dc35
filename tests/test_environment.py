"""pyproject.toml says what is needed, constraints.txt in which version, environment.yml the same for conda."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
PINS = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}
EXTRAS = PROJECT["project"]["optional-dependencies"]


def needed(requirements: list[str]) -> dict[str, str]:
    """Name and installed version of everything that the requirements lead to on this machine, directly or not."""
    found: dict[str, str] = {}
    waiting = [Requirement(text) for text in requirements]
    done = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, frozenset(requirement.extras)) in done:
            continue
        done.add((name, frozenset(requirement.extras)))
        distribution = metadata.distribution(name)
        found[name] = distribution.version
        for inner in map(Requirement, distribution.requires or []):
            if inner.marker is None or any(
                inner.marker.evaluate({"extra": extra}) for extra in (requirement.extras or {""})
            ):
                waiting.append(inner)
    return found


def test_every_pin_is_one_exact_version() -> None:
    assert len(PINS) == len(LINES)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line) for line in LINES)


def test_torch_comes_first() -> None:
    assert LINES[0] == "torch==2.13.0"


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_every_dependency_is_pinned(extra: str | None) -> None:
    names = PROJECT["project"]["dependencies"] if extra is None else EXTRAS[extra]
    assert [name for name in names if canonicalize_name(Requirement(name).name) not in PINS] == []


def test_pyproject_leaves_versions_to_the_pins() -> None:
    lists = [PROJECT["project"]["dependencies"], PROJECT["build-system"]["requires"], *EXTRAS.values()]
    assert [name for names in lists for name in names if Requirement(name).specifier] == []


def test_the_build_is_pinned() -> None:
    assert {canonicalize_name(name) for name in PROJECT["build-system"]["requires"]} <= set(PINS)


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = needed([*PROJECT["project"]["dependencies"], *EXTRAS["dev"]])
    without_builds = {name: version.partition("+")[0] for name, version in installed.items()}
    carried_by_torch = {name for name in without_builds if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    expected = {name: PINS.get(name) for name in without_builds}
    differ = {n: (without_builds[n], expected[n]) for n in expected if without_builds[n] != expected[n]}
    assert {n: pair for n, pair in differ.items() if n not in carried_by_torch} == {}


def test_no_process_compiles_a_grammar_to_check_iris() -> None:
    assert "rfc3987-syntax" not in PINS


def test_conda_installs_the_same() -> None:
    pip = next(part["pip"] for part in CONDA["dependencies"] if isinstance(part, dict))
    assert pip == ["--constraint constraints.txt", LINES[0], "--editable .[dev]"]
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]
    assert CONDA["name"] == PROJECT["project"]["name"]


def test_conda_has_nothing_that_pip_does_not_know_of() -> None:
    assert [part for part in CONDA["dependencies"] if isinstance(part, str)] == ["python=3.11", "pip"]
    assert PROJECT["project"]["requires-python"] == ">=3.11"


@pytest.mark.parametrize("name", ["Makefile", "constraints.txt", "environment.yml", "pyproject.toml", ".ci/run"])
def test_no_registry_is_named(name: str) -> None:
    assert re.findall(r"https?://|--\w*index\S*|find-links|file://", (ROOT / name).read_text()) == []
