"""One seed a run, and all others derived from it."""

import hashlib


def derive(seed: int, *names: object) -> int:
    """Return a 63-bit seed for `names`: the same on every machine, independent between names."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
