"""Samples and beams against every continuation there is: a model of six tokens, continuations of at
most four."""

import itertools
import math

import pytest
import torch

from corpus.config.model import ModelConfig
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.program.domains import ARITHMETIC
from corpus.solve.beam import beam
from corpus.solve.decode import Decoder, _Line
from corpus.solve.grammar import NUM_IDS, Scope
from corpus.solve.solver import NEGLIGIBLE

VOCABULARY, STOP, LENGTH = 6, 2, 4
CONFIG = ModelConfig(
    vocab_size=VOCABULARY, dim=32, num_layers=2, num_heads=4, num_kv_heads=2, context_length=64
)
PROMPTS = [[1, 5, 3], [4], [0, 0, 1, 3, 5, 1, 4], [3, 3]]


@pytest.fixture(scope="module")
def model() -> Transformer:
    model = build_model(CONFIG, seed=1)
    with torch.no_grad():
        model.embedding.weight.mul_(4)
    return model


@pytest.fixture(scope="module")
def exact(model: Transformer) -> list[dict[tuple[int, ...], float]]:
    """The probability of every continuation: those that end, and those that are cut off."""
    found = []
    endings = list(itertools.product(range(VOCABULARY), repeat=LENGTH))
    for prompt in PROMPTS:
        with torch.no_grad():
            logits = model(torch.tensor([[*prompt, *tokens] for tokens in endings]))
        chances = logits[:, len(prompt) - 1 :, :VOCABULARY].double().log_softmax(-1).tolist()
        probabilities: dict[tuple[int, ...], float] = {}
        for tokens, chance in zip(endings, chances):
            steps = [chance[place][token] for place, token in enumerate(tokens)]
            end = tokens.index(STOP) if STOP in tokens else None
            key = tokens if end is None else tokens[:end]
            probabilities[key] = math.exp(sum(steps[: None if end is None else end + 1]))
        found.append(probabilities)
    return found


def _decoder(model: Transformer, *, batch_size: int = 10_000, stop: int = STOP) -> Decoder:
    return Decoder(model=model, stop_id=stop, max_new_tokens=LENGTH, batch_size=batch_size)


@pytest.mark.parametrize("count", [1, 3, 8, 200])
def test_a_beam_finds_the_likeliest_that_end(
    model: Transformer, exact: list[dict[tuple[int, ...], float]], count: int
) -> None:
    for probabilities, found in zip(exact, beam(_decoder(model), PROMPTS, count)):
        ended = sorted(
            (value for key, value in probabilities.items() if len(key) < LENGTH), reverse=True
        )
        assert [found_one.log_probability for found_one in found] == sorted(
            (f.log_probability for f in found), reverse=True
        )
        assert len({each.tokens for each in found}) == len(found)
        for each in found:
            assert math.exp(each.log_probability) == pytest.approx(
                probabilities[each.tokens], rel=1e-4
            )
        if count >= VOCABULARY ** (LENGTH - 2):  # wide enough to lose nothing on the way
            assert [math.exp(each.log_probability) for each in found] == pytest.approx(
                ended[:count], rel=1e-4
            )


def test_what_is_negligible_is_not_searched_for(model: Transformer) -> None:
    decoder = Decoder(model=model, stop_id=STOP, max_new_tokens=12, batch_size=10_000)
    everything, some = (beam(decoder, PROMPTS, 500, negligible=share) for share in (0.0, 0.5))
    longest = [
        [max(len(each.tokens) for each in row) for row in found] for found in (everything, some)
    ]
    assert sum(longest[1]) < sum(longest[0]), "the search ended sooner"
    for all_of_it, part in zip(everything, some):
        likely = [
            each
            for each in all_of_it
            if each.log_probability > all_of_it[0].log_probability + math.log(0.5)
        ]
        assert [each.tokens for each in part[: len(likely)]] == [each.tokens for each in likely]


