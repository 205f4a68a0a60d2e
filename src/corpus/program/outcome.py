"""What came of a program."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a program: its value, or the error that stopped it, and the results of the steps before that."""

    value: float | None
    """Of a program over numbers; None of one over expressions."""
    error: str | None
    results: tuple[float, ...]
    """Of a program over numbers."""
    expressions: tuple[str, ...] = ()
    """The results of a program over expressions."""

    @property
    def executes(self) -> bool:
        """True where every step gave a finite number, or an expression."""
        return self.error is None

    @property
    def expression(self) -> str | None:
        """What a program over expressions gives in the end; None where it does not execute."""
        return self.expressions[-1] if self.expressions and self.error is None else None
