"""Word problems of our own in MathQA's format: endless, seeded, every program checked by executing it.

Start with `generator` (`generate`, `stream`). `template` says what a template is, `formula` turns its expression into a program,
`words` and `options` fill in the rest; the templates themselves are data, one file a category (`general`, `gain`, `geometry`,
`physics`, `probability`, `other`) plus `heldout`, whose templates are never trained on; `catalogue` gathers them.
"""
