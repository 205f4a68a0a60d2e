"""A study of mixtures: what is drawn, how the second model is made, and what is written down."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import ArtifactError, ConfigError, DataError, TrainingError
from corpus.recipes.registry import load_recipe
from corpus.study.folder import StudyFolder
from corpus.study.kinds import KINDS, kind_of
from corpus.study.mixture_work import MixtureWork
from corpus.study.mixtures import (
    CHECKED,
    FIRST,
    SECOND,
    MixtureStudy,
    draw,
    load_mixture_study,
    read_drawn,
    widened,
    write_drawn,
)
from corpus.study.orders import OrderError
from corpus.study.predict import predict, read_best, write_best
from corpus.study.record import add_seeds, load_study, write_down
from corpus.study.sequences import exact_counts
from corpus.study.shares import PROPORTIONAL, UNIFORM, cut, draw_mixtures, natural_shares

TEXT = {"arxiv": 900, "book": 700, "c4": 9000, "github": 400}


def _study(**changed: Any) -> MixtureStudy:
    config = replace(load_recipe("cpu"), budget=changed.pop("budget", "20 steps"))
    return MixtureStudy(**{"config": config, "mixtures": 6, "seeds": 2, **changed})


@settings(max_examples=30, deadline=None)
@given(
    numbers=st.lists(st.integers(5, 3000), min_size=2, max_size=7),
    share=st.floats(0.01, 1.0),
    seed=st.integers(0, 2**32),
)
def test_mixtures_add_up_fit_into_the_text_and_depend_on_the_seed_alone(
    numbers: list[int], share: float, seed: int
) -> None:
    text = {f"source{at}": number for at, number in enumerate(numbers)}
    total = max(1, int(share * sum(numbers)))
    found = draw_mixtures(text, number=8, total=total, seed=seed)
    assert list(found)[:2] == [PROPORTIONAL, UNIFORM]
    assert len(found) == 8
    for shares in found.values():
        assert list(shares) == list(text)
        assert sum(shares.values()) == pytest.approx(1)
        counts = exact_counts(shares, total)
        assert sum(counts.values()) == total
        assert all(counts[name] <= text[name] for name in text)
        assert all(counts[name] == pytest.approx(shares[name] * total) for name in text)
    assert found == draw_mixtures(text, number=8, total=total, seed=seed)


def test_another_seed_draws_other_mixtures_and_more_mixtures_keep_the_first() -> None:
    few = draw_mixtures(TEXT, number=6, total=300, seed=0)
    many = draw_mixtures(TEXT, number=9, total=300, seed=0)
    assert {name: many[name] for name in few} == few
    assert few["mix01"] != draw_mixtures(TEXT, number=6, total=300, seed=1)["mix01"]
    drawn = np.array([list(shares.values()) for shares in many.values()])
    assert np.all(np.ptp(drawn, axis=0) > 0.05), "every source varies"


def test_proportional_is_the_text_and_uniform_is_cut_where_a_source_is_short() -> None:
    found = draw_mixtures(TEXT, number=4, total=2000, seed=0)
    natural = natural_shares(TEXT)
    assert found[PROPORTIONAL] == pytest.approx(natural, abs=1 / 2000)
    assert found[UNIFORM] == pytest.approx(
        {"arxiv": 0.8 / 3, "book": 0.8 / 3, "c4": 0.8 / 3, "github": 0.2}, abs=1 / 2000
    )


def test_all_of_the_text_leaves_one_mixture() -> None:
    found = draw_mixtures(TEXT, number=5, total=sum(TEXT.values()), seed=3)
    for shares in found.values():
        assert shares == pytest.approx(natural_shares(TEXT))
    assert cut({"a": 1.0, "b": 0.0}, {"a": 3, "b": 9}, 10) == {"a": 0.3, "b": 0.7}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({"c4": 90}, "needs two sources of text or more, and there is only c4"),
        ({"c4": 90, "book": 9}, "have 99 sequences together, and a run of this study reads 100"),
    ],
)
def test_too_little_text_is_one_error(text: dict[str, int], said: str) -> None:
    with pytest.raises(DataError) as caught:
        draw_mixtures(text, number=4, total=100, seed=0)
    assert said in str(caught.value)


def test_the_second_size_is_longer_if_the_text_is_enough() -> None:
    enough = draw(_study(), TEXT)  # 20 steps of 16 sequences
    assert enough.second_steps == 40
    short = draw(_study(budget="60 steps"), TEXT)  # github has 400, a quarter of 1,920 is 480
    assert short.second_steps == 60
    given_budget = draw(_study(second_budget="30 steps"), TEXT)
    assert given_budget.second_steps == 30
    for drawn in (enough, short, given_budget):
        for shares in drawn.second.values():
            counts = exact_counts(shares, drawn.second_steps * 16)
            assert all(counts[name] <= TEXT[name] for name in TEXT)
    with pytest.raises(DataError, match="--second-budget"):
        draw(_study(second_budget="2000 steps"), TEXT)


@settings(max_examples=100, deadline=None)
@given(
    pairs=st.integers(1, 4),
    shared=st.integers(1, 4),
    half=st.integers(2, 32),
    head_dim=st.sampled_from([None, 24]),
    dim=st.integers(1, 200),
)
def test_a_wider_model_is_valid(
    pairs: int, shared: int, half: int, head_dim: int | None, dim: int
) -> None:
    heads = pairs * shared
    model = replace(
        load_recipe("cpu").model,
        dim=heads * 2 * half,
        num_heads=heads,
        num_kv_heads=pairs,
        head_dim=head_dim,
    )
    double = widened(model, 2 * model.dim)
    assert (double.num_heads, double.num_kv_heads) == (2 * heads, 2 * pairs)
    assert double.resolved_head_dim == model.resolved_head_dim
    if dim % 2 == 0:
        assert widened(model, dim).dim == dim
    elif head_dim is None and dim != model.dim:
        with pytest.raises(ConfigError, match="heads need an even width"):
            widened(model, dim)


def test_the_first_size_comes_before_the_second_seed_by_seed() -> None:
    study = _study(mixtures=4)
    names = [item.name for item in study.items]
    assert names[:5] == [
        "proportional.first.0", "uniform.first.0", "mix01.first.0", "mix02.first.0",
        "proportional.first.1",
    ]  # fmt: skip
    assert names[-3:] == [f"{name}.second.1" for name in CHECKED]
    assert len(names) == len(set(names)) == 4 * 2 + 3 * 2
    first, second = (study.run_config(study.runs(size)[UNIFORM][1]) for size in (FIRST, SECOND))
    assert (first.seed, first.budget, first.model) == (1, "20 steps", study.config.model)
    assert (second.seed, second.budget, second.model.dim) == (1, "40 steps", 384)
    assert first.train == second.train


def test_it_is_read_as_it_was_written_and_knows_its_second_budget_once_it_is_drawn(
    tmp_path: Path,
) -> None:
    folder, study = StudyFolder(tmp_path / "m"), _study(budget="60 steps", second_dim=256)
    assert write_down(study, folder, command="corpus compare cpu --mixtures 6 …")
    assert json.loads(folder.design.read_text())["kind"] == "mixtures"
    assert kind_of(folder) is KINDS["mixtures"]
    assert load_mixture_study(folder) == study
    drawn = draw(study, TEXT)
    write_drawn(drawn, folder)
    assert read_drawn(folder) == drawn
    assert load_mixture_study(folder).second_steps == 60
    assert not write_down(study, folder, command="again"), "the same study goes on"
    with pytest.raises(ConfigError, match="mixtures"):
        write_down(replace(study, mixtures=7), folder, command="another")
    folder.mixtures.write_text("{}")
    with pytest.raises(ArtifactError, match=r"mixtures\.json is damaged"):
        read_drawn(folder)


def test_the_kinds_are_told_apart(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "m")
    write_down(_study(), folder, command="first")
    with pytest.raises(ArtifactError):
        load_study(folder)


def test_seeds_begin_at_that_of_the_config_and_can_be_added(tmp_path: Path) -> None:
    folder, study = StudyFolder(tmp_path / "m"), _study()
    moved = replace(study, config=replace(study.config, seed=7))
    assert {item.seed for item in moved.items} == {7, 8}
    write_down(moved, folder, command="first")
    write_drawn(draw(moved, TEXT), folder)
    add_seeds(folder, 4)
    added = load_mixture_study(folder)
    assert {item.seed for item in added.items} == {7, 8, 9, 10}
    assert read_drawn(folder) == draw(moved, TEXT), "the same mixtures, of the same study"


def test_no_step_of_a_mixture_is_skipped_as_a_spike() -> None:
    study = _study()
    for item in (study.items[0], study.items[-1]):
        for config in (study.run_config(item), study.tuning_config(item)):
            assert config.train.spike_factor == 0
            assert config.model == study.config_of(item).model


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mixtures": 3}, "--mixtures is 3; expected 4 or more"),
        ({"seeds": 1}, "--seeds is 1; expected 2 or more"),
        ({"budget": "20m"}, "--budget 20m is a time, and in a study every mixture has to read"),
        ({"second_budget": "20m"}, "--second-budget 20m is a time"),
        ({"second_budget": "5 steps"}, "--second-budget is '5 steps'; expected at least 10 steps"),
        ({"second_dim": 100}, "--second-dim is 100; expected 192 or more"),
        ({"second_dim": 193}, "--second-dim is 193; heads need an even width"),
        ({"schedules": ("decay", "average")}, "a study of mixtures has one schedule"),
        ({"finetune": "20 steps"}, "a study of mixtures compares text alone"),
    ],
)
def test_a_study_that_says_nothing_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _study(**changed)
    assert said in str(caught.value)


def _made_rows(study: MixtureStudy, shares: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """Return rows whose losses follow a law: each source helps itself, c4 helps all a little."""
    rows = []
    for name, items in study.runs(FIRST).items():
        for item in items:
            own = shares[name]
            losses = {
                f"loss_{source}": 2 + item.seed / 10 + float(np.exp(-2 * own[source] - own["c4"]))
                for source in TEXT
            }
            rows.append({**item.columns, "loss": float(np.mean(list(losses.values()))), **losses})
    return rows


def test_the_best_mixture_is_predicted_from_complete_seeds_and_kept(tmp_path: Path) -> None:
    folder, study = StudyFolder(tmp_path / "m"), _study(mixtures=8)
    write_down(study, folder, command="first")
    drawn = draw(study, TEXT)
    rows = _made_rows(study, drawn.first)
    assert predict(study, drawn, rows[:10]) is None
    missing = [row for row in rows if row["run"] != "mix03.first.1"]
    one, found = predict(study, drawn, missing), predict(study, drawn, rows)
    assert one is not None
    assert one.seeds == (0,)
    assert found is not None
    assert found.seeds == (0, 1)
    assert found.has_floor
    assert found.mean_fit.error < 0.01 * found.mean_fit.naive_error
    assert found.mean_fit.rank_correlation == pytest.approx(1)
    assert found.best_loss <= found.endpoint.min()
    for at, name in enumerate(found.sources):
        share, trained = found.best[name], found.shares[:, at]
        assert trained.min() - 0.01 <= share <= trained.max() + 0.01, "nothing is extrapolated"
    fewer = predict(study, drawn, rows, ["mix03.first.1"])
    assert fewer is not None
    assert fewer.seeds == (0, 1)
    assert "mix03" not in fewer.names, "its other runs are those that went well"
    assert predict(study, drawn, rows, [f"mix0{at}.first.0" for at in range(1, 6)]) is None
    counts = exact_counts(found.best, study.total(SECOND))
    assert all(counts[name] <= TEXT[name] for name in TEXT)
    write_best(found, folder)
    assert read_best(folder) == found.best


def test_a_mixture_is_not_trained_twice_at_the_second_size(tmp_path: Path) -> None:
    folder, study = StudyFolder(tmp_path / "m"), _study(mixtures=8)
    write_down(study, folder, command="first")
    drawn = draw(study, TEXT)
    write_drawn(drawn, folder)
    runs, none = study.runs(SECOND), np.empty(0)
    work = MixtureWork(study, folder, command="again")
    with pytest.raises(TrainingError, match="no best mixture was predicted"):
        work.shares(runs[UNIFORM][0])
    found = predict(study, drawn, _made_rows(study, drawn.first))
    assert found is not None
    write_best(found, folder)
    for name in CHECKED:
        work.require_new(runs[name][0], none)
    write_best(replace(found, best=drawn.second[UNIFORM]), folder)
    work.require_new(runs[UNIFORM][0], none)
    with pytest.raises(OrderError, match="'uniform' and 'best' are the same"):
        work.require_new(runs["best"][0], none)


def test_weights_of_the_endpoint_move_the_best_mixture() -> None:
    study = _study(mixtures=8)
    drawn = draw(study, TEXT)
    weighted = replace(study.config.curriculum, weights={"github": 20.0, "c4": 0.1})
    other = replace(study, config=replace(study.config, curriculum=weighted))
    rows = _made_rows(study, drawn.first)
    plain, own = predict(study, drawn, rows), predict(other, drawn, rows)
    assert plain is not None
    assert own is not None
    assert own.best["github"] > plain.best["github"] + 0.05
