"""Fine-tuning's batches: every example once an epoch, text where it belongs, an exact cursor."""

import json
import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import ArtifactError, ConfigError
from corpus.config.curriculum import PROBLEMS
from corpus.config.finetune import FinetuneConfig
from corpus.data.batch import IGNORED, Batch
from corpus.data.curriculum import CurriculumPhase, Mixture
from corpus.data.loader import Prefetcher, TextLoader
from corpus.finetune.examples import Example
from corpus.finetune.loader import ProblemLoader
from corpus.text.tokenizer import RESERVED

EOS, PAD, PROBLEM, PROGRAM = range(4)
SEQ = 24
FIRST = 1000
"""Example i is made of the token FIRST + i; text has smaller tokens."""
LENGTHS = tuple(random.Random(3).choices(range(4, SEQ + 1), k=40))


def _always(mixture: Mixture) -> list[CurriculumPhase]:
    return [CurriculumPhase(name="all", start=0.0, end=1.0, mixture=mixture)]


def _example(index: int, length: int) -> Example:
    return Example(tokens=(FIRST + index,) * length, prompt_length=1 + length // 3)


def _loader(
    lengths: Sequence[int] = LENGTHS,
    *,
    batch_size: int = 3,
    replay: float = 0.0,
    max_epochs: float = 1e6,
    seed: int = 5,
    word_dropout: float = 0.0,
    twin_exponent: float = 1.0,
    examples: Sequence[Example] = (),
) -> ProblemLoader:
    sources = {"a": np.arange(10, 400, dtype=np.uint16), "b": np.arange(500, 700, dtype=np.uint16)}
    return ProblemLoader(
        examples or [_example(index, length) for index, length in enumerate(lengths)],
        TextLoader(
            sources,
            _always({"a": 0.75, "b": 0.25}),
            context_length=SEQ,
            batch_size=batch_size,
            eos_id=EOS,
            seed=seed,
        ),
        seq_length=SEQ,
        batch_size=batch_size,
        pad_id=PAD,
        replay=replay,
        max_epochs=max_epochs,
        seed=seed,
        word_dropout=word_dropout,
        twin_exponent=twin_exponent,
    )


def _is_text(batch: Batch) -> list[bool]:
    return [bool(PAD < sequence[0] < FIRST) for sequence in batch.tokens.tolist()]


def _shown(batch: Batch) -> list[int]:
    """Examples of a batch in the order of its sequences."""
    shown = []
    for sequence, documents in zip(batch.tokens.tolist(), batch.documents.tolist(), strict=True):
        starts = [
            place for place in range(SEQ) if place == 0 or documents[place] != documents[place - 1]
        ]
        shown += [sequence[start] - FIRST for start in starts if sequence[start] >= FIRST]
    return shown


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_every_example_is_shown_once_an_epoch_and_in_a_new_order(batch_size: int) -> None:
    loader, shown = _loader(batch_size=batch_size), []
    while len(shown) < 3 * len(LENGTHS):
        shown += _shown(loader.batch(0.0))
    epochs = [
        shown[start : start + len(LENGTHS)] for start in range(0, 3 * len(LENGTHS), len(LENGTHS))
    ]
    assert all(sorted(epoch) == list(range(len(LENGTHS))) for epoch in epochs)
    assert all(first != second for first, second in pairwise(epochs))


def test_examples_keep_to_themselves_and_loss_is_on_their_completions() -> None:
    loader = _loader(batch_size=8)
    batch = loader.batch(0.0)
    assert batch.tokens.shape == batch.targets.shape == batch.documents.shape == (8, SEQ)
    for index in _shown(batch):
        own = batch.tokens == FIRST + index
        assert int(own.sum()) == LENGTHS[index]
        assert len(batch.documents[own].unique()) == 1
        learned = batch.targets[own] != IGNORED
        assert int(learned.sum()) == LENGTHS[index] - _example(index, LENGTHS[index]).prompt_length
        assert set(batch.targets[own][learned].tolist()) == {FIRST + index}
    padding = batch.tokens == PAD
    assert padding.any()
    assert set(batch.targets[padding].tolist()) == {IGNORED}


def test_what_is_counted_is_what_was_handed_out() -> None:
    loader, counted = _loader(replay=0.4), {PROBLEMS: 0, "a": 0, "b": 0}
    for _ in range(20):
        batch = loader.batch(0.0)
        assert batch.num_tokens == int((batch.tokens != PAD).sum())
        counted[PROBLEMS] += int((batch.tokens >= FIRST).sum())
        counted["a"] += int(((batch.tokens >= 10) & (batch.tokens < 400)).sum())
        counted["b"] += int(((batch.tokens >= 500) & (batch.tokens < 700)).sum())
        assert loader.consumed == {
            name: tokens for name, tokens in counted.items() if tokens or name == PROBLEMS
        }
    assert all(counted.values())
    assert loader.epochs == pytest.approx(counted[PROBLEMS] / sum(LENGTHS))


def test_without_replay_there_is_no_text_and_no_source_is_named() -> None:
    loader = _loader()
    assert not any(any(_is_text(loader.batch(0.0))) for _ in range(30))
    assert loader.consumed.keys() == {PROBLEMS}


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(4, SEQ), min_size=1, max_size=20),
    replay=st.floats(0.01, 0.9),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 9),
)
def test_text_is_the_share_of_targets_that_was_asked_for_in_every_stretch(
    lengths: list[int], replay: float, batch_size: int, seed: int
) -> None:
    """Of sequences it was: 5 % of them were 17 % of the loss, and 0 to 48 % of a batch's."""
    loader = _loader(lengths, replay=replay, batch_size=batch_size, seed=seed)
    text = total = 0
    for _ in range(30):
        batch = loader.batch(0.0)
        targets = (batch.targets != IGNORED).sum(dim=1).tolist()
        text += sum(n for n, is_text in zip(targets, _is_text(batch), strict=True) if is_text)
        total += sum(targets)
        assert abs(text - replay * total) <= 1.5 * SEQ


