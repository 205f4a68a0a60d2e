"""From the setting `prepare.data` to what there is to read: the starter harvest, a folder, or the hub."""

from pathlib import Path

from corpus.base.errors import ConfigError
from corpus.config.prepare import HUB, HUB_ID, STARTER, PrepareConfig
from corpus.config.problems import ProblemsConfig
from corpus.prepare.discover import Found, discover
from corpus.prepare.sources.hub import download_key, fetch_mathqa, fetch_text
from corpus.prepare.sources.local import source_name
from corpus.prepare.sources.starter import Starter


def find_data(
    config: PrepareConfig, *, downloads: Path, problems: ProblemsConfig | None = None
) -> Found:
    """Return what `config.data` holds. Only the hub takes time: what is wanted of it is fetched into `downloads`, once.

    `problems` says which problem sets are read as text, where `config.problems_as_text` asks for it.

    Raises:
        ConfigError: a setting makes no sense here.
        DataError: the folder or data set is missing, damaged or holds nothing known.
    """
    _check_set_names(config)
    if config.data == STARTER:
        return Found(
            texts=(Starter(config.starter_bytes),), place="this Python installation (starter)"
        )
    if config.data == HUB or config.data.startswith(f"{HUB}:"):
        return _from_hub(
            config.data.removeprefix(HUB).removeprefix(":") or HUB_ID, config, downloads, problems
        )
    return discover(
        Path(config.data).expanduser(),
        set_names=config.set_names,
        as_text=_as_text(config, problems),
    )


def _from_hub(
    hub_id: str, config: PrepareConfig, downloads: Path, problems: ProblemsConfig | None
) -> Found:
    folder = (
        downloads / f"{source_name(hub_id.replace('/', '--'))}-{download_key(hub_id, config)[:12]}"
    )
    fetch_text(hub_id, folder / "text", config)
    if config.problems_hub_id:
        fetch_mathqa(config.problems_hub_id, folder / "mathqa")
    return discover(folder, set_names=config.set_names, as_text=_as_text(config, problems))


def _as_text(config: PrepareConfig, problems: ProblemsConfig | None) -> ProblemsConfig | None:
    return (problems or ProblemsConfig()) if config.problems_as_text else None


def _check_set_names(config: PrepareConfig) -> None:
    for set_name, source in config.set_names.items():
        if source != source_name(source):
            raise ConfigError(
                f"prepare.set_names maps {set_name!r} to {source!r}, which cannot name a source; write {source_name(source)!r}"
            )
