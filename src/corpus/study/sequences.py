"""The sequences of a study: one multiset for each seed, which every order reads once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from corpus.base.errors import DataError
from corpus.base.seeds import derive
from corpus.config.curriculum import CurriculumConfig
from corpus.data.curriculum import plan_phases
from corpus.data.loader import SourceText
from corpus.data.prepared import Prepared


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """What an order puts in order: `len(sequences)` of them, numbered from 0.

    They stand source by source, in the order of the original; within a source at random.
    """

    names: tuple[str, ...]
    """The sources."""
    source: np.ndarray
    """[num] int64: each one's source, as an index into `names`."""
    groups: tuple[tuple[int, ...], ...]
    """Indices of the sources that are read together, in the order of the original."""
    prepared: Prepared
    read: Callable[[int], np.ndarray]
    """Returns the tokens of one: [context_length + 1] int64."""
    judge: Callable[[], np.ndarray]
    """Returns the loss of each under a small model, in nats per token: [num] float64."""

    def __len__(self) -> int:
        return len(self.source)

    def tokens(self, index: int) -> np.ndarray:
        """Return the tokens of one sequence: [context_length + 1] int64."""
        return self.read(index)

    def text(self, index: int) -> str:
        """Return one sequence as text; special tokens are spaces, cut characters U+FFFD."""
        return self.prepared.tokenizer.decode_array(self.read(index))

    @cached_property
    def unigram(self) -> np.ndarray:
        """How often each id occurs in the training text of all sources: [vocab_size] int64."""
        return np.sum([self.prepared.unigram(name) for name in self.names], axis=0)


def exact_counts(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Divide `total` by weight into whole numbers that add up to it (largest remainders first)."""
    whole = sum(weights.values())
    shares = {name: total * weight / whole for name, weight in weights.items()}
    counts = {name: int(share) for name, share in shares.items()}
    rest = sorted(shares, key=lambda name: (counts[name] - shares[name], name))
    for name in rest[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def choose_sequences(
    prepared: Prepared,
    curriculum: CurriculumConfig,
    *,
    total: int,
    context_length: int,
    seed: int,
    judge: Callable[["Sequences"], np.ndarray],
) -> Sequences:
    """Return the first sequences of each source for a seed, in exact shares by weight.

    Args:
        prepared: the text.
        curriculum: its weights are the shares, its sources the order of the original.
        total: how many sequences.
        context_length: positions of a sequence.
        seed: decides which they are.
        judge: computes `Sequences.judge`.

    Raises `DataError` where a source has too little text for its share.
    """
    groups, weights = _groups(prepared, curriculum)
    names = [name for group in groups for name in group]
    counts = exact_counts({name: weights[name] for name in names}, total)
    texts = []
    for name in names:
        tokens = prepared.train[name].tokens
        text = SourceText(name, tokens, context_length=context_length, seed=derive(seed, "study"))
        if text.num_sequences < counts[name]:
            raise DataError(
                f"source {name!r} has {text.num_sequences:,} sequences of {context_length} tokens, "
                f"and its share of this study is {counts[name]:,}: in a study nothing is read "
                "twice. Give a smaller --budget, more text, or the source a lower weight "
                f"(--curriculum.weights {name} 0.5)"
            )
        texts.append(text)
    ends = np.cumsum([counts[name] for name in names])
    source = np.repeat(np.arange(len(names)), [counts[name] for name in names])
    place = np.arange(total) - (ends - [counts[name] for name in names])[source]

    def read(index: int) -> np.ndarray:
        return texts[source[index]].sequence(int(place[index]))

    known: list[np.ndarray] = []

    def judged() -> np.ndarray:
        if not known:
            known.append(judge(found))
        return known[0]

    shown = source.copy()
    shown.setflags(write=False)  # an order must not change what is read
    found = Sequences(
        names=tuple(names),
        source=shown,
        groups=tuple(tuple(names.index(name) for name in group) for group in groups),
        prepared=prepared,
        read=read,
        judge=judged,
    )
    return found


def _groups(
    prepared: Prepared, curriculum: CurriculumConfig
) -> tuple[list[list[str]], dict[str, float]]:
    """Return the sources in the order of the original, and their weights."""
    plain = CurriculumConfig(
        order="sequential", sources=curriculum.sources, weights=curriculum.weights
    )
    phases = plan_phases(plain, list(prepared.train))
    weights = {name: curriculum.weights.get(name, 1.0) for name in prepared.train}
    if len(phases) == 1:  # a single group has no order of its own
        return [list(phases[0].mixture)], weights
    return [list(phase.mixture) for phase in phases], weights
