"""`corpus decontaminate PATH … --problems SET=PATH`: what of your files holds an evaluation problem, and copies without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from corpus.base.console import say
from corpus.base.errors import ConfigError
from corpus.cli.options import parse
from corpus.problems.overlap import NGRAM, SHARE

SHOWN = 20
"""Overlaps printed one by one."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """List what holds a problem of an evaluation set, in files of text or problems; with --out, write copies without it. Runs do this by
    themselves with the sets they find."""

    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files or folders: plain text, records of text (.jsonl, .jsonl.zst, .jsonl.gz, .parquet), known problem sets."""

    problems: tuple[str, ...]
    """Evaluation sets, each SET=PATH, such as mathqa=data/mathqa/test.json; several files of a set may be given."""

    out: Path | None = None
    """A new folder for cleaned copies, in the same formats, and the list of what was left out."""

    drop_twins: bool = False
    """Leave out training problems that differ from an evaluation problem in their numbers alone, too."""

    ngram: int = NGRAM
    """Words in a row that a text must share with a problem for them to count."""

    share: float = SHARE
    """The share of a problem's words that must lie in such stretches, above 0 and up to 1."""


def main(words: Sequence[str]) -> None:
    """Look through files for evaluation problems and say what was found."""
    options = parse(Options, words, command="decontaminate")
    if not options.paths or not options.problems:
        raise ConfigError(
            "corpus decontaminate needs files to look through and --problems SET=PATH to look for"
        )
    from corpus.prepare.decontaminate import decontaminate, list_of
    from corpus.problems.contamination import KnownProblems
    from corpus.run.problems import load_problem_file

    known = KnownProblems(
        [problem for spec in options.problems for problem in load_problem_file(spec)],
        ngram=options.ngram,
        share=options.share,
    )
    own = [Path(spec.partition("=")[2]) for spec in options.problems]
    found = decontaminate(
        options.paths, known, out=options.out, drop_twins=options.drop_twins, own=own
    )
    say(
        f"looked for {len(known):,} problems: "
        + ", ".join(f"{count:,} of {name}" for name, count in known.sets.items())
    )
    records = list_of(found)
    for record in records[:SHOWN]:
        what = (
            f"{record['problem']}, overlap {record['overlap']:.0%}"
            if record["problem"]
            else "a twin"
        )
        say(f"  {record['file']} {record['place']}: {what}")
    if len(records) > SHOWN:
        say(f"  … and {len(records) - SHOWN:,} more")
    for each in found:
        if each.is_own:
            say(
                f"{each.name}: one of --problems, not looked through"
                + (", copied as it is" if options.out else "")
            )
            continue
        unit = {"problems": "problems", "records": "documents", "text": "document"}[each.kind]
        twins = f", {each.twins:,} are twins with other numbers" if each.kind == "problems" else ""
        say(
            f"{each.name}: {len(each.dropped):,} of {each.total:,} {unit} hold an evaluation problem{twins}"
        )
    if options.out:
        say(f"copies without them: {options.out}")
