"""Text to token ids and back: a byte-level BPE with single digits, trained on the run's own data.

Start with `tokenizer`.
"""
