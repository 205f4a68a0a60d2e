"""The interpreter: a program and the numbers of its problem in, a value or the reason why there is none out.

It evaluates nothing but the table of operations, on floats, each step once; a wrong program is an outcome, never an exception. Where the
quantities are expressions, `sandbox` runs it.
"""

import math
from collections.abc import Sequence

from corpus.program import sandbox
from corpus.program.language import CONSTANTS, OPERATIONS, Program, Step
from corpus.program.operations import UndefinedError
from corpus.program.outcome import Outcome

__all__ = ["Outcome", "Quantity", "execute"]

Quantity = float | str
"""What stands in a problem's text: a number, or where the text holds expressions, an expression's text."""


class _StepError(Exception):
    """A step has no finite real result."""


def execute(program: Program, quantities: Sequence[Quantity]) -> Outcome:
    """Run `program` on a problem's `quantities` (n0, n1, …). Never raises for what a program holds.

    On numbers, time and memory grow with the number of steps alone; on expressions, the sandbox limits both.
    """
    expressions = [quantity for quantity in quantities if isinstance(quantity, str)]
    if expressions:
        return sandbox.execute(program, [str(quantity) for quantity in quantities])
    return _execute(program, [quantity for quantity in quantities if not isinstance(quantity, str)])


def _execute(program: Program, numbers: Sequence[float]) -> Outcome:
    results: list[float] = []
    for position, step in enumerate(program.steps):
        try:
            results.append(_apply(step, numbers, results))
        except _StepError as error:
            return Outcome(None, f"step {position}, {step}: {error}", tuple(results))
    if not results:
        return Outcome(None, "the program has no steps", ())
    return Outcome(results[-1], None, tuple(results))


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
