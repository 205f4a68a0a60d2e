"""Orders: each returns a permutation of a study's sequences, and draws by the seed alone.

Agrawal et al. 2021 (sustainlp-1.15) compared such orders, sources by difficulty among them.
"""

import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from corpus.base.errors import ConfigError, DataError, did_you_mean
from corpus.base.files import digest_file
from corpus.base.seeds import derive
from corpus.study.difficulty import DIFFICULTIES, share_of_maths
from corpus.study.sequences import Sequences

Permutation = np.ndarray
"""[num] int64: the number of the sequence that is read first, second, …"""

WARMUP = 0.2
"""Share of the sequences that `easy-warmup` reads by difficulty."""

END = 0.2
"""Share of the sequences that `maths-end` keeps for the end."""

REPLAY = 0.5
"""Share of each part of `interleaved` that is text of all sources."""

CONTROL = "shuffled"
"""The order that every other one is compared with."""


def _generator(seed: int, *names: object) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(derive(seed, "order", *names)))


def _shuffle(numbers: np.ndarray, seed: int, *names: object) -> np.ndarray:
    return numbers[_generator(seed, *names).permutation(len(numbers))]


def shuffled(sequences: Sequences, seed: int) -> Permutation:
    """All sequences at random: what the others are compared with."""
    return _shuffle(np.arange(len(sequences)), seed, "shuffled")


def again(sequences: Sequences, seed: int) -> Permutation:
    """At random again, differently: how far two equal orders are apart."""
    return _shuffle(np.arange(len(sequences)), seed, "again")


def by_hash(sequences: Sequences, seed: int) -> Permutation:
    """Sorted by a hash of the tokens: an order that means nothing."""
    keys = [
        hashlib.sha256(sequences.tokens(index).tobytes()).digest()
        for index in range(len(sequences))
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))


def sequential(sequences: Sequences, seed: int) -> Permutation:
    """One source after another, as in the original; at random within a source."""
    return np.concatenate(_shuffled_groups(sequences, seed, "sequential"))


def _shuffled_groups(sequences: Sequences, seed: int, order: str) -> list[np.ndarray]:
    """Return each group of sources, shuffled for this order alone."""
    return [
        _shuffle(_of(sequences, group), seed, order, place)
        for place, group in enumerate(sequences.groups)
    ]


def reverse(sequences: Sequences, seed: int) -> Permutation:
    """The sources of `sequential` backwards."""
    return np.concatenate(_shuffled_groups(sequences, seed, "reverse")[::-1])


def interleaved(sequences: Sequences, seed: int) -> Permutation:
    """As `sequential`, but half of each part is text of all sources."""
    own, replayed = [], []
    for part in _shuffled_groups(sequences, seed, "interleaved"):
        kept = round(len(part) * (1 - REPLAY))
        own.append(part[:kept])
        replayed.append(part[kept:])
    pool = _shuffle(np.concatenate(replayed), seed, "replay")
    parts, taken = [], 0
    for place, (kept, rest) in enumerate(zip(own, replayed)):
        mixed = np.concatenate([kept, pool[taken : taken + len(rest)]])
        parts.append(_shuffle(mixed, seed, "mixed", place))
        taken += len(rest)
    return np.concatenate(parts)


def _of(sequences: Sequences, group: tuple[int, ...]) -> np.ndarray:
    return np.flatnonzero(np.isin(sequences.source, group))


def _by_difficulty(
    sequences: Sequences, seed: int, measure: str, order: str = "easy"
) -> Permutation:
    """From easy to hard; equal ones at random."""
    ties = _generator(seed, order, "ties").random(len(sequences))
    return np.lexsort((ties, DIFFICULTIES[measure](sequences)))


def _warmup(sequences: Sequences, seed: int, measure: str) -> Permutation:
    order = _by_difficulty(sequences, seed, measure, "easy-warmup")
    cut = round(WARMUP * len(order))
    return np.concatenate([order[:cut], _shuffle(np.sort(order[cut:]), seed, "rest")])


def maths_end(sequences: Sequences, seed: int) -> Permutation:
    """At random, but the fifth with most digits and formulas comes last."""
    order = np.lexsort((_generator(seed, "ties").random(len(sequences)), share_of_maths(sequences)))
    cut = len(order) - round(END * len(order))
    parts = (np.sort(order[:cut]), np.sort(order[cut:]))
    shuffled_parts = [_shuffle(part, seed, "maths-end", at) for at, part in enumerate(parts)]
    return np.concatenate(shuffled_parts)


class OrderError(DataError):
    """An order is no permutation, or not one of its own; the other orders can still be trained."""


OrderFunction = Callable[[Sequences, int], Permutation]

PLAIN: dict[str, OrderFunction] = {
    CONTROL: shuffled,
    "again": again,
    "hash": by_hash,
    "sequential": sequential,
    "reverse": reverse,
    "interleaved": interleaved,
    "maths-end": maths_end,
}
"""Orders without a measure of difficulty."""

OF_SOURCES = ("sequential", "reverse", "interleaved")
"""Those that need several sources."""

