"""What a run is trained on, as its config asks for it: text, problems, and the loaders of both."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from corpus.base.errors import DataError
from corpus.base.seeds import derive
from corpus.config.curriculum import PROBLEMS
from corpus.config.run import RunConfig
from corpus.data.batch import Batch
from corpus.data.curriculum import CurriculumPhase, plan_phases, unordered
from corpus.data.loader import TextLoader
from corpus.data.prepared import Prepared
from corpus.finetune.examples import (
    Example,
    SelectedExamples,
    frequent_programs,
    in_normal_form,
    normal_forms,
    select_examples,
)
from corpus.finetune.loader import ProblemLoader
from corpus.problems.problem import Problem
from corpus.run.folder import RunFolder
from corpus.run.problems import evaluation_sets, training_problems
from corpus.text.tokenizer import EOS, PAD

VALIDATION_PROBLEMS = 256
"""Held-out problems of each set whose loss is measured during fine-tuning."""


class TrainingData:
    """The data of a run. Each loader that it returns starts at its beginning."""

    def __init__(self, config: RunConfig, folder: RunFolder) -> None:
        """Open the prepared text and select the problems that can be trained on."""
        self._config, self._folder = config, folder
        self.prepared = Prepared.open(folder.prepared)
        problems = training_problems(folder)
        self._given = Counter(problem.set_name for problem in problems)
        self.forms = normal_forms(problems) if config.finetune.normal_form else None
        written = self.written(problems)
        self.tokenizer = self.prepared.tokenizer
        self.selected = self._select(written)
        if least := config.finetune.whole_programs:
            programs = frequent_programs(self.selected.problems, least)
            if programs:
                self.tokenizer = self.tokenizer.with_programs(programs)
                self.selected = self._select(written)

    def _select(self, problems: Sequence[Problem]) -> SelectedExamples:
        return select_examples(
            problems,
            self.tokenizer,
            max_length=self._config.model.context_length,
            checked_only=self._config.finetune.checked_only,
        )

    def written(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        """Return the problems with their programs as the model learns to write them."""
        return problems if self.forms is None else in_normal_form(problems, self.forms)

    def describe(self) -> list[str]:
        """Return lines that say what is read in which order, and which problems are trained on."""
        return [*self._describe_text(), *self._describe_problems()]

    def _describe_text(self) -> list[str]:
        """Return lines about the curriculum, where there is pre-training."""
        config = self._config.curriculum
        if self._config.train.finetune_share == 1:
            return []
        names = [phase.name for phase in self.phases]
        lines = [f"text       {config.order}: {', '.join(names)}"]
        if by_name := unordered(config, list(self.prepared.train)):
            lines.append(
                f"           {', '.join(by_name)} are in alphabetical order; for another one set "
                "--curriculum.sources"
            )
        return lines

    def _describe_problems(self) -> list[str]:
        counts, selected = self.selected.counts, self.selected
        left_out = ", ".join(
            f"{count:,} {name.replace('_', ' ')}"
            for name, count in counts.items()
            if name not in ("given", "used") and count
        )
        used = f"{counts['used']:,} of {counts['given']:,} are trained on"
        lines = [f"problems   {used}" + (f" (left out: {left_out})" if left_out else "")]
        if self.forms is not None:
            lines.append(
                f"programs   {self.forms.num_programs:,} different ones, "
                f"{len(selected.programs):,} in normal form"
            )
        if self.tokenizer.programs:
            tokens = [example.answer is not None for example in selected.examples]
            lines.append(
                f"           {len(self.tokenizer.programs):,} have a token of their own, for "
                f"{sum(tokens):,} of {len(tokens):,} problems"
            )
        if len(self._given) > 1:
            by_set = Counter(problem.set_name for problem in selected.problems)
            sets = (f"{by_set[name]:,} of {count:,} {name}" for name, count in self._given.items())
            lines.append(f"           by set: {', '.join(sets)}")
        return lines

    @cached_property
    def pretrain_sources(self) -> dict[str, np.ndarray]:
        """Tokens by source; training problems are among them where an anneal mixes them in."""
        sources = dict(self.prepared.train.tokens)
        if self._config.curriculum.anneal > 0:
            examples = [np.array(example.tokens) for example in self.selected.examples]
            sources[PROBLEMS] = np.concatenate(examples)
        return sources

    @property
    def phases(self) -> tuple[CurriculumPhase, ...]:
        """The curriculum of pre-training."""
        return plan_phases(self._config.curriculum, list(self.pretrain_sources))

    def pretrain_loader(self) -> TextLoader:
        """Return the batches of pre-training."""
        return self._text_loader(self.pretrain_sources, self.phases, "pretrain")

    def finetune_loader(self) -> ProblemLoader:
        """Return the batches of fine-tuning: problems, with text of all sources replayed."""
        config, text = self._config, dict(self.prepared.train.tokens)
        curriculum = replace(config.curriculum, order="shuffled", anneal=0.0)
        return ProblemLoader(
            self.selected.examples,
            self._text_loader(text, plan_phases(curriculum, list(text)), "replay"),
            seq_length=config.model.context_length,
            batch_size=config.train.sequences_per_batch,
            pad_id=self.tokenizer.token_id(PAD),
            replay=config.finetune.replay,
            max_epochs=config.finetune.max_epochs,
            seed=derive(config.seed, "finetune"),
            word_dropout=config.finetune.word_dropout,
            twin_exponent=config.finetune.twin_exponent,
        )

    def _text_loader(
        self, sources: Mapping[str, np.ndarray], phases: Sequence[CurriculumPhase], purpose: str
    ) -> TextLoader:
        """Return a loader of text in an order of its own for each purpose."""
        return TextLoader(
            sources,
            phases,
            context_length=self._config.model.context_length,
            batch_size=self._config.train.sequences_per_batch,
            eos_id=self.tokenizer.token_id(EOS),
            seed=derive(self._config.seed, purpose),
        )

    @property
    def finetune_batches(self) -> int:
        """Batches that the epochs of fine-tuning take at most."""
        return self.finetune_loader().num_batches(self._config.finetune.max_epochs)

    def text_sample(self) -> Batch:
        """Return a batch of text for trials."""
        return self._text_loader(self.pretrain_sources, self.phases, "trial").batch(0.0)

    def problem_sample(self) -> Batch:
        """Return a batch of problems for trials."""
        return self.finetune_loader().batch(0.0)

    @cached_property
    def heldout_examples(self) -> dict[str, tuple[Example, ...]]:
        """Some held-out problems of each set with their gold programs.

        Their loss is measured during fine-tuning, and no choice depends on it.
        """
        chosen = {}
        for name, problems in evaluation_sets(self._folder).items():
            with_program = self.written([problem for problem in problems if problem.program])
            if with_program:
                length = self._config.model.context_length
                try:
                    selected = select_examples(
                        with_program, self.tokenizer, max_length=length, checked_only=False
                    )
                except DataError:  # all are longer than the context, which is no reason to stop
                    continue
                chosen[name] = selected.examples[:VALIDATION_PROBLEMS]
        return chosen
