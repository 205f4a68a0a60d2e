"""The check of commit subjects finds what it should, and passes where there is no history."""

import os
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "check_commits.py"))


@pytest.mark.parametrize(
    "subject",
    [
        "Remove an import that nothing uses",
        "Name the formatting commit for git blame",
        "Address the reader",  # verbs that only look like other forms
        "Embed the picture",
        "Bring the tables together",
        "Pass the seed on",
        "Process files in order",
        "Read UTF-16 files",
        "Set the default rate",
        "Use one process for each core" + "x" * 43,
    ],
)
def test_a_good_subject_passes(subject: str) -> None:
    assert SCRIPT["problems"](subject) == []


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("Remove" + "x" * 67, "73 characters"),
        ("Remove an import.", "period"),
        ("remove an import", "capital"),
        ("Removed an import", "imperative is Remove"),
        ("Removes an import", "imperative is Remove"),
        ("Removing an import", "imperative is Remove"),
        ("Adds a table", "imperative is Add"),
        ("Fixing a table", "imperative is Fix"),
        ("Stopped the loop", "imperative is Stop"),
        ("Simplifies the loop", "imperative is Simplify"),
        ("Wrote a table", "imperative is Write"),
        ("The report has a table", "not a verb"),
        ("Report: a new table", "not a verb"),
    ],
)
def test_a_bad_subject_is_named(subject: str, problem: str) -> None:
    (found,) = SCRIPT["problems"](subject)
    assert problem in found


def _git(folder: Path, *arguments: str) -> str:
    people = {
        f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = os.environ | people | {"GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if not shutil.which("git"):
        pytest.skip("needs git")
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "-q")
    _git(folder, "commit", "-q", "--allow-empty", "-m", "before the rule everything was allowed.")
    return folder


def test_only_commits_after_the_base_are_checked(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = _git(repository, "rev-parse", "HEAD")
    _git(repository, "commit", "-q", "--allow-empty", "-m", "Add a table")
    assert SCRIPT["main"](repository, base) == 0
    assert "1 commit subjects checked" in capsys.readouterr().out
    _git(repository, "commit", "-q", "--allow-empty", "-m", "Added a table")
    assert SCRIPT["main"](repository, base) == 1
    assert "Added a table" in capsys.readouterr().err


def test_merge_commits_are_skipped(repository: Path) -> None:
    base = _git(repository, "rev-parse", "HEAD")
    _git(repository, "checkout", "-q", "-b", "side")
    _git(repository, "commit", "-q", "--allow-empty", "-m", "Add a table")
    _git(repository, "checkout", "-q", base)
    _git(repository, "merge", "-q", "--no-ff", "-m", "merged the side.", "side")
    assert SCRIPT["main"](repository, base) == 0


def test_without_the_history_it_says_so_and_passes(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = _git(repository, "rev-parse", "HEAD")
    _git(repository, "commit", "-q", "--allow-empty", "-m", "added a table.")
    _git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), "shallow")
    assert SCRIPT["main"](tmp_path / "shallow", base) == 0
    assert "does not reach back" in capsys.readouterr().out
    exported = tmp_path / "shallow" / "exported"  # inside another repository, but not one itself
    exported.mkdir()
    assert SCRIPT["main"](exported, base) == 0
    assert "no git history" in capsys.readouterr().out
