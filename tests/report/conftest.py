"""A run folder made in code: what a finished run looks like to the report, small and the same every
time."""

import functools
import json
import math
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.base.files import write_json
from corpus.program.domains import execute
from corpus.program.language import parse
from corpus.report.charts import draw

SOURCES = ("c4", "wikipedia", "github", "arxiv", "book", "stackexchange")
LOG_LINES = 120
TOKENS_PER_LINE = 40_000
SECONDS_PER_LINE = 9.0

PROBLEMS = (
    (
        "a train covers 120 km in 2 hours . what is its speed in km / h ?",
        (120, 2),
        "divide(n0,n1)",
        ("50", "60", "72", "80", "none of these"),
    ),
    (
        "what is 15 % of 80 ?",
        (15, 80),
        "divide(n0,const_100)|multiply(#0,n1)",
        ("10", "12", "14", "16", "18"),
    ),
    (
        "a shopkeeper bought 3 pens for rs . 12 and sold 4 for rs . 20 . find his gain percent .",
        (3, 12, 4, 20),
        "divide(n1,n0)|divide(n3,n2)|subtract(#1,#0)|divide(#2,#0)|multiply(#3,const_100)",
        ("20 %", "25 %", "30 %", "33 1 / 3 %", "40 %"),
    ),
    (
        "the sides of a box are 2 , 3 and 4 cm . find its volume .",
        (2, 3, 4),
        "multiply(n0,n1)|multiply(#0,n2)",
        ("9", "12", "20", "24", "36"),
    ),
)

HOSTILE = '<script>alert(1)</script> & "quotes" | `ticks` <img src=x onerror=alert(2)> # heading \u202e\x00 ](javascript:x) 7 , 3'


def write_run(folder: Path, *, seed: int = 0) -> Path:
    """Write a finished run of six sources, with one resumption, into `folder`."""
    chance = random.Random(seed)
    write_json(folder / "config.json", make_config())
    write_json(folder / "manifest.json", make_manifest())
    write_json(folder / "prepared" / "manifest.json", make_prepared())
    write_lines(folder / "metrics.jsonl", make_metrics(chance))
    outcomes = make_outcomes(chance)
    write_lines(folder / "outcomes" / "mathqa.jsonl", outcomes)
    write_json(folder / "scores.json", make_scores(outcomes))
    write_weights(
        folder / "weights" / "final.safetensors", {"embedding": [4096, 192], "head": [192]}
    )
    return folder


