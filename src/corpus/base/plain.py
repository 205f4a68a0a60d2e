"""Frozen dataclasses to and from plain values: the same tree in code, files and flags."""

import dataclasses
import math
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from corpus.base.errors import ConfigError, did_you_mean

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Return JSON-ready values: dataclasses become dicts, tuples lists, paths strings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def short(value: Any) -> str:
    """Return a value as an error shows it, cut off after 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def from_plain(kind: type[T], plain: Any, *, where: str = "config") -> T:
    """Build the dataclass `kind` from JSON values; missing names keep their defaults.

    Raises `ConfigError` for unknown names and wrong types, with the place and the nearest name.
    """
    if not isinstance(plain, dict):
        raise ConfigError(f"{where} is {short(plain)}; expected a group of settings")
    hints = typing.get_type_hints(kind)
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in plain:
        if name not in fields:
            raise ConfigError(
                f"{where}.{name} is not a setting.{did_you_mean(name, fields)} Known here: "
                f"{', '.join(sorted(fields))}"
            )
    known = dataclasses.fields(kind)  # pyright: ignore[reportArgumentType]
    if lacking := [f.name for f in known if _is_required(f) and f.name not in plain]:
        raise ConfigError(f"{where} lacks {', '.join(lacking)}; add a value for each")
    return kind(
        **{name: _convert(hints[name], item, f"{where}.{name}") for name, item in plain.items()}
    )


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def check_finite(value: Any, *, where: str = "") -> None:
    """Raise `ConfigError` for an infinite or nan number, which comparisons may let pass."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        for name, item in value.items():
            check_finite(item, where=f"{where}.{name}" if where else str(name))
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} is {value}; expected a finite number")


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint):
        return from_plain(typing.cast(type, hint), value, where=where)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, where)
    if origin is typing.Literal:
        if value not in arguments:
            options = list(map(str, arguments))
            near = did_you_mean(value, options)
            raise ConfigError(
                f"{where} is {short(value)}; expected one of {', '.join(options)}.{near}"
            )
        return value
    if origin in (tuple, list):
        return origin(_convert_items(origin, arguments, value, where))
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{where} is {short(value)}; expected a group of settings")
        return {key: _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return _convert_scalar(hint, value, where)


def _convert_union(members: tuple[Any, ...], value: Any, where: str) -> Any:
    """Take the first member that fits; if none does, raise the error of the last one."""
    if value is None and type(None) in members:
        return None
    *first, last = (member for member in members if member is not type(None))
    for member in first:
        try:
            return _convert(member, value, where)
        except ConfigError:
            continue
    return _convert(last, value, where)


def _convert_items(origin: type, arguments: tuple[Any, ...], value: Any, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"{where} is {short(value)}; expected a list")
    if origin is list or arguments[-1] is Ellipsis:
        hints = [arguments[0]] * len(value)
    elif len(arguments) == len(value):
        hints = list(arguments)
    else:
        raise ConfigError(f"{where} has {len(value)} items; expected {len(arguments)}")
    return [
        _convert(hint, item, f"{where}[{index}]")
        for index, (hint, item) in enumerate(zip(hints, value, strict=True))
    ]


def _convert_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is Path and isinstance(value, (str, Path)):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (int, float, str, bool, Path) and type(value) is not hint:
        expected = "a path" if hint is Path else hint.__name__
        raise ConfigError(f"{where} is {short(value)}; expected {expected}")
    return value


def differences(old: Any, new: Any, *, where: str = "") -> list[str]:
    """Return `name: old → new` for every leaf in which two plain configs differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for name in sorted(old.keys() | new.keys()):
            place = f"{where}.{name}" if where else name
            if name in old and name in new:
                found += differences(old[name], new[name], where=place)
            else:
                sides = (repr(plain[name]) if name in plain else "absent" for plain in (old, new))
                found.append(f"{place}: {' → '.join(sides)}")
        return found
    return [] if old == new else [f"{where}: {old!r} → {new!r}"]
