"""Settings of the problem sets."""

from dataclasses import dataclass
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.config.checks import expect


@dataclass(frozen=True, kw_only=True)
class ProblemsConfig:
    """Which problems are trained on and scored, and which are generated."""

    sets: tuple[str, ...] = ()
    """Problem sets of the data to use, such as gsm8k svamp; each is trained on if possible.
    Empty: MathQA alone if it is there, else every set that can be trained on but aqua_rat."""

    protocol: Literal["", "svamp", "asdiv", "mawps", "gsm8k", "mathqa"] = ""
    """Train on and score what a published protocol says, as `corpus benchmark` does.
    svamp: MAWPS and ASDiv-A, scored on SVAMP. asdiv, mawps: four folds, scored on the fifth."""

    fold: int = 0
    """The fold that asdiv and mawps score, 0…4."""

    heldout_share: float = 0.1
    """Share of templates held out and scored, for sets without a dev file, 0…1. 0 trains on all.
    Whole templates are held out, so no scored problem has a twin in training."""

    generated_train: int = 20_000
    """Generated training problems, if the data has no problem set to train on.
    0: none; that needs symbolic_train."""

    generated_heldout: int = 1_000
    """Generated problems from held-out templates, scored if generated problems are trained on."""

    symbolic_train: int = 0
    """Generated training problems over expressions (differentiate, solve, factor …). 0: none.
    Their programs are executed to check them, a few dozen a second."""

    symbolic_heldout: int = 0
    """Generated problems over expressions from held-out templates, scored as symbolic."""

    tuning_share: float = 0.0
    """Share of training problems to choose settings by, 0…1: held out, and scored in place of dev.
    Whole templates, those with the fewest problems first, so none has a twin in training."""

    decontaminate: bool = True
    """Leave out training problems that contain a problem of a known evaluation set.
    Known are all dev, test, held-out and tuning files, scored or not; options are not compared.
    One contains the other if it shares half of its words in runs of 8 or more.
    Problems over expressions are kept apart by their templates instead."""

    drop_twins: bool = False
    """Leave out twins too: problems that equal an evaluation problem except for its numbers.
    Most of MathQA has twins, so this changes what is measured. Twins are counted either way."""

    repair: bool = True
    """Give a training problem another program if its own does not give the gold answer.
    The program is one that gives the gold answers of most of its twins (at least 3), or that of a
    similar problem. problems/repairs.jsonl lists each change. Held-out problems are never read."""

    def __post_init__(self) -> None:
        train, heldout = self.symbolic_train, self.symbolic_heldout
        expect(
            self.generated_heldout >= 1,
            "problems.generated_heldout",
            self.generated_heldout,
            "1 or more",
        )
        for name in ("symbolic_train", "symbolic_heldout"):
            value = getattr(self, name)
            expect(value >= 0, f"problems.{name}", value, "0 (none) or more")
        if bool(train) != bool(heldout):
            raise ConfigError(
                f"problems.symbolic_train is {train} and problems.symbolic_heldout {heldout}; such "
                "problems are trained on and scored, so set both above 0 or both to 0"
            )
        expect(
            self.generated_train >= (0 if train else 1),
            "problems.generated_train",
            self.generated_train,
            "1 or more, or 0 beside problems.symbolic_train",
        )
        if self.protocol and self.sets:
            raise ConfigError(
                f"problems.protocol {self.protocol} says which sets are used; leave out "
                f"problems.sets ({' '.join(self.sets)})"
            )
        expect(0 <= self.fold < 5, "problems.fold", self.fold, "0 to 4")
        if self.fold and self.protocol not in ("asdiv", "mawps"):
            raise ConfigError(
                f"problems.fold is {self.fold}, but only the protocols asdiv and mawps have folds"
            )
        if self.drop_twins and not self.decontaminate:
            raise ConfigError(
                "problems.drop_twins needs problems.decontaminate, which is off; turn it on too"
            )
        for name in ("tuning_share", "heldout_share"):
            share = getattr(self, name)
            expected = "a share from 0 to below 1, such as 0.06"
            expect(0 <= share < 1, f"problems.{name}", share, expected)
