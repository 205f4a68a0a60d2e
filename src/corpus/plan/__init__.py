"""The planner: the model size, tokens, batch and learning rate that a budget buys on this machine.

Start with `planner.py`.
"""
