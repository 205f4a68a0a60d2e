"""A run on problems over expressions alone, from nothing to a solved problem, small."""

import json
from collections.abc import Callable
from pathlib import Path


def test_a_run_learns_scores_and_solves_expressions(
    corpus: Callable[..., object], command: Callable[..., list[str]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    counts = ("--problems.generated-train=0", "--problems.symbolic-train=16", "--problems.symbolic-heldout=4")
    corpus(command(out, *counts, "--evaluate.votes=2", "--evaluate.retrieval=False", budget="6 steps"))
    scores = json.loads((out / "scores.json").read_text())["problems"]
    assert scores.keys() == {"symbolic"}
    assert scores["symbolic"]["ceiling_gold"] == 1.0
    assert scores["symbolic"]["executes"] is not None
    assert "symbolic: " in (out / "report.md").read_text()
    shown = corpus(["solve", out, "differentiate 3x^2 + 2x with respect to x", "--programs=1"]).stdout  # pyright: ignore[reportAttributeAccessIssue]
    assert "expressions n0 = 3x^2 + 2x, n1 = x" in shown
    assert "program   " in shown
