"""Families: problems that were varied from one story, found by the words that they share."""

import hashlib
import re
from collections.abc import Sequence

SHARED = 0.6
"""Two stories are one if they share this part of their words (Jaccard). In SVAMP's training part,
700 problems are then of 156 stories, the largest with 19 problems."""

_WORD = re.compile(r"[^\W\d_]+")


def families(stories: Sequence[str]) -> list[str]:
    """Return the name of the family of each story; numbers and the order of words do not matter.

    A family holds all stories that a chain of similar ones connects. Its name does not depend on
    the order of the stories.
    """
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    words = [frozenset(_WORD.findall(story.lower())) for story in stories]
    places: dict[str, int] = {}
    columns = [places.setdefault(word, len(places)) for own in words for word in sorted(own)]
    sizes = np.array([len(own) for own in words], np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_array(
        (np.ones(len(columns), np.int64), np.array(columns, np.int64), starts),
        shape=(len(words), max(1, len(places))),
    )
    both = (matrix @ matrix.T).tocoo()
    either = sizes[both.row] + sizes[both.col] - both.data
    near = both.data >= SHARED * either
    links = csr_array(
        (near[near].astype(np.int8), (both.row[near], both.col[near])), shape=both.shape
    )
    _, labels = connected_components(links, directed=False)
    first: dict[int, str] = {}
    for label, own in zip(labels.tolist(), words, strict=True):
        key = " ".join(sorted(own))
        first[label] = min(first.get(label, key), key)
    return [
        hashlib.blake2b(first[label].encode(), digest_size=6).hexdigest()
        for label in labels.tolist()
    ]
