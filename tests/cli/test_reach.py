"""A finished run made to read longer rows: scored, solved with and exported so, the run itself left
as it was."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from corpus.base.files import digest_file
from corpus.cli.main import main

YARN = ("--model.context-length=192", "--model.rope-scaling.rope-type=yarn")


def _evaluate(run: Path, output: Path, *more: str) -> dict:
    main(["evaluate", str(run), f"--output={output}", *more])
    return json.loads(output.read_text())


def test_longer_rows_are_scored_and_the_run_keeps_its_own_scores(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {
        path.name: digest_file(path)
        for path in (trained / "scores.json", trained / "manifest.json")
    }
    monkeypatch.chdir(tmp_path)
    main(["evaluate", str(trained), "--model.context-length=192"])
    plain = json.loads((tmp_path / "scores.json").read_text())
    yarn = _evaluate(trained, tmp_path / "yarn.json", *YARN)
    before = json.loads((trained / "scores.json").read_text())
    assert {
        path.name: digest_file(path)
        for path in (trained / "scores.json", trained / "manifest.json")
    } == own
    (source,) = before["text"]
    assert plain["text"][source]["num_tokens"] == before["text"][source]["num_tokens"], (
        "the same tokens, however long the rows"
    )
    losses = {scores["text"][source]["loss"] for scores in (before, plain, yarn)}
    assert len(losses) == 3
    assert plain["problems"] != {}
    assert yarn["model"]["context_length"] == 192
    assert yarn["model"]["rope_scaling"]["original_max_position_embeddings"] == 96
    assert "model" not in before


def test_problems_beyond_the_context_are_solved_and_counted(trained: Path, tmp_path: Path) -> None:
    lines = [
        json.loads(line)
        for line in (trained / "problems" / "generated.heldout.jsonl").read_text().splitlines()[:3]
    ]
    for line, text in zip(lines, ("what is 2 + 3 ?", "so " * 120 + "what is 2 + 3 ?", "2 + 3 ?")):
        line |= {"text": text, "program": "add(n0,n1)"}
    file = tmp_path / "long.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    scores = _evaluate(
        trained, tmp_path / "long.json", f"--problems=generated={file}", "--text=False"
    )
    assert scores["problems"]["generated"]["num_problems"] == 3
    assert scores["problems"]["generated"]["beyond_context"]["num_problems"] == 1


def test_the_export_carries_it(trained: Path, tmp_path: Path) -> None:
    main(["export", str(trained), f"--output={tmp_path / 'out'}", *YARN])
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["max_position_embeddings"] == 192
    assert (config["rope_scaling"]["rope_type"], config["rope_scaling"]["factor"]) == ("yarn", 2.0)
    assert "the scores are from before" in (tmp_path / "out" / "README.md").read_text()


def test_solving_says_when_a_problem_is_longer_than_the_context(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["solve", str(trained), "so " * 120 + "what is 2 + 3 ?", *YARN])
    said = " ".join(capsys.readouterr().out.split())
    assert "more than the 96 of a sequence in training" in said
    main(["solve", str(trained), "what is 2 + 3 ?"])
    assert "of a sequence in training" not in capsys.readouterr().out


def test_what_does_not_fit_is_refused(
    trained: Path, refused: Callable[[Sequence[str | Path]], str]
) -> None:
    said = refused(["evaluate", trained, "--model.rope-scaling.rope-type=linear"])
    assert "model.context_length 96 is not above the original length 96" in said


def test_the_runs_own_scores_are_not_replaced_from_within_its_folder(
    trained: Path, refused: Callable[[Sequence[str | Path]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    assert "give another --output" in refused(
        ["evaluate", ".", "--text", "False", "--model.rope-base", "20000"]
    )