@pytest.mark.parametrize("negligible", [0.0, 0.5, NEGLIGIBLE])
def test_a_beam_does_not_depend_on_the_batch(model: Transformer, negligible: float) -> None:
    """A prompt that is done stays in its batch for a while, and must not find more than alone."""
    together, alone = (
        beam(
            Decoder(model=model, stop_id=STOP, max_new_tokens=12, batch_size=size),
            PROMPTS * 2,
            8,
            negligible=negligible,
        )
        for size in (10_000, 1)
    )
    assert [[each.tokens for each in row] for row in together] == [
        [each.tokens for each in row] for row in alone
    ]


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_samples_are_as_frequent_as_they_are_likely(
    model: Transformer, exact: list[dict[tuple[int, ...], float]], temperature: float
) -> None:
    count = 2048
    samples = _decoder(model).sample(PROMPTS, count, seed=3, temperature=temperature)
    for probabilities, found in zip(exact, samples):
        for each in found:
            assert math.exp(each.log_probability) == pytest.approx(
                probabilities[each.tokens], rel=1e-4
            )
        if temperature == 1.0:
            for tokens, probability in probabilities.items():
                share = sum(each.tokens == tokens for each in found) / count
                assert share == pytest.approx(probability, abs=2 / count), (
                    "spread evenly: never off by more than the ends of a part"
                )


def test_the_first_samples_are_the_same_however_many_are_drawn(model: Transformer) -> None:
    few, many = (_decoder(model).sample(PROMPTS, count, seed=3) for count in (8, 32))
    assert few == [row[:8] for row in many]
    assert len({each.tokens for each in few[0]}) > 3


def test_samples_do_not_depend_on_the_batch_and_do_on_the_seed(model: Transformer) -> None:
    drawn = [_decoder(model, batch_size=size).sample(PROMPTS, 6, seed=3) for size in (10_000, 6)]
    tokens = [[[each.tokens for each in row] for row in found] for found in drawn]
    assert tokens[0] == tokens[1]
    assert tokens[0] != [
        [each.tokens for each in row] for row in _decoder(model).sample(PROMPTS, 6, seed=4)
    ]


def test_long_samples_keep_being_random() -> None:
    """A hundred tokens of a model that finds all equally likely take 258 bits: more than one number
    has."""
    flat = build_model(CONFIG, seed=0)
    with torch.no_grad():
        flat.embedding.weight.zero_()
    decoder = Decoder(model=flat, stop_id=-1, max_new_tokens=100, batch_size=64)
    late = [token for row in decoder.sample([[1]], 64, seed=0)[0] for token in row.tokens[60:]]
    for token in range(VOCABULARY):
        assert late.count(token) / len(late) == pytest.approx(1 / VOCABULARY, abs=0.03)


def test_a_point_at_the_very_end_takes_an_id_that_can_follow() -> None:
    line = _Line([0], 3, seed=0, steps=2, device="cpu")
    line._points[:] = torch.tensor([0.0, 0.5, 1.0 - 2.0**-53], dtype=torch.float64)
    logits = torch.tensor([[float("-inf"), 0.0, 0.3, float("-inf")]]).expand(3, -1)
    assert line.next(logits, torch.arange(3), 0).tolist() == [1, 2, 2]
    assert bool((line._points >= 0).all())
    assert bool((line._points < 1).all())


def test_a_temperature_of_nothing_is_refused(model: Transformer) -> None:
    with pytest.raises(ValueError, match="temperature is 0"):
        _decoder(model).sample(PROMPTS, 1, seed=0, temperature=0)


def test_under_the_grammar_only_programs_come_out() -> None:
    config = ModelConfig(
        vocab_size=NUM_IDS + 40,
        dim=32,
        num_layers=2,
        num_heads=4,
        num_kv_heads=2,
        context_length=64,
    )
    model = build_model(config, seed=2)
    decoder = Decoder(model=model, stop_id=0, max_new_tokens=20, batch_size=64)
    numbers = [1, 2, 0, 3]
    scopes = [Scope(count, ARITHMETIC) for count in numbers]
    rows = [
        *[[each] for each in decoder.greedy(PROMPTS, scopes=scopes)],
        *decoder.sample(PROMPTS, 8, seed=0, scopes=scopes),
        *beam(decoder, PROMPTS, 8, scopes=scopes),
    ]
    for count, row in zip(numbers * 3, rows):
        assert row
        for each in row:
            assert all(token < NUM_IDS for token in each.tokens)
            assert each.log_probability < 0
            assert 0 < len(each.tokens) < 20
            assert not any(
                name.startswith("n") and int(name[1:]) >= count for name in _numbers(each.tokens)
            )


def _numbers(tokens: tuple[int, ...]) -> list[str]:
    from corpus.config.tokenizer import SPECIAL
    from corpus.program.language import SYMBOLS

    names = [SYMBOLS[token - len(SPECIAL)] for token in tokens]
    return [name for name in names if name[1:].isdecimal() and name.startswith("n")]
