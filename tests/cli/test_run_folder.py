"""What commands do to a run's folder and to files beside it: nothing where another process works,
or where the result would be none."""

import io
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.folders import contents

from corpus.base.files import digest_file
from corpus.cli.main import main
from corpus.run.folder import RunFolder
from corpus.run.lock import claimed

Refused = Callable[[Sequence[str | Path]], str]


@pytest.mark.parametrize("command", ["run", "prepare", "plan", "pretrain", "finetune", "evaluate"])
def test_a_run_that_another_process_works_on_is_left_to_it(
    refused: Refused, tiny: Callable[..., list[str]], run: Path, command: str
) -> None:
    for done in (run / "weights").glob("*.safetensors"):
        done.unlink()
    words = [command, *tiny(run)[1:]] if command in ("run", "prepare", "plan") else [command, run]
    with claimed(RunFolder(run)):
        before = contents(run)
        assert f"(pid {os.getpid()}) is working on {run}" in refused(words)
        assert contents(run) == before


def test_scores_replace_scores_and_nothing_else(
    refused: Refused, run: Path, tmp_path: Path
) -> None:
    problems = f"--problems=generated={run / 'problems' / 'generated.heldout.jsonl'}"
    output = tmp_path / "README.md"
    output.write_text("years of work")
    assert "holds no scores, so it is not replaced" in refused(
        ["evaluate", run, problems, "--output", output]
    )
    assert output.read_text() == "years of work"
    for _ in range(2):
        main(
            [
                "evaluate",
                str(run),
                problems,
                "--output",
                str(tmp_path / "scores.json"),
                "--overlap",
                "False",
            ]
        )
    assert json.loads((tmp_path / "scores.json").read_text())["problems"].keys() == {"generated"}


