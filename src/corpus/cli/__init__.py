"""The command line: `main` finds the command, `commands` has all of them, `options` parses them.

Nothing here imports torch before a command that needs it runs.
"""
