"""Fine-tuning on problems: examples with a loss on the program only, packed, and adapters.

Start with `examples.py`. The loop is that of pre-training, in `train`.
"""
