"""A run folder as typed records, loaded without torch; parts that are not there yet are listed, damaged parts are errors."""

import json
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json
from corpus.report.formats import is_number

Json = dict[str, Any]

STAGES = ("pretrain", "finetune")
"""The two stages that write metrics, in the order in which they run."""


@dataclass(frozen=True, kw_only=True)
class TrainPoint:
    """One line of training metrics; `seconds` is the training clock of the run, `tokens` and `consumed` add up within the stage.

    The learning rate is not a number where it was not written down (the last line of a stage).
    """

    phase: str
    step: int
    seconds: float
    tokens: float
    loss: float
    learning_rate: float
    consumed: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class ValidationPoint:
    """Held-out loss (nats per token) and next-token accuracy by source, at one moment of training."""

    phase: str
    step: int
    seconds: float
    tokens: float
    loss: dict[str, float]
    accuracy: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something out of the ordinary: a fallback, a skipped step, a resumption."""

    phase: str
    step: int
    seconds: float
    name: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Option:
    """One of the answers a problem offers."""

    letter: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one problem: the program, its results step by step, and the option that was nearest."""

    id: str
    text: str
    options: tuple[Option, ...]
    correct: str | None
    numbers: tuple[float | str, ...]
    """What n0, n1, … are: numbers, or texts of expressions."""
    gold: str | None
    predicted: str | None
    results: tuple[float | str, ...]
    value: float | str | None
    error: str | None
    chosen: str | None
    right: bool
    seen: bool
    answer: float | str | None = None
    """The key where there are no options: a value, or the text of an expression."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything the report says about a run. `missing` holds one sentence for each part that is not there yet."""

    folder: Path
    config: Json
    manifest: Json
    prepared: Json
    train: tuple[TrainPoint, ...] = ()
    validation: tuple[ValidationPoint, ...] = ()
    events: tuple[Event, ...] = ()
    text_scores: dict[str, Json] = field(default_factory=dict)
    problem_scores: dict[str, Json] = field(default_factory=dict)
    outcomes: dict[str, tuple[Outcome, ...]] = field(default_factory=dict)
    num_parameters: int | None = None
    missing: tuple[str, ...] = ()

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Every source the run knows, in the order in which it was first read; sources only scored or prepared follow."""
        names: dict[str, None] = {}
        for point in self.train:
            names.update(
                dict.fromkeys(
                    name
                    for name, tokens in point.consumed.items()
                    if tokens > 0 and name not in names
                )
            )
        for point in self.validation:
            names.update(dict.fromkeys((*point.loss, *point.accuracy)))
        names.update(dict.fromkeys(self.text_scores))
        return tuple(names)

    def stage(self, phase: str) -> tuple[TrainPoint, ...]:
        """The training points of one stage: `pretrain` or `finetune`."""
        return tuple(point for point in self.train if point.phase == phase)

    @property
    def stage_seconds(self) -> dict[str, float]:
        """Seconds of each stage as the manifest counts them; of those that train at least what their clock shows, which outlives a kill."""
        stages = self.manifest.get("stages")
        seconds = (
            {name: float(value) for name, value in stages.items() if is_number(value)}
            if isinstance(stages, dict)
            else {}
        )
        began = 0.0
        for name in STAGES:
            if points := self.stage(name):
                seconds[name] = max(seconds.get(name, 0.0), points[-1].seconds - began)
                began = points[-1].seconds
        return seconds

    def color(self, source: str) -> int:
        """The number of a source in the palette: the same in every chart."""
        return self.sources.index(source)


def load_run(folder: Path) -> Run:
    """Load the run in `folder`.

    Raises:
        ArtifactError: `folder` is no run (it has no config.json), or one of its files is damaged; the message names file and line.
    """
    folder = Path(folder)
    if not (folder / "config.json").exists():
        raise ArtifactError(
            f"{folder} is not a run folder: it has no config.json. Give the folder that `corpus run --out` wrote."
        )
    missing: list[str] = []
    train, validation, events = _metrics(folder / "metrics.jsonl", missing)
    scores = _object(
        folder / "scores.json", missing, "The run is not scored yet: scores.json is not there."
    )
    return Run(
        folder=folder,
        config=_object(folder / "config.json", missing, ""),
        manifest=_object(
            folder / "manifest.json",
            missing,
            "The run's manifest.json is not there yet; times and environment are unknown.",
        ),
        prepared=_object(
            folder / "prepared" / "manifest.json",
            missing,
            "The prepared data's manifest is not there.",
        ),
        train=train,
        validation=validation,
        events=events,
        text_scores=_groups(scores, "text", folder / "scores.json"),
        problem_scores=_groups(scores, "problems", folder / "scores.json"),
        outcomes={
            path.stem: _outcomes(path) for path in sorted((folder / "outcomes").glob("*.jsonl"))
        },
        num_parameters=_count_parameters(folder / "weights"),
        missing=tuple(missing),
    )


def _object(path: Path, missing: list[str], sentence: str) -> Json:
    if not path.exists():
        missing.append(sentence)
        return {}
    plain = read_json(path)
    if not isinstance(plain, dict):
        raise ArtifactError(
            f"{path} holds {type(plain).__name__}, expected a JSON object. Run the stage that writes it again."
        )
    return plain


def _groups(scores: Json, name: str, path: Path) -> dict[str, Json]:
    group = scores.get(name, {})
    if not isinstance(group, dict) or not all(isinstance(value, dict) for value in group.values()):
        raise ArtifactError(
            f"{path}: {name!r} is not an object of objects. Score the run again with `corpus evaluate`."
        )
    return group


def _lines(path: Path) -> Iterator[tuple[str, Json]]:
    """Yield (where, object) for each line; a last line without its newline was cut by a kill and is left out."""
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(
            f"{path} is damaged ({error}). Restore it from a copy, or delete it."
        ) from None
    lines = content.split("\n")
    for number, line in enumerate(lines[:-1], start=1):
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise ArtifactError(
                f"{where} is damaged ({error.msg}). Delete that line and write the report again."
            ) from None
        if not isinstance(record, dict):
            raise ArtifactError(
                f"{where} holds {type(record).__name__}, expected a JSON object. Delete that line."
            )
        yield where, record


def _metrics(
    path: Path, missing: list[str]
) -> tuple[tuple[TrainPoint, ...], tuple[ValidationPoint, ...], tuple[Event, ...]]:
    if not path.exists():
        missing.append("No training metrics yet: metrics.jsonl is not there.")
        return (), (), ()
    train: list[TrainPoint] = []
    validation: list[ValidationPoint] = []
    events: list[Event] = []
    for where, record in _lines(path):
        match record.get("kind"):
            case "train":
                train.append(_train_point(record, where))
            case "validation":
                validation.append(_validation_point(record, where))
            case "event":
                events.append(_event(record, where))
            case other:
                raise ArtifactError(
                    f"{where} has kind {other!r}, expected train, validation or event. Delete that line."
                )
    return tuple(train), tuple(validation), tuple(events)


def _train_point(record: Json, where: str) -> TrainPoint:
    return TrainPoint(
        **_moment(record, where),
        tokens=_number(record, "tokens", where),
        loss=_measure(record, "loss", where),
        learning_rate=_measure({"learning_rate": None, **record}, "learning_rate", where),
        consumed=_by_source(record, "consumed", where, _number),
    )


def _validation_point(record: Json, where: str) -> ValidationPoint:
    return ValidationPoint(
        **_moment(record, where),
        tokens=_number(record, "tokens", where),
        loss=_by_source(record, "loss", where, _measure),
        accuracy=_by_source(record, "accuracy", where, _measure),
    )


def _event(record: Json, where: str) -> Event:
    return Event(
        **_moment(record, where),
        name=str(record.get("name", "event")),
        message=str(record.get("message", "")),
    )


def _moment(record: Json, where: str) -> Json:
    if record.get("phase") not in STAGES:
        raise ArtifactError(
            f"{where} has phase {record.get('phase')!r}, expected {' or '.join(STAGES)}. Delete that line."
        )
    return {
        "phase": record["phase"],
        "step": int(_number(record, "step", where)),
        "seconds": _number(record, "seconds", where),
    }


def _measure(record: Json, name: str, where: str) -> float:
    """The number called `name`, which may be not finite (written as null or NaN)."""
    value = record.get(name, ...)
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        given = "missing" if value is ... else repr(value)
        raise ArtifactError(
            f"{where}: {name} is {given}, expected a number. Delete that line and write the report again."
        )
    return float(value)


def _number(record: Json, name: str, where: str) -> float:
    """The finite number called `name`."""
    value = _measure(record, name, where)
    if not math.isfinite(value):
        raise ArtifactError(
            f"{where}: {name} is {value}, expected a finite number. Delete that line and write the report again."
        )
    return value


def _by_source(
    record: Json, name: str, where: str, read: Callable[[Json, str, str], float]
) -> dict[str, float]:
    group = record.get(name, {})
    if not isinstance(group, dict):
        raise ArtifactError(
            f"{where}: {name} is {group!r}, expected an object of numbers by source. Delete that line."
        )
    return {source: read(group, source, where) for source in group}


def _outcomes(path: Path) -> tuple[Outcome, ...]:
    found = []
    for where, record in _lines(path):
        try:
            found.append(_outcome(record))
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"{where} is not an outcome ({error!r}). Score the run again with `corpus evaluate`."
            ) from None
    return tuple(found)


def _outcome(record: Json) -> Outcome:
    return Outcome(
        id=str(record["id"]),
        text=str(record["text"]),
        options=tuple(
            Option(letter=str(option["letter"]), text=str(option["text"]))
            for option in record["options"]
        ),
        correct=record["correct"],
        numbers=tuple(map(_quantity, record["numbers"])),
        gold=record["gold"],
        predicted=record["predicted"],
        results=tuple(map(_quantity, record["results"])),
        value=None if record["value"] is None else _quantity(record["value"]),
        answer=None if record.get("answer") is None else _quantity(record["answer"]),
        error=record["error"],
        chosen=record["chosen"],
        right=bool(record["right"]),
        seen=bool(record["seen"]),
    )


def _quantity(value: Any) -> float | str:
    """A number, or the text of an expression."""
    return value if isinstance(value, str) else float(value)


def _count_parameters(weights: Path) -> int | None:
    """Count the parameters by the header of the newest weights (8 bytes of length, then JSON); None before there are any.

    Reference: the safetensors format, huggingface.co/docs/safetensors.
    """
    for name in ("final.safetensors", "pretrained.safetensors"):
        path = weights / name
        if not path.exists():
            continue
        try:
            with open(path, "rb") as file:
                header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            return sum(
                math.prod(tensor["shape"])
                for key, tensor in header.items()
                if key != "__metadata__"
            )
        except (
            struct.error,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
            MemoryError,
        ) as error:
            raise ArtifactError(
                f"{path} is damaged ({error!r}). Restore it from a copy, or train again."
            ) from None
    return None
