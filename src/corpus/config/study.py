"""What the command line knows of a study without loading it."""

ORDERS, MIXTURES = "orders", "mixtures"
"""The kinds of study; `corpus.study.kinds` has them."""

DEFAULT_ORDERS = (
    "shuffled",
    "again",
    "hash",
    "sequential",
    "reverse",
    "interleaved",
    "easy",
    "hard",
    "easy-warmup",
    "maths-end",
)
"""All built-in orders; `corpus.study.orders` has them."""
