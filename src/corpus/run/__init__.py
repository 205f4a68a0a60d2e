"""A run as a whole: its folder, its lock, its config, its problems and its weights.

Start with `folder`, then `begin`.
"""
