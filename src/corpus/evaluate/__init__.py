"""Scores beside their baselines: loss on held-out text, answers on held-out problems.

Start with `evaluate.py`, the stage; `score.py` says what each number means.
"""
