"""The check of one setting, and its error."""

from typing import Any

from corpus.base.errors import ConfigError


def expect(is_met: bool, name: str, value: Any, expected: str) -> None:
    """Raise `ConfigError` that names the setting, its value and what was expected, unless met."""
    if not is_met:
        raise ConfigError(f"{name} is {value!r}; expected {expected}")
