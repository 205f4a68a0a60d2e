"""Problems as training examples: the prompt is read, the program is learned.

Programs can be brought into normal form first, so that the model learns one way to write what many
programs compute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.base.errors import DataError
from corpus.problems.check import is_checkable, is_checked
from corpus.problems.problem import Problem
from corpus.problems.render import completion_tokens, prompt_tokens
from corpus.program.arithmetic.normal_form import NormalForms
from corpus.program.language import MAX_NUMBERS, Program, ProgramError
from corpus.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Example:
    """One problem as tokens."""

    tokens: tuple[int, ...]
    """Prompt and completion, `<|eos|>` included."""
    prompt_length: int
    """Loss is computed from here on."""
    answer: int | None = None
    """The token of the whole program, where it has one: the target of the prompt's end. The tokens
    spell the program all the same, so that one example teaches both."""


@dataclass(frozen=True, kw_only=True)
class SelectedExamples:
    """The examples that training uses, and why other problems were left out."""

    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]
    """The problems behind `examples`, in the same order."""
    solvable: tuple[Problem, ...]
    """Problems with a gold answer that a value can be checked by, but no program that gives it."""
    counts: dict[str, int]
    """`given`, `used`, `no_program`, `unchecked`, `too_long`."""

    @property
    def programs(self) -> frozenset[str]:
        """The different programs among the examples."""
        return frozenset(problem.program for problem in self.problems if problem.program)


def select_examples(
    problems: Sequence[Problem], tokenizer: Tokenizer, *, max_length: int, checked_only: bool
) -> SelectedExamples:
    """Turn training problems into examples of at most `max_length` tokens.

    Raises `DataError` if no example is left to train on.
    """
    reasons = ("given", "used", "no_program", "unchecked", "too_long")
    counts: dict[str, int] = dict.fromkeys(reasons, 0)
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
            f"none of the problems can be used ({left_out or 'there are none'}); give problems "
            "with programs, raise model.context_length if they are too long, or set "
            "finetune.checked_only to false if they are unchecked"
        )
    return SelectedExamples(
        examples=tuple(examples), problems=tuple(used), solvable=tuple(solvable), counts=counts
    )


def _is_solvable(problem: Problem) -> bool:
    return is_checkable(problem) and len(problem.quantities) <= MAX_NUMBERS


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
    example = Example(
        tokens=(*prompt, *completion),
        prompt_length=len(prompt),
        answer=tokenizer.program_ids.get(problem.gold_program),
    )
    return example, "used"


def frequent_programs(problems: Sequence[Problem], least: int) -> list[Program]:
    """Return the programs of at least `least` wordings, the most frequent first.

    Programs that do not give the gold answer do not count.
    """
    wordings: dict[Program, set[str]] = {}
    for problem in problems:
        program = problem.gold_program
        if program is not None and is_checked(problem):
            wordings.setdefault(program, set()).add(problem.template)
    counts = {program: len(each) for program, each in wordings.items() if len(each) >= least}
    return sorted(counts, key=lambda program: (-counts[program], str(program)))


def normal_forms(problems: Sequence[Problem]) -> NormalForms:
    """Return the normal forms of the problems' programs; wrong programs do not count."""
    return NormalForms(
        each.gold_program
        for each in problems
        if each.gold_program and each.domain.has_normal_form and is_checked(each)
    )


def in_normal_form(problems: Sequence[Problem], forms: NormalForms) -> list[Problem]:
    """Return the problems with their programs in normal form.

    Two kinds of problems keep their programs. The first: the program gives the gold answer and its
    normal form does not, since two programs can agree at the points that normal forms test but not
    at a problem's numbers. The second: problems over expressions, which ask how a value is written.
    """
    written: dict[Program, str] = {}
    result = []
    for problem in problems:
        gold = problem.gold_program
        if gold is not None and problem.domain.has_normal_form:
            if gold not in written:
                written[gold] = str(forms.of(gold))
            other = replace(problem, program=written[gold])
            if other.program != problem.program and (is_checked(other) or not is_checked(problem)):
                problem = other
        result.append(problem)
    return result
