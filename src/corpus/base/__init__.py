"""What every layer uses: errors, plain values, units, files, manifests, seeds and the console.

Standard library and `rich` only; nothing here imports torch or numpy. Start with `errors`.
"""
