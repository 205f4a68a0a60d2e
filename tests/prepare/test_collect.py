"""Caps: by source, in all, by weight, and when reading stops."""

import pytest

from corpus.base.errors import ConfigError
from corpus.config.prepare import BYTES_PER_TOKEN, PrepareConfig
from corpus.prepare.collect import PATIENCE, Quota, token_limit


def test_nothing_limits_without_caps() -> None:
    quota = Quota(PrepareConfig())
    quota.take("c4", 10**12)
    assert quota.room("c4") == float("inf")
    assert not quota.is_met


def test_the_total_is_shared_by_weight_between_the_sources_that_are_there() -> None:
    config = PrepareConfig(
        max_tokens=1000, weights={"book": 3, "c4": 0}, max_source_tokens={"arxiv": 7}
    )
    assert token_limit(config, "book", ["book", "arxiv"]) == 750
    assert token_limit(config, "github", ["book", "github"]) == 250
    assert token_limit(config, "arxiv", ["book", "arxiv"]) == 7
    assert token_limit(config, "c4", ["book", "c4"]) == 0
    assert token_limit(PrepareConfig(), "book", ["book"]) is None
    assert Quota(config).room("c4") == 0


def test_reading_goes_on_for_a_while_when_all_is_full_in_case_another_source_turns_up() -> None:
    quota = Quota(PrepareConfig(max_source_bytes={"c4": 100}))
    quota.take("c4", 100)
    assert quota.room("c4") == 0
    for _ in range(PATIENCE - 1):
        quota.refuse(1)
    assert not quota.is_met
    quota.refuse(1)
    assert quota.is_met
    quota.begin()
    assert not quota.is_met


def test_a_rare_source_is_not_looked_for_without_end() -> None:
    quota = Quota(PrepareConfig(max_tokens=10_000, validation_tokens=1))
    quota.take("book", 10)
    while not quota.is_met:
        quota.take("c4", 1000) if quota.room("c4") else quota.refuse(1000)
    assert quota.room("book") > 0
    assert quota.state()["read"] <= 4 * 10_100 * BYTES_PER_TOKEN


def test_a_quota_goes_on_from_its_state() -> None:
    config = PrepareConfig(max_tokens=10_000)
    first, second = Quota(config), Quota(config)
    first.take("c4", 5000)
    first.refuse(3)
    second.restore(first.state())
    assert (second.room("c4"), second.state()) == (first.room("c4"), first.state())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_tokens": 0}, "prepare.max_tokens is 0; expected 1 or more"),
        (
            {"weights": {"c4": -1.0}},
            r"prepare.weights.c4 is -1.0; expected 0 \(leave it out\) or more",
        ),
        ({"max_source_bytes": {"c4": 0}}, "prepare.max_source_bytes.c4 is 0.*give it weight 0"),
        (
            {"validation_tokens": 200_000},
            "max_validation_tokens is 100,000, below prepare.validation_tokens",
        ),
    ],
)
def test_wrong_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PrepareConfig(**settings)
