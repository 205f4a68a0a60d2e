"""A run on GSM8K and SVAMP, from files to scores, report and a question: small, and with MathQA as
company or without."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.cli.main import main

AQUA = {"question": "2 and 3 ?", "options": ["A)5", "B)6"], "rationale": "", "correct": "A"}
OTHER_AQUA = {**AQUA, "question": "a farm has 2 cows and buys 3 more, how many cows has it now?"}
MATHQA = {
    "Problem": "2 and 3 ?",
    "options": "a ) 5 , b ) 6",
    "correct": "a",
    "linear_formula": "add(n0,n1)|",
    "category": "general",
}


def _gsm8k(index: int) -> dict[str, Any]:
    return {
        "question": f"Ann has {'very ' * index}{index + 2} pens and finds three. How many?",
        "answer": f"{index + 2}+3=<<{index + 2}+3={index + 5}>>\n#### {index + 5}",
    }


def _svamp(index: int) -> dict[str, Any]:
    thing, place, owner = (
        f"{name}{chr(97 + index // 26)}{chr(97 + index % 26)}s" for name in "xyz"
    )
    return {
        "Body": f"There are {index + 9} {thing} in {place} of {owner}.",
        "Question": "If 4 go, how many stay?",
        "Equation": f"( {index + 9}.0 - 4.0 )",
        "Answer": index + 5.0,
        "Type": "Subtraction",
    }


@pytest.fixture(scope="module")
def data(tiny: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text, GSM8K and SVAMP with a train file each, AQuA-RAT with both, no MathQA."""
    folder = tmp_path_factory.mktemp("sets") / "data"
    text = next(word for word in tiny("out") if word.startswith("--data=")).removeprefix("--data=")
    for name, rows in {
        "gsm8k/train.jsonl": map(_gsm8k, range(30)),
        "svamp/train.jsonl": map(_svamp, range(30)),
        "aqua_rat/train.jsonl": [OTHER_AQUA] * 3,
        "aqua_rat/dev.jsonl": [AQUA] * 3,
        "text/chunk.jsonl": map(json.loads, (Path(text) / "chunk.jsonl").read_text().splitlines()),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained_on_both(
    tiny: Callable[..., list[str]], data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("runs") / "both"
    main([*tiny(out), f"--data={data}", "--problems.heldout-share=0.3"])
    return out


def _splits(run: Path) -> dict[str, set[str]]:
    counts = json.loads((run / "problems" / "manifest.json").read_text())["counts"]
    return {name: set(splits) for name, splits in counts.items() if name != "contamination"}


def test_held_out_parts_are_scored_beside_their_baselines(trained_on_both: Path) -> None:
    assert _splits(trained_on_both) == {
        "gsm8k": {"train", "heldout"},
        "svamp": {"train", "heldout"},
        "aqua_rat": {"dev"},
    }
    scores = json.loads((trained_on_both / "scores.json").read_text())["problems"]
    assert set(scores) == {"gsm8k", "svamp", "aqua_rat"}
    for name in ("gsm8k", "svamp"):
        assert scores[name]["ceiling_gold"] == scores[name]["baseline_nearest"] == 1.0
        assert 0 <= scores[name]["baseline_majority"] < 1
        assert scores[name]["num_seen"] == 0
        assert (
            len(scores[name]["accuracy_vote_8_interval"])
            == len(scores[name]["accuracy_retrieval_interval"])
            == 2
        )
        assert not [field for field in scores[name] if "_options" in field], (
            "there are no options to know"
        )
    assert scores["aqua_rat"]["baseline_majority"] is None, "training had no letters"
    assert scores["aqua_rat"]["accuracy_vote_8_options"] is not None
    outcome = json.loads((trained_on_both / "outcomes" / "svamp.jsonl").read_text().splitlines()[0])
    assert (outcome["options"], outcome["correct"], outcome["answer"]) == (
        [],
        None,
        outcome["numbers"][0] - 4,
    )


def test_the_report_shows_answers_where_there_are_no_options(trained_on_both: Path) -> None:
    text = (trained_on_both / "report.md").read_text()
    assert "no option has a number" not in text
    assert ", gold answer " in text


def test_any_set_is_scored_on_any_run(
    trained_on_both: Path, run: Path, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "mathqa.json").write_text(json.dumps([MATHQA] * 2))
    specs = [
        f"gsm8k={data / 'gsm8k/train.jsonl'}",
        f"aqua_rat={data / 'aqua_rat/dev.jsonl'}",
        f"mathqa={tmp_path / 'mathqa.json'}",
    ]
    for folder in (trained_on_both, run):
        main(
            [
                "evaluate",
                str(folder),
                "--problems",
                *specs,
                "--text",
                "False",
                "--output",
                str(tmp_path / "scores.json"),
            ]
        )
        scores = json.loads((tmp_path / "scores.json").read_text())["problems"]
        assert {name: each["num_problems"] for name, each in scores.items()} == {
            "gsm8k": 30,
            "aqua_rat": 3,
            "mathqa": 2,
        }
    assert scores["gsm8k"]["num_seen"] == 0
    assert scores["gsm8k"]["baseline_majority"] is None, (
        "the other run was trained on problems with options"
    )


def test_a_question_with_numbers_in_words_is_solved(
    trained_on_both: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["solve", str(trained_on_both), "Ann has twenty-two pens and finds three. How many?"])
    assert "n0 = 22, n1 = 3" in capsys.readouterr().out


def test_beside_mathqa_others_wait_to_be_named(
    tiny: Callable[..., list[str]],
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
) -> None:
    """What is prepared of a folder with MathQA is the same, to the key, whether other sets lie
    beside it or not."""
    for name, others in (("all", True), ("mathqa", False)):
        folder = tmp_path / name
        for file in ("train", "dev"):
            (folder / "mathqa").mkdir(parents=True, exist_ok=True)
            record = (
                {**MATHQA, "Problem": "a baker has 2 rolls and bakes 3 , how many ?"}
                if file == "train"
                else MATHQA
            )
            (folder / "mathqa" / f"{file}.json").write_text(json.dumps([record] * 5))
        for source in ("text", *(("gsm8k", "svamp", "aqua_rat") if others else ())):
            (folder / source).symlink_to(data / source)

    def words(name: str, *more: str) -> list[str]:
        run = tiny(tmp_path / f"run-{name}")[1:]
        return ["prepare", *run, f"--data={tmp_path / name}", *more]

    main(words("all"))
    said = capsys.readouterr().out
    assert "problem sets trained on: mathqa\n" in said
    assert "left out: svamp: mathqa is trained on alone unless problems.sets names others" in said
    main(words("mathqa"))
    assert (
        _splits(tmp_path / "run-all")
        == _splits(tmp_path / "run-mathqa")
        == {"mathqa": {"train", "dev"}}
    )
    tokens = [
        (tmp_path / f"run-{name}" / "prepared" / "tokenizer" / "tokenizer.json").read_bytes()
        for name in ("all", "mathqa")
    ]
    assert tokens[0] == tokens[1]
    capsys.readouterr()
    main(
        words(
            "all",
            f"--out={tmp_path / 'named'}",
            "--problems.sets",
            "mathqa",
            "gsm8k",
            "aqua_rat",
            "--prepare.problems-as-text",
            "True",
        )
    )
    said = capsys.readouterr().out
    assert "problem sets trained on: mathqa, gsm8k, aqua_rat" in said
    assert "aqua_rat has many problems of mathqa's test file, which is not in the data" in said
    assert "training problems of gsm8k (prepare.problems_as_text)" in said
    assert "training problems of aqua_rat" not in said
    assert _splits(tmp_path / "named") == {
        "mathqa": {"train", "dev"},
        "gsm8k": {"train", "heldout"},
        "aqua_rat": {"train", "dev"},
    }
    assert "Did you mean 'gsm8k'" in refused(
        words("all", f"--out={tmp_path / 'wrong'}", "--problems.sets", "gsm8kk")
    )
