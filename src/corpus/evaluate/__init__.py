"""Scores beside their baselines: loss on held-out text, answers on held-out problems.

Start with `evaluate`, which writes them; `score` says what each number means.
"""
