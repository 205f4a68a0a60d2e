"""One seed a run, and a stable way to derive all others from it."""

import hashlib


def derive(seed: int, *names: object) -> int:
    """Return a 63-bit seed that depends on `seed` and `names` alone: the same on every machine, unrelated between names."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
