"""Training under a budget: the loop, the optimizer, the clock, checkpoints and metrics.

Start with `loop.py`; it receives batches and validation as arguments and knows neither text nor problems.
"""
