"""One tiny trained run, the command that made it, and the command line called in this process."""

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from corpus.cli.main import main

SMALL = (
    "--model.dim=16",
    "--model.num-layers=1",
    "--model.num-heads=2",
    "--model.num-kv-heads=1",
    "--model.context-length=96",
    "--model.vocab-size=600",
    "--prepare.tokenizer.vocab-size=600",
    "--prepare.validation-tokens=300",
    "--problems.generated-train=60",
    "--problems.generated-heldout=12",
    "--train.sequences-per-batch=2",
    "--train.validation-tokens=128",
    "--runtime.num-threads=1",
    "--budget=6 steps",
)


def write_records(path: Path, *, count: int = 60, set_name: str = "RedPajamaC4") -> Path:
    """Write SlimPajama records of made-up words."""
    chance = random.Random(3)
    words = ["".join(chance.choices("abcdefghijkl", k=chance.randint(2, 6))) for _ in range(80)]
    lines = [
        json.dumps(
            {
                "text": " ".join(chance.choices(words, k=80)),
                "meta": {"redpajama_set_name": set_name},
            }
        )
        for _ in range(count)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of good text."""
    return write_records(tmp_path / "data" / "chunk.jsonl").parent


@pytest.fixture
def small() -> tuple[str, ...]:
    """Options that make a run tiny."""
    return SMALL


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """Returns the words that make the tiny run in a folder."""
    text = write_records(tmp_path_factory.mktemp("tiny") / "data" / "chunk.jsonl").parent
    return lambda out, *more: ["run", "starter", f"--data={text}", f"--out={out}", *SMALL, *more]


@pytest.fixture(scope="session")
def trained(tiny: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps."""
    out = tmp_path_factory.mktemp("trained") / "run"
    main(tiny(out))
    return out


@pytest.fixture(scope="session", autouse=True)
def threads() -> Iterator[None]:
    """Leaves PyTorch the threads that it had."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[Sequence[str | Path]], str]:
    """Calls a command that must fail for a reason the user can mend; returns what it said on one
    line."""

    def call(words: Sequence[str | Path]) -> str:
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
        said = capsys.readouterr().err
        assert stopped.value.code == 2
        assert "Traceback" not in said
        assert 0 < len(said.splitlines()) < 25
        return " ".join(said.replace("│", " ").split())

    return call
