"""What every layer stands on: errors, config, units, files, manifests, seeds and the console.

Standard library and `rich` only; nothing here imports torch or numpy. Start with `errors`.
"""
