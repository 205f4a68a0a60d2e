"""A study, small: every order reads the same, whoever trains it, and each row repeats to the bit."""

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.processes import CorpusProcess, run_corpus

Words = Callable[..., list[str]]
Corpus = Callable[..., subprocess.CompletedProcess[str]]

BUDGET = "20 steps"


@pytest.fixture(scope="module")
def study_words(command: Words) -> Words:
    """Returns the words of a small study into a folder."""

    def words(out: Path, *more: str, orders: str = "shuffled,sequential,easy") -> list[str]:
        own = command(out, budget=BUDGET)
        own[0] = "compare"
        return [*own, f"--orders={orders}", "--seeds=2", "--train.validations=2", *more]

    return words


@pytest.fixture(scope="module")
def study(study_words: Words, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with two schedules and fine-tuning."""
    out = tmp_path_factory.mktemp("studies") / "a"
    done = run_corpus(
        study_words(
            out,
            "--schedules=decay,average",
            "--finetune-budget=4 steps",
            "--problems.generated-heldout=4",
        )
    )
    assert "finds      unknown: no pilot tells how much runs of this length scatter" in done.stdout
    assert "warning: 2 seeds make no claim: 5 are the least" in done.stdout
    return out


def _rows(study: Path) -> dict[str, dict[str, str]]:
    with open(study / "runs.csv", newline="") as file:
        return {row["run"]: row for row in csv.DictReader(file)}


def test_every_order_reads_the_same_from_the_same_weights(study: Path) -> None:
    rows = _rows(study)
    assert len(rows) == 3 * 2 * 2
    orders = {path.stem: np.load(path) for path in (study / "orders").glob("*.npy")}
    assert len(orders) == 6
    for order in orders.values():
        assert sorted(order.tolist()) == list(range(40))
    losses = {
        name: json.loads((study / "runs" / name / "row.json").read_text())["loss"] for name in rows
    }
    assert len(set(losses.values())) == len(losses), "order, schedule and seed all matter"
    for name, row in rows.items():
        consumed = [
            json.loads(line)["consumed"]
            for line in (study / "runs" / name / "metrics.jsonl").read_text().splitlines()
            if '"train"' in line and '"pretrain"' in line
        ]
        assert sorted(consumed[-1].values()) == [768, 768, 896, 896, 896, 896]
        assert row["steps"] == "20"


def test_beginnings_are_shared_and_deleted_once_they_are_not_needed(study: Path) -> None:
    for seed in (0, 1):
        for order in ("shuffled", "sequential", "easy"):
            first, second = (
                [
                    line
                    for line in (study / "runs" / f"{order}.{schedule}.{seed}" / "metrics.jsonl")
                    .read_text()
                    .splitlines()
                    if '"step": 12,' in line and '"train"' in line and '"pretrain"' in line
                ]
                for schedule in ("decay", "average")
            )
            assert first == second != [], "to the byte, as it is one training"
    assert not (study / "beginnings").exists()
    assert not list(study.glob("runs/*/checkpoints"))


@pytest.mark.parametrize("name", ["easy.average.1", "shuffled.decay.0"])
def test_a_row_repeats_to_the_bit_without_its_shared_beginning(
    study: Path, corpus: Corpus, name: str
) -> None:
    before = (study / "runs.csv").read_text()
    done = corpus(["compare", study, "--repeat", name])
    assert (
        f"{name}: the same bits (weights {_rows(study)[name]['weights_sha256'][:16]}" in done.stdout
    )
    assert (study / "runs.csv").read_text() == before
    assert not list((study / "runs").glob(".*"))


def test_a_row_that_does_not_repeat_is_told(study: Path, tmp_path: Path, corpus: Corpus) -> None:
    row_file = study / "runs" / "easy.decay.0" / "row.json"
    kept = row_file.read_text()
    row_file.write_text(json.dumps({**json.loads(kept), "loss": 1.5, "threads": 64}))
    try:
        done = corpus(["compare", study, "--repeat", "easy.decay.0"], check=False)
    finally:
        row_file.write_text(kept)
    assert done.returncode == 2
    assert "easy.decay.0 did not repeat: loss 1.5 →" in done.stderr
    assert "threads 64 → 1" in done.stderr


def test_the_page_has_the_sentence_the_tables_and_the_figures(study: Path) -> None:
    page, text = (study / "report.html").read_text(), (study / "report.md").read_text()
    assert "nothing can be concluded yet: 2 of the 5 seeds that a claim needs are finished" in page
    for words in (
        "Orders by held-out text after pre-training, schedule decay",
        "Orders by held-out text after fine-tuning, schedule average",
        "Orders by gold programs of generated, schedule decay",
        "Forgetting",
        "Retention",
        "loss of gold programs",
    ):
        assert words in text
    assert "It says nothing of larger models" in text
    figures = {path.name for path in (study / "figures").iterdir()}
    assert {
        "differences-1.svg",
        "differences-1.csv",
        "forgetting-3.svg",
        "retention-2.csv",
    } <= figures
    drawn = (study / "figures" / "differences-1.svg").read_text()
    assert "var(--" not in drawn
    assert "xmlns" in drawn


def test_report_alone_trains_nothing(study: Path, corpus: Corpus) -> None:
    before = (study / "runs.csv").read_text()
    (study / "runs.csv").unlink()
    said = corpus(["compare", study, "--report"]).stdout
    assert "held-out text after pre-training, schedule decay: loss less that of shuffled" in said
    assert "undecided: 3 more seeds" in said
    assert "training shuffled" not in said
    assert (study / "runs.csv").read_text() == before, "made again from the rows"


def test_a_changed_study_is_refused_and_nothing_is_lost(
    study: Path, study_words: Words, corpus: Corpus
) -> None:
    before = (study / "study.json").read_bytes()
    words = [word for word in study_words(study, "--schedules=decay") if "--out=" not in word]
    done = corpus([*words, "--out", study], check=False)
    assert done.returncode == 2
    assert "holds a study with other settings" in done.stderr
    assert (study / "study.json").read_bytes() == before


def test_two_processes_share_the_runs_and_a_killed_ones_run_is_taken_up(
    study: Path, study_words: Words, tmp_path: Path
) -> None:
    """The rows are those of one process that nothing disturbed."""
    out = tmp_path / "b"
    words = study_words(out, orders="shuffled,easy")
    first = CorpusProcess(words)
    _wait_for(lambda: any(out.glob("runs/*/clock.json")), first)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)
    workers = [CorpusProcess(["compare", str(out)]) for _ in range(2)]
    said = [worker.communicate(timeout=240)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert sum(each.count("has loss") for each in said) == 4 - _finished_before(out, said)
    alone, together = _rows(study), _rows(out)
    assert len(together) == 4
    for name, row in together.items():
        assert row["order_sha256"] == alone[name]["order_sha256"]
        assert row["loss"] == alone[name]["loss"], "with one schedule as with two"


def _finished_before(out: Path, said: list[str]) -> int:
    """Return how many runs the killed process had finished."""
    return 4 - sum(each.count("has loss") for each in said)


def _wait_for(condition: Callable[[], bool], process: CorpusProcess) -> None:
    limit = time.monotonic() + 120
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_too_little_text_is_one_sentence(
    study_words: Words, tmp_path: Path, corpus: Corpus
) -> None:
    words = [word for word in study_words(tmp_path / "c") if not word.startswith("--budget")]
    done = corpus([*words, "--budget=2000 steps"], check=False)
    assert done.returncode == 2
    assert "in a study nothing is read twice" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_tokenizer_is_refused(study: Path, corpus: Corpus) -> None:
    row = study / "runs" / "easy.decay.1" / "row.json"
    tokenizer = study / "data" / "prepared" / "tokenizer" / "tokenizer.json"
    kept, kept_row = tokenizer.read_bytes(), row.read_text()
    row.unlink()
    plain = json.loads(kept)
    plain["model"]["merges"].pop()
    tokenizer.write_text(json.dumps(plain))
    try:
        done = corpus(["compare", study], check=False)
    finally:
        tokenizer.write_bytes(kept)
        row.write_text(kept_row)
    assert done.returncode == 2
    assert "tokenizer" in done.stderr
    assert "Traceback" not in done.stderr


TRIAL = """
from corpus.train import autotune
from corpus.train.trials import CompileChoice

autotune.try_compile = lambda *given, **more: CompileChoice(compiled=False, reason="tried")
"""
"""A trial, as long runs and GPUs have it: it takes a batch, and finds that nothing is gained."""

OWN = """
def odd(sequences, seed):
    if seed == 1:
        raise ValueError("only even seeds")
    return list(range(len(sequences)))[::-1]
"""


def test_a_failing_order_stops_nothing_else_and_a_trial_takes_no_batch(
    study_words: Words, tmp_path: Path
) -> None:
    out, own = tmp_path / "d", tmp_path / "own.py"
    own.write_text(OWN)
    words = study_words(out, "--runtime.compile=on", orders=f"shuffled,{own}:odd,again")
    said = run_corpus(words, first=TRIAL).stdout
    failed = "own-py-odd.decay.1"
    assert f"warning: {failed} failed: order 'own.py:odd' failed for seed 1: ValueError" in said
    rows = _rows(out)
    assert len(rows) == 5
    assert failed not in rows
    for name in rows:
        path = out / "runs" / name / "metrics.jsonl"
        last = [json.loads(line) for line in path.read_text().splitlines() if '"consumed"' in line][
            -1
        ]
        assert sum(last["consumed"].values()) == 20 * 2 * 128, "all of it"
    text = (out / "report.md").read_text()
    assert "Its order makes no claim" in text
    own.unlink()
    again = run_corpus(["compare", out, "--seeds", "3"], first=TRIAL).stdout
    assert "run 9 of 9" in again
    assert len(_rows(out)) == 8
