"""`corpus evaluate --problems` says how much of a set the run was trained on."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from corpus.cli.main import main

Refused = Callable[[Sequence[str | Path]], str]


def test_a_set_that_was_trained_on_is_found_out(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problems, output = (
        f"generated={run / 'problems' / 'generated.train.jsonl'}",
        tmp_path / "scores.json",
    )
    main(["evaluate", str(run), "--problems", problems, "--output", str(output), "--text", "False"])
    overlap = json.loads(output.read_text())["problems"]["generated"]["overlap"]
    assert overlap["num_problems"] == overlap["num_in_rows"] == overlap["num_equal"] == 60
    assert (overlap["num_in_text"], overlap["num_clean"], overlap["accuracy_clean"]) == (0, 0, None)
    assert json.loads(output.read_text())["problems"]["generated"]["clean"]["num_problems"] == 0
    assert (tmp_path / "scores.json.outcomes" / "generated.jsonl").exists()
    assert (
        "of 60 problems 60 occur in a training problem (60 word for word), 0 in training text"
        in capsys.readouterr().out
    )
    main(
        [
            "evaluate",
            str(run),
            "--problems",
            problems,
            "--output",
            str(output),
            "--text",
            "False",
            "--overlap",
            "False",
        ]
    )
    assert "overlap" not in json.loads(output.read_text())["problems"]["generated"]


def test_text_that_is_gone_is_not_text_without_the_problems(
    refused: Refused, run: Path, tmp_path: Path
) -> None:
    shutil.rmtree(run / "prepared")
    problems, output = (
        f"generated={run / 'problems' / 'generated.heldout.jsonl'}",
        tmp_path / "scores.json",
    )
    words = ["evaluate", run, "--problems", problems, "--output", output, "--text", "False"]
    assert "prepared is missing" in refused(words)
    assert not output.exists()
    main([*map(str, words), "--overlap", "False"])
    assert output.exists()
