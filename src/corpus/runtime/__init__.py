"""The machine: device, precision, threads and compiler, decided once and passed along.

Start with `runtime.py`.
"""
