"""The learning rate as a pure function of progress, so that a clock can drive it."""

import math

from corpus.config.train import ScheduleConfig


def learning_rate(config: ScheduleConfig, progress: float) -> float:
    """Return the learning rate at `progress` 0…1 of a phase: warm-up, then decay to `floor` times the peak at 1."""
    if config.warmup > 0 and progress < config.warmup:
        return config.learning_rate * max(progress / config.warmup, 1e-3)
    begin = (
        max(config.warmup, 1 - config.decay_share) if config.decay == "stable" else config.warmup
    )
    if progress <= begin or begin >= 1:
        return config.learning_rate
    done = min((progress - begin) / (1 - begin), 1.0)
    left = 0.5 * (1 + math.cos(math.pi * done)) if config.decay == "cosine" else 1 - done
    return config.learning_rate * (config.floor + (1 - config.floor) * left)
