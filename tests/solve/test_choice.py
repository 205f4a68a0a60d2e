"""Whole programs as tokens: chosen, spelled, and the probabilities of both."""

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from corpus.config.model import ModelConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.tokenizer import SMALLEST_VOCABULARY, TokenizerConfig
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.problems.problem import Problem
from corpus.problems.render import completion_tokens, program_from_tokens, prompt_tokens
from corpus.program.language import parse
from corpus.runtime.runtime import Runtime, resolve
from corpus.solve.decode import Decoder
from corpus.solve.grammar import NUM_IDS, ProgramGrammar, Scope
from corpus.solve.solver import NEGLIGIBLE, Solver
from corpus.solve.voting import CandidateProgram
from corpus.text.tokenizer import EOS, SPELLED, Tokenizer, train_tokenizer

TEXTS = ["a train covers 120 km in 2 hours .", "what do 4 pens cost ?", "3 of 4 and 5 ?"]
PROBLEMS = [Problem.question(text) for text in TEXTS]
PROGRAMS = [
    "divide(n0,n1)",
    "multiply(n0,const_100)",
    "add(n0,n1)|divide(#0,n2)",
    "differentiate(n0,n0)",  # of another domain
    "negate(n0)",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    plain = train_tokenizer(TEXTS * 20, TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 40))
    return plain.with_programs([parse(program) for program in PROGRAMS])


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return resolve(RuntimeConfig(device="cpu", precision="fp32"))


def _model(tokenizer: Tokenizer, *, spelled: float) -> Transformer:
    """Random weights; `spelled` is how much likelier than other programs spelling is."""
    shape = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        dim=32,
        num_layers=2,
        num_heads=4,
        num_kv_heads=2,
        context_length=128,
        tie_embeddings=False,
    )
    model = build_model(shape, seed=4)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(6)
        assert model.unembedding is not None
        rows = model.unembedding.weight
        hidden = model.hidden(torch.tensor([prompt_tokens(PROBLEMS[0], tokenizer)]))[0, -1]
        rows[tokenizer.token_id(SPELLED)] = spelled * hidden / hidden.square().sum()
    return model


def _solver(model: Transformer, tokenizer: Tokenizer, runtime: Runtime, **settings: bool) -> Solver:
    return Solver(model, tokenizer, runtime, max_program_tokens=12, batch_size=64, **settings)


def _shares(model: Transformer, tokenizer: Tokenizer, problem: Problem) -> torch.Tensor:
    """The logits of all ids at the end of a prompt, computed the plain way."""
    with torch.inference_mode():
        return model(torch.tensor([prompt_tokens(problem, tokenizer)]))[0, -1].double()


def test_a_program_is_chosen_among_those_that_fit_the_problem(
    tokenizer: Tokenizer, runtime: Runtime
) -> None:
    model = _model(tokenizer, spelled=-50.0)
    fitting = [[0, 1, 4], [1, 4], [0, 1, 2, 4]]
    greedy = _solver(model, tokenizer, runtime).greedy(PROBLEMS)
    for problem, places, found in zip(PROBLEMS, fitting, greedy):
        logits = _shares(model, tokenizer, problem)
        ids = [tokenizer.token_id(SPELLED), *(tokenizer.added_ids[1 + place] for place in places)]
        shares = logits[ids].log_softmax(-1).tolist()[1:]
        best = max(range(len(places)), key=lambda place: shares[place])
        assert found is not None
        assert str(found.program) == PROGRAMS[places[best]]
        assert found.log_probability == pytest.approx(shares[best], abs=1e-4)
        assert found.outcome == problem.domain.execute(found.program, problem.quantities)


def test_a_program_is_spelled_where_that_is_likelier(
    tokenizer: Tokenizer, runtime: Runtime
) -> None:
    """The greedy program after `<|spelled|>`, as likely as both together."""
    model = _model(tokenizer, spelled=50.0)
    found = _solver(model, tokenizer, runtime).greedy(PROBLEMS[:1])[0]
    assert found is not None
    prompt = [*prompt_tokens(PROBLEMS[0], tokenizer), tokenizer.token_id(SPELLED)]
    decoder = Decoder(model=model, stop_id=tokenizer.token_id(EOS), max_new_tokens=12, batch_size=1)
    (expected,) = decoder.greedy([prompt], scopes=[Scope.of(PROBLEMS[0])])
    assert found.program == program_from_tokens(expected.tokens, tokenizer)
    ids = [tokenizer.token_id(SPELLED), *(tokenizer.added_ids[1 + place] for place in (0, 1, 4))]
    spelled = float(_shares(model, tokenizer, PROBLEMS[0])[ids].log_softmax(-1)[0])
    assert found.log_probability == pytest.approx(expected.log_probability + spelled, abs=1e-4)


