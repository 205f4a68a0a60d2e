"""Files of templates: TOML tables read into dataclasses and checked; an error is one line.

A field's type says what is expected (`_READERS`), a field without a default is required, and the
method `check` of a class raises `ValueError` where its fields do not fit together.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from corpus.base.errors import DataError, did_you_mean
from corpus.problems.generated.formula import parse_formula
from corpus.program.tree import Node

Kind = TypeVar("Kind")

Numbers = Mapping[str, Sequence[float]]
"""The values that each number of a template may take, by name."""

_BOUND = r"(\d{1,9}(?:\.\d{1,4})?)"
_RANGE = re.compile(rf"(squares of )?{_BOUND} to {_BOUND}(?: by {_BOUND})?", re.ASCII)
_NAME = re.compile(r"[a-z][a-z_]*", re.ASCII)
_MOST_VALUES = 100_000
_SHOWN = 60


def read_file(path: Path, kind: type[Kind]) -> Kind:
    """Return a TOML file as a dataclass. Raises `DataError` naming file, table and field."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}. Install Corpus again.") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name} is no TOML file: {error}. Correct it there.") from None
    return _read_table(kind, table, path.name)


def _read_table(kind: type[Kind], table: object, where: str) -> Kind:
    if not isinstance(table, dict):
        raise DataError(f"{where} is {_shown(table)}, expected a table of fields")
    types, required = _fields(kind)
    if unknown := [name for name in table if name not in types]:
        raise DataError(
            f"{where}: unknown field {_shown(unknown[0])}, expected one of {', '.join(types)}."
            f"{did_you_mean(unknown[0], types)}"
        )
    if missing := [name for name in required if name not in table]:
        raise DataError(f"{where}: {missing[0]} is missing. Add it.")
    made = kind(**{name: _read(types[name], table[name], f"{where}: {name}") for name in table})
    try:
        getattr(made, "check", lambda: None)()
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    return made


@cache
def _fields(kind: type) -> tuple[dict[str, Any], list[str]]:
    """Return the types of a dataclass's fields, and the names of those that have no default."""
    known = fields(kind)
    required = [each.name for each in known if each.default is each.default_factory is MISSING]
    return get_type_hints(kind), required


def _read(kind: Any, value: object, where: str) -> Any:
    if get_origin(kind) is not tuple:
        try:
            return _READERS[kind](value)
        except ValueError as error:
            raise DataError(f"{where} is {_shown(value)}: {error}") from None
    if not isinstance(value, list) or not value:
        raise DataError(f"{where} is {_shown(value)}, expected a list with something in it")
    kind = get_args(kind)[0]
    if not is_dataclass(kind):
        return tuple(_read(kind, each, f"{where}, number {i}") for i, each in enumerate(value, 1))
    names = [
        _shown(each.get("name", i) if isinstance(each, dict) else i)
        for i, each in enumerate(value, 1)
    ]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{where} has {repeated[0]} twice. Give one of them another name.")
    return tuple(
        _read_table(cast(type, kind), each, f"{where} {name}") for name, each in zip(names, value)
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise ValueError("expected a text in one line")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _number(value: Any, kinds: tuple[type, ...] = (int, float)) -> Any:
    if type(value) not in kinds or not 0 < value < 1e15:
        raise ValueError(f"expected a {'' if float in kinds else 'whole '}number above 0")
    return value


def _numbers(value: object) -> Numbers:
    if not isinstance(value, dict):
        raise ValueError('expected names with their values, such as { count = "3 to 48" }')
    if wrong := [name for name in value if not _NAME.fullmatch(name) or name == "it"]:
        raise ValueError(f"a number cannot be named {_shown(wrong[0])}; use letters a-z and _")
    return {name: _values(name, values) for name, values in value.items()}


def _values(name: str, value: object) -> Sequence[float]:
    """Read `3 to 48`, `20 to 895 by 5`, `1.5 to 9.5 by 0.5`, `squares of 5 to 59` or a list."""
    if isinstance(value, list) and value:
        return tuple(map(_number, value))
    match = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError(
            f"{name} is {_shown(value)}, expected a list or a range: "
            '"3 to 48", "20 to 895 by 5", "1.5 to 9.5 by 0.5", "squares of 5 to 59"'
        )
    bounds = match[2], match[3], match[4] or "1"
    low, high, step = map(float, bounds)
    if step == 0 or not 0 <= (high - low) / step < _MOST_VALUES:
        raise ValueError(f"{name} is {_shown(value)}, a range of no values or of too many")
    if "." not in "".join(bounds):
        values = range(int(low), int(high) + 1, int(step))
    else:  # rounded, as steps such as 0.1 are not exact
        count = int((high - low) / step + 1e-6) + 1
        values = tuple(round(low + place * step, 4) for place in range(count))
    return tuple(round(value * value, 4) for value in values) if match[1] else values


_READERS: dict[Any, Callable[[object], Any]] = {
    str: _text,
    bool: _flag,
    int: lambda value: _number(value, (int,)),
    float: _number,
    Node: lambda value: parse_formula(_text(value)),
    Numbers: _numbers,
}
