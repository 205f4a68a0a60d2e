"""The policy gradient teaches: by its own programs and their answers alone, a model learns which
program is right."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from corpus.base.errors import ConfigError
from corpus.config.finetune import GrpoConfig
from corpus.config.model import ModelConfig
from corpus.config.tokenizer import SMALLEST_VOCABULARY, TokenizerConfig
from corpus.data.loader import TextLoader
from corpus.finetune.examples import Example
from corpus.finetune.loader import ProblemLoader
from corpus.finetune.policy_gradient import Judgement, PolicyGradientLoader, judge
from corpus.model.weights import build_model
from corpus.problems.problem import Problem
from corpus.problems.render import completion_tokens, prompt_tokens
from corpus.program.arithmetic.options import parse_options
from corpus.program.language import parse
from corpus.recipes.registry import load_recipe
from corpus.runtime.runtime import Runtime
from corpus.solve.solver import Solver
from corpus.text.tokenizer import PAD, train_tokenizer
from corpus.train.data import TrainingData
from corpus.train.policy_gradient import PolicyGradient
from corpus.train.session import Session
from corpus.train.step import eager_backbone, sum_loss

PROGRAMS = ["multiply(n0,n1)", "divide(n0,n1)", "add(n0,n1)", "subtract(n0,n1)"]
TEXT = "a train covers 120 km in 2 hours ."
PROBLEM = Problem(
    set_name="mathqa",
    split="train",
    index=0,
    text=TEXT,
    options=parse_options("a ) 50 , b ) 60 , c ) 240"),
    correct="b",
    program=None,
    category="physics",
)


@pytest.mark.parametrize("whole", [True, False], ids=["whole programs", "spelled"])
def test_the_right_program_becomes_the_likeliest(whole: bool) -> None:
    """After 40 supervised steps all four programs are equally likely."""
    tokenizer = train_tokenizer([TEXT] * 20, TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 20))
    if whole:
        tokenizer = tokenizer.with_programs(list(map(parse, PROGRAMS)))
    shape = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        dim=32,
        num_layers=1,
        num_heads=2,
        num_kv_heads=2,
        context_length=64,
    )
    model, cpu = (
        build_model(shape, seed=1),
        Runtime(device=torch.device("cpu"), precision="fp32", num_threads=1),
    )
    solver = Solver(model, tokenizer, cpu, max_program_tokens=6, batch_size=512)
    rewards: list[float] = []
    prompt = prompt_tokens(PROBLEM, tokenizer)
    examples = [
        Example(
            tokens=(*prompt, *completion_tokens(parse(program), tokenizer)),
            prompt_length=len(prompt),
            answer=tokenizer.program_ids.get(parse(program)),
        )
        for program in PROGRAMS
    ]

    def explore(problems: Sequence[Problem], seed: int) -> tuple[list[Judgement], float]:
        (samples,) = solver.sample(problems, 256, seed=seed)
        return judge(samples, [PROBLEM])

    text = np.arange(10, 200, dtype=np.uint16)
    loader = PolicyGradientLoader(
        ProblemLoader(
            examples,
            TextLoader({"a": text}, (), context_length=64, batch_size=8, eos_id=1, seed=0),
            seq_length=64,
            batch_size=32,
            pad_id=tokenizer.token_id(PAD),
            replay=0.0,
            max_epochs=1e6,
            seed=1,
        ),
        [[PROBLEM]],
        lambda: explore,
        start=0.5,
        max_batches=10**6,
        seq_length=64,
        batch_size=128,
        pad_id=tokenizer.token_id(PAD),
        mean_length=20.0,
        seed=1,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(80):
        batch = loader.batch(step / 80)
        if batch.reward is not None:
            rewards.append(batch.reward)
        (sum_loss(model, eager_backbone(model), batch) / batch.num_targets).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert len(rewards) >= 20
    assert rewards[0] < 0.4
    assert sum(rewards[-5:]) / 5 > 0.9


class OtherRank:
    """A rank that is not the first; the first one found `FOUND`."""

    is_main = False

    def from_main(self, value: object) -> object:
        assert value is None, "only the first rank samples"
        return FOUND


FOUND = {
    "programs": [{"prompt": [1, 2], "tokens": [3], "count": 2, "advantage": -0.5}],
    "reward": 0.75,
}


def test_other_ranks_take_what_the_first_one_sampled() -> None:
    asked: list[str] = []

    def weights() -> dict[str, torch.Tensor]:
        asked.append("weights")  # all ranks call it, since it may gather them
        return {}

    config = load_recipe("starter")
    policy = PolicyGradient(
        replace(config, finetune=replace(config.finetune, grpo=GrpoConfig(start=0.5))),
        cast(Session, SimpleNamespace(ranks=OtherRank())),
        cast(
            TrainingData,
            SimpleNamespace(selected=SimpleNamespace(problems=[PROBLEM], solvable=[])),
        ),
        shape=config.model,
        weights=weights,
    )
    judged, reward = policy._begin()([PROBLEM], 1)
    assert judged == [Judgement(prompt=(1, 2), tokens=(3,), count=2, advantage=-0.5)]
    assert (reward, asked) == (0.75, ["weights"])


def test_without_an_answer_to_compare_with_it_is_refused() -> None:
    config = load_recipe("starter")
    selected = SimpleNamespace(problems=[replace(PROBLEM, options=(), correct=None)], solvable=[])
    with pytest.raises(ConfigError, match=r"grpo\.start is 0.*no training problem has an answer"):
        PolicyGradient(
            config,
            cast(Session, SimpleNamespace()),
            cast(TrainingData, SimpleNamespace(selected=selected)),
            shape=config.model,
            weights=dict,
        )
