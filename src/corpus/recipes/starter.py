"""The job of a fresh checkout: small, offline, done in minutes."""

from corpus.config.curriculum import CurriculumConfig
from corpus.config.finetune import FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.config.prepare import PrepareConfig
from corpus.config.run import RunConfig
from corpus.config.tokenizer import TokenizerConfig
from corpus.config.train import ScheduleConfig, TrainConfig


def starter() -> RunConfig:
    """Any machine, no network: text of this Python installation, generated problems, 5 minutes."""
    return RunConfig(
        recipe="starter",
        budget="5m",
        model=ModelConfig(
            vocab_size=2048, dim=128, num_layers=4, num_heads=4, num_kv_heads=2, context_length=256
        ),
        prepare=PrepareConfig(
            data="starter", tokenizer=TokenizerConfig(vocab_size=2048, sample_bytes=6_000_000)
        ),
        # No other order was better, and one source after another forgets (docs/ordering.md).
        curriculum=CurriculumConfig(order="shuffled"),
        # The starter is scored on problems, and its text is only that of a Python installation, so
        # fine-tuning gets more than the usual fifth.
        train=TrainConfig(
            sequences_per_batch=16,
            finetune_share=0.6,
            schedule=ScheduleConfig(learning_rate=8e-3),
            validations=4,
            validation_tokens=4_096,
        ),
        finetune=FinetuneConfig(
            max_epochs=20,
            replay=0.17,
            schedule=ScheduleConfig(learning_rate=5e-3, warmup=0.03, decay="cosine", floor=0.0),
        ),
    )