def test_a_budget_that_ends_before_the_first_step_leaves_no_weights(
    refused: Refused, tiny: Callable[..., list[str]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = [*tiny(out), "--budget", "0.01s"]
    assert "the budget of 0s ran out before the first step" in refused(words)
    assert not (out / "weights" / "final.safetensors").exists()
    assert json.loads((out / "manifest.json").read_text())["choices"]["finetune_seconds"] >= 0


def test_held_out_text_is_measured_as_the_run_says(
    tiny: Callable[..., list[str]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    main([*tiny(out), "--evaluate.text", "False"])
    main(["evaluate", str(out)])
    assert json.loads((out / "scores.json").read_text())["text"] == {}
    main(["evaluate", str(out), "--text", "True"])
    measured = json.loads((out / "scores.json").read_text())["text"]
    assert measured
    main(["evaluate", str(out)])
    assert json.loads((out / "scores.json").read_text())["text"] == measured, (
        "it is dear to measure, and still true"
    )
    (out / "also").mkdir()
    main(["evaluate", str(out), "--output", str(out / "also" / ".." / "scores.json")])
    assert json.loads((out / "scores.json").read_text())["text"] == measured, (
        "the same file by another name"
    )


def test_scoring_elsewhere_leaves_the_run_and_its_neighbours_alone(
    refused: Refused, run: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(run)
    main(["evaluate", str(run), "--output", str(tmp_path / "mine.json"), "--text", "False"])
    assert contents(run) == before, "outcomes beside the run's scores are those of its scores"
    problems = f"--problems=generated={run / 'problems' / 'generated.heldout.jsonl'}"
    monkeypatch.chdir(run)
    assert "the scores file of another run" in refused(["evaluate", trained, problems])
    assert "the scores file of another run" in refused(
        ["evaluate", trained, "--output", run / "scores.json"]
    )
    assert contents(run) == before


def test_a_method_is_not_changed_under_a_process_that_trains(refused: Refused, run: Path) -> None:
    for done in ("weights/final.safetensors", "checkpoints"):
        shutil.rmtree(run / done, ignore_errors=True)
        (run / done).unlink(missing_ok=True)
    with claimed(RunFolder(run)):
        before = contents(run)
        assert "is working on" in refused(["finetune", run, "--learning-rate", "0.001"])
        assert contents(run) == before


@pytest.mark.parametrize("options", ["40 or 60", "A) 40 B) 60 C) 80", "a ) 40\nb ) 60", "a ) 40"])
def test_options_that_cannot_be_read_are_refused(refused: Refused, run: Path, options: str) -> None:
    assert "cannot read the options" in refused(
        ["solve", run, "what is 20 + 40 ?", "--options", options]
    )


def test_a_problem_typed_in_another_encoding_is_told(
    refused: Refused, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.TextIOWrapper(io.BytesIO("2 cafés".encode("latin1")), encoding="utf-8")
    )
    assert "standard input is not UTF-8" in refused(["solve", run, "-"])


def test_a_problem_without_numbers_is_answered_with_a_word_of_warning(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["solve", str(trained), "how are you ?"])
    assert "for a program to use: the answer is a guess" in capsys.readouterr().out


def test_expressions_that_the_run_does_not_know_are_told(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for question, unread in (
        ("differentiate 3x^2 + 2x with respect to x", True),
        ("3 pens cost 6 dollars , what does a pen cost ?", False),
    ):
        main(["solve", str(trained), question])
        assert ("not trained on problems over expressions" in capsys.readouterr().out) == unread
    main(["solve", str(trained), "what is 2 + 3 ?"])
    assert "a guess" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "shown"), [(["plan"], "corpus plan RECIPE"), (["run", "cpu"], "corpus run cpu")]
)
def test_help_without_a_recipe_is_of_any(
    words: list[str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    assert f"usage: {shown} " in capsys.readouterr().out


def test_a_folder_whose_name_begins_like_the_hub_is_read_whole(
    tiny: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes from the hub is capped at what the budget needs."""
    monkeypatch.chdir(tmp_path)
    words = tiny(tmp_path / "run")
    shutil.copytree(
        next(word for word in words if word.startswith("--data=")).removeprefix("--data="),
        "hubble_text",
    )
    main(["prepare", *words[1:], "--data=hubble_text"])
    assert (
        json.loads((tmp_path / "run" / "prepared" / "manifest.json").read_text())["config"][
            "max_tokens"
        ]
        is None
    )


def test_the_same_data_elsewhere_or_touched_is_the_same_data(
    refused: Refused,
    data: Path,
    small: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    words = ["run", "starter", *small, f"--out={out}"]
    main([*words[:2], f"--data={data}", *words[2:]])
    weights = digest_file(out / "weights" / "final.safetensors")
    elsewhere = Path(shutil.copytree(data, tmp_path / "other disk" / data.name))
    for path in (*data.rglob("*.jsonl"), *elsewhere.rglob("*.jsonl")):
        os.utime(path, (1, 1))
    shutil.rmtree(out / "weights")
    shutil.rmtree(out / "checkpoints")
    capsys.readouterr()
    main([*words, f"--data={elsewhere}"])
    assert "text is already prepared" in capsys.readouterr().out
    assert digest_file(out / "weights" / "final.safetensors") == weights
    with open(next(elsewhere.rglob("*.jsonl")), "a", encoding="utf-8") as file:
        file.write('{"text": "more of it", "meta": {"redpajama_set_name": "RedPajamaC4"}}\n')
    assert json.loads((out / "config.json").read_text())["prepare"]["data"] == str(elsewhere)
    main([*words, f"--data={elsewhere}"])  # it has begun, so the path is not looked at again
    third = Path(shutil.copytree(elsewhere, tmp_path / "third disk" / data.name))
    assert "prepared was prepared from other data than" in refused([*words, f"--data={third}"])
    shutil.rmtree(out / "problems")
    assert "prepared was prepared from other data than" in refused([*words, f"--data={third}"])
    main([*words, f"--data={data}"])
