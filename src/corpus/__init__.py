"""Corpus: a maths language model from scratch, under a clock, and whether the order of its data
mattered.

Start reading at `corpus.pipeline`: the whole project on one screen.
"""

__version__ = "0.1.0"
