"""Corpus and its peers as competitors in training: each takes optimizer steps on the same rows, for
ever."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contest import Turn
from torch.nn import functional as F

from corpus.base.units import parse_budget
from corpus.config.model import ModelConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import OptimizerConfig, ScheduleConfig, TrainConfig
from corpus.data.curriculum import CurriculumPhase
from corpus.data.loader import TextLoader
from corpus.model.weights import build_model
from corpus.run.folder import RunFolder
from corpus.train.session import Session

EOS, DOCUMENT_TOKENS, STREAM_TOKENS = 0, 700, 2_000_000
"""The stream is of random tokens with documents of 700 tokens on average: speed does not depend on
what they say."""

LEARNING_RATE = 1e-3


def stream(vocab_size: int) -> np.ndarray:
    """Return the same tokens for everybody."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(1, vocab_size, STREAM_TOKENS)
    tokens[generator.random(STREAM_TOKENS) < 1 / DOCUMENT_TOKENS] = EOS
    return tokens


class TurningPace:
    """A pace that never ends and passes each step on to the contest."""

    def __init__(self, turn: Turn) -> None:
        self._turn, self._step = turn, 0

    def progress(self, step: int) -> float:
        """Return 0.5: the rate neither rises nor falls."""
        return 0.5

    def is_over(self, step: int, step_seconds: float) -> bool:
        """Return False; asked once before every step."""
        if step > self._step:
            self._step = step
            self._turn()
        return False

    def affords(self, spent_seconds: float, next_seconds: float) -> bool:
        """Return False: no validation."""
        return False


def corpus(
    turn: Turn,
    *,
    threads: int,
    config: ModelConfig,
    rows: int,
    micro_rows: int = 0,
    precision: str = "fp32",
) -> None:
    """Corpus as it runs: its session, loader, loop, metrics and checkpoints."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(
            RunFolder(Path(folder)),
            budget=parse_budget("1000000 steps"),
            batch_tokens=rows * config.context_length,
            config=TrainConfig(
                sequences_per_batch=rows,
                micro_batch_sequences=micro_rows,
                checkpoint_seconds=1e6,
                optimizer=OptimizerConfig(name="adamw"),
            ),
            runtime=RuntimeConfig(
                device="cpu", precision=precision, compile="on", num_threads=threads
            ),  # pyright: ignore[reportArgumentType]
            resume_hint="",
        )
        loader = TextLoader(
            {"text": stream(config.vocab_size)},
            [CurriculumPhase(name="all", start=0.0, end=1.0, mixture={"text": 1.0})],
            context_length=config.context_length,
            batch_size=rows,
            eos_id=EOS,
            seed=0,
        )
        with session:
            session.run(
                "pretrain",
                build_model(config, seed=0),
                loader=loader,
                pace=lambda: TurningPace(turn),
                schedule=ScheduleConfig(learning_rate=LEARNING_RATE, decay="stable"),
                validate=None,
                sample=lambda: loader.batch(0.0),
            )


def llama(config: ModelConfig) -> Any:
    """Return transformers' model of the same shape."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.num_embeddings,
            hidden_size=config.dim,
            intermediate_size=config.resolved_ffn_dim,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            num_key_value_heads=config.num_kv_heads,
            max_position_embeddings=config.context_length,
            tie_word_embeddings=config.tie_embeddings,
            rms_norm_eps=config.norm_eps,
        )
    )


class Rows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """The stream in rows, as transformers wants them."""

    def __init__(self, config: ModelConfig) -> None:
        length = config.context_length
        tokens = stream(config.vocab_size)
        self._rows = torch.from_numpy(tokens[: len(tokens) // length * length].reshape(-1, length))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self._rows[index], "labels": self._rows[index]}


def run_trainer(
    turn: Turn,
    model: Any,
    dataset: Any,
    *,
    rows: int,
    micro_rows: int,
    compiled: bool,
    after_step: Callable[[Any], None] = lambda logs: None,
    **arguments: Any,
) -> None:
    """Run transformers' Trainer, as its documentation starts it, a turn at a time."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Turning(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            after_step(state)
            turn()

    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            "output_dir": folder,
            "per_device_train_batch_size": micro_rows or rows,
            "gradient_accumulation_steps": rows // (micro_rows or rows),
            "max_steps": 1_000_000,
            "learning_rate": LEARNING_RATE,
            "lr_scheduler_type": "constant",
            "weight_decay": 0.1,
            "logging_steps": 10,
            "save_strategy": "no",
            "report_to": [],
            "use_cpu": True,
            "disable_tqdm": True,
            "torch_compile": compiled,
            **arguments,
        }
        extra = (
            {"data_collator": settings.pop("data_collator")} if "data_collator" in settings else {}
        )
        Trainer(
            model=model,
            args=TrainingArguments(**settings),
            train_dataset=dataset,
            callbacks=[Turning()],
            **extra,
        ).train()


def trainer(
    turn: Turn,
    *,
    threads: int,
    config: ModelConfig,
    rows: int,
    micro_rows: int = 0,
    compiled: bool = False,
) -> None:
    """Hugging Face Trainer on whole rows; its labels shift inside the model."""
    run_trainer(
        turn, llama(config), Rows(config), rows=rows, micro_rows=micro_rows, compiled=compiled
    )


def litgpt(
    turn: Turn,
    *,
    threads: int,
    config: ModelConfig,
    rows: int,
    micro_rows: int = 0,
    compiled: bool = False,
) -> None:
    """litgpt's model in a plain loop with fused AdamW, the batches made beforehand."""
    from litgpt import GPT
    from litgpt import Config as GPTConfig

    torch.manual_seed(0)
    model = GPT(
        GPTConfig(
            name="same",
            block_size=config.context_length,
            vocab_size=config.vocab_size,
            padded_vocab_size=config.num_embeddings,
            n_layer=config.num_layers,
            n_head=config.num_heads,
            n_query_groups=config.num_kv_heads,
            n_embd=config.dim,
            rotary_percentage=1.0,
            parallel_residual=False,
            bias=False,
            norm_class_name="RMSNorm",
            mlp_class_name="LLaMAMLP",
            intermediate_size=config.resolved_ffn_dim,
        )
    )
    if config.tie_embeddings:
        model.lm_head.weight = model.transformer.wte.weight
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    forward = torch.compile(model) if compiled else model
    micro_rows = micro_rows or rows
    for tokens in _plain_batches(config, rows):
        for part in tokens.split(micro_rows):
            logits = forward(part[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), part[:, 1:].flatten())
            (loss * len(part) / rows).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        turn()


def _plain_batches(config: ModelConfig, rows: int) -> Iterator[torch.Tensor]:
    length = config.context_length + 1
    tokens = stream(config.vocab_size)
    blocks = torch.from_numpy(
        tokens[: len(tokens) // (length * rows) * length * rows].reshape(-1, rows, length)
    )
    while True:
        yield from blocks
