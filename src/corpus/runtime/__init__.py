"""The machine: device, precision, threads and ranks, decided once and passed along.

Start with `runtime.py`.
"""
