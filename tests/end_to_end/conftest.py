"""A whole run, small: the real command in a process of its own, on a folder of text made here and
generated problems. The run that others are compared with starts Python anew, so it has a hash
seed of its own; most others are forked (`support.processes`)."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.processes import CorpusProcess, run_corpus

ROOT = Path(__file__).parents[2]

SETS = (
    "RedPajamaC4",
    "RedPajamaWikipedia",
    "RedPajamaGithub",
    "RedPajamaArXiv",
    "RedPajamaBook",
    "RedPajamaStackExchange",
)

SMALL = (
    "--curriculum.order=sequential",  # so that tests see which source is read when
    "--model.dim=32",
    "--model.num-layers=2",
    "--model.num-heads=2",
    "--model.num-kv-heads=1",
    "--model.context-length=128",
    "--model.vocab-size=600",
    "--prepare.tokenizer.vocab-size=600",
    "--prepare.validation-tokens=400",
    "--problems.generated-train=200",
    "--problems.generated-heldout=40",
    "--train.sequences-per-batch=2",
    "--train.validation-tokens=256",
    "--train.log-every-steps=4",
    "--runtime.num-threads=1",
)
"""What makes a recipe a matter of seconds; nothing about how it works."""


@pytest.fixture(scope="session")
def text_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SlimPajama records of all six sources, each with words of its own."""
    folder, chance = tmp_path_factory.mktemp("data") / "slimpajama", random.Random(5)
    (folder / "train").mkdir(parents=True)
    words = {
        name: [
            "".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 7))) for _ in range(60)
        ]
        for name in SETS
    }
    lines = []
    for _ in range(240):
        name = chance.choice(SETS)
        text = " ".join(chance.choices(words[name], k=120)) + " ."
        lines.append(json.dumps({"text": text, "meta": {"redpajama_set_name": name}}))
    (folder / "train" / "chunk.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder.parent


@pytest.fixture(scope="session")
def command(text_folder: Path) -> Callable[..., list[str]]:
    """Returns the words of a small run into a folder; what is given beside it comes after."""
    return lambda out, *more, budget="120 steps": [
        *("run", "starter", f"--data={text_folder}", f"--budget={budget}", f"--out={out}"),
        *SMALL,
        *map(str, more),
    ]


@pytest.fixture(scope="session")
def start() -> Callable[[Sequence[str]], CorpusProcess]:
    """Starts `corpus` in a process of its own and does not wait for it."""
    return CorpusProcess


@pytest.fixture(scope="session")
def corpus() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `corpus` in a process of its own; `first` is a program that runs before it, in the same
    process."""
    return run_corpus


@pytest.fixture(scope="session")
def timed_run(
    command: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, float]:
    """A run of 120 steps that nothing disturbed, and the seconds it took."""
    out, began = tmp_path_factory.mktemp("runs") / "finished", time.monotonic()
    subprocess.run([sys.executable, "-m", "corpus", *command(out)], cwd=ROOT, check=True)
    return out, time.monotonic() - began


@pytest.fixture(scope="session")
def finished(timed_run: tuple[Path, float]) -> Path:
    """A run of 120 steps that nothing disturbed."""
    return timed_run[0]


@pytest.fixture(scope="session")
def whole_seconds(timed_run: tuple[Path, float]) -> float:
    """How long such a run takes."""
    return timed_run[1]


@pytest.fixture(scope="session")
def main_file() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python ./src/main.py`, small."""
    return lambda *more: subprocess.run(
        [sys.executable, "./src/main.py", *SMALL, *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
