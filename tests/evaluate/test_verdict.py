"""The verdict of each order: its rules, its words, and its errors under looking."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.evaluate.anytime import confidence_sequence, e_bh, e_by, e_value
from corpus.evaluate.dunnett import analyse
from corpus.evaluate.verdict import (
    MIN_SEEDS,
    MOST_SEEDS,
    paired_differences,
    pooled_verdicts,
    verdicts,
)

NOISE = [0.001, -0.001, 0.0005, -0.0005, 0.0002, -0.0004, 0.0007, -0.0003]


def _around(mean: float, number: int = 8) -> list[float]:
    return [mean + each for each in NOISE[:number]]


def test_each_claim() -> None:
    found = verdicts(
        {"up": _around(0.05), "down": _around(-0.05), "again": _around(0), "few": _around(1, 4)}
    )
    assert {name: each.claim for name, each in found.items()} == {
        "up": "worse",
        "down": "better",
        "again": "equal",
        "few": "undecided",
    }
    assert [str(each) for each in found.values()] == [
        "worse",
        "better",
        "equal",
        "undecided: 1 more seed",
    ]


def test_a_difference_too_small_to_matter_is_equal_however_sure() -> None:
    found = verdicts({"order": [0.005 + each / 100 for each in NOISE]})["order"]
    assert found.e_value > 1e6
    assert found.claim == "equal"


def test_the_interval_is_selected_for_a_claim_and_bonferroni_otherwise() -> None:
    differences = {"up": _around(0.05), "down": _around(-0.05), "again": _around(0)}
    found = verdicts(differences, alpha=0.1)
    values = list(differences.values())
    selected = e_bh([e_value(each) for each in values[:2]] + [0.0], 0.1)
    narrow = e_by(values, selected, 0.1)
    assert (found["up"].interval, found["down"].interval) == (narrow[0], narrow[1])
    assert found["again"].interval == confidence_sequence(values[2], 0.1 / 3)


def test_placebos_and_planned_orders_count() -> None:
    """The same differences are a claim alone, and none among forty orders."""
    values = _around(0.003, 5)
    assert verdicts({"order": values}, margin=1e-4)["order"].claim == "worse"
    many = verdicts({"order": values} | {f"planned {at}": [] for at in range(39)}, margin=1e-4)
    assert many["order"].claim == "undecided"
    assert str(many["planned 3"]) == f"undecided: at least {MIN_SEEDS} more seeds"
    assert (many["planned 3"].mean, many["planned 3"].deviation) == (None, None)


def test_an_equal_order_does_not_lower_the_threshold_of_others() -> None:
    close, weak = [0.005 + each / 100 for each in NOISE], _around(0.0019, 6)
    alone = verdicts({"weak": weak, "close": []}, margin=0.001)["weak"]
    assert 20 < alone.e_value < 40
    assert alone.claim == "undecided"
    assert verdicts({"weak": weak, "close": close}, margin=0.001)["weak"].claim == "worse"
    large = [50 * each for each in weak]
    beside = verdicts({"weak": large, "close": close}, margin=0.006)
    assert beside["close"].claim == "equal"
    assert beside["close"].e_value > 1e6
    assert beside["weak"].claim == "undecided"


@given(
    st.lists(st.floats(-0.1, 0.1).map(lambda each: round(each, 4)), min_size=2, max_size=9),
    st.floats(0.0005, 0.05),
    st.sampled_from([{}, {"planned": []}, {str(at): [] for at in range(6)}]),
)
def test_as_many_further_seeds_are_enough_and_one_less_is_not(
    values: list[float], margin: float, planned: dict[str, list[float]]
) -> None:
    """With the mean and the deviation kept, and no other order claimed."""
    found = verdicts({"order": values, **planned}, margin=margin)["order"]
    if found.claim != "undecided" or not found.deviation or found.mean is None:
        return
    if found.more_seeds is None:
        assert str(found) == f"undecided: more than {MOST_SEEDS} more seeds"
        return
    for number, enough in ((found.more_seeds, True), (found.more_seeds - 1, False)):
        total = len(values) + number
        if number == 0:
            continue
        pattern = np.resize([1.0, -1.0], total) if total % 2 == 0 else np.arange(total) + 0.0
        pattern = (pattern - pattern.mean()) / pattern.std(ddof=1)
        kept = list(found.mean + found.deviation * pattern)
        later = verdicts({"order": kept, **planned}, margin=margin)
        assert (later["order"].claim != "undecided") == enough


def test_the_same_runs_are_equal_after_five_seeds() -> None:
    assert str(verdicts({"again": [0.0] * 4})["again"]) == "undecided: 1 more seed"
    assert verdicts({"again": [0.0] * 5})["again"].claim == "equal"
    constant = verdicts({"order": [0.1] * 9})["order"]
    assert (constant.claim, constant.more_seeds) == ("undecided", None)


def test_only_seeds_with_the_control_are_paired() -> None:
    losses = {"shuffled": {1: 5.0, 2: 5.5}, "order": {2: 5.0, 1: 5.25, 3: 9.0}, "planned": {}}
    assert paired_differences(losses) == {"order": [0.25, -0.5], "planned": []}


def _losses(study: np.ndarray) -> dict[str, dict[int, float]]:
    names = ["shuffled", *(f"order {at}" for at in range(1, study.shape[1]))]
    return {name: dict(enumerate(column)) for name, column in zip(names, study.T.tolist())}


def test_one_order_has_nothing_to_pool() -> None:
    losses = _losses(np.random.default_rng(9).normal(5, 0.1, (7, 2)))
    alone, pooled = verdicts(paired_differences(losses)), pooled_verdicts(losses)
    for field in ("mean", "deviation", "e_value", "interval", "more_seeds"):
        values = [getattr(each["order 1"], field) for each in (alone, pooled)]
        assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_the_pooled_error_is_that_of_dunnetts_test() -> None:
    losses = _losses(np.random.default_rng(9).normal(5, 0.1, (6, 4)))
    del losses["order 2"][3]
    expected, found = analyse(losses), pooled_verdicts(losses)
    assert expected is not None
    for name, each in found.items():
        assert each.num_seeds == 5
        assert each.deviation == pytest.approx(expected.deviation)
        assert each.mean == pytest.approx(expected.contrasts[name].difference)
        low, high = each.interval
        half = expected.critical * expected.deviation / math.sqrt(5)
        assert (high - low) / 2 > half  # the price of looking at any time


def test_an_order_that_repeats_the_control_does_not_shrink_the_pooled_error() -> None:
    losses = _losses(np.random.default_rng(9).normal(5, 0.1, (6, 4)))
    found = pooled_verdicts({**losses, "again": losses["shuffled"]})
    assert found.pop("again").claim == "equal"
    deviations = {each.deviation for each in found.values()}
    assert deviations == {pooled_verdicts(losses)["order 1"].deviation}


def test_without_complete_blocks_nothing_is_pooled() -> None:
    losses = {"shuffled": {0: 5.0, 1: 5.1}, "order": {0: 4.0, 1: 4.2}, "planned": {}}
    for each in pooled_verdicts(losses).values():
        assert (each.claim, each.num_seeds, each.mean) == ("undecided", 0, None)


def test_looking_after_every_seed_with_a_pooled_error_makes_few_false_claims() -> None:
    """150 studies of 4 orders without a difference, up to 8 seeds."""
    wrong = 0
    for study in np.random.default_rng(10).normal(5, 0.011, (150, 8, 5)):
        looks = [pooled_verdicts(_losses(study[:seeds])) for seeds in range(MIN_SEEDS, 9)]
        wrong += any(v.claim in ("better", "worse") for look in looks for v in look.values())
    assert wrong / 150 <= 0.05


def test_looking_after_every_seed_makes_few_false_claims() -> None:
    """150 studies of 4 orders without a difference, up to 10 seeds."""
    chance = np.random.default_rng(5)
    wrong = 0
    for study in chance.normal(0, 0.011, (150, 10, 5)):
        paired = study[:, 1:] - study[:, :1]
        looks = [
            verdicts({str(at): column[:seeds] for at, column in enumerate(paired.T.tolist())})
            for seeds in range(MIN_SEEDS, 11)
        ]
        wrong += any(v.claim in ("better", "worse") for look in looks for v in look.values())
    assert wrong / 150 <= 0.05


def test_without_orders_there_is_no_verdict() -> None:
    assert verdicts({}) == {}
    assert math.isinf(verdicts({"order": [0.1]})["order"].interval[1])


@pytest.mark.parametrize("number", range(MIN_SEEDS))
def test_fewer_than_five_seeds_never_make_a_claim(number: int) -> None:
    found = verdicts({"order": _around(5, number)})["order"]
    assert found.claim == "undecided"
    assert found.more_seeds == MIN_SEEDS - number
