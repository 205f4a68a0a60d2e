"""When a gradient is so much larger than those before it that its step is better left out.

A step in the wrong direction costs more than a step not taken: large models that jump back to a checkpoint skip the batches that made
the loss jump (Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, sec. 5.1). Here such a step is not taken in the first place. Gradients that stay large are a
new normal, a curriculum that went on to other text, say, and are believed.
"""

import math
import statistics
from collections.abc import Sequence

WINDOW = 64
"""Norms that the median is taken of."""

FEWEST = 16
"""Norms that must be known before anything counts as a spike."""

BELIEVED = 3
"""Spikes in a row after which the next one is taken for the new normal."""


def largest_norm(norms: Sequence[float], factor: float, *, in_a_row: int) -> float:
    """Return the gradient norm above which the next step is skipped, given the norms of the last steps that were taken."""
    if not factor or len(norms) < FEWEST or in_a_row >= BELIEVED:
        return math.inf
    return factor * statistics.median(norms)
