"""Problems over expressions, generated: phrases around phrases, each an operation, with programs that sympy executes in a sandbox.

Start with `generator.generate`. The templates are data, `templates.toml`, whose head says how to write one; `catalogue` combines them and
`draw` makes expressions.
"""
