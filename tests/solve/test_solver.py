"""The solver: texts that read alike but for their numbers are decoded once, and each gets its own
values."""

from collections.abc import Sequence

import pytest
import torch

from corpus.config.model import ModelConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.tokenizer import TokenizerConfig
from corpus.model.weights import build_model
from corpus.problems.problem import Problem
from corpus.program.domains import execute
from corpus.runtime.runtime import resolve
from corpus.solve.decode import Decoder
from corpus.solve.solver import Solver
from corpus.solve.voting import CandidateProgram
from corpus.text.tokenizer import train_tokenizer

TEXTS = [
    "a train covers 120 km in 2 hours . what is its speed ?",
    "what do 4 pens cost ?",
    "a train covers 90.5 km in 3 hours . what is its speed ?",
    "What do 7 pens cost?",
    "a train covers 90.5 km . what is its speed ?",
]
PROBLEMS = [Problem.question(text) for text in TEXTS]


@pytest.fixture(scope="module", params=[True, False], ids=["constrained", "free"])
def solver(request: pytest.FixtureRequest) -> Solver:
    """Large random weights: what follows differs from prompt to prompt."""
    tokenizer = train_tokenizer(TEXTS * 20, TokenizerConfig(vocab_size=500))
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        dim=32,
        num_layers=2,
        num_heads=4,
        num_kv_heads=2,
        context_length=128,
    )
    model = build_model(config, seed=4)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(6)
        weight = model.embedding.weight  # a number is likely where this constant is
        weight[tokenizer.symbol_id("n0")] = 1.1 * weight[tokenizer.symbol_id("const_100")]
    runtime = resolve(RuntimeConfig(device="cpu", precision="fp32"))
    return Solver(
        model, tokenizer, runtime, max_program_tokens=40, batch_size=32, constrained=request.param
    )


def _plain(
    found: Sequence[Sequence[CandidateProgram | None]],
) -> list[list[tuple[str, float] | None]]:
    return [
        [each and (str(each.program), round(each.log_probability, 3)) for each in candidates]
        for candidates in found
    ]


def test_texts_that_read_alike_are_decoded_once(
    solver: Solver, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, rows = [], Decoder.begin

    def count(
        self: Decoder, prompts: list, chosen: list, *args: object, **settings: object
    ) -> object:
        decoded.extend(chosen)
        return rows(self, prompts, chosen, *args, **settings)

    monkeypatch.setattr(Decoder, "begin", count)
    done: list[int] = []
    together = solver.search(PROBLEMS, 4, done=done.append)
    assert len(decoded) == 3
    assert done[-1] == len(TEXTS)
    assert _plain(together) == _plain([solver.search([each], 4)[0] for each in PROBLEMS])
    decoded.clear(), done.clear()
    greedy = solver.greedy(PROBLEMS, done=done.append)
    assert len(decoded) == 3
    assert done[-1] == len(TEXTS)
    assert _plain([greedy]) == _plain([[solver.greedy([each])[0] for each in PROBLEMS]])


def test_each_text_has_the_values_of_its_own_numbers(solver: Solver) -> None:
    found = solver.search(PROBLEMS, 12)
    for problem, candidates in zip(PROBLEMS, found, strict=True):
        assert [each.outcome for each in candidates] == [
            execute(each.program, problem.quantities) for each in candidates
        ]
    if any(found):  # without the grammar, random weights write no program
        assert any("n0" in str(each.program) for each in found[0])


def test_nothing_asked_is_nothing_found(solver: Solver) -> None:
    assert solver.greedy([]) == []
    assert solver.search([], 3, done=lambda count: None) == []
