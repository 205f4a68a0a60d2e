"""Paired differences of two ways of answering, or of two runs."""

import json
import math
import random
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from corpus.base.errors import ArtifactError, ConfigError, DataError
from corpus.evaluate.compare import compare, paired


def test_with_many_independent_problems_it_is_the_paired_t_interval() -> None:
    chance = random.Random(0)
    pairs = [(chance.random() < 0.6, chance.random() < 0.5) for _ in range(2000)]
    first, second = zip(*pairs)
    found = paired(first, second, range(len(pairs)))
    assert found is not None
    gaps = [one - other for one, other in pairs]
    error = statistics.stdev(gaps) / math.sqrt(len(gaps))
    margin = stats.t.ppf(0.975, len(gaps) - 1) * error
    assert found.difference == pytest.approx(statistics.mean(gaps))
    expected = (found.difference - margin, found.difference + margin)
    assert found.interval == pytest.approx(expected, abs=1e-3)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_an_interval_has_a_width_and_turns_with_the_difference(
    pairs: list[tuple[bool, bool]],
) -> None:
    first, second = zip(*pairs)
    there, back = (
        paired(one, other, range(len(pairs))) for one, other in ((first, second), (second, first))
    )
    assert there
    assert back
    low, high = there.interval
    assert -1 <= low <= there.difference <= high <= 1
    assert high - low > 0.05
    assert back.interval == pytest.approx((-high, -low))


@pytest.mark.parametrize("gap", [0.0, 0.04, 0.1, 0.4])
def test_the_interval_of_a_few_clusters_covers_the_difference(gap: float) -> None:
    """22 clusters, as the main job has, each with one gap in all its problems."""
    chance, covered, draws = random.Random(1), 0, 400
    for _ in range(draws):
        first = [chance.random() < gap for _ in range(22)]
        found = paired(first, [False] * 22, range(22))
        assert found
        covered += found.interval[0] <= gap <= found.interval[1]
    assert covered >= 0.9 * draws


def test_problems_that_say_the_same_count_once() -> None:
    """Each problem ten times, in one cluster, tells hardly more than each once."""
    first, second = [True, True, False, True, False] * 4, [True, False, False, True, True] * 4
    once = paired(first, second, range(20))
    often = paired(first * 10, second * 10, [*range(20)] * 10)
    assert once
    assert often
    assert often.interval == pytest.approx(once.interval, abs=0.02)
    assert often.difference == once.difference


def test_without_problems_there_is_no_difference() -> None:
    assert paired([], [], []) is None
    alone = paired([True, True], [False, True], "aa")
    assert alone
    assert str(alone).startswith("+50.0 (")


def outcome(index: int, right: bool, voted: bool, **more: Any) -> dict[str, Any]:
    ways = {
        name: {"value": 1.0, "right": hit, "value_right": hit and index % 2 == 0}
        for name, hit in (("accuracy", right), ("baseline_neighbours", voted))
    }
    plain = {"id": f"made/dev/{index}", "text": f"problem {index}", "seen": index < 2}
    return {**plain, "cluster": str(index), "ways": ways, **more}


def outcomes(folder: Path, name: str, rights: str, **more: Any) -> Path:
    """A folder of outcomes; + is right. The neighbours are always right."""
    lines = [json.dumps(outcome(i, each == "+", True, **more)) for i, each in enumerate(rights)]
    (folder / name).mkdir()
    (folder / name / "made.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name


def test_ways_of_one_run_are_compared_with_each_other(tmp_path: Path) -> None:
    (found,) = compare(outcomes(tmp_path, "a", "++-+-"))
    assert found.first == "this model"
    assert found.second == "retrieval alone, without the model"
    all_problems, seen, unseen = found.groups.values()
    assert all_problems
    assert seen
    assert unseen
    assert [all_problems.difference, seen.difference] == pytest.approx([-0.4, 0.0])
    assert (seen.num_problems, unseen.num_problems) == (2, 3)


def test_two_runs_are_compared_in_the_same_way_of_answering(tmp_path: Path) -> None:
    first, second = outcomes(tmp_path, "a", "++-+-"), outcomes(tmp_path, "b", "-+-+-")
    (found,) = compare(first, second)
    difference = found.groups["all"]
    assert difference
    assert difference.difference == pytest.approx(0.2)
    assert found.second == f"this model of {second}"
    (valued,) = compare(first, second, by_value=True)
    assert valued.groups["all"] is not None
    assert valued.groups["all"].first == pytest.approx(0.2), "the first and third have even numbers"


def test_a_set_that_was_not_answered_in_this_way_is_left_out(tmp_path: Path) -> None:
    run = outcomes(tmp_path, "a", "++-")
    plain = [outcome(i, True, True) for i in range(3)]
    for each in plain:
        del each["ways"]["baseline_neighbours"]
    text = "".join(json.dumps(each) + "\n" for each in plain)
    (run / "other.jsonl").write_text(text, encoding="utf-8")
    assert [each.set_name for each in compare(run, other_way="baseline_neighbours")] == ["made"]


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    run = outcomes(tmp_path, "a", "++-")
    with pytest.raises(
        ConfigError, match=r"no set was answered by 'acuracy'.*Did you mean 'accuracy'"
    ):
        compare(run, way="acuracy")
    with pytest.raises(ConfigError, match="no outcomes of 'svamp' to compare; there are: made"):
        compare(run, set_name="svamp")
    with pytest.raises(DataError, match="not of the same problems"):
        compare(run, outcomes(tmp_path, "b", "++"))
    with pytest.raises(DataError, match="not of the same problems"):
        compare(run, outcomes(tmp_path, "c", "++-", text="another"))
    with pytest.raises(ArtifactError, match=r"has no outcomes of problems\. Score the run first"):
        compare(tmp_path / "nothing")
    (run / "made.jsonl").write_text('{"id": "made/dev/0"}\n', encoding="utf-8")
    with pytest.raises(
        ArtifactError, match=r"line 1 is not the outcome.*older version.*Score the run again"
    ):
        compare(run)
