"""Fine-tuning on problems: examples with a loss on the program only, packed, through the same loop as pre-training.

Start with `examples.py`.
"""
