"""A study of mixtures: which shares of the sources should be trained on?

Small models are trained on mixtures that are drawn around the natural shares. A law of their losses
predicts the best mixture, which a second, larger size then checks, beside the natural shares.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import read_json, write_json
from corpus.config.checks import expect
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.config.study import MIXTURES
from corpus.study.design import FINETUNE, Design
from corpus.study.folder import Item, StudyFolder
from corpus.study.orders import CONTROL
from corpus.study.record import read_design, read_digest, rebuild
from corpus.study.shares import PROPORTIONAL, UNIFORM, Shares, check_text, cut, draw_mixtures, fits

LEAST_MIXTURES = 4

BEST = "best"
"""The name of the predicted best mixture."""

FIRST, SECOND = "first", "second"
"""The sizes: all mixtures are trained at the first, three of them at the second."""

CHECKED = (PROPORTIONAL, UNIFORM, BEST)
"""The mixtures that are trained at the second size; the first one is the control."""

LARGER = 2
"""How many times as wide and as long the second size is, unless it is given."""

_FIX = "Delete it, and it is written again when the study goes on."


@dataclass(frozen=True, kw_only=True)
class MixtureStudy(Design):
    """A study of mixtures as it is asked for; its runs differ in shares, size and seed."""

    mixtures: int = 16
    """Mixtures at the first size, the proportional and the uniform one among them."""
    second_dim: int | None = None
    """The width of the second model; None for `LARGER` times the first."""
    second_budget: str = ""
    """Its budget; empty for `LARGER` times the first, or the same if the text is too little."""

    noun: ClassVar[str] = "mixture"
    control: ClassVar[str] = PROPORTIONAL
    left_out: ClassVar[str] = "Its mixture is left out."
    recorded: ClassVar[tuple[str, ...]] = (
        "mixtures", "second_dim", "second_budget", "schedules", "seeds", "margin", "alpha"
    )  # fmt: skip

    def __post_init__(self) -> None:
        expected = "4 or more: proportional, uniform and two that are drawn are the least for a law"
        expect(self.mixtures >= LEAST_MIXTURES, "--mixtures", self.mixtures, expected)
        if len(self.schedules) > 1:
            raise ConfigError(
                f"--schedules {','.join(self.schedules)}: a study of mixtures has one schedule; "
                "give --schedules decay or --schedules average"
            )
        if self.finetune:
            raise ConfigError(
                f"{FINETUNE} is of studies of orders; a study of mixtures compares text alone. "
                "Leave it out"
            )
        weights = self.config.curriculum.weights
        if weights and not any(weights.values()):
            raise ConfigError(
                "curriculum.weights are all 0; in a study of mixtures they are the weights of the "
                "held-out losses, so give a source a weight above 0"
            )
        first = self.config.model.dim
        expect(self.second_width >= first, "--second-dim", self.second_width, f"{first} or more")
        super().__post_init__()

    @property
    def budgets(self) -> dict[str, str]:
        """The budgets by flag; an empty one is not used."""
        return {**super().budgets, "--second-budget": self.second_budget}

    @property
    def names(self) -> list[str]:
        """The mixtures of the first size."""
        drawn = (f"mix{place:02d}" for place in range(1, self.mixtures - 1))
        return [PROPORTIONAL, UNIFORM, *drawn]

    def runs(self, size: str) -> dict[str, list[Item]]:
        """Return the runs of a size by mixture."""
        names = self.names if size == FIRST else CHECKED
        return {
            name: [
                Item(order=CONTROL, schedule=self.schedules[0], seed=seed, mixture=name, size=size)
                for seed in self.seed_numbers
            ]
            for name in names
        }

    @property
    def items(self) -> list[Item]:
        """All runs: the first size before the second, seed by seed."""
        return [
            item
            for size in (FIRST, SECOND)
            for of_seed in zip(*self.runs(size).values())
            for item in of_seed
        ]

    @property
    def second_width(self) -> int:
        """The width of the second model."""
        return LARGER * self.config.model.dim if self.second_dim is None else self.second_dim

    @property
    def second_model(self) -> ModelConfig:
        """The second model: as the first, wider. Raises `ConfigError` if no heads fit."""
        return widened(self.config.model, self.second_width)

    @property
    def second_steps(self) -> int:
        """Steps of a run of the second size."""
        return self._steps(self.second_budget) if self.second_budget else LARGER * self.num_steps

    def total(self, size: str) -> int:
        """Return the sequences of a run of a size."""
        steps = self.num_steps if size == FIRST else self.second_steps
        return steps * self.config.train.sequences_per_batch

    def config_of(self, item: Item) -> RunConfig:
        """Return the model and the budget of a run."""
        if item.size == FIRST:
            return self.config
        return replace(self.config, model=self.second_model, budget=f"{self.second_steps} steps")

    @property
    def compared(self) -> tuple[ModelConfig, int]:
        """The second model, and the tokens it reads."""
        return self.second_model, self.second_steps * self.config.batch_tokens

    @property
    def data_config(self) -> RunConfig:
        """The config of preparation: a hub is asked for text from which mixtures can be drawn."""
        return replace(self.config, budget=f"{2 * self.second_steps} steps")

    def to_json(self) -> dict[str, Any]:
        """Return what decides the study's results, JSON-ready."""
        return {"kind": MIXTURES, **super().to_json()}


