"""The planner: what a budget buys on this machine, as a model size, tokens, a batch and a learning rate. Start reading at `planner.py`."""
