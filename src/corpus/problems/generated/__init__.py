"""Word problems of our own in MathQA's format: endless, seeded, every program checked by executing it.

Start with `generator.generate`. The templates are data: `templates/` (one wording, one formula), `stories/` (openings and events that
combine into templates) and `words.toml`. A new one is a new table there; the head of each `general.toml` says how to write it. `reader`
reads and checks the files, `template` and `stories` say what is in them, `catalogue` gathers them, `formula` makes programs.
"""
