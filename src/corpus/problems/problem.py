"""One record for the problems of every set, and files of them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import atomic_path
from corpus.problems.numbers import find_numbers, find_quantities
from corpus.program.answer import Option
from corpus.program.language import parse


@dataclass(frozen=True)
class Problem:
    """A word problem with its options, key and gold program, as far as its set has them."""

    set_name: str
    """The set it belongs to, such as `mathqa`."""
    split: str
    """The part of the set, such as `train` or `dev`."""
    index: int
    """Its place in the file, from 0."""
    text: str
    """The question as the set gives it."""
    options: tuple[Option, ...]
    """The answers to choose from; empty where the set has none."""
    correct: str | None
    """The letter of the keyed option."""
    program: str | None
    """The gold program in canonical form; None where there is none in the language."""
    category: str
    """The set's own name for the kind of problem."""
    answer: float | None = None
    """The keyed value, where a problem has no options."""
    expression: str | None = None
    """The keyed answer of a problem over expressions, as text: an expression, which is met up to a constant where it holds the letter C, an
    equation, or a set of solutions `{-2, 2}`."""

    @property
    def id(self) -> str:
        """`set/split/index`, such as `mathqa/dev/17`."""
        return f"{self.set_name}/{self.split}/{self.index}"

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """The values of n0, n1, … in the text."""
        return tuple(span.value for span in find_numbers(self.text))

    @cached_property
    def quantities(self) -> tuple[float, ...] | tuple[str, ...]:
        """What n0, n1, … are: the texts of its expressions where it has any, else `numbers`."""
        return find_quantities(self.text)

    def to_json(self) -> dict[str, Any]:
        """Return the problem as JSON values."""
        plain = asdict(self)
        if self.expression is None:  # most sets know no expressions
            del plain["expression"]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Problem":
        """Read what `to_json` gave. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        if not isinstance(plain["text"], str) or not plain["text"].strip():
            raise ValueError(f"text is {plain['text']!r}, expected a question")
        program = None if plain["program"] is None else str(parse(plain["program"]))
        options = tuple(Option(**option) for option in plain["options"])
        return cls(**{**plain, "program": program, "options": options})


def write_problems(path: Path, problems: Iterable[Problem]) -> int:
    """Write one problem a line, atomically; return how many."""
    count = 0
    with (
        atomic_path(Path(path)) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        for problem in problems:
            file.write(json.dumps(problem.to_json(), ensure_ascii=False) + "\n")
            count += 1
    return count


def read_problems(path: Path, *, fix: str = "Prepare the data again.") -> list[Problem]:
    """Read what `write_problems` wrote. Raises `ArtifactError` naming file, line and `fix` where it is missing or damaged."""
    problems: list[Problem] = []
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                problems.append(Problem.from_json(json.loads(line)))
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}. {fix}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(
            f"{path} line {len(problems) + 1} is not a problem ({error}). {fix}"
        ) from None
    return problems
