"""Tokens on their way to the model: shards on disk, the curriculum, the loader and its batches.

Start with `curriculum.py` (pure functions), then `loader.py`.
"""
