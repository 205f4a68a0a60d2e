"""From a problem to a program: decoding, and the solver built on it.

Start with `solver.py`; `decode.py` knows nothing of problems, only of prompts and tokens.
"""
