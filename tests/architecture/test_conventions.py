"""The conventions of CONTRIBUTING.md that a machine can check."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MAX_FILE_LINES = 450
"""A file holds one idea and rarely has more than 400 lines; past this one, split it."""

MAX_TEST_LINES = 600
"""The same for tests, which tell one story several times."""

MAX_FUNCTION_LINES = 70
"""Functions are around 10 lines and rarely above 45, their docstring not counted."""

LONG_FILES = {
    "tests/train/test_loop.py": "one fake feed and trainer, which all of its tests share",
}
"""Path, or folder with a `/` → why its files may be longer."""


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def test_names_say_what_is_inside() -> None:
    """`utils` and its kin say nothing, and grow."""
    vague = {"utils", "util", "common", "helpers", "helper", "misc"}
    assert not [
        _name(path)
        for path in SOURCES
        if vague & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    ]


def test_every_module_opens_with_what_it_is() -> None:
    assert not [_name(path) for path in SOURCES if not ast.get_docstring(_tree(path))]


def test_files_stay_short() -> None:
    long = {
        _name(path): lines
        for paths, most in ((SOURCES, MAX_FILE_LINES), (TESTS, MAX_TEST_LINES))
        for path in paths
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > most
        and not _name(path).startswith(tuple(LONG_FILES))
    }
    assert not long, f"split them, or say why not in LONG_FILES: {long}"


def _function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield (
                f"{_name(path)}: {node.name}",
                (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0,
            )


def test_functions_stay_short() -> None:
    long = {
        name: lines
        for path in SOURCES
        for name, lines in _function_lengths(path)
        if lines > MAX_FUNCTION_LINES
    }
    assert not long, f"split them: {long}"


def _dangers(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        names: list[str] = []
        if isinstance(node, ast.Call):
            names = [
                name
                for name in (ast.unparse(node.func),)
                if name in {"eval", "exec", "compile", "torch.load", "torch.save"}
            ]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            names = [
                name
                for name in modules
                if name.split(".")[0] in {"pickle", "dill", "joblib", "shelve", "marshal"}
            ]
        yield from (f"{_name(path)}:{getattr(node, 'lineno', 0)}: {name}" for name in names)


def test_nothing_is_evaluated_or_unpickled() -> None:
    """Programs are interpreted, never evaluated; files are safetensors and JSON, never pickles."""
    assert not [danger for path in SOURCES for danger in _dangers(path)]


def test_every_setting_says_what_it_means() -> None:
    """Each field of a config is followed by a docstring with its unit and why this default."""
    bare = []
    for path in sorted((ROOT / "src" / "corpus" / "config").glob("*.py")):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
                bare += [f"{_name(path)}: {node.name}.{name}" for name in _undocumented(node)]
    assert not bare, "\n".join(bare)


def _undocumented(node: ast.ClassDef) -> list[str]:
    following = [*node.body[1:], None]
    return [
        field.target.id
        for field, after in zip(node.body, following, strict=True)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and not _is_text(after)
    ]


def _is_text(node: ast.stmt | None) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def test_settings_are_frozen_and_given_by_name() -> None:
    loose = []
    for path in sorted((ROOT / "src" / "corpus" / "config").glob("*.py")):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
                decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
                if "dataclass(frozen=True, kw_only=True)" not in decorators:
                    loose.append(f"{_name(path)}: {node.name} {decorators}")
    assert not loose, "\n".join(loose)
