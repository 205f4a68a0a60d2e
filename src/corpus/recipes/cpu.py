"""A laptop and an hour: real text and real MathQA on a few cores."""

from corpus.config.curriculum import CurriculumConfig
from corpus.config.finetune import FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.config.prepare import PrepareConfig
from corpus.config.run import RunConfig
from corpus.config.tokenizer import TokenizerConfig
from corpus.config.train import ScheduleConfig, TrainConfig


def cpu() -> RunConfig:
    """A laptop: a few million parameters on your own text and MathQA, 45 minutes; needs --data DIR (or hub)."""
    return RunConfig(
        recipe="cpu",
        budget="45m",
        model=ModelConfig(
            vocab_size=4096, dim=192, num_layers=4, num_heads=4, num_kv_heads=2, context_length=256
        ),
        # Nine tenths of what is read are problems, so the tokenizer learns from all of theirs: their words are one token then.
        prepare=PrepareConfig(
            data="hub",
            tokenizer=TokenizerConfig(vocab_size=4096, sample_bytes=6_600_000, problems_share=0.85),
        ),
        # The default order, one source after another, forgets the first source by the time of the last; on so small a budget the
        # others are replayed, so that every source is still known at the end.
        curriculum=CurriculumConfig(order="interleaved", replay=0.5),
        # A budget this small leaves the 80/20 split: nine tenths for MathQA, which needs a dozen epochs or two, the rest for text.
        train=TrainConfig(
            rows_per_batch=16, finetune_share=0.9, schedule=ScheduleConfig(learning_rate=6e-3)
        ),
        # A lower rate than pre-training's, one way to write a program, hidden words and found programs are for templates that were never
        # seen (docs/experiments.md).
        finetune=FinetuneConfig(
            max_epochs=24,
            replay=0.05,
            normal_form=True,
            word_dropout=0.15,
            self_training=0.5,
            schedule=ScheduleConfig(learning_rate=2e-3, warmup=0.03, decay="cosine", floor=0.0),
        ),
        expected_tokens_per_second=8_000,
    )
