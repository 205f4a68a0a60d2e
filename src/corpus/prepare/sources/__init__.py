"""Where text comes from: files of several kinds, the Hugging Face hub, this Python installation.

Each is a `corpus.prepare.document.TextInput`; `corpus.prepare.discover` finds them.
"""
