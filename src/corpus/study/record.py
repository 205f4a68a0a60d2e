"""study.json: what a study asks, written down before its first run and never changed afterwards."""

import datetime
from typing import Any, TypeVar

from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import digest_json, read_json, write_json, write_text
from corpus.base.plain import differences, from_plain
from corpus.base.version import identify
from corpus.config.aliases import rename_settings
from corpus.config.run import RunConfig
from corpus.run.begin import comparable
from corpus.run.lock import claimed
from corpus.study.design import Design, Study
from corpus.study.folder import StudyFolder

D = TypeVar("D", bound=Design)

FORMAT = 1

_FIX = "Restore it from a copy, or begin another study with another --out."


def write_down(study: Design, folder: StudyFolder, *, command: str) -> bool:
    """Write a new study down, or check that the folder holds the same one; return if it is new.

    Raises `ConfigError` if it holds another study, or something else, `Busy` if another process
    is about to begin one there.
    """
    if folder.path.exists() and not folder.design.exists():
        others = [each.name for each in folder.path.iterdir() if not each.name.startswith(".")]
        if others:
            raise ConfigError(
                f"{folder.path} is not empty and holds no study; give another --out for a new study"
            )
    with claimed(folder.whole, wait=True):
        return _begin(study, folder, command=command)


def _begin(study: Design, folder: StudyFolder, *, command: str) -> bool:
    asked = study.to_json()
    if folder.design.exists():
        there = _read(folder)
        changed = differences(_comparable(there), _comparable(asked))
        if changed:
            listed = "\n".join(f"  {line}" for line in changed)
            raise ConfigError(
                f"{folder.path} holds a study with other settings:\n{listed}\nA study is not "
                "changed once it has begun, except that seeds can be added (corpus compare "
                f"{folder.path} --seeds N). Go on with it: corpus compare {folder.path}; or give "
                "another --out."
            )
        return False
    today = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    record = {
        "format": FORMAT,
        "digest": digest_json(_decisive(asked)),
        "date": today,
        "command": command,
        **identify(),
        **asked,
    }
    for name, path in study.copied.items():
        write_text(folder.code / name, path.read_bytes().decode("utf-8"))
    write_json(folder.design, record)
    return True


def load_study(folder: StudyFolder) -> Study:
    """Return the study of orders of a folder.

    Raises `ArtifactError` if it is damaged or was edited, or the file of an order has changed.
    """
    plain = read_design(folder)
    own = {path.name: path for path in folder.code.glob("*.py")}
    study = rebuild(Study, plain, folder, own=own)
    for name, order in study.parsed_orders.items():
        if order.code != plain["code"].get(name):
            raise ArtifactError(
                f"the file of the order {name!r} in {folder.code} has changed since the study "
                "began; bring it back to what it was, or begin another study with another --out"
            )
    return study


def read_design(folder: StudyFolder) -> dict[str, Any]:
    """Return what was written down. Raises `ArtifactError` if it is damaged or was edited."""
    plain = _read(folder)
    if plain.get("digest") != digest_json(_decisive(plain)):
        raise ArtifactError(
            f"{folder.design} was changed after the study began (its digest does not match). {_FIX}"
        )
    return plain


def rebuild(kind: type[D], plain: dict[str, Any], folder: StudyFolder, **more: Any) -> D:
    """Return the study of a kind from what was written down, and `more` that was not.

    Raises `ArtifactError` if something is missing.
    """
    try:
        config = from_plain(RunConfig, rename_settings(plain["config"], where="config"))
        values: dict[str, Any] = {}
        for name in kind.recorded:
            values[name] = tuple(plain[name]) if isinstance(plain[name], list) else plain[name]
        return kind(config=config, **values, **more)
    except (KeyError, TypeError) as error:
        raise ArtifactError(f"{folder.design} is damaged ({error!r}). {_FIX}") from None


def read_digest(folder: StudyFolder) -> str:
    """Return the digest of the study, which its rows name."""
    return _read(folder)["digest"]


def _read(folder: StudyFolder) -> dict[str, Any]:
    plain = read_json(folder.design, fix=_FIX)
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise ArtifactError(f"{folder.design} is not a study of this version. {_FIX}")
    return plain


def _decisive(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a study that decide its results, as they were written.

    The number of seeds is not among them: it may grow.
    """
    return {name: value for name, value in plain.items() if name not in _UNDECISIVE}


_UNDECISIVE = ("format", "digest", "date", "command", "version", "commit", "seeds", "seeds_before")


def _comparable(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a study in one spelling, to compare it with what is asked."""
    config = plain.get("config")
    config = comparable(config) if isinstance(config, dict) else config
    return {**_decisive(plain), "seeds": plain.get("seeds"), "config": config}


def add_seeds(folder: StudyFolder, seeds: int) -> None:
    """Raise the number of a study's seeds; claims that hold at any time allow that.

    Raises `ConfigError` if it would not grow.
    """
    with claimed(folder.whole, wait=True):
        plain = read_design(folder)
        if seeds <= plain["seeds"]:
            raise ConfigError(
                f"--seeds is {seeds}, and the study has {plain['seeds']}; the number can only grow"
            )
        before = [*plain.get("seeds_before", []), plain["seeds"]]
        write_json(folder.design, {**plain, "seeds": seeds, "seeds_before": before})
