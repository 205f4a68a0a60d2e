"""Settings of the problem sets."""

from dataclasses import dataclass

from corpus.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ProblemsConfig:
    """Which problems are made where the data holds none."""

    generated_train: int = 20_000
    """Generated training problems, used where the data holds no problem set of its own to train on."""

    generated_heldout: int = 1_000
    """Generated problems from held-out templates, scored where generated problems were trained on."""

    def __post_init__(self) -> None:
        if self.generated_train < 1 or self.generated_heldout < 1:
            raise ConfigError("problems.generated_train and problems.generated_heldout must be 1 or more")
