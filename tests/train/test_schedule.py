"""The clock, the paces that it sets, and the learning rate."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.errors import ArtifactError, ConfigError
from corpus.config.train import ScheduleConfig
from corpus.train import schedule
from corpus.train.schedule import Clock, ClockPace, StepPace, learning_rate


@pytest.fixture
def now(monkeypatch):
    class Now:
        seconds = 100.0

    monkeypatch.setattr(schedule.time, "monotonic", lambda: Now.seconds)
    return Now


def test_a_killed_session_counts_up_to_its_last_beat(tmp_path, now):
    clock = Clock(tmp_path / "clock.json")
    clock.start()
    now.seconds = 130.0
    clock.beat()
    now.seconds = 130.5
    assert Clock(tmp_path / "clock.json").seconds == pytest.approx(30.0)
    clock.stop()


def test_a_running_clock_beats_by_itself(tmp_path, now, monkeypatch):
    """A long trial or validation takes no step, and its time counts all the same."""
    monkeypatch.setattr(schedule, "BEAT_SECONDS", 0.005)
    clock, beaten = Clock(tmp_path / "clock.json"), threading.Event()
    write = schedule.write_json
    monkeypatch.setattr(
        schedule,
        "write_json",
        lambda path, value: (write(path, value), value["seconds"] > 40 and beaten.set()),
    )
    clock.start()
    now.seconds = 145.0
    assert beaten.wait(60)
    assert Clock(tmp_path / "clock.json").seconds == pytest.approx(45.0)
    clock.stop()


def test_validations_take_a_tenth_of_a_stretch_at_most(tmp_path, now):
    clock = Clock(tmp_path / "clock.json")
    clock.start()
    pace = ClockPace(clock=clock, start=0.0, end=100.0)
    assert pace.affords(spent_seconds=5.0, next_seconds=5.0)
    assert not pace.affords(spent_seconds=5.0, next_seconds=5.1)
    now.seconds = 197.0
    assert not pace.affords(spent_seconds=0.0, next_seconds=4.0), "it would end after the stretch"
    clock.stop()
    assert StepPace(num_steps=4).affords(spent_seconds=1e9, next_seconds=1e9), (
        "what counts steps does not look at time"
    )


def test_time_between_sessions_does_not_count(tmp_path, now):
    first = Clock(tmp_path / "clock.json")
    first.start()
    now.seconds = 110.0
    first.stop()
    now.seconds = 5000.0
    second = Clock(tmp_path / "clock.json")
    second.start()
    now.seconds = 5005.0
    assert second.seconds == pytest.approx(15.0)


def test_the_time_of_a_suspended_machine_does_not_count_and_is_known(tmp_path, now, monkeypatch):
    asleep = [50.0]
    monkeypatch.setattr(schedule, "suspended_seconds", lambda: asleep[0])
    clock = Clock(tmp_path / "clock.json")
    clock.start()
    asleep[0], now.seconds = 3650.0, 103.0
    assert clock.seconds == pytest.approx(3.0)
    assert clock.suspended == pytest.approx(3600.0)
    clock.stop()


def test_a_damaged_clock_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "clock.json").write_text(json.dumps([1]))
    with pytest.raises(ArtifactError, match=r"clock\.json is damaged"):
        Clock(tmp_path / "clock.json")


def test_a_clock_pace_ends_on_time_whatever_a_step_takes(tmp_path, now):
    clock = Clock(tmp_path / "clock.json")
    clock.start()
    pace = ClockPace(clock=clock, start=10.0, end=20.0)
    now.seconds = 115.0
    assert pace.progress(step=999) == pytest.approx(0.5)
    now.seconds = 119.0
    assert not pace.is_over(0, step_seconds=1.5)
    assert pace.is_over(0, step_seconds=2.5)
    now.seconds = 500.0
    assert pace.progress(0) == 1.0


def test_a_step_pace_counts_steps_alone():
    pace = StepPace(num_steps=4)
    assert [pace.progress(step) for step in range(5)] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert [pace.is_over(step, 1e9) for step in range(5)] == [False, False, False, False, True]


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
