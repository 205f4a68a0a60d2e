"""What belongs to a run as a whole: its folder, its lock, its config's life, its problems and its weights.

Start with `folder`, then `begin`.
"""
