"""What a study asks: its runs, their budgets and their configs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from corpus.base.errors import ConfigError, did_you_mean
from corpus.base.plain import to_plain
from corpus.base.units import parse_budget
from corpus.config.checks import expect
from corpus.config.finetune import GrpoConfig
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.config.train import TrainConfig
from corpus.study.folder import Item
from corpus.study.orders import CONTROL, Order, parse_order

TAIL = 0.3
"""Share at the end of a run in which its schedules differ; before it their runs are equal."""

FINETUNE = "--finetune-budget"

NO_END = 1_000_000
"""More epochs than any fine-tuning has."""

LEAST_STEPS = 10
"""Steps below which a run is no training."""

ENDPOINT = "mean held-out loss of the sources, by their weights, in nats per token"


def _decay(train: TrainConfig) -> TrainConfig:
    schedule = replace(train.schedule, decay="stable", decay_share=TAIL, floor=0.0)
    return replace(train, schedule=schedule, averaging=0.0)


def _average(train: TrainConfig) -> TrainConfig:
    schedule = replace(train.schedule, decay="stable", decay_share=TAIL, floor=1.0)
    return replace(train, schedule=schedule, averaging=TAIL)


SCHEDULES: dict[str, Callable[[TrainConfig], TrainConfig]] = {"decay": _decay, "average": _average}
"""decay: a stable rate, which falls at the end (arXiv:2405.18392). average: the rate stays, and the
weights of the end are averaged; a falling rate wastes what is read last (arXiv:2511.18903)."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """What every kind of study asks: its runs share text, schedules and seeds."""

    config: RunConfig
    """The model, the text and the budget of pre-training of every run."""
    schedules: tuple[str, ...] = ("decay",)
    seeds: int = 5
    """The most seeds that are run, from that of `config` on."""
    finetune: str = ""
    """The budget of fine-tuning after pre-training, in tokens or steps; empty for none."""
    margin: float = 0.01
    """The smallest difference that matters, in nats per token."""
    alpha: float = 0.05
    """Probability of a false claim."""

    noun: ClassVar[str] = "run"
    """What is compared, in a sentence."""
    control: ClassVar[str] = CONTROL
    """What the others are compared with."""
    left_out: ClassVar[str] = ""
    """What a failed run means, in a sentence."""
    recorded: ClassVar[tuple[str, ...]] = ()
    """The fields that are written down beside `config`."""

    def __post_init__(self) -> None:
        check_list("--schedules", self.schedules, least=1, known=SCHEDULES)
        expected = "2 or more (5 are the least for a claim): the scatter between seeds is measured"
        expect(self.seeds >= 2, "--seeds", self.seeds, expected)
        usable = 0 < self.margin < math.inf
        expect(usable, "--margin", self.margin, "nats per token above 0, such as 0.01")
        expect(0 < self.alpha < 1, "--alpha", self.alpha, "a probability, such as 0.05")
        for name, budget in self.budgets.items():
            self._check_budget(name, budget)
        for item in (self.items[0], self.items[-1]):
            _ = self.run_config(item), self.tuning_config(item)

    def _check_budget(self, name: str, budget: str) -> None:
        if not budget:
            return
        if parse_budget(budget).is_clock:
            raise ConfigError(
                f"{name} {budget} is a time, and in a study every {self.noun} has to read the "
                "same; give tokens or steps, such as '1M tokens'"
            )
        if name == FINETUNE:
            expect(self._steps(budget) >= 1, name, budget, "at least a step")
        else:
            expected = f"at least {LEAST_STEPS} steps of {self.config.batch_tokens:,} tokens"
            expect(self._steps(budget) >= LEAST_STEPS, name, budget, expected)

    @property
    def budgets(self) -> dict[str, str]:
        """The budgets by flag; an empty one is not used."""
        return {"--budget": self.config.budget, FINETUNE: self.finetune}

    @property
    def copied(self) -> Mapping[str, Path]:
        """Files that the study keeps a copy of, by file name."""
        return {}

    @property
    def seed_numbers(self) -> range:
        """The seeds that are run, from that of the config on."""
        return range(self.config.seed, self.config.seed + self.seeds)

    @property
    def items(self) -> list[Item]:
        """All runs, in the order in which they are trained."""
        raise NotImplementedError

    def config_of(self, item: Item) -> RunConfig:
        """Return the model and the budget of pre-training of a run."""
        return self.config

    @property
    def data_config(self) -> RunConfig:
        """The config of preparation."""
        return self.config

    @property
    def num_steps(self) -> int:
        """Steps of pre-training of each run."""
        return self._steps(self.config.budget)

    @property
    def num_tuning_steps(self) -> int:
        """Steps of fine-tuning of each run."""
        return self._steps(self.finetune) if self.finetune else 0

    def _steps(self, text: str) -> int:
        budget = parse_budget(text)
        return int(budget.amount // (1 if budget.kind == "steps" else self.config.batch_tokens))

    def steps(self, item: Item) -> int:
        """Return the steps of pre-training of a run."""
        return self._steps(self.config_of(item).budget)

    @property
    def num_tokens(self) -> int:
        """Tokens that each run reads in pre-training."""
        return self.num_steps * self.config.batch_tokens

    @property
    def compared(self) -> tuple[ModelConfig, int]:
        """The model, and the tokens it reads in pre-training, of which conclusions are drawn."""
        return self.config.model, self.num_tokens

    @property
    def num_shared_steps(self) -> int:
        """Steps at the beginning of a run which do not depend on its schedule."""
        return int(self.num_steps * (1 - TAIL) + 1e-9)

    def run_config(self, item: Item) -> RunConfig:
        """Return the config of the pre-training of one run.

        No step is skipped as a spike: which one that is depends on the order.
        """
        config = self.config_of(item)
        train = SCHEDULES[item.schedule](config.train)
        return replace(
            config,
            seed=item.seed,
            budget=f"{self.steps(item)} steps",
            train=replace(train, finetune_share=0.0, spike_factor=0.0),
            finetune=replace(config.finetune, method="full"),
        )

    def tuning_config(self, item: Item) -> RunConfig:
        """Return the config of the fine-tuning of one run: the same for all of a seed.

        Weights are not averaged, no run learns from programs of its own or has tokens for whole
        programs, and epochs do not end it.
        """
        config, tuning = self.config_of(item), self.num_tuning_steps
        total = self.steps(item) + tuning
        train = replace(
            config.train, finetune_share=tuning / total, averaging=0.0, spike_factor=0.0
        )
        return replace(
            config,
            seed=item.seed,
            budget=f"{total} steps",
            train=train,
            finetune=replace(
                config.finetune,
                self_training=0.0,
                grpo=GrpoConfig(),
                whole_programs=0,  # a study's runs share the tokenizer of the text
                max_epochs=NO_END,
                **({} if tuning else {"method": "full"}),
            ),
            evaluate=replace(config.evaluate, votes=(), retrieval=False),
        )

    def to_json(self) -> dict[str, Any]:
        """Return what decides the study's results, JSON-ready."""
        plain = {name: getattr(self, name) for name in self.recorded}
        return {
            **{name: list(value) if isinstance(value, tuple) else value
               for name, value in plain.items()},
            "endpoint": ENDPOINT,
            "config": to_plain(self.config),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Study(Design):
    """A study of orders as it is asked for; its runs differ in order, schedule and seed alone."""

    orders: tuple[str, ...]
    difficulty: str = "unigram"
    """The measure of orders by difficulty that name none."""
    own: Mapping[str, Path] = field(default_factory=dict, compare=False)
    """Where the files of the user's own orders are, by file name."""

    noun: ClassVar[str] = "order"
    left_out: ClassVar[str] = "Its order makes no claim."
    recorded: ClassVar[tuple[str, ...]] = (
        "orders", "schedules", "seeds", "finetune", "difficulty", "margin", "alpha"
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_list("--orders", self.orders, least=2)
        if CONTROL not in self.orders:
            raise ConfigError(
                f"--orders {','.join(self.orders)} has no {CONTROL!r}, which the others are "
                f"compared with; give {CONTROL},{','.join(self.orders)}"
            )
        super().__post_init__()
        _ = self.parsed_orders

    @property
    def copied(self) -> Mapping[str, Path]:
        """The files of the user's own orders."""
        return self.own

    @cached_property
    def parsed_orders(self) -> dict[str, Order]:
        """The orders by name. Raises `ConfigError` for one that is not there."""
        found = {
            name: parse_order(name, difficulty=self.difficulty, own=self.own)
            for name in self.orders
        }
        folders = [Item(order=name, schedule="", seed=0).name for name in found]
        if len(set(folders)) < len(folders):
            raise ConfigError(
                f"--orders {','.join(self.orders)}: two have the same name but for signs; rename "
                "one of them"
            )
        kinds = {}
        for name, order in found.items():
            if order.kind in kinds:
                raise ConfigError(
                    f"--orders has {kinds[order.kind]!r} and {name!r}, which are the same order; "
                    "leave one of them out"
                )
            kinds[order.kind] = name
        return found

    @property
    def num_sequences(self) -> int:
        """Sequences that each run reads."""
        return self.num_steps * self.config.train.sequences_per_batch

    @property
    def items(self) -> list[Item]:
        """All runs, seed by seed, so that every order is known for the same seeds."""
        return [
            Item(order=order, schedule=schedule, seed=seed)
            for seed in self.seed_numbers
            for order in self.orders
            for schedule in self.schedules
        ]

    @property
    def treatments(self) -> tuple[str, ...]:
        """The orders that are compared with `CONTROL`."""
        return tuple(name for name in self.orders if name != CONTROL)

    def to_json(self) -> dict[str, Any]:
        """Return what decides the study's results, JSON-ready."""
        code = {name: order.code for name, order in self.parsed_orders.items() if order.code}
        return {**super().to_json(), "code": code}


def check_list(
    name: str, values: Sequence[str], *, least: int, known: dict[str, Any] | None = None
) -> None:
    """Raise `ConfigError` if names are missing, unknown or given twice."""
    shown = ",".join(values)
    if len(values) < least or "" in values:
        raise ConfigError(f"{name} {shown!r} needs {least} names or more, separated by commas")
    if len(set(values)) < len(values):
        raise ConfigError(f"{name} {shown} names one of them twice")
    for value in values if known is not None else ():
        if value not in (known or {}):
            raise ConfigError(
                f"{name} has {value!r}; known are {', '.join(known or {})}."
                f"{did_you_mean(value, known or {})}"
            )
