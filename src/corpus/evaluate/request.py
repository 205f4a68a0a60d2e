"""A request of `corpus evaluate`: what to score, and where the scores go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from corpus.base.errors import ConfigError
from corpus.base.plain import to_plain
from corpus.config.evaluate import EvaluateConfig
from corpus.config.rope import Reach
from corpus.config.run import RunConfig
from corpus.evaluate.scores import holds_scores
from corpus.problems.problem import Problem
from corpus.run.begin import load_config
from corpus.run.folder import RunFolder
from corpus.run.problems import evaluation_sets, load_problem_files


@dataclass(frozen=True, kw_only=True)
class Request:
    """A run to score, on its own held-out problems or on problem files of the user's."""

    folder: RunFolder
    problems: Sequence[str] = ()
    """Problem files, each SET=PATH; empty scores the run's own held-out problems."""
    output_file: Path | None = None
    """None: the run's scores.json for the run's own scores, else ./scores.json."""
    settings: EvaluateConfig | None = None
    """How the problems are scored; None goes by the run's config."""
    text: bool | None = None
    """Whether held-out text is measured; None: as the run's config says."""
    overlap: bool = True
    """Look for `problems` in the training data."""
    reach: Reach = field(default_factory=Reach)
    """Changes of the model's positions."""
    in_int8: bool = False
    """Score the weights rounded to int8."""

    @cached_property
    def _own(self) -> RunConfig:
        return load_config(self.folder)

    @cached_property
    def config(self) -> RunConfig:
        """The run's config, with the settings of this request."""
        own = self._own
        return own if self.settings is None else replace(own, evaluate=self.settings)

    @cached_property
    def changed(self) -> dict[str, Any]:
        """The settings that change scores and differ from the run's, by name."""
        own, asked = (
            {**to_plain(config.evaluate), "text": None, "batch_size": None}
            for config in (self._own, self.config)
        )
        return {name: value for name, value in asked.items() if value != own[name]}

    @property
    def is_own(self) -> bool:
        """Whether the scores are the run's own: its problems and settings, its weights as they
        were trained."""
        is_as_trained = self.reach.is_as_trained and not self.in_int8
        return not self.problems and is_as_trained and not self.changed

    @property
    def output(self) -> Path:
        """The file that the scores go to."""
        own = self.folder.scores if self.is_own else Path("scores.json")
        return self.output_file or own

    @property
    def outcomes(self) -> Path:
        """The folder that the outcome of each problem goes to."""
        beside = self.output.with_name(f"{self.output.name}.outcomes")
        return self.folder.outcomes if self.is_in_run else beside

    @property
    def is_in_run(self) -> bool:
        """Whether the scores go into the run folder."""
        return self.output.resolve() == self.folder.scores.resolve()

    @cached_property
    def sets(self) -> Mapping[str, Sequence[Problem]]:
        """The problems to score, by set.

        Raises `DataError` or `ArtifactError` if they cannot be read.
        """
        return load_problem_files(self.problems) if self.problems else evaluation_sets(self.folder)

    def check(self) -> None:
        """Raise `ConfigError` if the scores would replace something else."""
        if self.in_int8 and self.output_file is None:
            raise ConfigError(
                "--weights int8 needs --output FILE: the run's own scores are those of its fp32 "
                "weights"
            )
        output, other = self.output, RunFolder(self.output.parent)
        if self.is_in_run and not self.is_own:
            raise ConfigError(
                f"{output} is the run's own scores, of the model as it was trained and with the "
                "run's settings; give another --output"
            )
        if (
            not self.is_in_run
            and other.scores.resolve() == output.resolve()
            and other.config.exists()
        ):
            raise ConfigError(f"{output} is the scores file of another run; give another --output")
        if output.is_file() and not holds_scores(output):
            raise ConfigError(
                f"{output} exists and holds no scores, so it is not replaced; give another --output"
            )
