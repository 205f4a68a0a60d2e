"""Where text comes from, one file each: SlimPajama records, plain text files, the Hugging Face hub, this Python installation.

Each is a `corpus.prepare.document.TextInput`. A new one is one new file and one line in `corpus.prepare.find`.
"""
