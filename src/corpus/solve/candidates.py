"""A program that may answer a problem."""

from dataclasses import dataclass

from corpus.program.interpreter import Outcome
from corpus.program.language import Program


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One program for a problem and what came of it."""

    program: Program
    outcome: Outcome
    log_probability: float
    """Under the model, among all programs; minus infinity where the model did not write it."""
