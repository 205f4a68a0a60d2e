"""Orders: permutations of the same sequences, for every seed, with what each promises."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import ConfigError, DataError
from corpus.config.curriculum import CurriculumConfig
from corpus.config.study import DEFAULT_ORDERS
from corpus.study.difficulty import DIFFICULTIES
from corpus.study.orders import CONTROL, MEASURED, OF_SOURCES, PLAIN, parse_order, split_own
from corpus.study.sequences import Sequences, choose_sequences, exact_counts

EOS = 0
LENGTH = 16


class _Tokenizer:
    """Ids 1 … 9 are digits, the others letters."""

    def token_id(self, name: str) -> int:
        return EOS

    def decode_array(self, ids: np.ndarray) -> str:
        return "".join(" 123456789abcdefghijklmnopqrstuvwxyz"[each] for each in ids)


def _sequences(counts: Sequence[int], *, seed: int = 0) -> Sequences:
    """Sequences of made-up sources; the last two are read together."""
    chance = np.random.default_rng(seed)
    source = np.repeat(np.arange(len(counts)), counts)
    tokens = chance.integers(0, 36, (len(source), LENGTH + 1))
    tokens[:, ::4] = np.minimum(tokens[:, ::4], source[:, None] * 3)
    groups = [(each,) for each in range(len(counts))]
    if len(counts) > 2:
        groups = [*groups[:-2], (len(counts) - 2, len(counts) - 1)]
    prepared: Any = SimpleNamespace(
        tokenizer=_Tokenizer(), unigram=lambda name: np.bincount(tokens.ravel(), minlength=36)
    )
    return Sequences(
        names=tuple(f"source{each}" for each in range(len(counts))),
        source=source,
        groups=tuple(groups),
        prepared=prepared,
        read=lambda index: tokens[index],
        judge=lambda: tokens.mean(1),
    )


def _permutation(name: str, sequences: Sequences, seed: int = 0) -> np.ndarray:
    return parse_order(name, difficulty="unigram").permutation(sequences, seed)


ALL = (*DEFAULT_ORDERS, *(f"{name}:{measure}" for name in MEASURED for measure in DIFFICULTIES))


def test_the_command_line_knows_every_built_in_order() -> None:
    assert set(DEFAULT_ORDERS) == {*PLAIN, *MEASURED}
    assert DEFAULT_ORDERS[0] == CONTROL


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(ALL),
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    seed=st.integers(0, 2**32),
)
def test_every_order_reads_every_sequence_once_and_depends_on_the_seed_alone(
    name: str, counts: list[int], seed: int
) -> None:
    if name in OF_SOURCES and len(_sequences(counts).groups) < 2:
        with pytest.raises(DataError, match="reads one source after another, and there is only"):
            _permutation(name, _sequences(counts), seed)
        return
    first = _permutation(name, _sequences(counts), seed)
    assert sorted(first.tolist()) == list(range(sum(counts)))
    assert np.array_equal(first, _permutation(name, _sequences(counts), seed))


def test_other_seeds_shuffle_differently_and_again_is_another_shuffle() -> None:
    sequences = _sequences([20, 20])
    orders = [_permutation("shuffled", sequences, seed) for seed in range(3)]
    orders.append(_permutation("again", sequences, 0))
    assert len({tuple(each) for each in orders}) == 4


def test_sequential_reads_the_sources_in_turn_and_reverse_backwards() -> None:
    sequences = _sequences([4, 6, 3, 5])
    read = sequences.source[_permutation("sequential", sequences)]
    assert read[:10].tolist() == [0] * 4 + [1] * 6
    assert sorted(read[10:].tolist()) == [2] * 3 + [3] * 5, "the last two are read together"
    backwards = sequences.source[_permutation("reverse", sequences)]
    assert sorted(backwards[:8].tolist()) == [2] * 3 + [3] * 5
    assert backwards[8:].tolist() == [1] * 6 + [0] * 4


def test_interleaved_has_half_of_each_part_from_all_sources() -> None:
    sequences = _sequences([100, 100])
    order = _permutation("interleaved", sequences)
    first = sequences.source[order[:100]]
    assert 60 <= (first == 0).sum() <= 90, "50 of its own, and about half of the other 50"
    assert not np.array_equal(np.sort(order[:50]), np.arange(50)), "mixed within the part"


@pytest.mark.parametrize("measure", DIFFICULTIES)
def test_easy_rises_and_hard_falls(measure: str) -> None:
    sequences = _sequences([30, 30])
    difficulty = DIFFICULTIES[measure](sequences)
    assert len(difficulty) == 60
    easy, hard = (_permutation(f"{name}:{measure}", sequences) for name in ("easy", "hard"))
    assert (np.diff(difficulty[easy]) >= 0).all()
    assert (np.diff(difficulty[hard]) <= 0).all()
    warmup = _permutation(f"easy-warmup:{measure}", sequences)
    assert (np.diff(difficulty[warmup[:12]]) >= 0).all()
    assert difficulty[warmup[:12]].max() <= difficulty[warmup[12:]].min()
    rest = difficulty[warmup[12:]]
    assert (np.diff(rest) < 0).any() or len(set(rest)) == 1


def test_rare_tokens_and_short_documents_are_measured() -> None:
    sequences = _sequences([10])
    counts = np.bincount(
        np.concatenate([sequences.tokens(each) for each in range(10)]), minlength=36
    )
    cost = -np.log((counts + 1) / (counts + 1).sum())
    by_hand = [cost[sequences.tokens(each)].mean() for each in range(10)]
    np.testing.assert_allclose(DIFFICULTIES["unigram"](sequences), by_hand)
    ends = [(sequences.tokens(each)[:-1] == EOS).sum() for each in range(10)]
    by_hand = [(LENGTH + 1) / (1 + number) for number in ends]
    np.testing.assert_allclose(DIFFICULTIES["length"](sequences), by_hand)


def test_maths_comes_at_the_end() -> None:
    sequences = _sequences([25, 25])
    digits = np.array([sum(map(str.isdigit, sequences.text(each))) for each in range(50)])
    order = _permutation("maths-end", sequences)
    assert digits[order[40:]].min() >= digits[order[:40]].max()


@settings(max_examples=200)
@given(
    weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=8),
    total=st.integers(0, 10_000),
)
def test_shares_are_whole_and_add_up(weights: list[float], total: int) -> None:
    named = {str(each): weight for each, weight in enumerate(weights)}
    counts = exact_counts(named, total)
    assert sum(counts.values()) == total
    for name, weight in named.items():
        assert abs(counts[name] - total * weight / sum(weights)) < 1


CODE = """
def backwards(sequences, seed):
    return list(range(len(sequences)))[::-1]

