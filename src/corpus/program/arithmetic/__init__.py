"""Arithmetic: problems over numbers, with MathQA's operations and options to choose from.

Start with `domain`; `operations` is the table, `interpreter` runs it.
"""
