"""Retrieval: programs of similar training problems, executed on a new problem's quantities.

It is looking up, not solving, and is scored under its own name.
"""

from corpus.problems.neighbours import NeighbourIndex
from corpus.problems.numbers import find_quantities
from corpus.program.interpreter import execute
from corpus.program.language import parse
from corpus.solve.candidates import Candidate
from corpus.solve.vote import Ballot

NEIGHBOURS = 32
"""Similar problems that are looked up."""

SHARPNESS = 4.0
"""A neighbour's weight is its similarity to this power."""

TOGETHER = 2.0
"""What the neighbours' votes weigh together, where the model's weigh 1."""

OTHER_COUNT = 0.2
"""What is left of that where the neighbour has another number of quantities: its program refers to other quantities. These four were chosen on
a tuning split, where anything near them did as well."""


def neighbour_ballots(text: str, index: NeighbourIndex) -> list[Ballot]:
    """Return the different programs of the problems of `index` that are most like `text`; together they weigh `TOGETHER`.

    A program's weight grows with how alike its problems are, and how many they are. Each is executed once: over expressions that takes time.
    """
    quantities = find_quantities(text)
    weights: dict[str, float] = {}
    for problem, similarity in index.similar(text, NEIGHBOURS):
        weight = similarity**SHARPNESS * (
            1.0 if len(problem.quantities) == len(quantities) else OTHER_COUNT
        )
        if problem.program is not None and weight:
            weights[problem.program] = weights.get(problem.program, 0.0) + weight
    total = sum(weights.values())
    ballots = []
    for text_of, weight in weights.items():
        program = parse(text_of)
        candidate = Candidate(
            program=program, outcome=execute(program, quantities), log_probability=float("-inf")
        )
        ballots.append(Ballot(candidate=candidate, weight=TOGETHER * weight / total))
    return ballots
