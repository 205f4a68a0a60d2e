"""Problems over expressions: phrases inside phrases, and programs that sympy executes.

Start with `generator.generate`. The templates are data, `templates.toml`, whose head says how to
write one; `catalogue` combines them and `draw` makes expressions.
"""
