"""Paired differences of two ways of answering, or of two runs."""

import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from corpus.base.errors import ArtifactError, ConfigError, DataError
from corpus.evaluate.compare import compare, paired


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40))
def test_with_a_cluster_for_each_problem_it_is_the_paired_t_interval(
    pairs: list[tuple[bool, bool]],
) -> None:
    first, second = zip(*pairs)
    found = paired(first, second, range(len(pairs)))
    assert found is not None
    gaps = [one - other for one, other in pairs]
    error = statistics.stdev(gaps) / math.sqrt(len(gaps))
    assert found.difference == pytest.approx(statistics.mean(gaps))
    assert found.margin == pytest.approx(stats.t.ppf(0.975, len(gaps) - 1) * error, rel=2e-3)


def test_problems_that_say_the_same_count_once() -> None:
    """Each problem four times, in one cluster, tells no more than each once."""
    first, second = [True, True, False, True, False], [True, False, False, True, True]
    once = paired(first, second, "abcde")
    often = paired(first * 4, second * 4, "abcde" * 4)
    assert once
    assert often
    assert often.margin == pytest.approx(once.margin)
    assert often.difference == once.difference


def test_without_problems_or_clusters_there_is_no_interval() -> None:
    assert paired([], [], []) is None
    alone = paired([True, True], [False, True], "aa")
    assert alone
    assert (alone.margin, str(alone)) == (None, "+50.0")


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


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    run = outcomes(tmp_path, "a", "++-")
    with pytest.raises(
        ConfigError, match=r"was not answered by 'acuracy'.*Did you mean 'accuracy'"
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
    with pytest.raises(ArtifactError, match=r"an older version wrote it\. Score the run again"):
        compare(run)
