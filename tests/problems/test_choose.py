"""Which sets a run trains on, scores and leaves out."""

from pathlib import Path

import pytest

from corpus.base.errors import ConfigError
from corpus.problems.choose import choose_sets
from corpus.problems.registry import ProblemFile


def files(*names: str) -> list[ProblemFile]:
    """Files named as `set.split`."""
    pairs = [name.split(".") for name in names]
    return [
        ProblemFile(
            path=Path(f"{name}/{split}.json"), set_name=name, split=None if split == "?" else split
        )
        for name, split in pairs
    ]


EVERYTHING = files(
    "mathqa.train",
    "mathqa.dev",
    "gsm8k.train",
    "svamp.train",
    "aqua_rat.train",
    "aqua_rat.dev",
    "gsm8k.test",
)


def test_mathqa_stands_alone_unless_others_are_named() -> None:
    choice = choose_sets(EVERYTHING)
    assert (choice.train, choice.scored, choice.held_out) == (("mathqa",), {}, frozenset())
    assert set(choice.left_out) == {"gsm8k", "svamp", "aqua_rat"}
    assert (
        "left out: gsm8k: mathqa is trained on alone unless problems.sets names others"
        in "\n".join(choice.describe())
    )


def test_without_mathqa_everything_that_can_train_does() -> None:
    choice = choose_sets([file for file in EVERYTHING if file.set_name != "mathqa"])
    assert choice.train == ("gsm8k", "svamp")
    assert choice.held_out == {"gsm8k", "svamp"}, "a test file is no dev file"
    assert choose_sets(files("mathqa.dev", "svamp.train")).train == ("svamp",), (
        "MathQA without its train file leads nothing"
    )


def test_named_sets_all_belong_to_the_run() -> None:
    choice = choose_sets(EVERYTHING, ["svamp", "mathqa", "gsm8k"])
    assert (choice.train, choice.held_out) == (("mathqa", "gsm8k", "svamp"), {"gsm8k", "svamp"})
    assert choice.left_out == {"aqua_rat": "problems.sets does not name it"}
    assert choose_sets(EVERYTHING, ["gsm8k"]).train == ("gsm8k",)


def test_aqua_rat_is_trained_on_only_by_name() -> None:
    choice = choose_sets(EVERYTHING, ["mathqa", "aqua_rat"])
    assert choice.train == ("mathqa", "aqua_rat")
    assert choice.held_out == frozenset()
    unnamed = choose_sets([file for file in EVERYTHING if file.set_name != "mathqa"])
    assert unnamed.scored == {"aqua_rat": "trained on only if problems.sets names it"}


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (["gsm8kk"], "Did you mean 'gsm8k'"),
        (["outcomes"], "names 'outcomes'"),
        (
            ["svamp"],
            "names svamp, of which the data has no train or dev file; found: mathqa, gsm8k, aqua_rat",
        ),
        (["gsm8k", "gsm8k"], "names a set twice"),
        (["aqua_rat"], "no set that can be trained on"),
    ],
)
def test_names_that_cannot_be_followed_are_refused(named: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choose_sets(
            files("mathqa.train", "gsm8k.train", "svamp.test", "svamp.?", "aqua_rat.dev"), named
        )


def test_nothing_that_can_train_is_no_error_where_nothing_was_named() -> None:
    choice = choose_sets(files("aqua_rat.train", "aqua_rat.dev"))
    assert (choice.train, choice.scored, set(choice.left_out)) == ((), {}, {"aqua_rat"})
