"""Duplicates: equal texts, nearly equal texts, and texts that only share a header."""

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.prepare import dedup
from corpus.prepare.dedup import SHINGLE, SKETCH, Duplicates, similarity, sketch_of
from corpus.prepare.document import fingerprint

LICENCE = (
    "permission is hereby granted free of charge to any person "
    "obtaining a copy of this software and files "
) * 2


def words(seed: int, count: int) -> list[str]:
    chooser = random.Random(seed)
    return ["".join(chooser.choices("abcdefghij", k=6)) for _ in range(count)]


def test_case_and_white_space_do_not_matter() -> None:
    duplicates = Duplicates("exact")
    assert duplicates.kind("The cat\nsat.") is None
    assert duplicates.kind("the   CAT sat. ") == "exact"
    assert duplicates.kind("the cat sat!") is None


def test_a_few_changed_words_make_a_near_duplicate_and_a_shared_header_does_not() -> None:
    duplicates = Duplicates("near")
    first = words(1, 400)
    changed = [word if index % 80 else "changed" for index, word in enumerate(first)]
    assert duplicates.kind(" ".join(first)) is None
    assert duplicates.kind(" ".join(changed)) == "near"
    assert duplicates.kind(LICENCE + " ".join(words(2, 400))) is None
    assert duplicates.kind(LICENCE + " ".join(words(3, 400))) is None
    assert Duplicates("exact").kind(" ".join(changed)) is None


def test_a_header_that_many_share_is_no_longer_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup, "COMMON", 5)
    duplicates, header = Duplicates("near"), " ".join(words(9, 300)) + " "
    for seed in range(30):
        assert duplicates.kind(header + " ".join(words(100 + seed, 500))) is None
    assert max(map(len, duplicates._holders.values())) == 5
    again = words(120, 500)
    assert duplicates.kind(header + " ".join([*again[:-3], "now", "it", "differs"])) == "near"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_sketch_estimates_the_share_of_equal_shingles(share: float) -> None:
    estimates = []
    for seed in range(30):
        common = words(seed, round(2000 * share))
        first, second = (
            common + words(seed + 100, 2000 - len(common)),
            common + words(seed + 200, 2000 - len(common)),
        )
        estimates.append(similarity(sketch_of(" ".join(first)), sketch_of(" ".join(second))))
    expected = share / (2 - share)
    assert np.mean(estimates) == pytest.approx(expected, abs=0.04)


def _plain_mix(value: int) -> int:
    """The finaliser of SplitMix64."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
    return value ^ value >> 31


def _plain_sketch(text: str) -> list[int]:
    """The sketch word by word: its hashes decide what prepared text holds, so they never change."""
    powers = [_plain_mix(place) for place in range(1, 65)]
    hashes = []
    for word in re.findall(rb"[0-9a-z\x80-\xff]+", text.lower().encode()):
        total = sum((byte + 1) * powers[min(place, 63)] for place, byte in enumerate(word))
        hashes.append(_plain_mix((total + len(word)) % 2**64))
    shingles = set()
    for start in range(len(hashes) - SHINGLE + 1):
        found = 0
        for each in hashes[start : start + SHINGLE]:
            found = (found * 0x100000001B3 + each) % 2**64
        shingles.add(_plain_mix(found))
    return sorted(shingles)[:SKETCH]


WORDS = st.text(alphabet="aZ0é'", min_size=1, max_size=6) | st.just("long" * 20)


@given(text=st.lists(WORDS, max_size=120).map(" ".join))
def test_the_sketch_is_that_of_a_plain_loop(text: str) -> None:
    assert sketch_of(text).tolist() == _plain_sketch(text)


@given(text=st.text(max_size=200))
def test_any_text_has_a_sketch_and_equals_itself(text: str) -> None:
    sketch = sketch_of(text)
    assert len(sketch) <= SKETCH
    assert list(sketch) == sorted(set(sketch.tolist()))
    assert similarity(sketch, sketch) == (1.0 if len(sketch) else 0.0)
    assert fingerprint(text) == fingerprint(f"  {text}\n")


def test_word_hashes_depend_on_order_and_on_every_letter() -> None:
    base = "one two three four five six"
    for other in (
        "one two three four six five",
        "one two three four five sixx",
        "one two three fuor five six",
        "onetwo three four five six",
    ):
        assert similarity(sketch_of(base), sketch_of(other)) < 1
