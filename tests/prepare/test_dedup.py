"""Duplicates: equal texts, nearly equal texts, and texts that only share a header."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.prepare import dedup
from corpus.prepare.dedup import SKETCH, Duplicates, similarity, sketch_of
from corpus.prepare.document import fingerprint

LICENCE = (
    "permission is hereby granted free of charge to any person obtaining a copy of this software and files "
    * 2
)


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
