"""Settings of a study of orders that the command line shows without loading the study."""

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
