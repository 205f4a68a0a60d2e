"""A study of mixtures, small: drawn, trained, predicted, checked at a second size, repeated."""

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.processes import CorpusProcess, run_corpus

Words = Callable[..., list[str]]
Corpus = Callable[..., subprocess.CompletedProcess[str]]

NAMES = ("proportional", "uniform", "mix01", "mix02")


@pytest.fixture(scope="module")
def mixture_words(command: Words) -> Words:
    """Returns the words of a small study of mixtures into a folder."""

    def words(out: Path, *more: str) -> list[str]:
        own = command(out, budget="10 steps")
        own[0] = "compare"
        small = ("--model.dim=16", "--mixtures=4", "--seeds=2", "--train.validations=1")
        return [*own, *small, "--second-budget=12 steps", *more]

    return words


@pytest.fixture(scope="module")
def killed_and_shared(mixture_words: Words, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose first process was killed, and which two others finished."""
    out = tmp_path_factory.mktemp("studies") / "m"
    first = CorpusProcess(mixture_words(out))
    limit = time.monotonic() + 120
    while not any(out.glob("runs/*/clock.json")):
        assert first.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)
    early = run_corpus(["compare", str(out), "--report"]).stdout
    assert "runs of the first size are finished; a law needs every mixture with the same" in early
    workers = [CorpusProcess(["compare", str(out)]) for _ in range(2)]
    said = [worker.communicate(timeout=240) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    return out


def _rows(study: Path) -> dict[str, dict[str, str]]:
    with open(study / "runs.csv", newline="") as file:
        return {row["run"]: row for row in csv.DictReader(file)}


def test_every_mixture_is_trained_and_the_best_one_is_checked(killed_and_shared: Path) -> None:
    study, rows = killed_and_shared, _rows(killed_and_shared)
    first = {f"{name}.first.{seed}" for name in NAMES for seed in (0, 1)}
    second = {f"{name}.second.{seed}" for name in (*NAMES[:2], "best") for seed in (0, 1)}
    assert set(rows) == first | second
    assert json.loads((study / "study.json").read_text())["kind"] == "mixtures"
    sources = json.loads((study / "mixtures.json").read_text())["sequences"]
    for name, row in rows.items():
        lines = (study / "runs" / name / "metrics.jsonl").read_text().splitlines()
        read = [json.loads(line)["consumed"] for line in lines if '"train"' in line][-1]
        total = sum(read.values())
        assert total == 2 * 128 * (10 if row["size"] == "first" else 12)
        for source in sources:
            assert read.get(source, 0) / total == pytest.approx(float(row[f"share_{source}"]))
            assert read.get(source, 0) // 128 <= sources[source]
    dims = {
        size: json.loads((study / "runs" / f"uniform.{size}.0" / "config.json").read_text())
        for size in ("first", "second")
    }
    assert (dims["first"]["model"]["dim"], dims["second"]["model"]["dim"]) == (16, 32)
    assert dims["second"]["model"]["num_heads"] == 4
    best = json.loads((study / "best.json").read_text())["shares"]
    assert {f"share_{name}": share for name, share in best.items()} == {
        name: float(value)
        for name, value in rows["best.second.1"].items()
        if name.startswith("share_")
    }


def test_the_report_says_what_was_found_and_what_it_is_worth(
    killed_and_shared: Path, corpus: Corpus
) -> None:
    said = corpus(["compare", killed_and_shared, "--report"]).stdout
    for words in (
        "law: loss = exp(slopes · shares) with a ridge penalty and no floor: 4 mixtures are fewer",
        "endpoint, from these",
        "predicted best: ",
        "held-out text after pre-training, size second: loss less that of proportional",
        "Nothing can be concluded yet: 2 of the 5 seeds",
        "It says nothing of larger models",
    ):
        assert words in said
    text = (killed_and_shared / "report.md").read_text()
    for words in ("Mixtures of the first size", "rank correlation of 0.73 at 1M", "Slopes"):
        assert words in text
    assert (killed_and_shared / "report.html").exists()


def test_a_row_repeats_to_the_bit(killed_and_shared: Path, corpus: Corpus) -> None:
    done = corpus(["compare", killed_and_shared, "--repeat", "best.second.1"])
    assert "best.second.1: the same bits" in done.stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--mixtures=3"], "--mixtures is 3; expected 4 or more"),
        (["--orders=shuffled,easy"], "--orders and --mixtures are two kinds of study"),
        (["--budget=2m"], "--budget 2m is a time, and in a study every mixture has to read"),
        (["--second-budget=2m"], "--second-budget 2m is a time"),
        (["--second-dim=8"], "--second-dim is 8; expected 16 or more"),
        (["--finetune-budget=4 steps"], "a study of mixtures compares text alone"),
        (["--budget=9000 steps"], "in a study nothing is read twice"),
    ],
)
def test_bad_input_is_one_sentence(
    mixture_words: Words, tmp_path: Path, corpus: Corpus, more: list[str], said: str
) -> None:
    names = {word.partition("=")[0] for word in more}
    words = [word for word in mixture_words(tmp_path / "m") if word.partition("=")[0] not in names]
    done = corpus([*words, *more], check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


FAILS = """
from corpus.base.errors import TrainingError
from corpus.study import work

train = work.pretrain


def pretrain(config, folder, *given, **more):
    if folder.path.name == "mix03.first.8":
        raise TrainingError("it diverged")
    train(config, folder, *given, **more)


work.pretrain = pretrain
"""


def test_a_mixture_that_fails_is_left_out_and_too_few_end_the_study(
    mixture_words: Words, tmp_path: Path
) -> None:
    out = tmp_path / "m"
    words = mixture_words(out, "--seed=7")
    words = [word for word in words if not word.startswith("--mixtures")]
    said = run_corpus([*words, "--mixtures=5"], first=FAILS).stdout
    assert "warning: mix03.first.8 failed: it diverged" in said
    rows = _rows(out)
    assert len(rows) == 5 * 2 - 1 + 3 * 2
    assert {row["seed"] for row in rows.values()} == {"7", "8"}
    assert "laws" in json.loads((out / "best.json").read_text())
    text = (out / "report.md").read_text()
    assert "Its mixture is left out" in text
    best = (out / "best.json").read_bytes()
    again = run_corpus(["compare", out, "--seeds", "3"], first=FAILS).stdout
    assert "mix03.first.9" in again
    assert len(_rows(out)) == 5 * 3 - 1 + 3 * 3
    assert (out / "best.json").read_bytes() == best, "seeds that are added do not change it"
    few = tmp_path / "few"
    said = run_corpus(
        mixture_words(few), first=FAILS.replace("mix03.first.8", "mix02.first.0")
    ).stdout
    assert "best.second.0 failed: no best mixture was predicted, as fewer than 4" in said
    assert "too many mixtures failed; 3 are left, and a law needs 4" in said
    assert len(_rows(few)) == 4 * 2 - 1
