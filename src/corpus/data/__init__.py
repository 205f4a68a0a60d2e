"""Tokens on their way to the model: shards on disk, the curriculum, and the loader with its exact cursor.

Start with `curriculum` (pure functions), then `loader`.
"""
