"""`corpus benchmark`: a published protocol from training to the table."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from corpus import pipeline
from corpus.base.errors import ConfigError, did_you_mean
from corpus.cli.options import RunOptions, parse_run, typed_command
from corpus.evaluate.published import PUBLISHED

RECIPE = "cpu"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(RunOptions):
    """Each fold is a run of recipe cpu in its own folder, with the whole budget; the same command
    goes on after an interruption. The options below override the settings of the recipe."""

    out: Path | None = None
    """The folder of the runs. None: runs/benchmarks/PROTOCOL."""


def benchmark(words: Sequence[str]) -> None:
    """Train and score by a protocol: `corpus benchmark svamp --data DIR --budget 10m`."""
    asks_help = {"-h", "--help"} & set(words)
    name = words[0] if words and not words[0].startswith("-") else None
    if name not in PUBLISHED and not (asks_help and name is None):
        given = "no protocol is named" if name is None else f"{name!r} is no protocol"
        raise ConfigError(
            f"{given}; give one of {', '.join(PUBLISHED)}.{did_you_mean(name or '', PUBLISHED)}"
        )
    options = parse_run(BenchmarkOptions, [RECIPE, *words[1 if name else 0 :]], command="benchmark")
    out = options.out or Path("runs") / "benchmarks" / str(name)
    pipeline.benchmark(options.settings, out, protocol=str(name), command=typed_command())
