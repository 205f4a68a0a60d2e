"""The loader: nothing skipped, nothing twice within an epoch, and a cursor that resumes exactly."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import DataError
from corpus.data.batch import IGNORED, document_ids, shift_text
from corpus.data.curriculum import CurriculumPhase, Mixture
from corpus.data.loader import SourceText, TextLoader

EOS = 0


def always(mixture: Mixture) -> list[CurriculumPhase]:
    return [CurriculumPhase(name="all", start=0.0, end=1.0, mixture=mixture)]


def loader(seed: int = 3, **mixture: float) -> TextLoader:
    sources = {"a": np.arange(1, 402, dtype=np.uint16), "b": np.arange(1001, 1202, dtype=np.uint16)}
    return TextLoader(
        sources,
        always(mixture or {"a": 0.7, "b": 0.3}),
        context_length=20,
        batch_size=4,
        eos_id=EOS,
        seed=seed,
    )


@settings(max_examples=60)
@given(total=st.integers(21, 300), length=st.integers(1, 20), seed=st.integers(0, 99))
def test_an_epoch_reads_no_token_twice_and_leaves_out_less_than_a_sequence(
    total: int, length: int, seed: int
) -> None:
    text = SourceText("a", np.arange(total), context_length=length, seed=seed)
    for epoch in range(3):
        first = epoch * text.num_sequences
        found = [text.sequence(first + place) for place in range(text.num_sequences)]
        inputs = np.concatenate([sequence[:-1] for sequence in found])
        assert len(set(inputs.tolist())) == len(inputs) > total - length
        for sequence in found:
            assert len(sequence) == length + 1
            assert np.array_equal(sequence, (sequence[0] + np.arange(length + 1)) % total)


def test_over_epochs_every_token_is_read_and_the_cuts_are_elsewhere() -> None:
    """Of 20,000 tokens in sequences of 8,192 the last 18 % were never read."""
    text, counts, starts = (
        SourceText("a", np.arange(20_000), context_length=8_192, seed=1),
        np.zeros(20_000),
        set(),
    )
    for index in range(200 * text.num_sequences):
        sequence = text.sequence(index)
        counts[sequence[:-1]] += 1
        starts.add(int(sequence[0]))
    assert counts.min() > 0.6 * counts.mean()
    assert len(starts) > 300


def test_the_next_epoch_has_another_order():
    text = SourceText("a", np.arange(401, dtype=np.uint16), context_length=20, seed=1)
    first, second = (
        [int(text.sequence(epoch * text.num_sequences + place)[0]) for place in range(20)]
        for epoch in range(2)
    )
    assert [start - min(first) for start in first] != [start - min(second) for start in second]


def test_a_resumed_loader_hands_out_the_same_batches():
    straight, early = loader(), loader()
    for _ in range(3):
        straight.batch(0.0)
        early.batch(0.0)
    late = loader()
    late.restore(early.cursor())
    for _ in range(5):
        expected, found = straight.batch(0.0), late.batch(0.0)
        assert torch.equal(expected.tokens, found.tokens)
        assert torch.equal(expected.targets, found.targets)
    assert straight.consumed == late.consumed


def test_the_mixture_is_followed():
    text = loader(a=0.75, b=0.25)
    for _ in range(200):
        text.batch(0.0)
    share = text.consumed["a"] / sum(text.consumed.values())
    assert share == pytest.approx(0.75, abs=0.05)


def test_another_seed_gives_another_order():
    assert not torch.equal(loader(1, a=1.0).batch(0.0).tokens, loader(2, a=1.0).batch(0.0).tokens)


def test_documents_do_not_predict_each_other():
    rows = np.array([[5, 6, EOS, 7, 8, EOS]])
    tokens, targets, documents = shift_text(rows, EOS)
    assert tokens.tolist() == [[5, 6, EOS, 7, 8]]
    assert targets.tolist() == [[6, EOS, IGNORED, 8, EOS]]
    assert documents.tolist() == [[0, 0, 0, 1, 1]]


def test_document_ids_start_at_zero_in_every_sequence():
    assert document_ids(np.array([[EOS, 4], [4, EOS]]), EOS).tolist() == [[0, 1], [0, 0]]


def test_too_little_text_is_refused_by_name():
    with pytest.raises(DataError, match="'tiny' has 10 tokens"):
        TextLoader(
            {"tiny": np.arange(10)},
            always({"tiny": 1.0}),
            context_length=20,
            batch_size=1,
            eos_id=EOS,
            seed=0,
        )


def test_a_cursor_of_other_sources_is_refused():
    with pytest.raises(DataError, match="prepare the same data"):
        loader().restore({"handed_out": 1, "taken": {"c": 1}})


def test_the_phase_of_the_progress_decides_on_the_mixture():
    phases = [
        CurriculumPhase(name="a", start=0.0, end=0.5, mixture={"a": 1.0}),
        CurriculumPhase(name="b", start=0.5, end=1.0, mixture={"b": 1.0}),
    ]
    sources = {"a": np.arange(1, 402), "b": np.arange(1001, 1202)}
    text = TextLoader(sources, phases, context_length=20, batch_size=4, eos_id=EOS, seed=0)
    assert text.batch(0.4).tokens.max() < 1000
    assert text.batch(0.5).tokens.min() > 1000
    assert text.consumed == {"a": 80, "b": 80}
