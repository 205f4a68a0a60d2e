"""The operations on expressions, as one table. `algebra` computes them.

Problems over expressions also use the arithmetic in `SHARED`.
"""

ARITIES = {
    "differentiate": 2,  # a by the variable b
    "integrate": 2,  # a by the variable b, without the constant
    "solve": 2,  # the real solutions of the equation a, or of a = 0, for the variable b
    "simplify": 1,
    "expand": 1,
    "factor": 1,
    "substitute": 2,  # in a, put 2 for x if b is x = 2, else b for the only variable
    "variable": 1,  # the only variable of a
    "equate": 2,  # the equation a = b
    "largest": 1,  # of the solutions a
    "smallest": 1,
}
"""Every operation on expressions alone and its number of arguments, in the order of token ids."""

SHARED = ("add", "subtract", "multiply", "divide", "power")
"""Operations of arithmetic that work on expressions too."""

FORMS = ("simplify", "expand", "factor")
"""Operations that change how an expression is written, not what it is."""
