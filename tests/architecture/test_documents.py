"""What the documents say exists: links lead somewhere, and the commands in the README are
commands."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from support.processes import run_corpus

from corpus.base.units import format_count
from corpus.cli.main import COMMANDS
from corpus.config.aliases import rename_flags
from corpus.recipes.registry import RECIPES

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
]
EXPERIMENTS = sorted((ROOT / "docs" / "experiments").glob("*.md"))
"""Their commands are those of the tree they ran on, so only their links are checked."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PICTURE = re.compile(r'<img src="([^"]+)"')
_CODE = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _anchors(path: Path) -> set[str]:
    headings = _HEADING.findall(_CODE.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", [*DOCUMENTS, *EXPERIMENTS], ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in _LINK.findall(text) + _PICTURE.findall(text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        assert linked.exists(), f"{_name(path)} links to {target}, which is not there"
        if anchor:
            assert anchor in _anchors(linked), (
                f"{_name(path)} links to {target}, which has no such heading"
            )


def test_the_papers_are_cited() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for paper in (
        "2021.sustainlp-1.15",
        "1905.13319",
        "2305.13245",
        "2203.15556",
        "2104.09864",
        "2002.05202",
        "1910.07467",
        "SlimPajama",
    ):
        assert paper in citation, paper


def _commands() -> list[list[str]]:
    """Every `corpus …` line in a code block of the documents, up to a comment, a pipe or a line's
    end."""
    found = []
    for path in DOCUMENTS:
        for block in _CODE.findall(path.read_text(encoding="utf-8")):
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                line = line.strip().removeprefix("$ ")
                if line.startswith("corpus "):
                    found.append(shlex.split(line, comments=True)[1:])
    return found


def _flags_in_prose() -> set[str]:
    """Every flag of Corpus in prose and tables: in backticks alone, or in a `corpus …` command.

    `.alpha` in a list that began with a whole name is left out.
    """
    found = set()
    for path in DOCUMENTS:
        text = _CODE.sub("", path.read_text(encoding="utf-8"))
        for span in _INLINE.findall(text):
            if span.startswith(("--", "corpus ")):
                found |= set(re.findall(r"(?<!\S)--[a-z][\w.-]*", span))
    return found


def test_the_commands_in_the_documents_exist() -> None:
    """Each is asked for its help with its own subcommands; each of its flags must be in that
    help."""
    commands = _commands()
    assert commands, "the README shows no command"
    asked: dict[tuple[str, ...], str] = {}
    for words in commands:
        takes_recipe = words[0] in ("run", "compare") and words[1:2] and words[1] in RECIPES
        positions = tuple(words[:2] if takes_recipe else words[:1])
        if positions not in asked:
            asked[positions] = _help(positions)
        for flag in rename_flags(word.split("=")[0] for word in words if word.startswith("--")):
            assert re.search(rf"{re.escape(flag)}\b", asked[positions]), (
                f"corpus {shlex.join(words)}: no flag {flag}"
            )


def test_the_flags_in_prose_and_tables_exist() -> None:
    commands = (*COMMANDS, "run starter", "compare starter")
    known = {
        flag
        for command in commands
        for flag in re.findall(r"(?<!\S)--[a-z][\w.-]*", _help(tuple(command.split())))
    }
    assert len(known) > 100
    named = _flags_in_prose()
    assert len(named) > 50
    groups = tuple(each for each in named if each.endswith((".", "-")))  # `--model.…`
    assert all(any(flag.startswith(group) for flag in known) for group in groups)
    whole = rename_flags(sorted(named - set(groups)))
    missing = sorted(flag for flag in whole if flag not in known)
    assert not missing, missing


@cache
def _help(words: tuple[str, ...]) -> str:
    return run_corpus([*words, *([] if words[-1].startswith("-") else ["--help"])]).stdout


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_table_of_recipes_is_true(name: str) -> None:
    config = RECIPES[name]()
    rows = re.findall(
        rf"^\| `{name}` \|(.*)\|$",
        (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == 1, f"docs/recipes.md has {len(rows)} rows for {name}"
    *_, model, context, order, budget = (cell.strip() for cell in rows[0].split("|"))
    assert model == format_count(config.model.num_parameters)
    assert context == str(config.model.context_length)
    assert order == config.curriculum.order
    assert budget == f"{config.budget}, {100 * config.train.finetune_share:.0f} %"
