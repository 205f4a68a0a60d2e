"""The policy gradient: rewards of twins, advantages within a group, and batches whose loss is the
mean of -advantage · log p over the programs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from corpus.data.loader import TextLoader
from corpus.finetune.examples import Example
from corpus.finetune.loader import ProblemLoader
from corpus.finetune.policy_gradient import (
    MOST_DRAWS,
    Judgement,
    PolicyGradientLoader,
    Sample,
    judge,
)
from corpus.model.loss import IGNORED
from corpus.problems.problem import Problem
from corpus.program.arithmetic.options import parse_options
from corpus.program.language import parse

PAD, LENGTH, ROWS = 0, 16, 3


def _twin(index: int, kilometres: int, hours: int, answer: int) -> Problem:
    return Problem(
        set_name="mathqa",
        split="train",
        index=index,
        text=f"a train covers {kilometres} km in {hours} hours . what is its speed ?",
        options=parse_options(f"a ) {answer} , b ) {answer * 3} , c ) {answer * 7}"),
        correct="a",
        program=None,
        category="physics",
    )


TWINS = [_twin(0, 64, 4, 16), _twin(1, 90, 3, 30)]


def _sample(program: str | None, *tokens: int) -> Sample:
    return Sample((1, 2), tokens, None if program is None else parse(program))


def test_the_reward_is_the_share_of_the_twins_answers_and_advantages_are_standard_scores() -> None:
    right, chance, cut = (
        _sample("divide(n0,n1)", 5),
        _sample("multiply(n1,n1)", 6),
        _sample(None, 7),
    )
    judged, mean = judge([right, chance, right, cut], TWINS)
    rewards = np.array([1.0, 0.5, 1.0, 0.0])
    assert mean == pytest.approx(rewards.mean())
    scores = (rewards - rewards.mean()) / rewards.std()
    assert [(each.tokens, each.count) for each in judged] == [((5,), 2), ((6,), 1), ((7,), 1)]
    assert [each.advantage for each in judged] == pytest.approx([scores[0], scores[1], scores[3]])


@pytest.mark.parametrize("program", ["divide(n0,n1)", "add(n0,n1)"])
def test_where_all_are_equally_good_there_is_nothing_to_learn(program: str) -> None:
    judged, mean = judge([_sample(program, 5), _sample(program, 5)], TWINS)
    assert judged == []
    assert mean == float(program == "divide(n0,n1)")


def _examples() -> ProblemLoader:
    text = TextLoader(
        {"a": np.arange(10, 200, dtype=np.uint16)},
        (),
        context_length=LENGTH,
        batch_size=ROWS,
        eos_id=1,
        seed=0,
    )
    return ProblemLoader(
        [Example(tokens=(900 + index,) * 6, prompt_length=3) for index in range(4)],
        text,
        seq_length=LENGTH,
        batch_size=ROWS,
        pad_id=PAD,
        replay=0.0,
        max_epochs=1e6,
        seed=1,
    )


@pytest.mark.parametrize(("samples", "counts"), [(16, (5, 3, 4, 2, 2)), (10, (4, 2, 3, 1))])
@pytest.mark.parametrize("num_wrong", [0, 1])
def test_rounding_does_not_tell_programs_apart_that_are_equally_good(
    samples: int, counts: Sequence[int], num_wrong: int
) -> None:
    """All give the gold answers of all twins, or of two in three: then the mean is rounded."""
    twins = [*TWINS, _twin(2, 80, 2, 41 if num_wrong else 40)]
    assert sum(counts) == samples
    drawn = [
        _sample("divide(n0,n1)", token) for token, count in enumerate(counts) for _ in range(count)
    ]
    judged, mean = judge(drawn, twins)
    assert judged == []
    assert mean == pytest.approx(1 - num_wrong / 3)


class Explorer:
    """Has fixed judgements for every draw, and notes what it is asked."""

    def __init__(self, judged: Sequence[Judgement]) -> None:
        self.judged, self.asked, self.seeds = list(judged), [], []
        self.begun = 0

    def begin(self) -> "Explorer":
        self.begun += 1
        return self

    def __call__(self, problems: Sequence[Problem], seed: int) -> tuple[list[Judgement], float]:
        self.asked.append([problem.index for problem in problems])
        self.seeds.append(seed)
        return self.judged, 0.25


def _loader(explorer: Explorer, **settings: Any) -> PolicyGradientLoader:
    wordings = [[_twin(index, 64, 4, 16)] for index in range(5)]
    given: dict[str, Any] = {"start": 0.5, "mean_length": 12.0, "max_batches": 1000, **settings}
    return PolicyGradientLoader(
        _examples(),
        wordings,
        explorer.begin,
        seq_length=LENGTH,
        batch_size=ROWS,
        pad_id=PAD,
        seed=7,
        **given,
    )


JUDGED = [
    Judgement(prompt=(10, 11), tokens=(20, 21, 22), count=3, advantage=0.5),
    Judgement(prompt=(10, 11), tokens=(23,), count=1, advantage=-1.5),
    Judgement(prompt=(12, 13, 14), tokens=(24, 25), count=2, advantage=1.0),
]


def test_a_step_on_a_batch_descends_the_mean_over_the_programs() -> None:
    """The sum over targets of factor · loss, over the number of targets, as a step computes it."""
    batch = _loader(Explorer(JUDGED)).batch(0.5)
    assert batch.factors is not None
    assert batch.tokens.shape == batch.factors.shape == (ROWS, LENGTH)
    losses = torch.rand(200)  # of each token
    counted = batch.targets != IGNORED
    assert counted.sum() == batch.num_targets == 3 + 1 + 2
    assert batch.reward == 0.25
    assert not batch.factors[~counted].any()
    loss = (batch.factors * losses[batch.targets.clamp(min=0)]).sum() / batch.num_targets
    expected = sum(
        each.count * each.advantage * losses[list(each.tokens)].sum() for each in JUDGED
    ) / sum(each.count for each in JUDGED)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_programs_that_find_no_room_are_left_out_whole() -> None:
    many = [
        Judgement(prompt=(10,) * 7, tokens=(20 + index,) * 3, count=1, advantage=1.0)
        for index in range(9)
    ]
    batch = _loader(
        Explorer([*many, Judgement(prompt=(9,) * 15, tokens=(1, 1), count=1, advantage=1.0)])
    ).batch(0.9)
    assert batch.num_targets == 3 * ROWS
    assert not (batch.tokens == 9).any(), "it is longer than a sequence"


def test_it_begins_at_its_progress_and_goes_through_all_wordings() -> None:
    explorer, plain = Explorer(JUDGED), _examples()
    loader = _loader(explorer)
    for _ in range(2):
        assert torch.equal(loader.batch(0.49).tokens, plain.batch(0.49).tokens)
    assert not explorer.asked
    for _ in range(5):
        loader.batch(0.5)
    assert [len(each) for each in explorer.asked] == [2] * 5
    drawn = [index for each in explorer.asked for index in each]
    assert sorted(drawn[:5]) == sorted(drawn[5:]) == list(range(5))
    assert len(set(explorer.seeds)) == 5
    assert loader.consumed == plain.consumed, "what is sampled is not read"
    assert explorer.begun == 5


def test_where_nothing_is_learned_from_several_draws_a_supervised_batch_follows() -> None:
    explorer = Explorer([])
    batch = _loader(explorer).batch(0.7)
    assert torch.equal(batch.tokens, _examples().batch(0.7).tokens)
    assert batch.reward is None
    assert len(explorer.asked) == MOST_DRAWS
    assert explorer.begun == 1, "the weights are the same in all draws"


def test_its_batches_count_as_epochs() -> None:
    """Else the phase would go on to the end of the clock, at one learning rate."""
    loader = _loader(Explorer(JUDGED), max_batches=4)
    shares = [loader.done]
    for _ in range(5):
        loader.batch(0.5)
        shares.append(loader.done)
    assert shares == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0, 1.0], abs=1e-5)


def test_a_draw_that_may_take_longer_than_what_is_left_is_not_begun() -> None:
    explorer = Explorer(JUDGED)
    loader = _loader(explorer)
    for progress in (0.6, 0.7, 0.85):  # a step takes 0.15
        loader.batch(progress)
    assert loader.batch(0.9).reward is None
    assert explorer.begun == 3
    counted = _loader(steps := Explorer(JUDGED))
    for step in range(30):  # a budget of steps has its last one
        counted.batch(step / 30)
    assert steps.begun == 15


def test_a_restored_loader_goes_on_with_the_same_batches() -> None:
    straight, late = _loader(explored := Explorer(JUDGED)), _loader(again := Explorer(JUDGED))
    for progress in (0.1, 0.2, 0.6, 0.7):
        straight.batch(progress)
    late.restore(straight.cursor())
    for progress in (0.8, 0.9, 0.3):
        assert torch.equal(straight.batch(progress).tokens, late.batch(progress).tokens)
    assert again.asked == explored.asked[-2:]
    assert late.cursor() == straight.cursor()
    assert late.consumed == straight.consumed
