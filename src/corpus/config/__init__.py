"""Every setting of a run, one file a group; `run.py` joins them into the tree of `config.json`.

Frozen dataclasses that check themselves and import nothing that computes. Start with `run`. The
docstring of a field is its text in `--help`: one sentence a line, for help keeps the line breaks.
"""
