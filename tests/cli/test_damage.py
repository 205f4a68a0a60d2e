"""A run whose files were damaged, and one that was stopped: the message names the file, and doing
what it says mends the run."""

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from corpus.base.files import digest_file
from corpus.cli.main import main

Refused, Words = Callable[[Sequence[str | Path]], str], Callable[..., list[str]]

WAYS = {
    "missing": None,
    "empty": b"",
    "an object": b"{}\n",
    "a list": b"[]\n",
    "noise": b"\x93\x00 noise \xff\n",
}


def _damage(path: Path, way: str) -> None:
    content = WAYS[way]
    path.unlink()
    if content is not None:
        path.write_bytes(content)


def _exit_code(words: Sequence[str | Path]) -> object:
    try:
        main([str(word) for word in words])
    except SystemExit as stopped:
        return stopped.code
    return 0


def _is_as(run: Path, trained: Path) -> bool:
    """True where both ended with the same bits."""
    return digest_file(run / "weights" / "final.safetensors") == digest_file(
        trained / "weights" / "final.safetensors"
    )


@pytest.fixture
def half(run: Path) -> Path:
    """The tiny run, stopped at the end of pre-training."""
    for path in [run / "scores.json", run / "weights" / "final.safetensors"]:
        path.unlink()
    for path in (run / "checkpoints").glob("finetune-*"):
        shutil.rmtree(path)
    return run


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("config.json", ["report"]),
        ("manifest.json", ["pretrain"]),
        ("clock.json", ["finetune"]),
        ("prepared/manifest.json", ["evaluate"]),
        ("prepared/tokenizer/tokenizer.json", ["evaluate"]),
        ("prepared/train/manifest.json", ["finetune"]),
        ("prepared/train/c4.documents.npy", ["finetune"]),
        ("prepared/unigram/c4.npy", ["evaluate"]),
        ("problems/manifest.json", ["finetune"]),
        ("problems/generated.train.jsonl", ["finetune"]),
        ("problems/generated.heldout.jsonl", ["evaluate"]),
        ("scores.json", ["export", "--output"]),
        ("metrics.jsonl", ["report"]),
        ("weights/final.safetensors", ["solve"]),
        ("weights/pretrained.safetensors", ["finetune"]),
        ("weights/model.json", ["solve"]),
        ("weights/tokenizer.json", ["solve"]),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_no_damage_is_a_traceback(
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    way: str,
    command: list[str],
) -> None:
    """Whatever lies in a file's place, a command works without it or says in a few lines which file
    it is."""
    _damage(run / name, way)
    if command == ["finetune"]:
        (run / "weights" / "final.safetensors").unlink(missing_ok=True)
    more = {"solve": ["what is 2 + 2 ?"], "export": [str(tmp_path / "exported")]}.get(
        command[0], []
    )
    code = _exit_code([command[0], run, *command[1:], *more])
    said = capsys.readouterr().err
    assert code in (0, 2)
    assert len(said.splitlines()) < 10
    assert (
        code == 0
        or Path(name).name in said
        or str(Path(name).parent) in said
        or any(word in said for word in ("has no", "not pre-trained"))
    ), said


@pytest.mark.parametrize(
    ("name", "way", "said", "mend"),
    [
        ("prepared/train/c4.bin", "empty", "c4.bin is truncated", "prepared"),
        (
            "prepared/tokenizer/tokenizer.json",
            "an object",
            "prepared and prepare the data again",
            "prepared",
        ),
        ("prepared/validation/manifest.json", "missing", "Delete the prepared folder", "prepared"),
        (
            "problems/generated.train.jsonl",
            "empty",
            "holds 0 problems; the manifest says 60",
            "problems",
        ),
        ("problems/generated.heldout.jsonl", "missing", "cannot read", "problems"),
        ("manifest.json", "noise", "manifest.json is damaged", "manifest.json"),
        ("clock.json", "empty", "clock.json is damaged", "clock.json"),
        (
            "weights/pretrained.safetensors",
            "noise",
            "Delete the file",
            "weights/pretrained.safetensors",
        ),
    ],
)
def test_deleting_what_the_message_says_mends_the_run(
    refused: Refused,
    tiny: Words,
    half: Path,
    trained: Path,
    name: str,
    way: str,
    said: str,
    mend: str,
) -> None:
    _damage(half / name, way)
    assert said in refused(tiny(half))
    shutil.rmtree(half / mend) if (half / mend).is_dir() else (half / mend).unlink()
    main(tiny(half))
    assert _is_as(half, trained)


