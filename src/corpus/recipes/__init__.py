"""Recipes: functions that return a complete, typed config, each for a machine and an evening.

Start with `config.py` for what a run's config holds; a new recipe is one file here and one line in `registry.py`.
"""
