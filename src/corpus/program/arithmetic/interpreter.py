"""The interpreter of arithmetic: a program and numbers in, a value or an error out.

It evaluates only the operations of the table, on floats, each step once. A wrong program is an
outcome, never an exception.
"""

import math
from collections.abc import Sequence

from corpus.program.arithmetic.operations import OPERATIONS, UndefinedError
from corpus.program.domain import ProgramOutcome
from corpus.program.language import CONSTANTS, Program, Step


class _StepError(Exception):
    """A step has no finite real result."""


def execute(program: Program, numbers: Sequence[float]) -> ProgramOutcome[float]:
    """Run `program` on the numbers n0, n1, …; a wrong program raises no exception.

    Time and memory grow with the number of steps alone.
    """
    results: list[float] = []
    for position, step in enumerate(program.steps):
        try:
            results.append(_apply(step, numbers, results))
        except _StepError as error:
            return ProgramOutcome(None, f"step {position}, {step}: {error}", tuple(results))
    if not results:
        return ProgramOutcome(None, "the program has no steps")
    return ProgramOutcome(results[-1], None, tuple(results))


def _apply(step: Step, numbers: Sequence[float], results: Sequence[float]) -> float:
    operation = OPERATIONS.get(step.operation)
    if operation is None or operation.arity != len(step.arguments):
        raise _StepError("no such operation with so many arguments")
    arguments = [_look_up(argument, numbers, results) for argument in step.arguments]
    try:
        value = float(operation.apply(*arguments))
    except ZeroDivisionError:
        raise _StepError("division by zero") from None
    except OverflowError:
        raise _StepError("the result is too large") from None
    except UndefinedError as error:
        raise _StepError(str(error)) from None
    except (ValueError, ArithmeticError):
        raise _StepError(
            "not defined for " + ", ".join(f"{argument:g}" for argument in arguments)
        ) from None
    if not math.isfinite(value):
        raise _StepError("the result is not finite")
    return value


def _look_up(argument: str, numbers: Sequence[float], results: Sequence[float]) -> float:
    if (constant := CONSTANTS.get(argument)) is not None:
        return constant
    values, what = (numbers, "numbers") if argument.startswith("n") else (results, "results")
    index = argument[1:]
    if not index.isdecimal() or not argument.startswith(("n", "#")):
        raise _StepError(f"{argument} is no argument")
    if len(index) > 4 or int(index) >= len(values):
        raise _StepError(f"{argument} is beyond the {len(values)} {what} there are")
    try:
        return float(values[int(index)])
    except OverflowError:
        raise _StepError(f"{argument} is an integer beyond the largest float") from None
