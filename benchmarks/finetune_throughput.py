"""Fine-tuning problems a second: Corpus over Hugging Face Trainer with its padding collator, and
the loss of both; above 1 is good.

Both start from the same weights, see as many problems a step, and learn the programs only. Needs
`pip install -r benchmarks/requirements.txt`, and MathQA's archive (`--data FOLDER`, with train.json
and dev.json) or takes generated problems.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contest import Competitor, Turn, fastest, hold, spread
from torch.nn import functional as F
from trainers import LEARNING_RATE, TurningPace, llama, run_trainer, stream

from corpus.base.units import parse_budget
from corpus.config.model import ModelConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.tokenizer import TokenizerConfig
from corpus.config.train import OptimizerConfig, ScheduleConfig, TrainConfig
from corpus.data.curriculum import CurriculumPhase
from corpus.data.loader import TextLoader
from corpus.evaluate.text import score_completions
from corpus.export.huggingface import huggingface_tensors
from corpus.finetune.examples import Example, select_examples
from corpus.finetune.loader import ProblemLoader
from corpus.model.weights import build_model
from corpus.problems.generated.generator import generate
from corpus.problems.mathqa import load_mathqa
from corpus.problems.problem import Problem
from corpus.run.folder import RunFolder
from corpus.text.tokenizer import train_tokenizer
from corpus.train.session import Session

PAD, IGNORED = 0, -100


def corpus(
    turn: Turn,
    *,
    threads: int,
    config: ModelConfig,
    rows: int,
    examples: Sequence[Example],
    heldout: Sequence[Example],
) -> None:
    """Corpus as it fine-tunes, without replayed text."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(
            RunFolder(Path(folder)),
            budget=parse_budget("1000000 steps"),
            batch_tokens=rows * config.context_length,
            config=TrainConfig(
                sequences_per_batch=rows,
                checkpoint_seconds=1e6,
                optimizer=OptimizerConfig(name="adamw"),
            ),
            runtime=RuntimeConfig(
                device="cpu", precision="fp32", compile="on", num_threads=threads
            ),
            resume_hint="",
        )

        def problem_loader() -> ProblemLoader:
            text = TextLoader(
                {"text": stream(config.vocab_size)},
                [CurriculumPhase(name="all", start=0.0, end=1.0, mixture={"text": 1.0})],
                context_length=config.context_length,
                batch_size=rows,
                eos_id=PAD,
                seed=0,
            )
            return ProblemLoader(
                examples,
                text,
                seq_length=config.context_length,
                batch_size=rows,
                pad_id=PAD,
                replay=0.0,
                max_epochs=1000,
                seed=0,
            )

        loader = problem_loader()
        model = build_model(config, seed=0)
        places = [0]

        def report() -> dict[str, Any]:
            loss, _ = score_completions(model, session.runtime, heldout, pad_id=PAD)
            return {
                "problems": loader.epochs * len(examples),
                "heldout": loss,
                "real": loader.consumed["problems"] / max(places[0], 1),
            }

        class Counting(TurningPace):
            def is_over(self, step: int, step_seconds: float) -> bool:
                places[0] = step * rows * config.context_length
                return super().is_over(step, step_seconds)

        turn.report = report
        with session:
            session.run(
                "finetune",
                model,
                loader=loader,
                pace=lambda: Counting(turn),
                schedule=ScheduleConfig(learning_rate=LEARNING_RATE, decay="stable"),
                validate=None,
                sample=lambda: problem_loader().batch(0.0),
            )


class Padding:
    """What transformers' own padding collators do: every batch as long as its longest example."""

    def __init__(self) -> None:
        self.places, self.tokens = 0, 0

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return a batch."""
        longest = max(len(example["input_ids"]) for example in examples)
        inputs = torch.full((len(examples), longest), PAD)
        labels, attention = torch.full_like(inputs, IGNORED), torch.zeros_like(inputs)
        for row, example in enumerate(examples):
            length = len(example["input_ids"])
            inputs[row, :length], labels[row, :length] = (
                torch.tensor(example["input_ids"]),
                torch.tensor(example["labels"]),
            )
            attention[row, :length] = 1
            self.tokens += length
        self.places += inputs.numel()
        return {"input_ids": inputs, "labels": labels, "attention_mask": attention}


def trainer(
    turn: Turn,
    *,
    threads: int,
    config: ModelConfig,
    per_step: int,
    micro: int,
    examples: Sequence[Example],
    heldout: Sequence[Example],
    by_length: bool = False,
) -> None:
    """Hugging Face Trainer with padding."""
    model, collator = llama(config), Padding()
    own = {
        name: tensor.detach() for name, tensor in build_model(config, seed=0).state_dict().items()
    }
    model.load_state_dict(huggingface_tensors(own, config.num_embeddings), strict=False)
    data = [
        {
            "input_ids": list(e.tokens),
            "labels": [IGNORED] * e.prompt_length + list(e.tokens[e.prompt_length :]),
            "length": len(e.tokens),
        }
        for e in examples
    ]
    steps = [0]

    def report() -> dict[str, Any]:
        real = collator.tokens / max(collator.places, 1)
        return {
            "problems": steps[0] * per_step,
            "heldout": padded_loss(model, heldout),
            "real": real,
        }

    turn.report = report
    run_trainer(
        turn,
        model,
        data,
        rows=per_step,
        micro_rows=micro,
        compiled=False,
        after_step=lambda state: steps.__setitem__(0, steps[0] + 1),
        data_collator=collator,
        adam_beta2=0.95,
        train_sampling_strategy="group_by_length" if by_length else "random",
        length_column_name="length",
        remove_unused_columns=False,
    )


@torch.no_grad()
def padded_loss(model: Any, examples: Sequence[Example]) -> float:
    """Return the mean loss of the completions' tokens."""
    loss, count = 0.0, 0
    for start in range(0, len(examples), 32):
        batch = Padding()(
            [
                {
                    "input_ids": list(e.tokens),
                    "labels": [IGNORED] * e.prompt_length + list(e.tokens[e.prompt_length :]),
                }
                for e in examples[start : start + 32]
            ]
        )
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        labels = batch["labels"][:, 1:].flatten()
        loss += float(
            F.cross_entropy(
                logits[:, :-1].flatten(0, 1), labels, reduction="sum", ignore_index=IGNORED
            )
        )
        count += int((labels != IGNORED).sum())
    return loss / count


