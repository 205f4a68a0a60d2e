"""Settings that were renamed: their old names still work in config files and as flags."""

from collections.abc import Iterable
from typing import Any

from corpus.base.errors import ConfigError

ALIASES: dict[str, str] = {
    "train.rows_per_batch": "train.sequences_per_batch",
    "train.micro_batch_rows": "train.micro_batch_sequences",
}
"""Old dotted name → current one. Both must be in the same group."""


def rename_settings(plain: Any, *, where: str) -> Any:
    """Return the plain config of a run with its settings under their current names.

    Raises `ConfigError` if old and current name are both there with different values.
    """
    for old, new in ALIASES.items():
        group, _, old_name = old.rpartition(".")
        new_name = new.rpartition(".")[2]
        settings = plain.get(group) if isinstance(plain, dict) else None
        if not isinstance(settings, dict) or old_name not in settings:
            continue
        renamed = {
            (new_name if name == old_name else name): value
            for name, value in settings.items()
            if name != new_name
        }
        if settings.get(new_name, settings[old_name]) != settings[old_name]:
            raise _conflict(f"{where}: ", (old, settings[old_name]), (new, settings[new_name]))
        plain = {**plain, group: renamed}
    return plain


def rename_flags(words: Iterable[str]) -> list[str]:
    """Return the words of a command line with flags under their current names.

    Both `--train.rows-per-batch 4` and `--train.rows-per-batch=4` are read. Raises `ConfigError`
    if old and current flag are both given with different values.
    """
    words = list(words)
    given: dict[str, tuple[str, str]] = {}
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        name = flag.removeprefix("--").replace("-", "_")
        if not flag.startswith("--") or name not in {*ALIASES, *ALIASES.values()}:
            continue
        if not equals:
            value = "".join(words[index + 1 : index + 2])
        current = f"--{ALIASES.get(name, name).replace('_', '-')}"
        earlier = given.setdefault(current, (flag, value))
        if earlier[0] != flag and earlier[1] != value:
            raise _conflict("", earlier, (flag, value))
        words[index] = current + equals + (value if equals else "")
    return words


def _conflict(where: str, first: tuple[str, Any], second: tuple[str, Any]) -> ConfigError:
    return ConfigError(
        f"{where}{first[0]} is {first[1]} and {second[0]} is {second[1]}, but these are two names "
        "for one setting; give only one of them"
    )
