"""Problems as training examples: the prompt is read, the program is learned."""

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.base.errors import DataError
from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.problems.render import completion_tokens, prompt_tokens
from corpus.program.language import MAX_NUMBERS, ProgramError
from corpus.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Example:
    """One problem as tokens."""

    tokens: tuple[int, ...]
    """Prompt and completion, `<|eos|>` included."""
    prompt_length: int
    """Loss is computed from here on."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The examples that training uses, and why other problems were left out."""

    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]
    """The problems behind `examples`, in the same order."""
    solvable: tuple[Problem, ...]
    """Problems that have a key but no program that gives it."""
    counts: dict[str, int]
    """`given`, `used`, `no_program`, `unchecked`, `too_long`."""

    @property
    def programs(self) -> frozenset[str]:
        """The different programs among the examples."""
        return frozenset(
            problem.program for problem in self.problems if problem.program is not None
        )


def select_examples(
    problems: Sequence[Problem], tokenizer: Tokenizer, *, max_length: int, checked_only: bool
) -> Selection:
    """Turn training problems into examples of at most `max_length` tokens.

    Raises `DataError` where nothing is left to train on.
    """
    counts: dict[str, int] = dict.fromkeys(
        ("given", "used", "no_program", "unchecked", "too_long"), 0
    )
    examples, used, solvable = [], [], []
    for problem in problems:
        counts["given"] += 1
        example, reason = _example(
            problem, tokenizer, max_length=max_length, checked_only=checked_only
        )
        counts[reason] += 1
        if example is not None:
            examples.append(example)
            used.append(problem)
        elif reason in ("unchecked", "no_program") and _is_solvable(problem):
            solvable.append(problem)
    if not examples:
        left_out = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        raise DataError(
            f"none of the problems can be used ({left_out or 'there are none'}); give problems with programs, raise model.context_length "
            "where they are too long, or set finetune.checked_only to false where they are unchecked"
        )
    return Selection(
        examples=tuple(examples), problems=tuple(used), solvable=tuple(solvable), counts=counts
    )


def _is_solvable(problem: Problem) -> bool:
    has_key = problem.correct is not None if problem.options else problem.answer is not None
    return has_key and len(problem.quantities) <= MAX_NUMBERS


def _example(
    problem: Problem, tokenizer: Tokenizer, *, max_length: int, checked_only: bool
) -> tuple[Example | None, str]:
    if problem.gold_program is None or len(problem.quantities) > MAX_NUMBERS:
        return None, "no_program"
    if checked_only and not is_checked(problem):
        return None, "unchecked"
    try:
        completion = completion_tokens(problem.gold_program, tokenizer)
    except ProgramError:
        return None, "no_program"
    prompt = prompt_tokens(problem, tokenizer)
    if len(prompt) + len(completion) > max_length:
        return None, "too_long"
    return Example(tokens=(*prompt, *completion), prompt_length=len(prompt)), "used"