def test_the_tokenizer_beside_the_weights_is_mended_from_the_prepared_one(
    refused: Refused, tiny: Words, half: Path, trained: Path
) -> None:
    _damage(half / "weights" / "tokenizer.json", "empty")
    assert "The run's prepared/tokenizer folder has the same file: copy it from there" in refused(
        tiny(half)
    )
    shutil.copy(half / "prepared" / "tokenizer" / "tokenizer.json", half / "weights")
    main(tiny(half))
    assert _is_as(half, trained)


@pytest.mark.parametrize("way", ["an object", "a list", "noise"])
def test_checkpoints_without_their_state_are_damaged_ones(
    refused: Refused, tiny: Words, half: Path, trained: Path, way: str
) -> None:
    (half / "weights" / "pretrained.safetensors").unlink()
    for path in (half / "checkpoints").glob("pretrain-*/state.json"):
        _damage(path, way)
    assert "every pretrain checkpoint" in refused(tiny(half))
    shutil.rmtree(half / "checkpoints")
    main(tiny(half))
    assert _is_as(half, trained)


@pytest.mark.parametrize("way", ["missing", "an object", "a list"])
def test_a_run_without_its_config_is_not_begun_anew(
    refused: Refused, tiny: Words, run: Path, way: str
) -> None:
    _damage(run / "config.json", way)
    weights = digest_file(run / "weights" / "final.safetensors")
    assert "Restore it from a copy, or give another --out" in refused(tiny(run))
    assert digest_file(run / "weights" / "final.safetensors") == weights


def test_problems_of_other_data_do_not_stay(tiny: Words, tmp_path: Path) -> None:
    """Sets that an earlier preparation left are neither trained on nor scored."""
    out = tmp_path / "run"
    (out / "problems").mkdir(parents=True)
    for split in ("train", "dev"):
        (out / "problems" / f"mathqa.{split}.jsonl").write_text("not even a problem")
    shutil.copy(_config(tiny, tmp_path), out)
    main(["prepare", *tiny(out)[1:]])
    left = {path.name for path in (out / "problems").glob("*.jsonl")}
    assert left == {"contamination.jsonl", "generated.heldout.jsonl", "generated.train.jsonl"}


def _config(tiny: Words, tmp_path: Path) -> Path:
    main(["prepare", *tiny(tmp_path / "other")[1:]])
    return tmp_path / "other" / "config.json"


@pytest.mark.parametrize(
    "place",
    [
        "corpus.prepare.prepare.find_data",
        "corpus.prepare.text.train_tokenizer",
        "corpus.train.session.build_optimizer",
        "corpus.evaluate.evaluate.score_problems",
        "corpus.report.report.render_html",
    ],
)
def test_ctrl_c_at_any_stage_is_a_sentence_and_the_command_goes_on(
    tiny: Words,
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as stopped:
        patch.setattr(place, lambda *arguments, **more: os.kill(os.getpid(), signal.SIGINT))
        main(tiny(tmp_path / "run"))
    said = capsys.readouterr().err
    assert stopped.value.code == 130
    assert said == "stopped. What was saved is intact; the same command resumes from there.\n"
    assert not list(tmp_path.rglob("*.tmp"))
    main(tiny(tmp_path / "run"))
    assert _is_as(tmp_path / "run", trained)


def test_ctrl_c_while_training_saves_the_step(
    tiny: Words,
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from corpus.train.loop import PhaseTrainer

    def step(trainer: PhaseTrainer, share: float) -> None:
        one_step(trainer, share)
        os.kill(os.getpid(), signal.SIGINT)

    one_step = PhaseTrainer._one_step
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as stopped:
        patch.setattr(PhaseTrainer, "_one_step", step)
        main(tiny(tmp_path / "run"))
    assert stopped.value.code == 130
    assert "everything is saved. Resume with:" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == [
        "pretrain-000000001"
    ]
    main(tiny(tmp_path / "run"))
    assert _is_as(tmp_path / "run", trained)
