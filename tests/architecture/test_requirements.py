"""The pinned requirements and the ranges in pyproject.toml name the same packages and agree."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _lines(name: str) -> list[str]:
    lines = (
        line.split("#")[0].strip()
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    )
    return [line for line in lines if line]


def _pins(name: str) -> dict[str, Requirement]:
    requirements = [Requirement(line) for line in _lines(name) if not line.startswith("-")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def _ranges(lines: list[str]) -> dict[str, Requirement]:
    return {
        canonicalize_name(requirement.name): requirement for requirement in map(Requirement, lines)
    }


RUN, DEV = _pins("requirements.txt"), _pins("requirements-dev.txt")
RUN_RANGES = _ranges(PROJECT["project"]["dependencies"])
DEV_RANGES = _ranges(PROJECT["dependency-groups"]["dev"])


def test_the_project_itself_comes_last() -> None:
    assert _lines("requirements.txt")[-1] == "-e ."
    assert _lines("requirements-dev.txt")[0] == "-r requirements.txt"


def test_the_run_pins_are_the_dependencies() -> None:
    assert RUN.keys() == RUN_RANGES.keys()


def test_the_dev_pins_are_the_dev_group() -> None:
    assert DEV.keys() == DEV_RANGES.keys()
    assert not DEV.keys() & RUN.keys()


@pytest.mark.parametrize("name", sorted(RUN | DEV))
def test_every_pin_is_exact_and_within_its_range(name: str) -> None:
    pin, allowed = (RUN | DEV)[name], (RUN_RANGES | DEV_RANGES)[name]
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    assert re.fullmatch(r"\d+(\.\d+)+", specifier.version), "a pin is one released version"
    assert allowed.specifier.contains(specifier.version), f"{pin} is outside of {allowed}"
    assert pin.extras == allowed.extras


@pytest.mark.parametrize("name", sorted(RUN_RANGES))
def test_what_is_installed_is_within_the_range(name: str) -> None:
    assert RUN_RANGES[name].specifier.contains(metadata.version(name), prereleases=True)


def test_the_version_is_said_once_and_the_citation_and_changelog_follow() -> None:
    import corpus

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf'^version: "?{re.escape(corpus.__version__)}"?$', citation, re.MULTILINE)
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "Copyright The Corpus authors" in text
