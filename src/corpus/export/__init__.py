"""A run in the format of another tool, so that it can be used without Corpus.

Start with `huggingface.py`; the page that goes with the weights is in `card.py`.
"""
