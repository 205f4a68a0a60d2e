"""One problem, solved and shown step by step."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from corpus.base.errors import DataError
from corpus.config.rope import Reach
from corpus.config.run import RunConfig
from corpus.problems.neighbours import NeighbourIndex
from corpus.problems.problem import Problem
from corpus.program.arithmetic.options import parse_options
from corpus.program.domain import AnswerOption, Domain
from corpus.program.domains import ARITHMETIC, DOMAINS, EXPRESSIONS, domain_of
from corpus.program.language import CONSTANTS, Step
from corpus.program.number_words import digits_for_words
from corpus.program.plain_numbers import plain_numbers
from corpus.run.folder import RunFolder
from corpus.run.problems import reads_words_as_digits, training_problems
from corpus.run.weights import AS_TRAINED, load_shape, load_weights
from corpus.runtime.runtime import resolve
from corpus.solve.solver import Solver
from corpus.solve.voting import CandidateProgram, by_probability, by_similarity, majority

_LETTER = re.compile(r"(?:^|\s)[a-e]\s*\)", re.IGNORECASE)
MAX_SEQUENCES = 4
"""Longer problems, in sequences of the length that was trained, are refused: memory and time grow
with the square of the length, and the answer is a guess."""

MAX_CHARACTERS = 20_000
"""Of a question or of options; what is longer is refused before it is read."""

_SHORT, _LONG = 6, 10
"""Significant digits of a quantity, and of a result."""


def show_solution(
    config: RunConfig,
    folder: RunFolder,
    text: str,
    options_text: str,
    *,
    programs: int,
    retrieval: bool = False,
    reach: Reach = AS_TRAINED,
    in_int8: bool = False,
) -> list[str]:
    """Solve `text` with a run's final weights; return the lines that show how.

    Args:
        config: the run's config.
        folder: the run.
        text: the problem.
        options_text: the answers to choose from, as MathQA writes them; empty if there are none.
        programs: how many programs vote; 1 takes one greedy program.
        retrieval: whether the programs of similar training problems vote as well.
        reach: changes of the model's positions.
        in_int8: solve with the weights rounded to int8.

    Raises `DataError` if the options cannot be read, if the problem cannot have any, or if it is
    longer than `MAX_SEQUENCES`.
    """
    options = _read_options(options_text)
    runtime = resolve(replace(config.runtime, precision="fp32"))
    model, tokenizer = load_weights(folder, runtime, reach=reach, in_int8=in_int8)
    settings = config.evaluate
    solver = Solver(
        model,
        tokenizer,
        runtime,
        max_program_tokens=settings.max_program_tokens,
        batch_size=settings.batch_size,
        constrained=settings.constrained,
    )
    problem, notes = question(config, folder, text, options)
    if options and not problem.domain.has_options:
        raise DataError(
            f"options must be numbers, but this problem is about {problem.domain.name}; ask it "
            "without --options"
        )
    lines = _quantity_lines(problem, _trained(config), notes)
    trained = load_shape(folder).context_length
    if (length := solver.length(problem, None)) > MAX_SEQUENCES * trained:
        raise DataError(
            f"the problem has {length:,} tokens, more than {MAX_SEQUENCES} of the sequences of "
            f"{trained} that the model was trained on. Shorten it."
        )
    index = NeighbourIndex(training_problems(folder)) if retrieval else None
    found, vote_lines = _solve(solver, problem, programs, index)
    length = solver.length(problem, found.program if found else None)
    if length > trained:
        lines.append(
            f"length    {length} tokens with its program, more than the {trained} of a sequence "
            "in training, so the answer is less reliable"
        )
    lines += _program_lines(found, problem) + vote_lines
    if options:
        letter = problem.domain.nearest(found.outcome.value, options) if found else None
        chosen = next((f"{o.letter} ) {o.text}" for o in options if o.letter == letter), None)
        lines.append(f"option    {chosen or 'none of the options'}")
    return lines


def question(
    config: RunConfig, folder: RunFolder, text: str, options: tuple[AnswerOption, ...]
) -> tuple[Problem, tuple[str, ...]]:
    """Return a typed question in the form that a run was trained on, and notes about its numbers.

    Raises `DataError` if the text is too long, or marks something that is not a quantity.
    """
    _check_length("problem", text)
    words = reads_words_as_digits(folder)
    plain = plain_numbers(text, words=words)
    asked, notes = as_read(config, plain.text), plain.notes
    if domain_of(asked) is not ARITHMETIC:  # expressions have a spelling of their own
        asked, notes = as_read(config, digits_for_words(text) if words else text), ()
    return Problem.question(asked, options), notes


def _check_length(what: str, text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise DataError(
            f"the {what} has {len(text):,} characters, and at most {MAX_CHARACTERS:,} are read. "
            "Shorten it."
        )


def _read_options(text: str) -> tuple[AnswerOption, ...]:
    _check_length("text of options", text)
    options = parse_options(text)
    if text and (len(options) < 2 or any(_LETTER.search(option.text) for option in options)):
        raise DataError(
            f'cannot read the options {text!r}; write them as "a ) 40 , b ) 60 , c ) 80"'
        )
    return options


def _trained(config: RunConfig) -> Collection[Domain[Any]]:
    """Return the domains that a run is trained on."""
    return (ARITHMETIC, EXPRESSIONS) if config.problems.symbolic_train else (ARITHMETIC,)


def as_read(config: RunConfig, text: str) -> str:
    """Return a problem's text as a run's model reads it.

    The quantities of the domains that it was trained on are marked, and those of others are not.
    Raises `DataError` if the text marks something that is not a quantity.
    """
    trained = _trained(config)
    for domain in DOMAINS:
        text = domain.mark(text) if domain in trained else domain.unmark(text)
        if domain in trained:
            domain.check_marks(text)
    return text


def _quantity_lines(
    problem: Problem, trained: Collection[Domain[Any]], notes: Sequence[str]
) -> list[str]:
    name, show = problem.domain.name, problem.domain.show
    values = [f"n{i} = {show(value, _SHORT)}" for i, value in enumerate(problem.quantities)]
    lines = [f"{name:<9} {', '.join(values) or 'none'}", *(f"          {note}" for note in notes)]
    if not values:
        lines.append(
            f"          this problem has no {name} for a program to use: the answer is a guess"
        )
    for domain in DOMAINS:
        if domain not in trained and domain.find(domain.mark(problem.text)):
            lines.append(
                f"          this run was not trained on problems over {domain.name}, "
                f"so it reads only the {name}"
            )
    return lines


def _solve(
    solver: Solver, problem: Problem, programs: int, index: NeighbourIndex | None
) -> tuple[CandidateProgram | None, list[str]]:
    """Return the program that answers, and lines about the vote."""
    if programs == 1 and index is None:
        return solver.greedy([problem])[0], []
    (candidates,) = solver.search([problem], programs)
    similar = [] if index is None else by_similarity(problem, index)
    found = majority([*by_probability(candidates), *similar], problem, problem.options)
    if found is None:
        return (candidates[0] if candidates else None), []
    voters = f"the {len(candidates)} likeliest programs"
    lines = [f"majority  {found.share:.0%} of {voters}"]
    if index is not None:
        lines = [f"majority  {found.share:.0%} of {voters} and {len(similar)} of similar problems"]
        if found.winner.log_probability == float("-inf"):
            lines.append("          the program is one of a similar training problem")
    return found.winner, lines


def _program_lines(found: CandidateProgram | None, problem: Problem) -> list[str]:
    if found is None:
        return ["program   the model wrote no program for this problem"]
    outcome, show = found.outcome, problem.domain.show
    lines = [f"program   {found.program}"]
    for index, (step, result) in enumerate(zip(found.program.steps, outcome.results)):
        written = _with_values(step, problem, outcome.results)
        lines.append(f"  #{index} = {written} = {show(result, _LONG)}")
    if outcome.value is None:
        return [*lines, f"no answer: {outcome.error}"]
    return [*lines, f"answer    {problem.domain.show_answer(found.program, outcome.value, _LONG)}"]


def _with_values(step: Step, problem: Problem, results: Sequence[Any]) -> str:
    values = []
    for name in step.arguments:
        if name in CONSTANTS:
            values.append(f"{CONSTANTS[name]:.{_LONG}g}")
        else:
            source = problem.quantities if name.startswith("n") else results
            values.append(problem.domain.show(source[int(name[1:])], _LONG))
    return f"{step.operation}({', '.join(values)})"
