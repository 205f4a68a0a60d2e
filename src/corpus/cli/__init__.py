"""The command line: one short file a command; `main.py` finds the command and imports only that one.

Nothing here imports torch before a command that needs it runs.
"""
