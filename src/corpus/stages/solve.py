"""One problem, solved and shown step by step."""

from dataclasses import replace

from corpus.base.errors import DataError
from corpus.base.run_folder import RunFolder
from corpus.program.answer import parse_options
from corpus.program.language import CONSTANTS, Program
from corpus.recipes.config import RunConfig
from corpus.runtime.runtime import resolve
from corpus.solve.solver import Solution, Solver
from corpus.stages.weights import load_weights


def show_solution(config: RunConfig, folder: RunFolder, text: str, options_text: str) -> list[str]:
    """Solve `text` with a run's final weights; return the lines that show how.

    Raises `DataError` where options are given that cannot be read.
    """
    options = parse_options(options_text)
    if options_text and not options:
        raise DataError(f'the options {options_text!r} cannot be read; write them as "a ) 40 , b ) 60 , c ) 80"')
    runtime = resolve(replace(config.runtime, precision="fp32"))
    model, tokenizer = load_weights(folder, runtime)
    solver = Solver(model, tokenizer, runtime, max_program_tokens=config.evaluate.max_program_tokens, batch_size=1)
    solution = solver.solve(text, options)
    lines = [f"numbers   {', '.join(f'n{i} = {value:g}' for i, value in enumerate(solution.numbers)) or 'none'}"]
    lines += _program_lines(solution)
    if options:
        chosen = next((f"{o.letter} ) {o.text}" for o in options if o.letter == solution.choice), "none of the options")
        lines.append(f"option    {chosen}")
    return lines


def _program_lines(solution: Solution) -> list[str]:
    program, outcome = solution.program, solution.outcome
    if program is None or outcome is None:
        return ["program   the model wrote no program for this problem"]
    lines = [f"program   {program}"]
    for index, result in enumerate(outcome.results):
        lines.append(f"  #{index} = {_with_values(program, index, solution)} = {result:.10g}")
    lines.append(f"answer    {outcome.value:.10g}" if outcome.value is not None else f"no answer: {outcome.error}")
    return lines


def _with_values(program: Program, index: int, solution: Solution) -> str:
    step = program.steps[index]
    results = solution.outcome.results if solution.outcome else ()
    values = []
    for name in step.arguments:
        if name in CONSTANTS:
            values.append(f"{CONSTANTS[name]:.10g}")
        else:
            source = solution.numbers if name.startswith("n") else results
            values.append(f"{source[int(name[1:])]:.10g}")
    return f"{step.operation}({', '.join(values)})"
