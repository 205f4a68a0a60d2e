"""One GPU and three hours: the job of the original project."""

from corpus.config.curriculum import CurriculumConfig
from corpus.config.finetune import FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.config.prepare import PrepareConfig
from corpus.config.run import RunConfig
from corpus.config.tokenizer import TokenizerConfig
from corpus.config.train import OptimizerConfig, ScheduleConfig, TrainConfig


def hackathon() -> RunConfig:
    """One GPU: 100M parameters on SlimPajama and MathQA from the hub, three hours."""
    return RunConfig(
        recipe="hackathon",
        budget="3h",
        model=ModelConfig(
            vocab_size=32_768,
            dim=768,
            num_layers=12,
            num_heads=12,
            num_kv_heads=4,
            context_length=1024,
        ),
        prepare=PrepareConfig(
            data="hub", tokenizer=TokenizerConfig(vocab_size=32_768, sample_bytes=200_000_000)
        ),
        # The original project read one source after another: --curriculum.order sequential.
        curriculum=CurriculumConfig(order="shuffled"),
        train=TrainConfig(
            sequences_per_batch=128,
            micro_batch_sequences=32,
            finetune_share=0.2,
            schedule=ScheduleConfig(learning_rate=1.6e-3, floor=0.05),
            optimizer=OptimizerConfig(weight_decay=0.1),
            validations=16,
        ),
        finetune=FinetuneConfig(
            max_epochs=10,
            schedule=ScheduleConfig(learning_rate=6e-4, warmup=0.05, decay="cosine", floor=0.0),
        ),
        expected_tokens_per_second=400_000,
    )
