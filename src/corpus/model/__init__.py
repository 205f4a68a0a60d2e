"""The language model: a Llama-shaped decoder with its loss, weights and cache.

Start with `transformer.py`, which reads top to bottom; its sizes are in `config/model.py`.
Compilation, precision and parallelism are applied from outside, by whatever trains or decodes.
"""
