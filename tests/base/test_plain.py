"""Config to plain values and back, and what a mistake in a file is told."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.errors import ConfigError
from corpus.base.plain import differences, from_plain, to_plain


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 1e-3
    decay: Literal["cosine", "linear"] = "cosine"


@dataclass(frozen=True, kw_only=True)
class Outer:
    steps: int = 10
    name: str = "run"
    live: bool = False
    inner: Inner = field(default_factory=Inner)
    sources: tuple[str, ...] = ()
    span: tuple[int, float] = (0, 1.0)
    shares: dict[str, float] = field(default_factory=dict)
    folder: Path | None = None
    limit: int | str | None = None
    phases: tuple[Inner, ...] = ()


configs = st.builds(
    Outer,
    steps=st.integers(),
    name=st.text(),
    live=st.booleans(),
    inner=st.builds(
        Inner, rate=st.floats(allow_nan=False), decay=st.sampled_from(["cosine", "linear"])
    ),
    sources=st.lists(st.text()).map(tuple),
    span=st.tuples(st.integers(), st.floats(allow_nan=False)),
    shares=st.dictionaries(st.text(), st.floats(allow_nan=False)),
    folder=st.none() | st.text(st.characters(categories=["L", "N"]), min_size=1).map(Path),
    limit=st.none() | st.integers() | st.text(),
    phases=st.lists(st.builds(Inner)).map(tuple),
)


@given(configs)
def test_any_config_survives_a_file(config: Outer) -> None:
    assert from_plain(Outer, json.loads(json.dumps(to_plain(config)))) == config


def test_missing_names_keep_their_defaults() -> None:
    assert from_plain(Outer, {"inner": {"rate": 2}}) == Outer(inner=Inner(rate=2.0))


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"stepz": 1}, r"config\.stepz is not a setting\. Did you mean 'steps'\? Known here: "),
        ({"inner": {"rat": 1}}, r"config\.inner\.rat is not a setting\. Did you mean 'rate'\?"),
        (
            {"inner": {"decay": "cosin"}},
            r"config\.inner\.decay is 'cosin'; expected one of cosine, linear\. Did you mean 'cosine'\?",
        ),
        ({"inner": 5}, r"config\.inner is 5; expected a group of settings"),
        ({"steps": "ten"}, r"config\.steps is 'ten'; expected int"),
        ({"steps": 1.5}, r"config\.steps is 1\.5; expected int"),
        ({"steps": True}, r"config\.steps is True; expected int"),
        ({"live": 1}, r"config\.live is 1; expected bool"),
        ({"name": None}, r"config\.name is None; expected str"),
        ({"sources": "c4"}, r"config\.sources is 'c4'; expected a list"),
        ({"sources": ["c4", 3]}, r"config\.sources\[1\] is 3; expected str"),
        ({"span": [1]}, r"config\.span has 1 items; expected 2"),
        ({"span": [1, "x"]}, r"config\.span\[1\] is 'x'; expected float"),
        ({"shares": [1]}, r"config\.shares is \[1\]; expected a group of settings"),
        ({"shares": {"c4": "much"}}, r"config\.shares\.c4 is 'much'; expected float"),
        ({"folder": 3}, r"config\.folder is 3; expected a path"),
        ({"limit": 1.5}, r"config\.limit is 1\.5; expected str"),
        ({"phases": [{}, {"rate": "x"}]}, r"config\.phases\[1\]\.rate is 'x'; expected float"),
        (["steps"], r"config is \['steps'\]; expected a group of settings"),
    ],
)
def test_a_mistake_is_named_with_its_place(plain: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        from_plain(Outer, plain)


def test_a_required_setting_is_asked_for() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Needs:
        vocab_size: int

    with pytest.raises(ConfigError, match="vocab_size"):
        from_plain(Needs, {})


def test_differences_name_every_leaf_that_changed() -> None:
    old, new = to_plain(Outer()), to_plain(Outer(steps=20, inner=Inner(rate=0.5)))
    assert differences(old, new) == ["inner.rate: 0.001 → 0.5", "steps: 10 → 20"]
    assert differences(old, old) == []
    assert differences({"a": None}, {}) == ["a: None → absent"]


@given(configs, configs)
def test_two_configs_differ_exactly_when_a_difference_is_named(first: Outer, second: Outer) -> None:
    assert (differences(to_plain(first), to_plain(second)) == []) == (
        to_plain(first) == to_plain(second)
    )
