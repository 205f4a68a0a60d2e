"""The verdict of each order: its rules, its words, and its errors under looking."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.evaluate.anytime import e_bh, sample
from corpus.evaluate.verdict import MIN_SEEDS, MOST_SEEDS, paired_differences, verdicts

NOISE = [0.001, -0.001, 0.0005, -0.0005, 0.0002, -0.0004, 0.0007, -0.0003]
DEVIATIONS = st.lists(st.floats(-0.2, 0.2), min_size=MIN_SEEDS, max_size=9)


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
    samples = {name: sample(each) for name, each in differences.items()}
    evidence = [samples["up"].e_value(), samples["down"].e_value(), 0.0]
    assert e_bh(evidence, 0.1) == [True, True, False]
    for name, level in (("up", 0.1 * 2 / 3), ("down", 0.1 * 2 / 3), ("again", 0.1 / 3)):
        assert found[name].interval == samples[name].interval(level)


@given(st.lists(st.tuples(st.floats(-1, 1), DEVIATIONS), min_size=1, max_size=5))
def test_the_interval_of_a_claim_lies_on_its_side_of_0(
    orders: list[tuple[float, list[float]]],
) -> None:
    differences = {
        str(at): [mean + each for each in noise] for at, (mean, noise) in enumerate(orders)
    }
    for each in verdicts(differences, alpha=0.2).values():
        low, high = each.interval
        side = "worse" if low > 1e-9 else "better" if high < -1e-9 else "undecided"
        assert each.claim in (side, "equal") or min(abs(low), abs(high)) <= 1e-9


def test_placebos_and_planned_orders_count() -> None:
    """The same differences are a claim alone, and none among forty orders."""
    values = _around(0.003, 5)
    assert verdicts({"order": values}, margin=1e-4)["order"].claim == "worse"
    many = verdicts({"order": values} | {f"planned {at}": [] for at in range(39)}, margin=1e-4)
    assert many["order"].claim == "undecided"
    assert str(many["planned 3"]) == f"undecided: at least {MIN_SEEDS} more seeds"
    assert (many["planned 3"].mean, many["planned 3"].deviation) == (None, None)


def test_an_equal_order_does_not_lower_the_threshold_of_others() -> None:
    close, weak = [0.005 + each / 100 for each in NOISE], _around(0.0018, 6)
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


@pytest.mark.parametrize(
    ("correlation", "times"),
    [(0.0, 1.0), (0.9, 1.0), (0.0, 7.0)],
    ids=["alike", "correlated", "one order with 5 times the scatter"],
)
def test_looking_after_every_seed_makes_few_false_claims(correlation: float, times: float) -> None:
    """150 studies of 4 orders without a difference, up to 10 seeds."""
    chance = np.random.default_rng(5)
    noise = chance.normal(0, 0.011, (150, 10, 5))
    shared = chance.normal(0, 0.011, (150, 10, 1))
    noise[:, :, 1:] *= math.sqrt(1 - correlation)
    noise[:, :, 1:] += math.sqrt(correlation) * shared
    noise[:, :, 1] *= times  # beside the control's 1, the scatter is sqrt((1 + 49) / 2) = 5 times
    wrong = 0
    for study in noise:
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
