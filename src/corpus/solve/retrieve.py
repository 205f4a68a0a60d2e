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

OTHER_COUNT = 0.2
"""What is left of that where the neighbour has another number of quantities: its program refers to other quantities. These three were chosen on
a tuning split, where anything near them did as well."""


def neighbour_ballots(text: str, index: NeighbourIndex) -> list[Ballot]:
    """Return the programs of the problems of `index` that are most like `text`, the more alike the weightier; together they weigh 1."""
    quantities = find_quantities(text)
    found: list[tuple[Candidate, float]] = []
    for problem, similarity in index.similar(text, NEIGHBOURS):
        program = parse(problem.program or "")
        weight = similarity**SHARPNESS * (1.0 if len(problem.quantities) == len(quantities) else OTHER_COUNT)
        candidate = Candidate(program=program, outcome=execute(program, quantities), log_probability=float("-inf"))
        found.append((candidate, weight))
    total = sum(weight for _, weight in found) or 1.0
    return [Ballot(candidate=candidate, weight=weight / total) for candidate, weight in found]
