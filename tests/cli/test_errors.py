"""What users get wrong: each is one short message with the value, the place and the fix, and
nothing that was there is touched."""

import json
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import zstandard
from support.folders import contents
from support.processes import run_corpus

from corpus.base.files import digest_file
from corpus.cli.main import main
from corpus.cli.options import typed_command
from corpus.train.checkpoint import load_newest, save_checkpoint

Refused = Callable[[Sequence[str | Path]], str]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu", "cpu"], "corpus has no command 'rnu'. Did you mean 'run'?"),
        (["run"], "corpus run needs a recipe (starter, cpu, hackathon)"),
        (["run", "hackaton"], "there is no recipe 'hackaton'. Did you mean 'hackathon'?"),
        (["run", "cpu", "--bugdet", "45m"], "--budget"),
        (["run", "cpu", "--nonsense", "3"], "--nonsense"),
        (
            ["run", "cpu", "--budget", "banana"],
            "'banana' is not a budget; write a time (45m, 2h, 1h30m, 90s)",
        ),
        (
            ["run", "cpu", "--budget", "45M"],
            "could be minutes or millions; write 45m for minutes or 45M tokens",
        ),
        (["run", "cpu", "--model.num-heads", "3"], "model.num_heads is 3"),
        (["run", "cpu", "--model.dim", "wide"], "--model.dim"),
        (["run", "cpu", "--model.vocab-size", "512"], "give both the same number"),
        (
            ["run", "cpu", "--train.finetune-share", "1.5"],
            "train.finetune_share is 1.5; expected a share between 0 and 1",
        ),
        (["run", "cpu", "--config"], "--config needs a file"),
        (
            ["run", "cpu", "--train.schedule.learning-rate", "nan"],
            "train.schedule.learning_rate is nan; expected a finite number",
        ),
        (
            ["run", "cpu", "--finetune.max-epochs", "inf"],
            "finetune.max_epochs is inf; expected a finite number",
        ),
        (
            ["run", "cpu", "--train.optimizer.beta1", "2"],
            "train.optimizer.beta1 is 2.0; expected a number from 0 to below 1",
        ),
        (
            ["run", "cpu", "--train.optimizer.weight-decay", "-1"],
            "weight_decay is -1.0; expected 0 (none) or a positive number",
        ),
        (
            ["run", "cpu", "--train.optimizer.clip-norm", "0"],
            "clip_norm is 0.0; expected a positive number",
        ),
        (
            ["run", "cpu", "--data", ""],
            "prepare.data is ''; give a folder, hub, hub:OWNER/NAME or starter",
        ),
        (["run", "cpu", "--out", ""], "--out is empty; give the run folder"),
        (["recipes", "strter"], "Did you mean 'starter'?"),
        (
            ["export", "/nowhere", "--to", "gguf", "--output", "OUT"],
            "Expected one of ('huggingface',)",
        ),
        (
            ["run", "cpu", "--config", "/nowhere/c.json"],
            "/nowhere/c.json is missing. Give the config.json of an earlier run",
        ),
        (["run", "cpu", "--out", "n" * 300], "File name too long. Choose another folder"),
        (
            ["run", "cpu", "--data", "/nowhere", "--out", "OUT"],
            "the data folder /nowhere does not exist. Check the path.",
        ),
        (
            ["solve", "/nowhere", "what is 2 + 2 ?"],
            "/nowhere does not exist. Give the folder of a run",
        ),
        (["evaluate", "/nowhere"], "/nowhere does not exist. Give the folder of a run"),
        (["report", "/nowhere"], "/nowhere does not exist. Give the folder of a run"),
        (
            ["export", "/nowhere", "--output", "OUT"],
            "/nowhere does not exist. Give the folder of a run",
        ),
        (["pretrain", "/nowhere"], "/nowhere does not exist. Give the folder of a run"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_wrong_word_is_named_with_the_fix(
    refused: Refused, tmp_path: Path, words: list[str], said: str
) -> None:
    assert said in refused([str(tmp_path / "out") if word == "OUT" else word for word in words])


def _half_zst(folder: Path) -> str:
    lines = "".join(
        json.dumps({"text": f"text {i}", "meta": {"redpajama_set_name": "RedPajamaBook"}}) + "\n"
        for i in range(5000)
    )
    whole = zstandard.ZstdCompressor().compress(lines.encode())
    (folder / "half.jsonl.zst").write_bytes(whole[: len(whole) // 2])
    return "half.jsonl.zst"


def _link_to_nothing(folder: Path) -> str:
    (folder / "zz.jsonl").symlink_to(folder / "nothing")
    return "zz.jsonl"


def _write(name: str, text: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / name).write_text(text, encoding="utf-8")
        return name

    return write


GOOD = json.dumps({"text": "good", "meta": {"redpajama_set_name": "RedPajamaC4"}})
UNKNOWN = json.dumps({"text": "x", "meta": {"redpajama_set_name": "RedPajamaArxiv"}})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "",
            "c.json is damaged (Expecting value: line 1 column 1 (char 0)). Give the config.json of an earlier run",
        ),
        ('{"seed": 3', "c.json is damaged"),
        ("[]", "c.json is []; expected a group of settings"),
        ('{"bugdet": "45m"}', "c.json.bugdet is not a setting. Did you mean 'budget'?"),
        ('{"model": {"dimm": 3}}', "c.json.model.dimm is not a setting. Did you mean 'dim'?"),
        ('{"seed": "three"}', "c.json.seed is 'three'; expected int"),
    ],
)
def test_a_config_file_is_named_with_its_mistake(
    refused: Refused, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "c.json").write_text(content)
    assert said in refused(
        ["run", "cpu", "--config", tmp_path / "c.json", "--out", tmp_path / "out"]
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_half_zst, "half.jsonl.zst"),
        (_write("empty.jsonl", ""), "empty.jsonl"),
        (_write("zz.jsonl", GOOD + '\n{"text": \n'), "zz.jsonl line 2"),
        (
            _write(
                "zz.jsonl",
                GOOD + "\n" + json.dumps({"meta": {"redpajama_set_name": "RedPajamaC4"}}) + "\n",
            ),
            "zz.jsonl line 2",
        ),
        (_write("zz.jsonl", GOOD + "\n" + UNKNOWN + "\n"), "'RedPajamaArxiv'"),
        (_write("zz.jsonl", GOOD + "\n[1]\n"), "zz.jsonl line 2 is [1]; expected an object"),
        (_write("train.json", ""), "train.json is empty or ends within its first record"),
        (
            _write("train.json", '[{"Problem": "a tra'),
            "train.json is empty or ends within its first record",
        ),
        (_link_to_nothing, "zz.jsonl is a broken link"),
    ],
    ids=[
        *(
            "half a zst file",
            "an empty file",
            "half a record",
            "a record without text",
            "an unknown set",
            "a list",
        ),
        *("no problems", "half a problem", "a broken link"),
    ],
)
def test_a_damaged_input_is_named_by_place(
    refused: Refused,
    data: Path,
    small: tuple[str, ...],
    tmp_path: Path,
    damage: Callable[[Path], str],
    said: str,
) -> None:
    damage(data)
    words = ["run", "starter", f"--data={data}", f"--out={tmp_path / 'out'}", *small]
    assert said in refused(words)
    assert not (tmp_path / "out" / "prepared").exists()
    for broken in data.iterdir():
        if broken.name != "chunk.jsonl":
            broken.unlink()
    main(["prepare", *words[1:]])  # the same command, the file mended


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder.rmdir(), "does not exist"),
        (lambda folder: None, "It is empty."),
        (
            lambda folder: (folder / "photo.png").write_bytes(b"\x89PNG"),
            "files of other kinds (1 .png)",
        ),
        (
            lambda folder: (folder.rmdir(), folder.write_text("x")),
            "is a file; give the folder that holds it",
        ),
    ],
    ids=["missing", "empty", "nothing known", "a file"],
)
def test_a_folder_without_data_says_what_was_expected(
    refused: Refused, tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    make(folder)
    assert said in refused(["run", "cpu", "--data", folder, "--out", tmp_path / "out"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read"),
        ("", "test.json"),
        ("[]", "holds no problem"),
        ('[{"Problem": "x"}]', "row 0: options is missing"),
        ("{", "is not JSON"),
    ],
)
def test_a_file_of_problems_that_cannot_be_scored(
    refused: Refused, run: Path, tmp_path: Path, content: str | None, said: str
) -> None:
    path, before = tmp_path / "test.json", contents(run)
    if content is not None:
        path.write_text(content)
    assert said in refused(
        ["evaluate", run, "--problems", f"mathqa={path}", "--output", tmp_path / "scores.json"]
    )
    assert not (tmp_path / "scores.json").exists()
    assert contents(run) == before


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("mathqa", "is not of the form SET=PATH"),
        ("mathqa=", "is not of the form SET=PATH"),
        ("mathqq=x.json", "Did you mean 'mathqa'?"),
        ("gsm8k=x", "cannot read x"),
        ("outcomes=x", "cannot use"),
        ("generated=/nowhere.jsonl", "cannot read /nowhere.jsonl"),
    ],
)
def test_a_problem_set_that_is_not_one(refused: Refused, run: Path, spec: str, said: str) -> None:
    assert said in refused(["evaluate", run, "--problems", spec])


