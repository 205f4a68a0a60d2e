"""From a problem to an answer: decoding under a grammar, majority voting, and the solver.

Start with `solver`; `decode`, `beam` and `sequences` know prompts and tokens only.
"""
