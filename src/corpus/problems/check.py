"""Whether a problem's own program reproduces its key: what fine-tuning trusts, in every set."""

from corpus.problems.problem import Problem
from corpus.program.answer import is_answer, is_near, nearest_option
from corpus.program.interpreter import execute
from corpus.program.language import parse


def is_checked(problem: Problem) -> bool:
    """True where the program executes and reproduces the key.

    With options: its value is nearest to the keyed one and within 1 % of it, for options are rounded. Without: it is the answer
    (`program.answer.is_answer`). A problem over expressions was checked when it was made: its answer is what its program gives.
    """
    if problem.expression is not None:
        return problem.program is not None
    if problem.program is None:
        return False
    value = execute(parse(problem.program), problem.numbers).value
    if not problem.options:
        return is_answer(value, problem.answer)
    if (
        value is None
        or problem.correct is None
        or nearest_option(value, problem.options) != problem.correct
    ):
        return False
    return is_near(
        value, next(option for option in problem.options if option.letter == problem.correct)
    )