def widened(model: ModelConfig, dim: int) -> ModelConfig:
    """Return a model of another width, with heads of the same width if that fits.

    Query heads that share a key/value head stay as many as possible. Raises `ConfigError` for an
    odd width.
    """
    if dim == model.dim:
        return model
    ratio = dim / model.dim
    wanted = max(1, round(model.num_heads * ratio))
    valid = [
        number
        for number in range(1, max(dim, wanted) + 1)
        if model.head_dim is not None or dim % (2 * number) == 0
    ]
    if not valid:
        raise ConfigError(
            f"--second-dim is {dim}; heads need an even width. Give an even number, such as "
            f"{LARGER * model.dim}"
        )
    heads = min(valid, key=lambda number: (abs(number - wanted), number))
    shared = math.ceil(heads * model.num_kv_heads / model.num_heads)
    pairs = max(number for number in range(1, shared + 1) if heads % number == 0)
    ffn = None if model.ffn_dim is None else round(model.ffn_dim * ratio)
    return replace(model, dim=dim, num_heads=heads, num_kv_heads=pairs, ffn_dim=ffn)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The mixtures of a study, once its text is known."""

    sequences: dict[str, int]
    """How many sequences each source has."""
    first: dict[str, Shares]
    """The mixtures of the first size by name."""
    second: dict[str, Shares]
    """Those of the second size, without the best one."""
    second_steps: int


def draw(study: MixtureStudy, sequences: dict[str, int]) -> Drawn:
    """Draw the mixtures, and decide how long the second size is trained.

    Raises `DataError` if the text is too little.
    """
    first = draw_mixtures(
        sequences, number=study.mixtures, total=study.total(FIRST), seed=study.config.seed
    )
    both = {name: first[name] for name in (PROPORTIONAL, UNIFORM)}
    if not study.second_budget:
        longer = study.total(SECOND)
        if not all(fits(shares, sequences, longer) for shares in both.values()):
            study = replace(study, second_budget=f"{study.num_steps} steps")
    total = study.total(SECOND)
    check_text(sequences, total)
    return Drawn(
        sequences=sequences,
        first=first,
        second={name: cut(shares, sequences, total) for name, shares in both.items()},
        second_steps=study.second_steps,
    )


def write_drawn(drawn: Drawn, folder: StudyFolder) -> None:
    """Write the mixtures down."""
    write_json(folder.mixtures, {"study": read_digest(folder), **vars(drawn)})


def read_drawn(folder: StudyFolder) -> Drawn:
    """Return the mixtures that were written down. Raises `ArtifactError` if they are damaged."""
    plain = read_json(folder.mixtures, fix=_FIX)
    try:
        if plain["study"] != read_digest(folder):
            raise ValueError("it is of another study")
        names = ("sequences", "first", "second", "second_steps")
        return Drawn(**{name: plain[name] for name in names})
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{folder.mixtures} is damaged ({error}). {_FIX}") from None


def load_mixture_study(folder: StudyFolder) -> MixtureStudy:
    """Return the study of a folder, its second budget decided if its mixtures are drawn.

    Raises `ArtifactError` if it is damaged or was edited.
    """
    study = rebuild(MixtureStudy, read_design(folder), folder)
    if folder.mixtures.exists():
        return replace(study, second_budget=f"{read_drawn(folder).second_steps} steps")
    return study
