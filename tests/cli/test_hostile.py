"""Files of a run that somebody else made: what does not fit is one line, and nothing is written
elsewhere."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.folders import contents

from corpus.cli.main import main

Refused = Callable[[Sequence[str | Path]], str]

BIG = "1" * 5000


def _put(path: Path, place: Sequence[str | int], value: Any) -> None:
    """Write a value to a place in a JSON file, or in the first line of JSON lines."""
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    is_lines = path.suffix == ".jsonl"
    whole = json.loads(first if is_lines else path.read_text(encoding="utf-8"))
    inside = whole
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    text = json.dumps(whole).replace(f'"{BIG}"', BIG)
    path.write_text("\n".join([text, *rest] if is_lines else [text]) + "\n", encoding="utf-8")


@pytest.mark.parametrize("value", [BIG, [[]], {"x": 1}, None, "x" * 10_000, 1e308, True])
@pytest.mark.parametrize(
    ("name", "place", "command"),
    [
        ("config.json", ("model", "dim"), "solve"),
        ("manifest.json", ("contamination", "problems", "rows"), "report"),
        ("problems/manifest.json", ("counts", "generated", "heldout"), "evaluate"),
        ("problems/manifest.json", ("counts", "generated"), "evaluate"),
        ("problems/generated.heldout.jsonl", ("options", 2, "value"), "evaluate"),
        ("problems/generated.train.jsonl", ("answer",), "finetune"),
        ("outcomes/generated.jsonl", ("ways", "accuracy", "right"), "compare"),
        ("outcomes/generated.jsonl", ("ways",), "compare"),
        ("outcomes/generated.jsonl", ("value",), "report"),
        ("STATE", ("position", "loss_count"), "finetune"),
        ("STATE", ("cursor", "begun"), "finetune"),
        ("STATE", ("cursor", "row"), "finetune"),
        ("STATE", ("cursor", "text", "taken"), "finetune"),
        ("STATE", ("metrics_bytes",), "finetune"),
    ],
)
def test_no_value_is_a_traceback(
    capsys: pytest.CaptureFixture[str],
    run: Path,
    name: str,
    place: Sequence[str | int],
    command: str,
    value: Any,
) -> None:
    """A value of another type is refused, or does not matter."""
    path = run / name
    if command == "finetune":
        (run / "weights" / "final.safetensors").unlink()
        (run / "scores.json").unlink()
        if name == "STATE":
            path = next((run / "checkpoints").glob("finetune-*")) / "state.json"
    _put(path, place, value)
    words = {"solve": ["solve", run, "what is 2 + 2 ?"], "compare": ["compare", run, run]}
    code, said = _ended([str(word) for word in words.get(command, [command, run])], capsys)
    assert code in (0, 2)
    assert code == 0 or 0 < len(said.splitlines()) < 25
    assert len(said) < 5_000


def _ended(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    """Return the exit code of a command, and its errors."""
    try:
        main(words)
    except SystemExit as stopped:
        return stopped.code, capsys.readouterr().err
    return 0, capsys.readouterr().err


@pytest.mark.parametrize("name", ["outcomes", "metrics.jsonl", "checkpoints", ".lock"])
def test_nothing_is_written_through_a_link(
    refused: Refused, run: Path, tmp_path: Path, name: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (run / name).rename(elsewhere) if (run / name).exists() else elsewhere.touch()
    (run / name).symlink_to(elsewhere)
    before = contents(elsewhere) if elsewhere.is_dir() else elsewhere.read_bytes()
    for command in ("evaluate", "finetune"):
        assert f"{run / name} is a link, and Corpus does not write through" in refused(
            [command, run]
        )
    assert (contents(elsewhere) if elsewhere.is_dir() else elsewhere.read_bytes()) == before


def test_the_name_of_a_set_is_no_path(refused: Refused, run: Path, tmp_path: Path) -> None:
    manifest = run / "problems" / "manifest.json"
    plain = json.loads(manifest.read_text(encoding="utf-8"))
    plain["counts"]["l/../../../stolen"] = plain["counts"].pop("generated")
    manifest.write_text(json.dumps(plain), encoding="utf-8")
    said = refused(["evaluate", run])
    assert "problems/manifest.json is damaged: counts.'l/../../../stolen' is" in said
    assert not list(tmp_path.rglob("stolen*"))


def test_what_a_stranger_wrote_is_no_command_to_the_terminal(refused: Refused) -> None:
    assert "\x1b" not in refused(["report", "runs/\x1b[2Jgone"])
    assert "the option --\ufffd[2Jgone has a control character" in refused(["run", "--\x1b[2Jgone"])
