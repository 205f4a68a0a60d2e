"""Training under a budget: the loop, the optimizer, the clock, checkpoints and metrics.

Start with `training.py`, which runs both phases, then follow a step: `loop.py`, `step.py` and
`optimizer.py`. The loop receives batches and a validation function, and knows nothing about text or
problems.
"""
