"""A run on problems over expressions alone, from nothing to a solved problem, small."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.cli.main import main


def test_a_run_learns_scores_and_solves_expressions(
    corpus: Callable[..., object],
    command: Callable[..., list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    counts = (
        "--problems.generated-train=0",
        "--problems.symbolic-train=10",
        "--problems.symbolic-heldout=3",
    )
    corpus(
        command(
            out,
            *counts,
            "--evaluate.votes=1",
            "--evaluate.retrieval=False",
            "--evaluate.text=False",
            budget="6 steps",
        )
    )
    scores = json.loads((out / "scores.json").read_text())["problems"]
    assert scores.keys() == {"symbolic"}
    assert scores["symbolic"]["ceiling_gold"] == 1.0
    assert scores["symbolic"]["executes"] is not None
    assert "symbolic: " in (out / "report.md").read_text()
    main(["solve", str(out), "differentiate 3x^2 + 2x with respect to x", "--programs=1"])
    shown = capsys.readouterr().out
    assert "expressions n0 = 3x^2 + 2x, n1 = x" in shown
    assert "program   " in shown
    with pytest.raises(SystemExit):
        main(
            [
                "solve",
                str(out),
                "differentiate 3x^2 + 2x with respect to x",
                "--options",
                "a ) 1 , b ) 2",
            ]
        )
    assert "options must be numbers" in capsys.readouterr().err.replace("\n", " ")