MEASURED: dict[str, Callable[[Sequences, int, str], Permutation]] = {
    "easy": _by_difficulty,
    "hard": lambda sequences, seed, measure: _by_difficulty(sequences, seed, measure, "hard")[::-1],
    "easy-warmup": _warmup,
}
"""Orders by difficulty: from easy to hard, from hard to easy, and easy ones first, then shuffled.
`easy:length` names the measure, `easy` takes that of the study."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order with the name that it was asked for by."""

    name: str
    function: OrderFunction
    kind: str
    """What it is, whatever it was called: `easy` is `easy:unigram` if that is the study's."""
    needs_sources: bool = False
    """Whether it has to do with the order of sources, of which there must be several."""
    code: str | None = None
    """SHA-256 of the user's file; None for a built-in order."""

    def permutation(self, sequences: Sequences, seed: int) -> Permutation:
        """Return the order of `sequences`, checked. Raises `OrderError` if it is none."""
        if self.needs_sources and len(sequences.groups) < 2:
            raise OrderError(
                f"order {self.name!r} reads one source after another, and there is only one, "
                f"{sequences.names[0]!r}; leave that order out of --orders, or give more sources"
            )
        try:
            found = np.asarray(self.function(sequences, seed))
        except (Exception, SystemExit) as error:
            if self.code is None:
                raise
            raise OrderError(
                f"order {self.name!r} failed for seed {seed}: {type(error).__name__}: {error}"
            ) from error
        return check_permutation(self.name, found, len(sequences))


def check_permutation(name: str, found: np.ndarray, number: int) -> Permutation:
    """Return `found` as int64 if it has every number from 0 below `number` once."""
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise OrderError(
            f"order {name!r} returned an array of shape {found.shape} and type {found.dtype}; "
            f"expected {number:,} whole numbers, a permutation of the sequences"
        )
    found = found.astype(np.int64)
    wrong = found[(found < 0) | (found >= number)]
    if len(wrong):
        raise OrderError(
            f"order {name!r} names sequence {wrong[0]}; there are {number:,}, numbered from 0"
        )
    times = np.bincount(found, minlength=number)
    dropped, repeated = np.flatnonzero(times == 0), np.flatnonzero(times > 1)
    if len(dropped) or len(repeated):
        parts = [f"repeats sequence {repeated[0]} ({times[repeated[0]]} times)"] * bool(
            len(repeated)
        )
        parts += [f"drops {len(dropped):,} of {number:,}"] * bool(len(dropped))
        raise OrderError(
            f"order {name!r} {' and '.join(parts)}: it has to read every sequence once. Return a "
            "permutation of range(len(sequences))"
        )
    return found


def split_own(orders: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Path]]:
    """Return the names of orders, and the files of those that are the user's own, by file name.

    `code/mine.py:f` is named `mine.py:f`. Raises `ConfigError` if two files have the same name.
    """
    names, own = [], dict[str, Path]()
    for order in orders:
        place, _, function = order.rpartition(":")
        if not place.endswith(".py"):
            names.append(order)
            continue
        path = Path(place)
        if own.setdefault(path.name, path) != path:
            raise ConfigError(
                f"--orders has two files named {path.name}: {own[path.name]} and {path}; rename one"
            )
        names.append(f"{path.name}:{function}")
    return tuple(names), own


def parse_order(text: str, *, difficulty: str, own: Mapping[str, Path] | None = None) -> Order:
    """Return the order of a name: a built-in one, `easy:MEASURE`, or `FILE.py:FUNCTION`.

    `own` says where files of the user's are, by file name. Raises `ConfigError` for a name,
    measure, file or function that is not there.
    """
    if re.search(r"\.py(:|$)", text):
        return _load(text, own or {})
    name, _, measure = text.partition(":")
    measure = measure or difficulty
    known = [*PLAIN, *MEASURED]
    if name not in known or (name in PLAIN and ":" in text):
        raise ConfigError(
            f"there is no order {text!r}; the orders are {', '.join(known)}, or your own as "
            f"FILE.py:FUNCTION.{did_you_mean(name, known)}"
        )
    if measure not in DIFFICULTIES:
        raise ConfigError(
            f"there is no difficulty {measure!r}; the measures are {', '.join(DIFFICULTIES)}."
            f"{did_you_mean(measure, DIFFICULTIES)}"
        )
    if name in PLAIN:
        return Order(name=text, function=PLAIN[name], kind=name, needs_sources=name in OF_SOURCES)
    make = MEASURED[name]
    return Order(
        name=text,
        function=lambda sequences, seed: make(sequences, seed, measure),
        kind=f"{name}:{measure}",
    )


def _load(text: str, own: Mapping[str, Path]) -> Order:
    """Load a function from a file of the user's."""
    place, _, name = text.rpartition(":")
    if not place.endswith(".py") or not name:
        raise ConfigError(f"{text!r} names no function; give FILE.py:FUNCTION")
    path = own.get(place, Path(place))
    if not path.is_file():
        raise ConfigError(f"there is no file {place} for the order {text!r}")
    spec = importlib.util.spec_from_file_location(f"order_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{place} cannot be run: {type(error).__name__}: {error}") from error
    function: Any = getattr(module, name, None)
    if not callable(function):
        there = [each for each, value in vars(module).items() if callable(value)]
        raise ConfigError(f"{place} has no function {name!r}.{did_you_mean(name, there)}")
    return Order(
        name=text, function=cast(OrderFunction, function), kind=text, code=digest_file(path)
    )
