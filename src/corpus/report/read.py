"""A run folder as typed records. Missing parts are listed, damaged ones are errors."""

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json
from corpus.base.json_values import parse_own
from corpus.config.aliases import rename_settings
from corpus.report.formats import is_number
from corpus.train.metrics import (
    PHASES,
    History,
    TrainingEvent,
    TrainPoint,
    ValidationPoint,
    read_history,
)

Json = dict[str, Any]
Measures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One of the answers that a problem offers."""

    letter: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one problem; the fields are those of outcomes/SET.jsonl."""

    id: str
    text: str
    options: tuple[Option, ...]
    correct: str | None
    numbers: tuple[float | str, ...]
    gold: str | None
    predicted: str | None
    results: tuple[float | str, ...]
    value: float | str | None
    error: str | None
    chosen: str | None
    right: bool
    seen: bool
    answer: float | str | None = None
    """The gold answer where there are no options."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """All that the report knows about a run; `missing` has a sentence for each missing part."""

    folder: Path
    config: Json
    manifest: Json
    prepared: Json
    train: tuple[TrainPoint, ...] = ()
    validation: tuple[ValidationPoint, ...] = ()
    events: tuple[TrainingEvent, ...] = ()
    text_scores: dict[str, Json] = field(default_factory=dict)
    problem_scores: dict[str, Json] = field(default_factory=dict)
    outcomes: dict[str, tuple[Outcome, ...]] = field(default_factory=dict)
    num_parameters: int | None = None
    missing: tuple[str, ...] = ()

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Every source in the order of first reading; those only validated or scored follow."""
        read = (name for point in self.train for name, n in point.consumed.items() if n > 0)
        held_out = (name for point in self.validation for name in (*point.loss, *point.accuracy))
        return tuple(dict.fromkeys((*read, *held_out, *self.text_scores)))

    def color(self, source: str) -> int:
        """The number of a source in the palette: the same in every chart."""
        return self.sources.index(source)

    def stage(self, phase: str) -> tuple[TrainPoint, ...]:
        """The training points of one stage: `pretrain` or `finetune`."""
        return tuple(point for point in self.train if point.phase == phase)

    def setting(self, path: str) -> Any:
        """A value of the manifest, else of the config, by its dotted path, else None."""
        for tree in (self.manifest, self.config):
            value: Any = tree
            for name in path.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            if value is not None:
                return value
        return None

    @property
    def stage_seconds(self) -> Measures:
        """Seconds of each stage by the manifest; for training at least those of its metrics.

        The metrics survive a kill, which the manifest's entry does not.
        """
        stages = self.setting("stages")
        given = stages.items() if isinstance(stages, dict) else ()
        seconds = {name: float(value) for name, value in given if is_number(value)}
        began = 0.0
        for name in PHASES:
            if points := self.stage(name):
                seconds[name] = max(seconds.get(name, 0.0), points[-1].seconds - began)
                began = points[-1].seconds
        return seconds


def load_run(folder: Path) -> Run:
    """Load the run in `folder`.

    Raises:
        ArtifactError: `folder` has no config.json, or a file is damaged; names file and line.
    """
    folder = Path(folder)
    if not (folder / "config.json").exists():
        raise ArtifactError(
            f"{folder} is not a run folder: it has no config.json. "
            "Give the folder that `corpus run --out` wrote."
        )
    missing: list[str] = []
    history = _history(folder / "metrics.jsonl", missing)
    scores = _object(
        folder / "scores.json", missing, "The run is not scored yet: scores.json is not there."
    )
    outcomes = sorted((folder / "outcomes").glob("*.jsonl"))
    return Run(
        folder=folder,
        config=rename_settings(_object(folder / "config.json", missing, ""), where="config.json"),
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
        train=history.train,
        validation=history.validation,
        events=history.events,
        text_scores=_groups(scores, "text", folder / "scores.json"),
        problem_scores=_groups(scores, "problems", folder / "scores.json"),
        outcomes={path.stem: _outcomes(path) for path in outcomes},
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
            f"{path} holds {type(plain).__name__}, expected a JSON object. "
            "Run the stage that writes it again."
        )
    return plain


def _groups(scores: Json, name: str, path: Path) -> dict[str, Json]:
    group = scores.get(name, {})
    if not isinstance(group, dict) or not all(isinstance(value, dict) for value in group.values()):
        raise ArtifactError(
            f"{path}: {name!r} is not an object of objects. "
            "Score the run again with `corpus evaluate`."
        )
    return group


def _lines(path: Path) -> Iterator[tuple[str, Json]]:
    """Yield (where, object) of each line; leave out a last line that a kill cut off."""
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(
            f"{path} is damaged ({error}). Restore it from a copy, or delete it."
        ) from None
    for number, line in enumerate(content.split("\n")[:-1], start=1):
        where = f"{path}, line {number}"
        try:
            record = parse_own(line)
        except ValueError as error:
            raise _bad_line(where, f"is damaged ({error})") from None
        if not isinstance(record, dict):
            raise _bad_line(where, f"holds {type(record).__name__}, expected a JSON object")
        yield where, record


def _bad_line(where: str, what: str) -> ArtifactError:
    return ArtifactError(f"{where} {what}. Delete that line and write the report again.")


def _history(path: Path, missing: list[str]) -> History:
    if path.exists():
        return read_history(path)
    missing.append("No training metrics yet: metrics.jsonl is not there.")
    return History()


def _outcomes(path: Path) -> tuple[Outcome, ...]:
    found = []
    for where, record in _lines(path):
        try:
            found.append(_outcome(record))
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"{where} is not an outcome ({error!r}). "
                "Score the run again with `corpus evaluate`."
            ) from None
    return tuple(found)


def _outcome(record: Json) -> Outcome:
    options = (
        Option(letter=str(each["letter"]), text=str(each["text"])) for each in record["options"]
    )
    return Outcome(
        **{name: record[name] for name in ("correct", "gold", "predicted", "error", "chosen")},
        id=str(record["id"]),
        text=str(record["text"]),
        options=tuple(options),
        numbers=tuple(map(_quantity, record["numbers"])),
        results=tuple(map(_quantity, record["results"])),
        value=None if record["value"] is None else _quantity(record["value"]),
        answer=None if record.get("answer") is None else _quantity(record["answer"]),
        right=bool(record["right"]),
        seen=bool(record["seen"]),
    )


def _quantity(value: Any) -> float | str:
    """A number, or the text of an expression."""
    return value if isinstance(value, str) else float(value)


def _count_parameters(weights: Path) -> int | None:
    """Count the parameters of the newest weights by their header; None before there are any.

    Reference: the safetensors format, huggingface.co/docs/safetensors.
    """
    for name in ("final.safetensors", "pretrained.safetensors"):
        if (weights / name).exists():
            return _parameters_in(weights / name)
    return None


def _parameters_in(path: Path) -> int:
    try:
        with open(path, "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        tensors = (tensor for name, tensor in header.items() if name != "__metadata__")
        return sum(math.prod(tensor["shape"]) for tensor in tensors)
    except (struct.error, ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
            MemoryError) as error:  # fmt: skip
        raise ArtifactError(
            f"{path} is damaged ({error!r}). Restore it from a copy, or train again."
        ) from None
