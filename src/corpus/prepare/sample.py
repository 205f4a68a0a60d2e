"""The text that the tokenizer learns its merges from: every source has an equal share, drawn document by document."""

from collections.abc import Iterator, Mapping, Sequence

from corpus.config.tokenizer import TokenizerConfig
from corpus.prepare.pool import Texts, by_mark
from corpus.prepare.split import Piece

DOCUMENTS_AT_LEAST = 20
"""A document gives at most one part in this many of its source's share, so that one long book does not stand for all."""


def sample_texts(
    sources: Mapping[str, tuple[Texts, Sequence[Piece]]],
    problem_texts: Sequence[str],
    config: TokenizerConfig,
) -> Iterator[str]:
    """Yield about `sample_bytes` of training text, the same in every run; what a small source lacks goes to the larger ones."""
    sample_bytes = config.sample_bytes
    available = {
        source: sum(piece.num_bytes for piece in pieces) for source, (_, pieces) in sources.items()
    }
    problems = _up_to(problem_texts, round(sample_bytes * config.problems_share))
    yield from problems
    shares = fair_shares(available, max(1, sample_bytes - sum(len(text) for text in problems)))
    for source in sorted(sources):
        yield from _draw(*sources[source], shares[source])


def fair_shares(available: Mapping[str, int], total: int) -> dict[str, int]:
    """Divide `total` evenly, giving nobody more than is available; what one cannot use the others share."""
    shares: dict[str, int] = {}
    for position, name in enumerate(sorted(available, key=lambda name: (available[name], name))):
        shares[name] = min(available[name], total // (len(available) - position))
        total -= shares[name]
    return shares


def _draw(texts: Texts, pieces: Sequence[Piece], share: int) -> Iterator[str]:
    by_index = {piece.index: piece for piece in pieces}
    most, taken = max(1000, share // DOCUMENTS_AT_LEAST), 0
    for index in by_mark(texts):
        if taken >= share:
            return
        if piece := by_index.get(index):
            data = texts.data(index)[piece.start : min(piece.end, piece.start + most)]
            taken += len(data)
            yield data.decode("utf-8", "ignore")


def _up_to(texts: Sequence[str], num_bytes: int) -> list[str]:
    """Return texts spread evenly over `texts` that come to `num_bytes` at most, or all of them."""
    total = sum(map(len, texts))
    return list(texts[:: max(1, -(-total // num_bytes))]) if num_bytes else []
