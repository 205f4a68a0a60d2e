"""Schedules as pure functions of progress."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.errors import ConfigError
from corpus.config.train import ScheduleConfig
from corpus.train.lr import learning_rate


@pytest.mark.parametrize("decay", ["cosine", "linear", "stable"])
def test_a_schedule_rises_to_its_peak_and_truly_ends(decay):
    config = ScheduleConfig(learning_rate=2.0, warmup=0.1, decay=decay, floor=0.05)
    assert learning_rate(config, 0.05) == pytest.approx(1.0)
    assert learning_rate(config, 0.1) == pytest.approx(2.0)
    assert learning_rate(config, 1.0) == pytest.approx(0.1)


def test_stable_stays_at_its_peak_until_the_decay():
    config = ScheduleConfig(
        learning_rate=2.0, warmup=0.1, decay="stable", decay_share=0.3, floor=0.0
    )
    assert learning_rate(config, 0.69) == 2.0
    assert learning_rate(config, 0.85) == pytest.approx(1.0)


@given(
    st.sampled_from(["cosine", "linear", "stable"]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_rate_is_never_above_the_peak_or_below_zero(decay, warmup, decay_share, floor, progress):
    config = ScheduleConfig(
        learning_rate=1e-3, warmup=warmup, decay=decay, decay_share=decay_share, floor=floor
    )
    assert 0 <= learning_rate(config, progress) <= 1e-3 * (1 + 1e-9)


@pytest.mark.parametrize("wrong", [{"learning_rate": 0.0}, {"warmup": 1.5}, {"floor": -0.1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError):
        ScheduleConfig(**wrong)
