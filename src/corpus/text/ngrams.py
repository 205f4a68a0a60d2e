"""Hashes of n-grams by a rolling hash: equal runs of values have equal hashes in every process.

Deduplication and the search for contamination both count in word n-grams.

Reference: Karp and Rabin 1987, IBM J. Res. Dev. 31:249.
"""

import numpy as np

PRIME = np.uint64(0x100000001B3)
"""The base of the polynomial; it is odd, so it has an inverse modulo 2^64."""

_INVERSE = np.uint64(pow(int(PRIME), -1, 1 << 64))


class RollingHash:
    """The hashes of all slices of a sequence, from one running sum.

    The hash of values v_0 … v_n is v_0 PRIME^n + … + v_n, modulo 2^64. Each value is divided by the
    power of its place and summed; a difference of two sums, times a power, is the hash of a slice.

    Args:
        values: [size] uint64.
    """

    def __init__(self, values: np.ndarray) -> None:
        powers, inverses = _powers(len(values))
        self._powers = powers[: len(values)]
        self._sums = np.empty(len(values) + 1, dtype=np.uint64)
        self._sums[0] = 0
        terms = np.multiply(values, inverses[: len(values)], out=self._sums[1:])
        np.cumsum(terms, out=terms)

    def slices(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Return the hashes of the values from `starts` up to `ends`, all of them not empty."""
        hashes = self._sums[ends]
        hashes -= self._sums[starts]
        hashes *= self._powers[ends - 1]
        return hashes

    def ngrams(self, n: int) -> np.ndarray:
        """Return the hashes of all runs of `n` values: [size - n + 1], none if there are fewer."""
        hashes = self._sums[n:] - self._sums[:-n]
        hashes *= self._powers[n - 1 :]
        return hashes


def mix(values: np.ndarray) -> np.ndarray:
    """Scramble 64-bit values so that their order is random (the finaliser of SplitMix64)."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


_TABLES: list[tuple[np.ndarray, np.ndarray]] = []


def _powers(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return powers of the prime and of its inverse, at least `length` of each: uint64."""
    if not _TABLES or len(_TABLES[0][0]) < length:
        size = 1 << max(16, int(length).bit_length())
        both = []
        for base in (PRIME, _INVERSE):
            steps = np.full(size, base, dtype=np.uint64)
            steps[0] = 1
            both.append(np.cumprod(steps))
        _TABLES[:] = [(both[0], both[1])]
    return _TABLES[0]
