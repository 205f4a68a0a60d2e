"""The language model: a Llama-shaped decoder, its settings, weights and cache.

Start with `transformer.py`, which reads top to bottom; its sizes are in `config.py`. Compilation, precision and parallelism are
applied from outside, by whoever trains or decodes.
"""
