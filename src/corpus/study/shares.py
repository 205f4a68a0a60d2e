"""The mixtures of a study: shares of the sources, drawn around the natural ones.

The draws are from Dirichlet distributions around the natural shares, with strengths that vary.
"""

from collections.abc import Mapping

import numpy as np

from corpus.base.errors import DataError
from corpus.base.seeds import derive
from corpus.study.law import within
from corpus.study.sequences import exact_counts

PROPORTIONAL, UNIFORM = "proportional", "uniform"

STRENGTHS = (0.5, 2.0)
"""The range of a draw's Dirichlet parameters, in the mean over the sources: the lower, the farther
from the natural shares."""

TRIES = 50
"""Draws for one mixture; if none fits into the text, the last one is cut to it."""

Shares = dict[str, float]
"""Source → its share; they add up to 1."""


def natural_shares(sequences: Mapping[str, int]) -> Shares:
    """Return the share of each source in the text, from the sequences that each has."""
    total = sum(sequences.values())
    return {name: number / total for name, number in sequences.items()}


def check_text(sequences: Mapping[str, int], total: int) -> None:
    """Raise `DataError` if `total` sequences cannot be read from the text without repeating any."""
    if len(sequences) < 2:
        raise DataError(
            f"a study of mixtures needs two sources of text or more, and there is only "
            f"{', '.join(sequences) or 'none'}; give --data a folder with more of them"
        )
    there = sum(sequences.values())
    if there < total:
        raise DataError(
            f"the sources have {there:,} sequences together, and a run of this study reads "
            f"{total:,}: in a study nothing is read twice. Give a smaller --budget "
            "(or --second-budget), or more text"
        )


def fits(shares: Shares, sequences: Mapping[str, int], total: int) -> bool:
    """Return whether every source has enough sequences for its share of `total`."""
    counts = exact_counts(shares, total)
    return all(counts[name] <= sequences[name] for name in counts)


def cut(shares: Shares, sequences: Mapping[str, int], total: int) -> Shares:
    """Return the shares in whole sequences, cut to what each source has.

    What is cut goes to the other sources, in proportion to their shares.
    """
    names = list(shares)
    most = np.array([sequences[name] / total for name in names])
    kept = within(np.array([shares[name] for name in names]), most)
    counts = exact_counts({name: float(kept[at]) for at, name in enumerate(names)}, total)
    for name in names:  # rounding up can exceed a source by one
        while counts[name] > sequences[name]:
            counts[name] -= 1
            room = max(names, key=lambda each: sequences[each] - counts[each])
            counts[room] += 1
    return {name: counts[name] / total for name in names}


def draw_mixtures(
    sequences: Mapping[str, int], *, number: int, total: int, seed: int
) -> dict[str, Shares]:
    """Return `number` mixtures by name: proportional, uniform, and draws around the first.

    A draw that a source has too little text for is drawn again, up to `TRIES` times, and then cut.
    Proportional always fits; uniform is cut. The shares are whole sequences of `total`.

    Args:
        sequences: how many each source has.
        number: of mixtures, 2 or more.
        total: the sequences of a run.
        seed: of the study.

    Raises `DataError` if the text is too little for any mixture.
    """
    check_text(sequences, total)
    natural = natural_shares(sequences)
    uniform = {name: 1 / len(natural) for name in natural}
    found = {PROPORTIONAL: natural, UNIFORM: uniform}
    for place in range(1, number - 1):
        found[f"mix{place:02d}"] = _draw(natural, sequences, total, derive(seed, "mixture", place))
    return {name: cut(shares, sequences, total) for name, shares in found.items()}


def _draw(natural: Shares, sequences: Mapping[str, int], total: int, seed: int) -> Shares:
    generator = np.random.Generator(np.random.PCG64(seed))
    low, high = np.log(STRENGTHS)
    base = np.array(list(natural.values()))
    shares = natural
    for _ in range(TRIES):
        strength = len(base) * float(np.exp(generator.uniform(low, high)))
        drawn = generator.dirichlet(np.maximum(strength * base, 1e-3))
        shares = {name: float(share) for name, share in zip(natural, drawn)}
        if fits(shares, sequences, total):
            break
    return shares
