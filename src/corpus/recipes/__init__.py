"""Recipes: functions that return a complete config, each for one kind of machine.

`corpus.config.run` says what a config holds. A new recipe is a file here and a line in `registry`.
"""
