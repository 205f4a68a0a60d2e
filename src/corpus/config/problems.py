"""Settings of the problem sets."""

from dataclasses import dataclass

from corpus.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ProblemsConfig:
    """Which problems are trained on and scored, and which are made where the data holds none."""

    sets: tuple[str, ...] = ()
    """Problem sets of the data that belong to the run, such as `gsm8k svamp`: each is trained on where it can be. Empty takes MathQA alone where
    the data has it, and otherwise every set that can be trained on."""

    heldout_share: float = 0.1
    """Share of the templates of a set without a dev file that is kept out of training and scored; 0 trains on all of it. Problems of one template
    stay together, so none of those scored has a twin in training."""

    generated_train: int = 20_000
    """Generated training problems, used where the data holds no problem set of its own to train on; 0 makes none, where
    `symbolic_train` makes others."""

    generated_heldout: int = 1_000
    """Generated problems from held-out templates, scored where generated problems were trained on."""

    symbolic_train: int = 0
    """Generated training problems over expressions (differentiate, solve, factor …), beside the others; 0 makes none. Their programs are
    executed while they are made, some dozens a second."""

    symbolic_heldout: int = 0
    """Generated problems over expressions from held-out templates, scored as `symbolic`."""

    tuning_share: float = 0.0
    """Share of the training problems that is kept out of training and scored in place of the dev split, for choosing settings by; 0 trains on all
    problems. Whole templates, those with the fewest problems first: none of those scored has a twin in training, and few have one among
    themselves."""

    decontaminate: bool = True
    """Leave out training problems that hold a problem of an evaluation set the run knows: every dev, test, held-out or tuning file, whether or
    not it is scored. A question counts with other options too, and where half of its words lie in stretches of 8 or more that both share.
    Problems over expressions are held apart by their templates instead."""

    drop_twins: bool = False
    """Leave out twins as well: training problems that differ from an evaluation problem in their numbers alone. Most of MathQA has twins, so
    this changes what is measured; they are counted either way."""

    def __post_init__(self) -> None:
        if self.generated_heldout < 1:
            raise ConfigError(
                f"problems.generated_heldout is {self.generated_heldout}; expected 1 or more"
            )
        if self.symbolic_train < 0 or self.symbolic_heldout < 0:
            raise ConfigError(
                "problems.symbolic_train and problems.symbolic_heldout must be 0 (none) or more"
            )
        if bool(self.symbolic_train) != bool(self.symbolic_heldout):
            raise ConfigError(
                f"problems.symbolic_train is {self.symbolic_train} and problems.symbolic_heldout {self.symbolic_heldout}; what is trained on is "
                "scored, so give both, or neither"
            )
        if self.generated_train < (0 if self.symbolic_train else 1):
            raise ConfigError(
                f"problems.generated_train is {self.generated_train}; expected 1 or more, or 0 beside problems.symbolic_train"
            )
        if self.drop_twins and not self.decontaminate:
            raise ConfigError(
                "problems.drop_twins leaves out more than problems.decontaminate, which is off; turn it on as well"
            )
        for name in ("tuning_share", "heldout_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"problems.{name} is {getattr(self, name)}; expected a share from 0 to below 1, such as 0.06"
                )
