"""Word problems in MathQA's format: any number, from a seed, every program checked by executing it.

Start with `generator.generate`. The templates are data: `templates/` (a formula and its wordings),
`stories/` (openings and events that combine into templates) and `words.toml`. To add one, add a
table there; the head of each `general.toml` says how. `reader` reads and checks the files,
`template` and `stories` say what is in them, `catalogue` gathers them, `formula` makes programs.
"""
