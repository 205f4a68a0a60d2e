"""One problem, solved and shown step by step."""

from collections.abc import Sequence
from dataclasses import replace

from corpus.base.errors import DataError
from corpus.base.run_folder import RunFolder
from corpus.model.scaling import Reach
from corpus.problems.numbers import find_numbers
from corpus.program.answer import Option, nearest_option, parse_options
from corpus.program.language import CONSTANTS
from corpus.recipes.config import RunConfig
from corpus.runtime.runtime import resolve
from corpus.solve.candidates import Candidate
from corpus.solve.solver import Solver
from corpus.solve.vote import ballots_of, vote
from corpus.stages.weights import AS_TRAINED, load_shape, load_weights


def show_solution(
    config: RunConfig, folder: RunFolder, text: str, options_text: str, *, programs: int, reach: Reach = AS_TRAINED
) -> list[str]:
    """Solve `text` with a run's final weights; return the lines that show how.

    Args:
        config: the run's config.
        folder: the run.
        text: the problem.
        options_text: the answers to choose from, as MathQA writes them; empty where there are none.
        programs: how many vote; 1 takes the likeliest token each time, without a vote.
        reach: how far the model reads, where not as trained.

    Raises `DataError` where options are given that cannot be read.
    """
    options = parse_options(options_text)
    if options_text and not options:
        raise DataError(f'the options {options_text!r} cannot be read; write them as "a ) 40 , b ) 60 , c ) 80"')
    runtime = resolve(replace(config.runtime, precision="fp32"))
    model, tokenizer = load_weights(folder, runtime, reach=reach)
    settings = config.evaluate
    solver = Solver(
        model,
        tokenizer,
        runtime,
        max_program_tokens=settings.max_program_tokens,
        batch_size=settings.batch_size,
        constrained=settings.constrained,
    )
    numbers = [span.value for span in find_numbers(text)]
    lines = [f"numbers   {', '.join(f'n{i} = {value:g}' for i, value in enumerate(numbers)) or 'none'}"]
    found, told = _solve(solver, text, options, programs)
    (length,) = solver.lengths([text], [found.program if found else None])
    if length > (trained := load_shape(folder).context_length):
        lines.append(
            f"length    {length} tokens with its program, more than the {trained} of a row in training: less to be trusted"
        )
    lines += _program_lines(found, numbers)
    lines += told
    if options:
        letter = nearest_option(found.outcome.value, options) if found else None
        chosen = next((f"{o.letter} ) {o.text}" for o in options if o.letter == letter), "none of the options")
        lines.append(f"option    {chosen}")
    return lines


def _solve(solver: Solver, text: str, options: Sequence[Option], programs: int) -> tuple[Candidate | None, list[str]]:
    """Return the program that answers, and what there is to say of the vote."""
    if programs == 1:
        return solver.greedy([text])[0], []
    (candidates,) = solver.search([text], programs)
    found = vote(ballots_of(candidates), options)
    if found is None:
        return (candidates[0] if candidates else None), []
    return found.winner, [f"votes     {found.share:.0%}, of the {len(candidates)} likeliest programs"]


def _program_lines(found: Candidate | None, numbers: Sequence[float]) -> list[str]:
    if found is None:
        return ["program   the model wrote no program for this problem"]
    lines = [f"program   {found.program}"]
    for index, result in enumerate(found.outcome.results):
        lines.append(f"  #{index} = {_with_values(found, index, numbers)} = {result:.10g}")
    value = found.outcome.value
    lines.append(f"answer    {value:.10g}" if value is not None else f"no answer: {found.outcome.error}")
    return lines


def _with_values(found: Candidate, index: int, numbers: Sequence[float]) -> str:
    step, values = found.program.steps[index], []
    for name in step.arguments:
        if name in CONSTANTS:
            values.append(f"{CONSTANTS[name]:.10g}")
        else:
            source = numbers if name.startswith("n") else found.outcome.results
            values.append(f"{source[int(name[1:])]:.10g}")
    return f"{step.operation}({', '.join(values)})"
