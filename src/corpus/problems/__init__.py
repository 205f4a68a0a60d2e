"""Problem sets: reading them, generating them, and finding them again in training data.

Start with `problem` (the record that every set becomes) and `registry` (the sets there are).
"""
