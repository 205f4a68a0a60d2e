"""The language of programs: operations on the numbers of a problem, and the interpreter that runs them.

Start with `language` (what a program is), then `operations` (the table), `interpreter` and `answer`.
"""