def test_search_joins_both_and_ranks_them(tokenizer: Tokenizer, runtime: Runtime) -> None:
    model = _model(tokenizer, spelled=1.0)
    solver = _solver(model, tokenizer, runtime)
    for problem, found in zip(PROBLEMS, solver.search(PROBLEMS, 8)):
        assert 1 < len(found) <= 8
        assert len({each.program for each in found}) == len(found)
        assert all(a.log_probability >= b.log_probability for a, b in pairwise(found))
        assert found[-1].log_probability > found[0].log_probability + math.log(NEGLIGIBLE)
        assert sum(math.exp(each.log_probability) for each in found) <= 1 + 1e-6
        alone = _by_program(solver.search([problem], 8)[0])
        assert _by_program(found) == pytest.approx(alone, rel=1e-4)


def test_a_program_that_is_chosen_and_spelled_is_as_likely_as_both(
    tokenizer: Tokenizer, runtime: Runtime
) -> None:
    model = _model(tokenizer, spelled=1.0)
    problem = PROBLEMS[1]
    joint = _by_program(_solver(model, tokenizer, runtime).search([problem], 64)[0])
    ids = [tokenizer.token_id(SPELLED), *(tokenizer.added_ids[1 + place] for place in (1, 4))]
    spelled, *chosen = _shares(model, tokenizer, problem)[ids].softmax(-1).tolist()
    expected = dict(zip((PROGRAMS[1], PROGRAMS[4]), chosen))
    tokens = [*prompt_tokens(problem, tokenizer), tokenizer.token_id(SPELLED)]
    for program in expected:
        expected[program] += spelled * _spelled_share(model, tokenizer, tokens, program)
    for program, share in expected.items():
        assert joint[program] == pytest.approx(share, rel=1e-3)


def _spelled_share(
    model: Transformer, tokenizer: Tokenizer, before: list[int], program: str
) -> float:
    """The probability that a program is spelled, from the decoder without whole programs."""
    ids, share = completion_tokens(parse(program), tokenizer)[1:], 1.0
    grammar = ProgramGrammar([Scope.of(PROBLEMS[1])], 12)
    for place, token in enumerate(ids):
        with torch.inference_mode():
            logits = model(torch.tensor([[*before, *ids[:place]]]))[0, -1, :NUM_IDS].double()
        logits = logits.masked_fill(~grammar.allowed()[0], float("-inf"))
        share *= float(logits.softmax(-1)[token])
        grammar.advance(torch.tensor([token]))
    return share


def _by_program(found: list[CandidateProgram]) -> dict[str, float]:
    return {str(each.program): math.exp(each.log_probability) for each in found}


def test_without_the_grammar_any_whole_program_can_be_chosen(
    tokenizer: Tokenizer, runtime: Runtime
) -> None:
    model = _model(tokenizer, spelled=-50.0)
    found = _by_program(
        _solver(model, tokenizer, runtime, constrained=False).search(PROBLEMS[1:2], 8)[0]
    )
    shares = _shares(model, tokenizer, PROBLEMS[1]).softmax(-1)
    likeliest = max(PROGRAMS, key=lambda each: float(shares[tokenizer.program_ids[parse(each)]]))
    share = float(shares[tokenizer.program_ids[parse(likeliest)]])
    assert found[likeliest] >= 0.999 * share  # it may be spelled as well


def test_two_texts_that_differ_in_their_numbers_share_one_choice(
    tokenizer: Tokenizer, runtime: Runtime
) -> None:
    twin = replace(PROBLEMS[0], text=TEXTS[0].replace("120", "90"))
    model = _model(tokenizer, spelled=-50.0)
    first, second = _solver(model, tokenizer, runtime).greedy([PROBLEMS[0], twin])
    assert first is not None
    assert second is not None
    assert first.program == second.program
    assert first.outcome != second.outcome


@pytest.mark.parametrize("spelled", [-50.0, 0.0, 50.0])
def test_samples_are_as_frequent_as_their_programs_are_likely(
    tokenizer: Tokenizer, runtime: Runtime, spelled: float
) -> None:
    """The expected count of a sample is its probability; evenly spread points are off by few."""
    solver = _solver(_model(tokenizer, spelled=spelled), tokenizer, runtime)
    count = 512
    for samples, likely in zip(
        solver.sample(PROBLEMS, count, seed=3), solver.search(PROBLEMS, 8), strict=True
    ):
        assert len(samples) == count
        drawn = Counter(sample.program for sample in samples)
        assert None not in drawn
        for candidate in likely:
            share = math.exp(candidate.log_probability)
            assert drawn[candidate.program] == pytest.approx(share * count, abs=40)


def test_samples_are_the_tokens_that_training_reads(tokenizer: Tokenizer, runtime: Runtime) -> None:
    solver = _solver(_model(tokenizer, spelled=0.5), tokenizer, runtime)
    samples = [sample for each in solver.sample(PROBLEMS, 64, seed=1) for sample in each]
    whole = [sample for sample in samples if len(sample.tokens) == 1]
    assert whole
    assert len(whole) < len(samples)
    prompts = [tuple(prompt_tokens(problem, tokenizer)) for problem in PROBLEMS]
    for sample in samples:
        assert sample.program is not None
        assert sample.prompt in prompts
        if len(sample.tokens) == 1:
            assert sample.tokens == (tokenizer.program_ids[sample.program],)
        else:
            assert list(sample.tokens) == completion_tokens(sample.program, tokenizer)
