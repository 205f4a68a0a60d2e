"""From a problem to an answer: decoding, the grammar it follows, votes, and the solver built on them.

Start with `solver.py`; `decode.py`, `beam.py` and `rows.py` know nothing of problems, only of prompts and tokens.
"""
