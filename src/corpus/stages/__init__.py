"""The stages, each wired to a run's config and folder: what `corpus.pipeline` strings together.

Each stage reads files that earlier stages wrote and writes its own; one whose work is done returns at once.
"""
