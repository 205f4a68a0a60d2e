"""Families: stories that share most of their words, by way of others too."""

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.prepare.problem_files import load_parts
from corpus.problems import families as families_module
from corpus.problems.families import SHARED, families
from corpus.problems.held_out import is_in_part

STORIES = st.lists(st.text(alphabet="abcd ", max_size=12), min_size=1, max_size=12)


def _alike(first: str, second: str) -> bool:
    one, other = (set(re.findall("[a-z]+", each)) for each in (first, second))
    return len(one & other) >= SHARED * len(one | other) and bool(one & other)


@given(STORIES, st.sampled_from([1, 30, families_module.PAIRS]))
def test_families_are_the_connected_parts_of_a_plain_comparison(
    stories: list[str], pairs: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families_module, "PAIRS", pairs)
        found = families(stories)
    for start, story in enumerate(stories):
        reached, border = {start}, [start]
        while border:
            here = border.pop()
            near = {i for i, each in enumerate(stories) if _alike(stories[here], each)} - reached
            reached |= near
            border += near
        if not re.search("[a-z]", story):
            continue  # a story without words is like nothing
        assert {i for i, each in enumerate(found) if each == found[start]} == reached


@given(STORIES, st.integers(0, 9))
def test_names_do_not_depend_on_the_order(stories: list[str], seed: int) -> None:
    order = list(range(len(stories)))
    random.Random(seed).shuffle(order)
    mixed = families([stories[place] for place in order])
    assert [mixed[order.index(place)] for place in range(len(stories))] == families(stories)


@pytest.mark.parametrize("num_parts", [1, 2])
def test_no_story_of_svamp_is_both_trained_on_and_held_out(
    shared_data: Path, tmp_path: Path, num_parts: int
) -> None:
    path = shared_data / "svamp" / "train.jsonl"
    lines = path.read_text().splitlines()
    parts = [tmp_path / f"train-{part}-of-{num_parts}.jsonl" for part in range(num_parts)]
    for part, each in enumerate(parts):
        size = len(lines) // num_parts
        each.write_text("\n".join(lines[part * size : (part + 1) * size]) + "\n")
    problems = load_parts("svamp", parts, "train")
    assert len({each.family for each in problems}) == 156
    bodies = [json.loads(line)["Body"].lower() for line in path.read_text().splitlines()]
    held = [is_in_part(problem, "heldout", 0.2) for problem in problems]
    assert 70 < sum(held) < 210
    trained = [body for body, is_held in zip(bodies, held) if not is_held]
    for body, is_held in zip(bodies, held):
        assert not is_held or not any(_alike(body, other) for other in trained)
