"""A laptop and an hour: real text and MathQA on a few cores."""

from corpus.config.curriculum import CurriculumConfig
from corpus.config.finetune import FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.config.prepare import PrepareConfig
from corpus.config.run import RunConfig
from corpus.config.tokenizer import TokenizerConfig
from corpus.config.train import ScheduleConfig, TrainConfig


def cpu() -> RunConfig:
    """A laptop: a few million parameters, text and MathQA of --data DIR or the hub, 45 minutes."""
    return RunConfig(
        recipe="cpu",
        budget="45m",
        model=ModelConfig(
            vocab_size=4096, dim=192, num_layers=4, num_heads=4, num_kv_heads=2, context_length=256
        ),
        # Nine tenths of training are problems, so the tokenizer learns from all of their text:
        # then most of their words are one token.
        prepare=PrepareConfig(
            data="hub",
            tokenizer=TokenizerConfig(vocab_size=4096, sample_bytes=6_600_000, problems_share=0.85),
        ),
        # No other order was better, and one source after another forgets (docs/ordering.md).
        curriculum=CurriculumConfig(order="shuffled"),
        # Not 80/20: on so small a budget MathQA needs nine tenths for its one or two dozen epochs.
        train=TrainConfig(
            sequences_per_batch=16, finetune_share=0.9, schedule=ScheduleConfig(learning_rate=6e-3)
        ),
        # Whole programs, normal forms, word dropout and self-training are for unseen templates, and
        # so is one example of each wording in an epoch (docs/experiments.md).
        finetune=FinetuneConfig(
            max_epochs=24,
            replay=0.17,
            normal_form=True,
            whole_programs=1,
            twin_exponent=0.0,
            word_dropout=0.15,
            self_training=0.5,
            schedule=ScheduleConfig(learning_rate=3e-3, warmup=0.03, decay="cosine", floor=0.0),
        ),
        expected_tokens_per_second=8_000,
    )
