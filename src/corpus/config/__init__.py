"""Every setting of a run, one file for each stage; `run.py` puts them together into the tree that `config.json` holds.

Frozen dataclasses, checked when they are constructed. They import nothing that computes, so any layer can take one. Start with `run`.
"""