def test_a_file_of_another_set_is_told_by_its_name(
    refused: Refused, run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "dev.json"
    record = {
        "Problem": "x",
        "Rationale": "",
        "options": "a ) 1",
        "correct": "a",
        "annotated_formula": "",
        "linear_formula": "add(n0,n1)|",
        "category": "gain",
    }
    path.write_text(json.dumps([record]))
    assert f"holds problems of mathqa, but was given as gsm8k; write mathqa={path}" in refused(
        ["evaluate", run, "--problems", f"gsm8k={path}"]
    )


def test_a_set_given_twice_is_not_scored_once(refused: Refused, run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    file = f"generated={run / 'problems' / 'generated.heldout.jsonl'}"
    assert "names the set 'generated' twice" in refused(["evaluate", run, "--problems", file, file])
    assert "empty.jsonl holds no problem" in refused(
        ["evaluate", run, "--problems", f"generated={tmp_path / 'empty.jsonl'}"]
    )


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("command", ["solve", "evaluate", "export"])
@pytest.mark.parametrize(
    "name",
    ["config.json", "weights/model.json", "weights/final.safetensors", "weights/tokenizer.json"],
)
def test_a_damaged_run_names_the_file(
    refused: Refused, run: Path, tmp_path: Path, command: str, name: str
) -> None:
    _cut(run / name)
    before = contents(run)
    more = {
        "solve": ["what is 2 + 2 ?"],
        "evaluate": [],
        "export": ["--output", tmp_path / "exported"],
    }[command]
    assert Path(name).name in refused([command, run, *more])
    changed = {name for name, digest in contents(run).items() if before.get(name) != digest}
    assert changed <= {"manifest.json"}  # which counts the seconds spent
    assert not (tmp_path / "exported").exists()


def test_an_altered_shard_is_refused_by_name(refused: Refused, run: Path) -> None:
    _change(run / "prepared" / "validation" / "c4.bin")
    assert "c4.bin" in refused(["evaluate", run])


def test_weights_and_the_tokenizer_of_another_run_are_told_apart(
    refused: Refused, run: Path
) -> None:
    """A tokenizer that is whole, and not the one the weights were trained with."""
    path = run / "weights" / "tokenizer.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    merges = plain["model"]["merges"]
    merges[-1], merges[-2] = merges[-2], merges[-1]
    path.write_text(json.dumps(plain), encoding="utf-8")
    assert "wrong tokenizer for the weights" in refused(["solve", run, "what is 2 + 2 ?"])


def test_text_prepared_anew_does_not_fit_old_weights(refused: Refused, run: Path) -> None:
    for name in ("final.safetensors", "tokenizer.json"):
        (run / "weights" / name).unlink()
    plain = json.loads(
        (run / "prepared" / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8")
    )
    (run / "weights" / "tokenizer.json").write_text(
        json.dumps({**plain, "model": {**plain["model"], "merges": []}}), encoding="utf-8"
    )
    said = refused(["finetune", run])
    assert "tokenizer" in said
    assert "final.safetensors" not in [path.name for path in (run / "weights").iterdir()]


@pytest.mark.parametrize(
    "words",
    [
        ["solve", "RUN", " "],
        ["solve", "RUN", "what is 2 + 2 ?", "--options", "nothing to read"],
        ["finetune", "PREPARED"],
    ],
)
def test_a_stage_that_cannot_begin_says_what_comes_first(
    refused: Refused, run: Path, words: list[str]
) -> None:
    if "PREPARED" in words:
        for path in (run / "weights").iterdir():
            path.unlink()
    said = refused([str(run) if word in ("RUN", "PREPARED") else word for word in words])
    assert any(
        fix in said
        for fix in ("write it in quotes", "write them as", "run `corpus pretrain` on it first")
    )


def test_an_export_never_replaces_what_is_not_one(
    refused: Refused, run: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    refused(["export", run, "--output", tmp_path / "mine"])
    refused(["export", run, "--output", tmp_path / "mine" / "thesis.tex"])
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"


def test_a_config_of_something_else_is_not_replaced(
    refused: Refused, tiny: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Another program's folder, named by mistake."""
    (tmp_path / "config.json").write_text('{"hidden_size": 4096}')
    assert "is not the config of a run; it would be replaced" in refused(tiny(tmp_path))
    assert contents(tmp_path).keys() == {"config.json", ".lock"}
    assert (tmp_path / "config.json").read_text() == '{"hidden_size": 4096}'


def test_a_pipe_among_the_text_is_left_alone(
    data: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    """Reading one would wait for ever; a broken link is no text either."""
    os.mkfifo(data / "pipe.txt")
    (data / "gone.md").symlink_to(data / "nothing")
    main(["prepare", "starter", f"--data={data}", f"--out={tmp_path / 'out'}", *small])
    assert (tmp_path / "out" / "prepared" / "manifest.json").exists()


def test_an_output_that_cannot_be_written_is_refused(
    refused: Refused, run: Path, data: Path, small: tuple[str, ...]
) -> None:
    """Under a file, which nobody can make a folder of."""
    inside = data / "chunk.jsonl" / "run"
    assert "Choose another folder" in refused(
        ["run", "starter", f"--data={data}", f"--out={inside}", *small]
    )
    assert "Choose another folder" in refused(
        ["evaluate", run, "--output", data / "chunk.jsonl" / "scores.json"]
    )
    assert "Choose another folder" in refused(
        ["export", run, "--output", data / "chunk.jsonl" / "exported"]
    )
    assert "Choose another folder" in refused(["evaluate", run, "--output", data])


def test_memory_that_does_not_suffice_is_told_in_a_sentence(
    refused: Refused, data: Path, small: tuple[str, ...]
) -> None:
    """More than any machine can address."""
    words = [
        "run",
        "starter",
        f"--data={data}",
        f"--out={data.parent / 'out'}",
        *small,
        "--model.ffn-dim=4000000000000",
    ]
    assert "too little memory" in refused(words)


def _on_a_small_disk(
    words: Sequence[str | Path], num_bytes: int
) -> subprocess.CompletedProcess[str]:
    """Run a command that cannot write files above `num_bytes`: to it, a disk that is full in the
    middle of a file."""
    limit = f"({num_bytes}, resource.RLIM_INFINITY)"
    first = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, {limit})"
    return run_corpus(words, first=first, check=False)


def test_a_disk_that_fills_up_loses_nothing(
    data: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    """First while preparing, then while a checkpoint is written, then there is room again."""
    out = tmp_path / "run"
    words = [
        "run",
        "starter",
        f"--data={data}",
        f"--out={out}",
        *small,
        "--train.checkpoint-steps=1",
    ]
    for num_bytes in (30_000, 80_000):
        failed = _on_a_small_disk(words, num_bytes)
        assert failed.returncode == 2, failed.stdout + failed.stderr
        assert (
            "is full. What was saved before is intact; free some space and run the same command again."
            in failed.stderr
        )
        assert "Traceback" not in failed.stderr
        assert (out / "prepared").exists() == (num_bytes == 80_000), failed.stderr
    assert load_newest(out / "checkpoints", "pretrain") is None
    main(words)
    assert (out / "report.html").exists()


def test_a_checkpoint_that_finds_the_disk_full_leaves_the_one_before(
    refused: Refused,
    tiny: Callable[..., list[str]],
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved, limit = [], resource.getrlimit(resource.RLIMIT_FSIZE)

    def save(*arguments: object, **more: object) -> Path:
        saved.append(arguments)
        if len(saved) == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
        try:
            return save_checkpoint(*arguments, **more)  # type: ignore[arg-type]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    monkeypatch.setattr("corpus.train.loop.save_checkpoint", save)
    out = tmp_path / "run"
    command = tiny(out, "--train.checkpoint-steps=1")
    assert (
        "is full. What was saved before is intact; free some space and run the same command again"
        in refused(command)
    )
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["pretrain-000000001"]
    assert load_newest(out / "checkpoints", "pretrain") is not None
    main(command)
    assert digest_file(out / "weights" / "final.safetensors") == digest_file(
        trained / "weights" / "final.safetensors"
    )


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full"
)
def test_output_that_goes_to_a_full_disk_is_an_error_in_a_sentence() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "corpus", "recipes", "starter"]
        result = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert result.returncode == 2
    assert result.stderr.startswith("StorageError: a disk is full")
    assert len(result.stderr.splitlines()) == 1


def test_a_terminal_without_dashes_still_shows_the_help() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "corpus", "run", "--help"]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "script", ["/home/me/bob's work/src/main.py", "/home/me/My Projects/src/main.py"]
)
def test_the_command_to_go_on_with_is_quoted(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr("sys.argv", [script, "run", "cpu"])
    assert shlex.split(typed_command()) == ["python", script, "run", "cpu"]
