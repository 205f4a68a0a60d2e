"""One problem, solved and shown step by step."""

import re
from collections.abc import Sequence
from dataclasses import replace

from corpus.base.errors import DataError
from corpus.config.rope import Reach
from corpus.config.run import RunConfig
from corpus.problems.expressions import TICK, find_expressions, mark_expressions
from corpus.problems.numbers import find_quantities
from corpus.program.answer import Option, nearest_option, parse_options
from corpus.program.expression import ExpressionError, read
from corpus.program.interpreter import Quantity
from corpus.program.language import CONSTANTS
from corpus.run.folder import RunFolder
from corpus.run.problems import asked_as_trained
from corpus.run.weights import AS_TRAINED, load_shape, load_weights
from corpus.runtime.runtime import resolve
from corpus.solve.candidates import Candidate
from corpus.solve.solver import Solver
from corpus.solve.vote import ballots_of, vote

_LETTER = re.compile(r"(?:^|\s)[a-e]\s*\)", re.IGNORECASE)
_APOSTROPHE = re.compile(r"` ?(?:s|t|re|ve|ll|d|m)\b")
"""As MathQA has it: `` john ` s ``."""


def show_solution(
    config: RunConfig,
    folder: RunFolder,
    text: str,
    options_text: str,
    *,
    programs: int,
    reach: Reach = AS_TRAINED,
    in_int8: bool = False,
) -> list[str]:
    """Solve `text` with a run's final weights; return the lines that show how.

    Args:
        config: the run's config.
        folder: the run.
        text: the problem.
        options_text: the answers to choose from, as MathQA writes them; empty where there are none.
        programs: how many vote; 1 takes the likeliest token each time, without a vote.
        reach: how far the model reads, where not as trained.
        in_int8: solve with the weights rounded to int8.

    Raises `DataError` where options are given that cannot be told apart, or for a problem about expressions.
    """
    options = parse_options(options_text)
    if options_text and (
        len(options) < 2 or any(_LETTER.search(option.text) for option in options)
    ):
        raise DataError(
            f'the options {options_text!r} cannot be told apart; write them as "a ) 40 , b ) 60 , c ) 80"'
        )
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
    text = as_read(config, asked_as_trained(folder, text))
    if options and find_expressions(text):
        raise DataError(
            "options are for numbers, and this problem is about expressions; ask it without --options"
        )
    quantities = find_quantities(text)
    unread = not config.problems.symbolic_train and find_expressions(mark_expressions(text))
    what = "expressions" if find_expressions(text) else "numbers  "
    lines = [
        f"{what} {', '.join(f'n{i} = {_short(value)}' for i, value in enumerate(quantities)) or 'none'}"
    ]
    if not quantities:
        lines.append(
            "          a program works on the numbers of a problem, and here are none: what follows is a guess"
        )
    if unread:
        lines.append(
            "          this run was not trained on problems over expressions, and reads the numbers alone"
        )
    found, told = _solve(solver, text, options, programs)
    (length,) = solver.lengths([text], [found.program if found else None])
    if length > (trained := load_shape(folder).context_length):
        lines.append(
            f"length    {length} tokens with its program, more than the {trained} of a row in training: less to be trusted"
        )
    lines += _program_lines(found, quantities)
    lines += told
    if options:
        letter = nearest_option(found.outcome.value, options) if found else None
        chosen = next(
            (f"{o.letter} ) {o.text}" for o in options if o.letter == letter), "none of the options"
        )
        lines.append(f"option    {chosen}")
    return lines


def as_read(config: RunConfig, text: str) -> str:
    """Return a problem's text as a run's model reads it: with its expressions marked, where it was trained on problems over expressions.

    Raises `DataError` where somebody marked something that is no expression. A backtick in the place of an apostrophe is none.
    """
    if not config.problems.symbolic_train:
        return text.replace(TICK, "") if find_expressions(text) else text
    marked = mark_expressions(text)
    if TICK in _APOSTROPHE.sub("", marked) and not find_expressions(marked):
        for piece in marked.split(TICK)[1::2]:
            try:
                read(piece)
            except ExpressionError as error:
                raise DataError(
                    f"{piece!r} stands between backticks and is no expression: {error}. Write it as 3x^2 + 2x"
                ) from None
        raise DataError(
            f"the problem {text!r} has a backtick too many; an expression stands between two, or write none"
        )
    return marked


def _short(value: Quantity) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _solve(
    solver: Solver, text: str, options: Sequence[Option], programs: int
) -> tuple[Candidate | None, list[str]]:
    """Return the program that answers, and what there is to say of the vote."""
    if programs == 1:
        return solver.greedy([text])[0], []
    (candidates,) = solver.search([text], programs)
    found = vote(ballots_of(candidates), options, num_numbers=len(find_quantities(text)))
    if found is None:
        return (candidates[0] if candidates else None), []
    return found.winner, [
        f"votes     {found.share:.0%}, of the {len(candidates)} likeliest programs"
    ]


def _program_lines(found: Candidate | None, quantities: Sequence[Quantity]) -> list[str]:
    if found is None:
        return ["program   the model wrote no program for this problem"]
    lines = [f"program   {found.program}"]
    outcome = found.outcome
    results: Sequence[Quantity] = outcome.expressions or outcome.results
    for index, result in enumerate(results):
        lines.append(
            f"  #{index} = {_with_values(found, index, quantities, results)} = {_long(result)}"
        )
    if outcome.executes:
        constant = " + C" if found.program.steps[-1].operation == "integrate" else ""
        lines.append(f"answer    {_long(results[-1])}{constant}")
    else:
        lines.append(f"no answer: {outcome.error}")
    return lines


def _long(value: Quantity) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"


def _with_values(
    found: Candidate, index: int, quantities: Sequence[Quantity], results: Sequence[Quantity]
) -> str:
    step, values = found.program.steps[index], []
    for name in step.arguments:
        if name in CONSTANTS:
            values.append(f"{CONSTANTS[name]:.10g}")
        else:
            source = quantities if name.startswith("n") else results
            values.append(_long(source[int(name[1:])]))
    return f"{step.operation}({', '.join(values)})"
