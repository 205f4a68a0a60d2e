"""Problems over expressions, generated: phrases around phrases, each an operation, with programs that sympy executes in a sandbox.

Start with `catalogue.py`; `generator.py` makes problems of its templates.
"""