def test_sources_of_replayed_text_have_their_shares() -> None:
    loader = _loader(batch_size=8, replay=0.5)
    for _ in range(300):
        loader.batch(0.0)
    assert loader.consumed["a"] / (loader.consumed["a"] + loader.consumed["b"]) == pytest.approx(
        0.75, abs=0.1
    )


@pytest.mark.parametrize("replay", [0.0, 0.3])
@pytest.mark.parametrize("max_epochs", [0.5, 1.0, 2.0])
def test_after_the_last_epoch_batches_are_text(replay: float, max_epochs: float) -> None:
    loader = _loader(replay=replay, max_epochs=max_epochs)
    while loader.epochs < max_epochs:
        loader.batch(0.0)
    assert loader.epochs * sum(LENGTHS) < max_epochs * sum(LENGTHS) + SEQ, (
        "no more than the sequence that was begun"
    )
    if max_epochs >= 1:
        assert loader.epochs == max_epochs
    shown = loader.consumed[PROBLEMS]
    for _ in range(10):
        batch = loader.batch(0.0)
        assert all(_is_text(batch))
        assert batch.num_tokens == batch.tokens.numel()
    assert loader.consumed[PROBLEMS] == shown


@pytest.mark.parametrize("max_epochs", [0.5, 1.0, 2.5])
def test_what_is_done_rises_to_one_with_the_last_epoch(max_epochs: float) -> None:
    loader = _loader(replay=0.3, max_epochs=max_epochs)
    done = [loader.done]
    while loader.done < 1:
        loader.batch(0.0)
        done.append(loader.done)
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0.0, 1.0)
    assert loader.is_over
    assert loader.epochs == pytest.approx(max_epochs, rel=0.2)


def test_a_batch_that_waits_for_its_step_is_not_done() -> None:
    loader, plain = Prefetcher(_loader(max_epochs=2)), _loader(max_epochs=2)
    while plain.done < 1:
        assert loader.done == plain.done
        loader.prefetch(0.0)
        assert loader.done == plain.done
        assert torch.equal(loader.batch(0.0).tokens, plain.batch(0.0).tokens)
    assert loader.done == 1


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(4, SEQ), min_size=1, max_size=12),
    batch_size=st.integers(1, 5),
    replay=st.sampled_from([0.0, 0.3, 0.8]),
    max_epochs=st.sampled_from([0.7, 2.0, 100.0]),
    done=st.integers(0, 9),
    elsewhere=st.integers(0, 20),
    seed=st.integers(0, 9),
    word_dropout=st.sampled_from([0.0, 0.4]),
    twins=st.sampled_from([None, 0.0, 0.5]),
)
def test_a_restored_loader_hands_out_the_same_batches(
    lengths: list[int],
    batch_size: int,
    replay: float,
    max_epochs: float,
    done: int,
    elsewhere: int,
    seed: int,
    word_dropout: float,
    twins: float | None,
) -> None:
    settings = {
        "batch_size": batch_size,
        "replay": replay,
        "max_epochs": max_epochs,
        "seed": seed,
        "word_dropout": word_dropout,
    }
    if twins is not None:
        settings |= {"twin_exponent": twins, "examples": TWINS}
    straight, late = (_loader(lengths, **settings) for _ in range(2))
    for _ in range(done):
        straight.batch(0.0)
    for _ in range(elsewhere):
        late.batch(0.5)
    late.restore(json.loads(json.dumps(straight.cursor())))
    for _ in range(6):
        expected, found = straight.batch(0.0), late.batch(1.0)
        assert torch.equal(expected.tokens, found.tokens)
        assert torch.equal(expected.targets, found.targets)
        assert torch.equal(expected.documents, found.documents)
        assert expected.num_tokens == found.num_tokens
    assert straight.consumed == late.consumed
    assert straight.cursor() == late.cursor()