def short(sequences, seed):
    return list(range(len(sequences) - 2)) + [0]

def outside(sequences, seed):
    return [len(sequences)] * len(sequences)

def words(sequences, seed):
    return ["a"] * len(sequences)

def broken(sequences, seed):
    return sequences.names[99]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    return path


def test_an_order_of_ones_own(own: Path) -> None:
    order = parse_order(f"{own}:backwards", difficulty="unigram")
    assert order.permutation(_sequences([3, 2]), 0).tolist() == [4, 3, 2, 1, 0]
    assert order.code is not None
    before = order.code
    own.write_text(CODE + "\n# changed")
    assert parse_order(f"{own}:backwards", difficulty="unigram").code != before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "short",
            "repeats sequence 0 (2 times) and drops 2 of 5: it has to read every sequence once",
        ),
        ("outside", "names sequence 5; there are 5, numbered from 0"),
        ("words", "expected 5 whole numbers"),
        ("broken", "failed for seed 7: IndexError: tuple index out of range"),
    ],
)
def test_an_order_that_is_none_is_refused(own: Path, name: str, said: str) -> None:
    order = parse_order(f"{own}:{name}", difficulty="unigram")
    with pytest.raises(DataError) as caught:
        order.permutation(_sequences([3, 2]), 7)
    assert said in str(caught.value)
    assert f"{own}:{name}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("esy", "there is no order 'esy'; the orders are shuffled, again"),
        ("shuffled:length", "there is no order 'shuffled:length'"),
        ("easy:lenght", "there is no difficulty 'lenght'; the measures are length, compression"),
        ("nowhere.py:f", "there is no file nowhere.py"),
        ("mine.py", "names no function; give FILE.py:FUNCTION"),
    ],
)
def test_an_unknown_order_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_order(text, difficulty="unigram")
    assert said in str(caught.value)


def test_a_file_without_the_function_or_that_fails_is_named(own: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"has no function 'backward'\. Did you mean 'backwards'\?"
    ):
        parse_order(f"{own}:backward", difficulty="unigram")
    leaving = tmp_path / "leaving.py"
    leaving.write_text("import sys; sys.exit(3)")
    with pytest.raises(ConfigError, match="cannot be run: SystemExit: 3"):
        parse_order(f"{leaving}:f", difficulty="unigram")
    failing = tmp_path / "failing.py"
    failing.write_text("1 / 0")
    with pytest.raises(ConfigError, match="cannot be run: ZeroDivisionError"):
        parse_order(f"{failing}:f", difficulty="unigram")


def test_files_are_known_by_their_name_so_two_cannot_share_it() -> None:
    names, own = split_own(["easy:length", "a/mine.py:f", "a/mine.py:g"])
    assert names == ("easy:length", "mine.py:f", "mine.py:g")
    assert own == {"mine.py": Path("a/mine.py")}
    with pytest.raises(ConfigError, match=r"two files named mine\.py: a/mine\.py and b/mine\.py"):
        split_own(["a/mine.py:f", "b/mine.py:f"])


def test_no_two_orders_share_their_shuffles() -> None:
    """Else their losses would scatter together."""
    sequences = _sequences([30, 30])
    within = [
        tuple(order[sequences.source[order] == 0])
        for order in (_permutation(name, sequences) for name in PLAIN if name != "maths-end")
    ]
    assert len(set(within)) == len(within)


def test_shares_are_exact_and_an_order_cannot_change_what_is_read() -> None:
    text = {name: SimpleNamespace(tokens=np.arange(200) % 30) for name in ("c4", "book")}
    prepared: Any = SimpleNamespace(train=text)

    def choose(total: int) -> Sequences:
        return choose_sequences(
            prepared,
            CurriculumConfig(weights={"book": 2.0}),
            total=total,
            context_length=LENGTH,
            seed=0,
            judge=lambda sequences: np.zeros(len(sequences)),
        )

    found = choose(9)
    assert found.names == ("c4", "book")
    assert np.bincount(found.source).tolist() == [3, 6]
    with pytest.raises(ValueError, match="read-only"):
        found.source.sort()
    with pytest.raises(DataError, match="nothing is read twice"):
        choose(30)