def write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def write_weights(path: Path, shapes: dict[str, list[int]]) -> None:
    """A safetensors file of zeros: its header is what counts here."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))


def make_config() -> dict[str, Any]:
    return {
        "recipe": "cpu",
        "budget": {"kind": "seconds", "amount": 2700.0},
        "seed": 17,
        "model": {
            "dim": 192,
            "num_layers": 4,
            "num_heads": 4,
            "num_kv_heads": 2,
            "vocab_size": 4096,
            "context_length": 256,
        },
        "curriculum": {"order": "sequential", "sources": list(SOURCES), "weights": {}},
        "train": {
            "sequences_per_batch": 16,
            "finetune_share": 0.7,
            "schedule": {"learning_rate": 0.002, "decay": "cosine"},
        },
    }


def make_manifest() -> dict[str, Any]:
    return {
        "kind": "run",
        "recipe": "cpu",
        "date": "2025-01-31T10:00:00+00:00",
        "command": [
            "corpus",
            "run",
            "cpu",
            "--data",
            "my data",
            "--budget",
            "45m",
            "--out",
            "runs/first",
        ],
        "budget": {"kind": "seconds", "amount": 2700.0},
        "stages": {
            "prepare": 84.2,
            "pretrain": 1085.5,
            "finetune": 1620.1,
            "evaluate": 131.0,
            "report": 0.4,
        },
        "clock_seconds": 2705.6,
        "problems": {
            "given": 29_837,
            "used": 19_591,
            "no_program": 177,
            "unchecked": 10_069,
            "too_long": 0,
        },
        "environment": {
            "python": "3.11.9",
            "torch": "2.11.0",
            "platform": "Linux x86_64",
            "cpu": "2 cores",
            "packages": {"numpy": "2.1.0"},
        },
        "choices": {"compile": "off", "precision": "fp32", "num_threads": 2},
    }


def make_prepared() -> dict[str, Any]:
    sources = {
        source: {
            "train": {
                "num_tokens": 2_000_000 + 3 * i,
                "num_documents": 900 + 10 * i,
                "num_bytes": 7_000_000 + i,
            },
            "validation": {
                "num_tokens": 20_000 + i,
                "num_documents": 9 + i,
                "num_bytes": 70_000 + i,
            },
        }
        for i, source in enumerate(SOURCES)
    }
    return {
        "kind": "prepared",
        "counts": {
            "vocab_size": 4096,
            "tokenizer": "5e" * 32,
            "sources": sources,
            "dropped": {},
            "left_out": {},
        },
    }


def make_metrics(chance: random.Random) -> list[dict[str, Any]]:
    """Six phases of equal length, log lines that straddle two of them, validation in between, then
    fine-tuning."""
    lines: list[dict[str, Any]] = []
    consumed: dict[str, int] = dict.fromkeys(SOURCES, 0)
    for number in range(1, LOG_LINES + 1):
        begin, end = (number - 1) / LOG_LINES * 6 + 0.02, number / LOG_LINES * 6 + 0.02
        for index, source in enumerate(SOURCES):
            share = max(
                0.0,
                min(end, index + 1 if index < 5 else 9.0) - max(begin, index if index else -1.0),
            ) / (end - begin)
            consumed[source] += round(share * TOKENS_PER_LINE)
        progress = number / LOG_LINES
        lines.append(
            _train(
                "pretrain",
                number,
                progress,
                4.2 + 4 * math.exp(-6 * progress) + chance.gauss(0, 0.06) + 0.3 * (int(begin) % 2),
                dict(consumed),
            )
        )
        if number % 15 == 0:
            lines.append(
                _validation(
                    "pretrain",
                    number,
                    {
                        s: 4.4 + 0.15 * i + 3 * math.exp(-4 * progress)
                        for i, s in enumerate(SOURCES)
                    },
                )
            )
    for number in range(1, LOG_LINES + 1):
        progress = number / LOG_LINES
        lines.append(
            _train(
                "finetune",
                number,
                progress,
                0.25 + 2.5 * math.exp(-5 * progress) + chance.gauss(0, 0.02),
                {"mathqa": number * TOKENS_PER_LINE},
            )
        )
        if number % 15 == 0:
            lines.append(
                _validation("finetune", number, {"mathqa": 0.5 + 2 * math.exp(-3 * progress)})
            )
    event = {
        "kind": "event",
        "phase": "pretrain",
        "step": 300,
        "seconds": 640.0,
        "name": "resumed",
        "message": "going on from step 290 after an interruption",
    }
    return [*lines, event]


def _clock(phase: str, number: int) -> float:
    return SECONDS_PER_LINE * (number if phase == "pretrain" else LOG_LINES + 1.5 * number)


def _train(
    phase: str, number: int, progress: float, loss: float, consumed: dict[str, int]
) -> dict[str, Any]:
    rate = 0.002 * min(progress / 0.05, 0.5 * (1 + math.cos(math.pi * progress)) + 0.02)
    return {
        "kind": "train", "phase": phase, "step": 10 * number, "seconds": _clock(phase, number), "progress": progress,
        "tokens": number * TOKENS_PER_LINE, "loss": loss, "learning_rate": rate, "gradient_norm": 0.8,
        "tokens_per_second": 4444.4, "consumed": consumed,
    }  # fmt: skip


def _validation(phase: str, number: int, loss: dict[str, float]) -> dict[str, Any]:
    accuracy = {source: 0.6 * math.exp(-value / 6) for source, value in loss.items()}
    tokens = number * TOKENS_PER_LINE
    return {
        "kind": "validation",
        "phase": phase,
        "step": 10 * number,
        "seconds": _clock(phase, number),
        "tokens": tokens,
        "loss": loss,
        "accuracy": accuracy,
    }


def make_outcomes(chance: random.Random, count: int = 200) -> list[dict[str, Any]]:
    return [make_outcome(index, chance) for index in range(count)]


def make_outcome(index: int, chance: random.Random) -> dict[str, Any]:
    """Half of the problems are solved, some programs are wrong, some do not execute."""
    text, numbers, gold, options = PROBLEMS[index % len(PROBLEMS)]
    key = "bbbd"[index % len(PROBLEMS)]
    fate = chance.choice(("right", "right", "wrong", "fails", "nothing"))
    predicted = {
        "right": gold,
        "wrong": "add(n0,n1)|multiply(#0,const_100)",
        "fails": "subtract(n0,n0)|divide(n1,#0)|add(#1,n0)",
        "nothing": None,
    }[fate]
    outcome = execute(parse(predicted), numbers) if predicted else None
    return {
        "id": f"mathqa/dev/{index}", "text": text, "numbers": list(numbers), "gold": gold, "predicted": predicted,
        "options": [{"letter": letter, "text": option, "value": None} for letter, option in zip("abcde", options, strict=True)],
        "results": list(outcome.results) if outcome else [], "value": outcome.value if outcome else None,
        "error": outcome.error if outcome else "no program", "correct": key, "right": fate == "right",
        "chosen": {"right": key, "wrong": "e"}.get(fate), "seen": index % 4 > 0, "nearest": "a",
    }  # fmt: skip


def make_scores(outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    def share(name: str, rows: list[dict[str, Any]]) -> float:
        return sum(bool(row[name]) for row in rows) / len(rows)

    seen, unseen = ([row for row in outcomes if row["seen"] is wanted] for wanted in (True, False))
    mathqa = {
        "num_problems": len(outcomes), "accuracy": share("right", outcomes), "accuracy_interval": [0.33, 0.47],
        "accuracy_seen": share("right", seen), "accuracy_unseen": share("right", unseen),
        "num_seen": len(seen), "num_unseen": len(unseen),
        "executes": 0.62, "program_match": 0.4, "value_match": 0.4, "baseline_majority": 0.215, "baseline_nearest": 0.655,
        "baseline_nearest_seen": 0.717, "baseline_nearest_unseen": 0.429, "ceiling_gold": 0.746,
        "by_words": [_bin(1, 20, 120, 0.55), _bin(71, None, 80, 0.125)], "beyond_context": _bin(None, None, 3, 1 / 3),
        "by_operations": [_bin(1, 1, 150, 0.55), _bin(6, 7, 49, 0.125), _bin(None, None, 1, 0.0)],
        "by_similarity": [_bin(30, 49, 40, 0.1), _bin(100, 100, 160, 0.55)],
    }  # fmt: skip
    text = {
        source: {
            "loss": 4.5 + 0.12 * i, "accuracy": 0.27 - 0.01 * i, "bits_per_byte": 1.71 + 0.05 * i, "unigram_loss": 6.3 + 0.1 * i,
            "unigram_accuracy": 0.045, "unigram_bits_per_byte": 2.5 + 0.05 * i, "num_tokens": 40_000 + i,
            "loss_pretrained": 4.4 + 0.12 * i, "loss_interval": [4.25 + 0.12 * i, 4.75 + 0.12 * i], "num_documents": 31 + i,
        }
        for i, source in enumerate(SOURCES)
    }  # fmt: skip
    return {"text": text, "problems": {"mathqa": mathqa}}


def _bin(first: int | None, last: int | None, problems: int, accuracy: float) -> dict[str, Any]:
    return {
        "from": first, "to": last, "num_problems": problems, "accuracy": accuracy, "accuracy_interval": [accuracy / 2, 0.875],
        "baseline_nearest": 0.655, "baseline_nearest_interval": [0.5, 0.75],
    }  # fmt: skip


@pytest.fixture(autouse=True, scope="session")
def drawn_once() -> Iterator[None]:
    """Draw equal charts once: most pages of these tests show the same run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("corpus.report.render.draw", functools.cache(draw))
        yield


