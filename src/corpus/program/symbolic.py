"""The operations on expressions, as one table, and how programs of them are executed: by `algebra`, in a process with limits.

A problem whose text holds expressions has programs of these operations, and of the arithmetic that it shares with problems over numbers.
`n0` is then its first expression, equation, variable or number.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SymbolicOperation:
    """One operation on expressions; `algebra` holds what it computes."""

    name: str
    arity: int
    meaning: str


_ROWS = (
    ("differentiate", 2, "derivative of a by the variable b"),
    ("integrate", 2, "an antiderivative of a by the variable b, without the constant"),
    ("solve", 2, "real solutions of the equation a, or of a = 0, for the variable b"),
    ("simplify", 1, "a, as short as it gets"),
    ("expand", 1, "a, multiplied out"),
    ("factor", 1, "a as a product"),
    (
        "substitute",
        2,
        "a with x = 2 put in where b says so, or with b for its only variable; of several solutions b, for each",
    ),
    ("variable", 1, "the only variable of a"),
    ("equate", 2, "the equation a = b"),
    ("largest", 1, "the largest of the solutions a"),
    ("smallest", 1, "the smallest of the solutions a"),
)
SYMBOLIC: dict[str, SymbolicOperation] = {
    name: SymbolicOperation(name=name, arity=arity, meaning=meaning)
    for name, arity, meaning in _ROWS
}
"""Every operation on expressions alone by its name, in the order of their token ids."""

SHARED = ("add", "subtract", "multiply", "divide", "power")
"""Operations of MathQA's language that work on expressions too."""

FORMS = ("simplify", "expand", "factor")
"""Operations that change how an expression is written, not what it is."""
