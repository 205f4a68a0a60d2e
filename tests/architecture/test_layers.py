"""Imports point one way: the contracts in pyproject.toml hold and cover every package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "corpus"

TORCH_FREE = ("base", "program", "config", "text", "problems", "recipes", "prepare")


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_contracts_hold() -> None:
    result = _run(
        "from importlinter.cli import lint_imports_command as check; check(['--no-cache'])"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _light_modules() -> list[str]:
    """The modules that must work without torch: whole layers, and the shards of `prepare`."""
    layers = [path for name in TORCH_FREE for path in sorted((PACKAGE / name).rglob("*.py"))]
    return sorted({_module(path) for path in [*layers, PACKAGE / "data" / "shards.py"]})


def test_what_must_be_light_does_not_load_torch() -> None:
    names = _light_modules()
    assert "corpus.base.files" in names
    assert "corpus.config.train" in names
    result = _run(
        f"import sys\nfor name in {names!r}:\n"
        " __import__(name)\n assert 'torch' not in sys.modules, name"
    )
    assert result.returncode == 0, result.stderr[-2000:]


def test_prepare_and_report_load_neither_torch_nor_scipy() -> None:
    result = _run(
        "import sys\nimport corpus.prepare.prepare, corpus.report.report\n"
        "assert not {'torch', 'scipy'} & set(sys.modules)"
    )
    assert result.returncode == 0, result.stderr[-2000:]


_QUIET = """
import sys
from corpus.cli.main import COMMANDS, main

def is_light(words):
    try:
        main(words)
    except SystemExit as stop:
        assert not stop.code, (words, stop.code)
    heavy = {"torch", "transformers", "datasets", "pyarrow", "tensorboard", "scipy"}
    heavy &= set(sys.modules)
    assert not heavy, (words, heavy)

for words in [["--help"], ["--version"], ["run", "cpu", "--help"], ["recipes"]]:
    is_light(words)
for command in COMMANDS:
    is_light([command, "--help"])
"""


def test_help_does_not_load_torch() -> None:
    result = _run(_QUIET)
    assert result.returncode == 0, result.stderr[-2000:]
    assert "usage: corpus run" in result.stdout


def test_the_module_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "corpus", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0
    assert "usage: corpus COMMAND" in result.stdout


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=_module)
def test_a_package_says_what_it_is_and_does_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree) or ""
    assert len(docstring) > 20, (
        f"{path} needs a docstring: what is here, and where to start reading"
    )
    rest = [ast.unparse(node) for node in tree.body[1:]]
    allowed = (
        path == PACKAGE / "__init__.py" and len(rest) == 1 and rest[0].startswith("__version__ = ")
    )
    assert not rest or allowed, f"{path} holds more than a docstring: {rest}"