def load(data: Path | None, config: ModelConfig) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Return training and held-out examples."""
    if data is None:
        train: Sequence[Problem] = generate(20_000, seed=0, split="train")
        heldout: Sequence[Problem] = generate(512, seed=0, split="dev")
    else:
        train, heldout = (
            load_mathqa(data / "train.json", "train"),
            load_mathqa(data / "dev.json", "dev")[:512],
        )
    tokenizer = train_tokenizer(
        (problem.text for problem in train), TokenizerConfig(vocab_size=config.vocab_size)
    )
    length = config.context_length
    sets = (
        select_examples(part, tokenizer, max_length=length, checked_only=False).examples
        for part in (train, heldout)
    )
    training, held = sets
    return training, held


def main() -> None:
    """Let everybody find the best settings, then take turns over the same number of problems."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        help="folder with MathQA's train.json and dev.json; without it problems are generated",
    )
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=8, help="optimizer steps in a turn")
    parser.add_argument(
        "--no-search", action="store_true", help="every core and whole batches for everybody"
    )
    options = parser.parse_args()
    config = ModelConfig(
        vocab_size=4096, dim=256, num_layers=4, num_heads=4, num_kv_heads=2, context_length=256
    )
    training, heldout = load(options.data, config)
    mean = statistics.fmean(len(example.tokens) for example in training)
    rows, cores = 16, len(os.sched_getaffinity(0))
    per_step = round(0.98 * rows * config.context_length / mean / 4) * 4
    print(
        f"{len(training):,} problems of {mean:.0f} tokens on average, {per_step} a step; held out {len(heldout)}"
    )
    common = {"config": config, "examples": training, "heldout": heldout}
    ours = Competitor(name="corpus", run=corpus, threads=cores, settings={**common, "rows": rows})
    peers = []
    for name, by_length in (("trainer", False), ("trainer, by length", True)):
        candidates = [
            Competitor(
                name=name,
                run=trainer,
                threads=t,
                settings={**common, "per_step": per_step, "micro": m, "by_length": by_length},
            )
            for t in ([cores] if options.no_search else sorted({1, cores}))
            for m in ([per_step] if options.no_search else [per_step, per_step // 2, per_step // 4])
        ]
        peers.append(
            fastest(candidates, steps=2, warmup=2) if len(candidates) > 1 else candidates[0]
        )
        print(
            f"{name}: {peers[-1].threads} thread(s), {peers[-1].settings['micro']} problems at a time",
            flush=True,
        )
    everybody = [ours, *peers]
    hold(everybody, steps=options.steps, warmup=3, rounds=options.rounds)
    rates = {one.name: rates_of(one) for one in everybody}
    print(
        f"\n{'':18s} {'problems/s':>18s} {'corpus is … x as fast':>22s} {'held-out loss':>14s} {'after':>8s} {'real tokens':>12s} {'memory':>8s}"
    )
    for one in everybody:
        last, faster = (
            one.reports[-1],
            [own / theirs for own, theirs in zip(rates["corpus"], rates[one.name])],
        )
        print(
            f"{one.name:18s} {spread(rates[one.name]):>18s} {spread(faster):>22s} {last['heldout']:14.3f} {last['problems']:8,.0f}"
            f" {last['real']:12.1%} {one.memory_mb:5.0f} MB"
        )
    ratio = {
        one.name: statistics.median(np.divide(rates["corpus"], rates[one.name])) for one in peers
    }
    result = {
        "name": "finetune_throughput",
        "ratio": round(float(ratio["trainer"]), 3),
        "ratios": {name: round(float(value), 3) for name, value in ratio.items()},
        "problems_per_second": {
            name: round(statistics.median(values), 1) for name, values in rates.items()
        },
        "heldout_loss": {one.name: round(one.reports[-1]["heldout"], 4) for one in everybody},
        "problems": {one.name: round(one.reports[-1]["problems"]) for one in everybody},
        "real_tokens": {one.name: round(one.reports[-1]["real"], 4) for one in everybody},
        "memory_mb": {one.name: round(one.memory_mb) for one in everybody},
        "threads": {one.name: one.threads for one in everybody},
        "rounds": options.rounds,
        "torch": torch.__version__,
    }
    print(json.dumps(result))


def rates_of(one: Competitor) -> list[float]:
    """Problems a second, turn by turn."""
    counts = [report["problems"] for report in one.reports]
    return [
        (after - before) / seconds
        for before, after, seconds in zip(counts, counts[1:], one.seconds)
    ]


if __name__ == "__main__":
    main()