def test_a_cursor_stays_what_it_was_while_the_loader_goes_on() -> None:
    loader = _loader(replay=0.5)
    loader.batch(0.0)
    cursor = loader.cursor()
    kept = json.dumps(cursor)
    for _ in range(5):
        loader.batch(0.0)
    assert json.dumps(cursor) == kept


FAMILIES = (6, 1, 3)
TWINS = [
    Example(
        tokens=(FIRST + family, FIRST + family, FIRST + 100 * (family + 1) + twin), prompt_length=2
    )
    for family, size in enumerate(FAMILIES)
    for twin in range(size)
]
"""Three prompts, of which the first has six programs; the last token says which example it is."""


@pytest.mark.parametrize(
    ("exponent", "shown"), [(1.0, (6, 1, 3)), (0.5, (2, 1, 2)), (0.0, (1, 1, 1))]
)
def test_of_twins_an_epoch_shows_fewer_and_others_each_time(
    exponent: float, shown: tuple[int, ...]
) -> None:
    loader, epochs = _loader(batch_size=1, twin_exponent=exponent, examples=TWINS), []
    assert (loader.num_examples, loader.num_shown) == (len(TWINS), sum(shown))
    while len(epochs) < 30:
        epoch: list[int] = []
        while len(epoch) < sum(shown):
            epoch += [
                token - FIRST
                for token in loader.batch(0.0).tokens.flatten().tolist()
                if token >= FIRST + 100
            ]
        epochs.append(epoch)
        assert loader.epochs == pytest.approx(len(epochs))
        assert len(set(epoch)) == len(epoch)
        assert (
            tuple(sum(each // 100 == family + 1 for each in epoch) for family in range(3)) == shown
        )
    assert len({each for epoch in epochs for each in epoch}) == len(TWINS)


def test_another_seed_gives_another_order() -> None:
    assert _shown(_loader(seed=1, batch_size=9).batch(0.0)) != _shown(
        _loader(seed=2, batch_size=9).batch(0.0)
    )


def test_word_dropout_hides_words_of_the_prompt_and_nothing_else() -> None:
    number, program = (
        len(RESERVED) - 1,
        len(RESERVED) + 1,
    )  # a symbol, as numbers are; a completion made of a text token
    prompt = (PROBLEM, *([FIRST] * 9 + [number]) * 100, PROGRAM)
    examples = [Example(tokens=(*prompt, *[program] * 50), prompt_length=len(prompt))]
    length = len(prompt) + 50
    text = TextLoader(
        {"a": np.arange(length + 1, dtype=np.uint16)},
        _always({"a": 1.0}),
        context_length=length,
        batch_size=1,
        eos_id=EOS,
        seed=0,
    )
    settings = {
        "seq_length": length,
        "batch_size": 1,
        "pad_id": PAD,
        "replay": 0.0,
        "max_epochs": 9.0,
        "seed": 0,
    }
    loader = ProblemLoader(examples, text, word_dropout=0.3, **settings)
    plain = ProblemLoader(examples, text, **settings)
    hidden = []
    for _ in range(3):
        shown, whole = loader.batch(0.0), plain.batch(0.0)
        hidden.append(shown.tokens[0] == PAD)
        assert torch.equal(
            torch.where(hidden[-1], whole.tokens[0], shown.tokens[0]), whole.tokens[0]
        )
        assert set(whole.tokens[0][hidden[-1]].tolist()) == {FIRST}
        assert 0.2 < hidden[-1].sum().item() / 900 < 0.4
        assert torch.equal(shown.targets, whole.targets)
        assert shown.num_tokens == whole.num_tokens
    assert not torch.equal(hidden[0], hidden[1])
    assert examples[0].tokens == (*prompt, *[program] * 50)


MORE = [_example(100 + index, length) for index, length in enumerate((5, 9, 7))]


def test_examples_that_are_added_are_shown_in_every_epoch_from_there_on() -> None:
    loader = _loader(batch_size=1)
    before = [index for _ in range(4) for index in _shown(loader.batch(0.0))]
    epochs = loader.epochs
    loader.add(MORE)
    assert loader.epochs == epochs, "what is added was not shown yet"
    assert loader.num_examples == len(LENGTHS) + 3
    every = [*range(len(LENGTHS)), 100, 101, 102]
    shown: list[int] = []
    while len(shown) < 2 * len(every):
        shown += _shown(loader.batch(0.0))
    assert before
    assert sorted(shown[: len(every)]) == sorted(shown[len(every) :]) == every
    assert loader.epochs == pytest.approx(epochs + 2)


def test_examples_that_are_added_later_take_the_place_of_those_added_before() -> None:
    loader = _loader(batch_size=1)
    loader.add(MORE)
    loader.batch(0.0)
    loader.add([_example(103, 6)])
    assert loader.num_examples == len(LENGTHS) + 1
    every = [*range(len(LENGTHS)), 103]
    shown: list[int] = []
    while len(shown) < len(every):
        shown += _shown(loader.batch(0.0))
    assert sorted(shown) == every


def test_examples_that_are_added_count_in_the_cap_on_epochs() -> None:
    loader = _loader(batch_size=1, max_epochs=2.0)
    while loader.epochs < 1:
        loader.batch(0.0)
    loader.add(MORE)
    shown: list[int] = []
    for _ in range(3 * len(LENGTHS)):
        shown += _shown(loader.batch(0.0))
    assert sorted(shown) == [*range(len(LENGTHS)), 100, 101, 102]
    assert all(_is_text(loader.batch(0.0)))


@pytest.mark.parametrize("done", [0, 3, 17])
def test_a_loader_that_was_added_to_is_restored(done: int) -> None:
    settings = {"batch_size": 2, "replay": 0.3, "max_epochs": 3.0, "word_dropout": 0.2}
    straight, late = _loader(**settings), _loader(**settings)
    for _ in range(5):
        straight.batch(0.0)
    straight.add(MORE)
    for _ in range(done):
        straight.batch(0.0)
    late.batch(0.0)
    late.add(MORE)
    late.restore(json.loads(json.dumps(straight.cursor())))
    for _ in range(30):
        assert torch.equal(straight.batch(0.0).tokens, late.batch(0.0).tokens)
    assert (straight.cursor(), straight.epochs) == (late.cursor(), late.epochs)


def test_nothing_added_changes_nothing() -> None:
    loader, plain = _loader(), _loader()
    loader.batch(0.0), plain.batch(0.0)
    loader.add(())
    assert torch.equal(loader.batch(0.0).tokens, plain.batch(0.0).tokens)
    assert loader.cursor() == plain.cursor()


@pytest.mark.parametrize("added", [(), MORE[:2], [*MORE[:2], MORE[0]]], ids=len)
def test_a_cursor_is_for_a_loader_with_the_same_examples(added: Sequence[Example]) -> None:
    loader, other = _loader(), _loader()
    loader.add(MORE)
    other.add(added)
    with pytest.raises(
        ArtifactError,
        match=r"saved with 3 pseudo-labels of self-training, but \d others.*found\*\.jsonl",
    ):
        other.restore(loader.cursor())


def _batches_until(loader: ProblemLoader, epochs: float) -> int:
    count = 0
    while loader.epochs < epochs:
        loader.batch(0.0)
        count += 1
    return count


@pytest.mark.parametrize(("epochs", "replay"), [(1.0, 0.0), (3.0, 0.0), (10.0, 0.0), (10.0, 0.5)])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_number_of_batches_is_what_the_epochs_take(
    epochs: float, replay: float, batch_size: int
) -> None:
    planned = _loader(batch_size=batch_size, replay=replay).num_batches(epochs)
    assert planned == pytest.approx(
        _batches_until(_loader(batch_size=batch_size, replay=replay), epochs), rel=0.1, abs=1
    )


def test_asking_for_the_number_of_batches_changes_nothing() -> None:
    asked, unasked = _loader(), _loader()
    for _ in range(12):  # more than an epoch
        asked.num_batches(20.0)
        assert torch.equal(asked.batch(0.0).tokens, unasked.batch(0.0).tokens)


def test_there_is_always_a_batch() -> None:
    assert _loader([4]).num_batches(0.01) == 1


@pytest.mark.parametrize("exponent", [-0.1, 1.5])
def test_a_twin_exponent_is_between_one_of_them_and_all(exponent: float) -> None:
    with pytest.raises(ConfigError, match=r"twin_exponent is .*; expected a number from 0"):
        FinetuneConfig(twin_exponent=exponent)
