"""Expressions: problems over expressions and equations, whose programs sympy runs in a sandbox.

Start with `domain`; `reader` reads expressions, `algebra` computes with them.
"""
