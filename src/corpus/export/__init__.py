"""A run in the formats of other tools, to use it without Corpus.

Start with `export`. `huggingface` writes the folder, `card` its README.md, `adapter` a peft folder.
"""
