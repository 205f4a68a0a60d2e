"""Families: problems that were varied from one story, found by the words that they share."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from corpus.problems.problem import Problem

SHARED = 0.6
"""Two stories are one if they share this part of their words (Jaccard). In SVAMP's training part,
700 problems are then of 156 stories, the largest with 19 problems."""

PAIRS = 1 << 22
"""Pairs of stories that are compared at a time."""

_WORD = re.compile(r"[^\W\d_]+")


def story_words(story: str) -> str:
    """Return a story's words, sorted: the name of its family until families are joined."""
    return " ".join(sorted(set(_WORD.findall(story.lower()))))


def join_families(problems: Sequence[Problem]) -> list[Problem]:
    """Return problems whose families are those of all of them together.

    Their own are `story_words`. Similar stories become one family; problems without a family stay
    as they are. The time is quadratic in the number of stories.
    """
    own = sorted({each.family for each in problems if each.family is not None})
    names = dict(zip(own, families(own)))
    return [
        each if each.family is None else replace(each, family=names[each.family])
        for each in problems
    ]


def families(stories: Sequence[str]) -> list[str]:
    """Return the name of the family of each story; numbers and the order of words do not matter.

    A family holds all stories that a chain of similar ones connects. Its name does not depend on
    the order of the stories.
    """
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    words = [story_words(story).split() for story in stories]
    places: dict[str, int] = {}
    columns = [places.setdefault(word, len(places)) for own in words for word in own]
    sizes = np.array([len(own) for own in words], np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_array(
        (np.ones(len(columns), np.int64), np.array(columns, np.int64), starts),
        shape=(len(words), max(1, len(places))),
    )
    turned, links = matrix.T.tocsr(), []
    step = max(1, PAIRS // max(1, len(words)))
    for first in range(0, len(words), step):
        both = (matrix[first : first + step] @ turned).tocoo()
        rows = both.row + first
        near = both.data >= SHARED * (sizes[rows] + sizes[both.col] - both.data)
        links.append(np.stack([rows[near], both.col[near]]))
    ends = np.concatenate(links, axis=1) if links else np.zeros((2, 0), np.int64)
    graph = csr_array((np.ones(ends.shape[1], np.int8), tuple(ends)), shape=(len(words),) * 2)
    _, labels = connected_components(graph, directed=False)
    keys: dict[int, str] = {}
    for label, own in zip(labels.tolist(), words, strict=True):
        key = " ".join(own)
        keys[label] = min(keys.get(label, key), key)
    return [
        hashlib.blake2b(keys[label].encode(), digest_size=6).hexdigest()
        for label in labels.tolist()
    ]