@pytest.fixture
def finished_run(tmp_path: Path) -> Path:
    """A finished run's folder."""
    return write_run(tmp_path / "first")


@pytest.fixture
def bare_run(tmp_path: Path) -> Path:
    """A folder in which a run has only just begun: nothing but its config."""
    write_json(tmp_path / "bare" / "config.json", make_config())
    return tmp_path / "bare"


@pytest.fixture
def hostile_run(finished_run: Path) -> Path:
    """A finished run whose names, problems, programs and messages try to break out of the page."""
    rows = make_outcomes(random.Random(1), 40)
    for row in rows:
        row |= {
            "id": HOSTILE + row["id"],
            "text": HOSTILE,
            "predicted": HOSTILE if not row["right"] else row["predicted"],
            "gold": HOSTILE,
        }
        row["options"] = [{"letter": "a", "text": HOSTILE, "value": None}]
        row["error"] = row["error"] and HOSTILE
    write_lines(finished_run / "outcomes" / "mathqa.jsonl", rows)
    scores = json.loads((finished_run / "scores.json").read_text())
    scores["text"][HOSTILE] = scores["text"]["c4"]
    scores["problems"][HOSTILE] = scores["problems"]["mathqa"]
    write_json(finished_run / "scores.json", scores)
    config = make_config() | {"recipe": HOSTILE, "note": HOSTILE}
    write_json(finished_run / "config.json", config)
    write_json(
        finished_run / "manifest.json",
        make_manifest() | {"recipe": HOSTILE, "environment": {HOSTILE: HOSTILE}},
    )
    with open(finished_run / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write(
            json.dumps(
                {
                    "kind": "event",
                    "phase": "finetune",
                    "step": 1,
                    "seconds": 1.0,
                    "name": HOSTILE,
                    "message": HOSTILE,
                }
            )
            + "\n"
        )
        consumed = {HOSTILE: 9e6}
        file.write(
            json.dumps(_train("finetune", LOG_LINES + 1, 1.0, 0.2, {}) | {"consumed": consumed})
            + "\n"
        )
    return finished_run
