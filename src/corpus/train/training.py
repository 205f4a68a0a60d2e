"""Pre-training and fine-tuning: two phases under one budget, on one model."""

import shutil
from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from corpus.base.console import say
from corpus.base.errors import ArtifactError, ConfigError, DataError, TrainingError
from corpus.base.files import write_json
from corpus.base.plain import to_plain
from corpus.base.seeds import derive
from corpus.base.units import format_count, format_duration
from corpus.config.run import RunConfig
from corpus.data.prepared import Prepared
from corpus.evaluate.completions import score_completions
from corpus.evaluate.text import score_sources
from corpus.export.adapter import export_adapter
from corpus.finetune.adapters import adapter_tensors, add_adapters, merged_tensors, num_trained
from corpus.finetune.examples import Example, select_examples
from corpus.finetune.normal_form import in_normal_form, normal_forms
from corpus.model.low_precision import compute_in
from corpus.model.weights import (
    TOKENIZER,
    build_model,
    check_tokenizer,
    read_weights,
    whole_tensors,
    write_model,
)
from corpus.problems.problem import Problem
from corpus.run.folder import RunFolder
from corpus.run.packages import require_packages
from corpus.run.problems import evaluation_sets, training_problems
from corpus.run.weights import MODEL_FILE, SAME_TOKENIZER
from corpus.runtime.parallelize import checkpoint_activations, load_whole
from corpus.runtime.ranks import ALONE, Ranks
from corpus.text.tokenizer import EOS, PAD, RESERVED, TOKENIZER_FILE, Tokenizer
from corpus.train.feed import CurriculumFeed
from corpus.train.feeds import Feeds
from corpus.train.self_training import SelfTraining
from corpus.train.session import Session, Split

VALIDATION_PROBLEMS = 256
"""Held-out problems whose gold programs' loss is followed during fine-tuning."""


class Training:
    """Both phases of a run; opening it starts the training clock. Use it as a context manager."""

    def __init__(
        self, config: RunConfig, folder: RunFolder, *, resume_hint: str, ranks: Ranks = ALONE
    ) -> None:
        self._config, self._folder = config, folder
        self._check_method(ranks)
        self._prepared = Prepared.open(folder.prepared)
        self._tokenizer = self._prepared.tokenizer
        self._eos, self._pad = self._tokenizer.token_id(EOS), self._tokenizer.token_id(PAD)
        self._keep_tokenizer()
        problems = training_problems(folder)
        self._given = Counter(problem.set_name for problem in problems)
        self._forms = normal_forms(problems) if config.finetune.normal_form else None
        self._selection = select_examples(
            self._written(problems),
            self._tokenizer,
            max_length=config.model.context_length,
            checked_only=config.finetune.checked_only,
        )
        folder.update_manifest(problems=self._selection.counts)
        if self._forms is not None:
            folder.update_manifest(
                programs={"given": self._forms.num_programs, "used": len(self._selection.programs)}
            )
        self._feeds = Feeds(config, self._prepared, self._selection.examples)
        self._session = Session(
            folder,
            budget=config.parsed_budget,
            batch_tokens=config.batch_tokens,
            config=config.train,
            runtime=config.runtime,
            resume_hint=resume_hint,
            ranks=ranks,
        )
        shape = config.model.with_vocabulary(self._tokenizer.vocab_size)
        self._model = build_model(
            shape, seed=derive(config.seed, "weights"), device=self._session.runtime.device
        )
        compute_in(self._model, self._session.runtime.precision)
        if config.runtime.checkpoint_activations:
            checkpoint_activations(self._model)

    def _check_method(self, ranks: Ranks) -> None:
        """Raise `ConfigError`, before anything is trained, where fine-tuning will not be able to do what is asked."""
        method = self._config.finetune.method
        require_packages(method)
        if method != "full" and self._config.runtime.parallel == "fsdp" and not ranks.is_alone:
            raise ConfigError(
                f"finetune.method {method} with runtime.parallel fsdp is not supported: what is frozen is not divided among ranks; use "
                "runtime.parallel ddp, or finetune.method full"
            )
        if (
            self._config.finetune.self_training
            and self._config.runtime.parallel == "fsdp"
            and not ranks.is_alone
        ):
            raise ConfigError(
                "finetune.self_training with runtime.parallel fsdp is not supported: one rank would need the whole model beside its part; use "
                "runtime.parallel ddp, or finetune.self_training 0"
            )

    def _written(self, problems: list[Problem]) -> list[Problem]:
        """Return the problems with their programs as the model is to write them."""
        return problems if self._forms is None else in_normal_form(problems, self._forms)

    def _keep_tokenizer(self) -> None:
        """Put the tokenizer beside the weights when training begins; refuse to go on with another one."""
        kept = self._folder.weights / TOKENIZER_FILE
        if not self._folder.writes:
            return
        if not kept.exists():
            self._tokenizer.save(self._folder.weights)
        elif (
            Tokenizer.load(self._folder.weights, fix=SAME_TOKENIZER).digest
            != self._tokenizer.digest
        ):
            raise ArtifactError(
                f"{self._folder.path} began to train with another tokenizer ({kept}) than the one that is prepared now. Prepare the text "
                "it began with, or start in another folder with --out."
            )

    def __enter__(self) -> "Training":
        self._session.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._session.__exit__(*error)

    def describe(self) -> None:
        """Say what is about to be trained."""
        shape, runtime, counts = self._model.config, self._session.runtime, self._selection.counts
        say(
            f"model      {format_count(shape.num_parameters)} parameters: {shape.num_layers} layers, dim {shape.dim}, {shape.num_heads} heads "
            f"({shape.num_kv_heads} key/value), vocabulary {shape.vocab_size:,}, context {shape.context_length:,}"
        )
        threads = f"{runtime.num_threads} thread{'s' if runtime.num_threads > 1 else ''}"
        say(f"machine    {runtime.device.type}, {runtime.precision}, {threads}")
        left_out = ", ".join(
            f"{count:,} {name.replace('_', ' ')}"
            for name, count in counts.items()
            if name not in ("given", "used") and count
        )
        say(
            f"problems   {counts['used']:,} of {counts['given']:,} are trained on"
            + (f" (left out: {left_out})" if left_out else "")
        )
        if self._forms is not None:
            say(
                f"programs   {self._forms.num_programs:,} different ones, {len(self._selection.programs):,} in normal form"
            )
        by_set = Counter(problem.set_name for problem in self._selection.problems)
        if len(self._given) > 1:
            say(
                "           by set: "
                + ", ".join(
                    f"{by_set[name]:,} of {count:,} {name}" for name, count in self._given.items()
                )
            )
        share, epochs = self._config.train.finetune_share, self._config.finetune.max_epochs
        say(
            f"budget     {self._session.budget}, {share:.0%} of it for fine-tuning"
            + (f" (at most {epochs:g} epochs)" if share > 0 else "")
        )

    def pretrain(self) -> None:
        """Pre-train to the end of the phase and write its weights."""
        if self._folder.pretrained_weights.exists() or self._config.train.finetune_share == 1:
            return
        config, session = self._config, self._session
        text = self._feeds.text_loader(self._feeds.pretrain_sources, "pretrain")
        session.run(
            "pretrain",
            self._model,
            feed=CurriculumFeed(text, self._feeds.phases),
            pace=self._split.pretrain,
            schedule=config.train.schedule,
            validate=self._validate_text,
            sample=self._feeds.text_sample,
        )
        self._save("pretrained")
        repeated = {name: epochs for name, epochs in text.epochs.items() if epochs > 1}
        if repeated:
            say(
                "  read more than once: "
                + ", ".join(f"{name} {epochs:.1f} times" for name, epochs in repeated.items())
            )

    def finetune(self) -> None:
        """Fine-tune from the pre-trained weights to the end of the budget and write the final weights."""
        if self._folder.final_weights.exists():
            return
        config, session = self._config, self._session
        if config.train.finetune_share < 1:
            if not self._folder.pretrained_weights.exists():
                raise ArtifactError(
                    f"{self._folder.path} is not pre-trained yet; run `corpus pretrain` on it first"
                )
            check_tokenizer(self._folder.pretrained_weights, self._tokenizer.digest)
            load_whole(self._model, read_weights(self._model, self._folder.pretrained_weights))
        if config.train.finetune_share > 0:
            self._add_adapters()
            self._note_method()
            feed = self._feeds.problem_feed()
            if not any(self._folder.checkpoints.glob("finetune-*")):
                self._drop_found()
            finder = SelfTraining(
                config=config,
                folder=self._folder,
                tokenizer=self._tokenizer,
                problems=self._selection.solvable,
                written=self._written,
            )
            session.run(
                "finetune",
                self._model,
                feed=feed,
                pace=self._split.finetune,
                schedule=config.finetune.resolved_schedule,
                validate=self._validate_finetune,
                sample=self._feeds.problem_sample,
                optimizer=replace(config.train.optimizer, name="adamw")
                if config.finetune.has_adapters
                else None,
                turn=finder.turn(feed, session, shape=self._model.config, tensors=self._tensors),
            )
            shown = (
                ""
                if feed.num_shown == feed.num_examples
                else f", {feed.num_shown:,} of them in each"
            )
            say(f"  {feed.epochs:.1f} epochs over {feed.num_examples:,} problems{shown}")
            self._folder.update_manifest(epochs={"problems": round(feed.epochs, 3)})
        self._require_steps()
        self._drop_others()
        self._save_adapter()
        self._save("final")
        session.clock.beat()
        say(
            f"final weights saved after {format_duration(session.clock.seconds)} on the training clock"
        )

    def _require_steps(self) -> None:
        """Raise `TrainingError` where the whole budget went by without a step: weights that nothing was learned with are no result."""
        session = self._session
        if not session.ranks.from_main(sum(self._folder.read_manifest().get("steps", {}).values())):
            raise TrainingError(
                f"the budget of {session.budget} was over before the first step: what is fastest here is tried first, and that ended after "
                f"{format_duration(session.clock.seconds)}. Begin again with a larger --budget and another --out"
            )

    def _add_adapters(self) -> None:
        """Where the method is not `full`, freeze the weights and train adapters from here on."""
        settings, whole, runtime = (
            self._config.finetune,
            self._model.config.num_parameters,
            self._session.runtime,
        )
        if not settings.has_adapters:
            return
        add_adapters(
            self._model,
            settings.adapter,
            symbols=range(len(RESERVED)),
            seed=derive(self._config.seed, "adapters"),
            in_4_bits=settings.method == "qlora",
            dtype=runtime.autocast_dtype or torch.float32,
        )
        self._session.forget_trunk()
        trained = num_trained(self._model)
        say(
            f"  {settings.method}: {trained:,} numbers are trained, {trained / whole:.1%} of the model's {whole:,}"
        )

    def _note_method(self) -> None:
        """Note what is trained and how; refuse to go on with another method than the one that fine-tuning began with."""
        settings, folder = self._config.finetune, self._folder
        adapter = to_plain(settings.adapter) if settings.has_adapters else None
        now = {"finetune": num_trained(self._model), "method": settings.method, "adapter": adapter}
        before = folder.read_manifest().get("trained")
        if before and before != now and any(folder.checkpoints.glob("finetune-*")):
            raise ConfigError(
                f"{folder.path} began to be fine-tuned by {_method_of(before)}, and its config.json says {_method_of(now)}; set finetune.method and "
                "finetune.adapter there to what they were"
            )
        folder.update_manifest(trained=now)

    def _save_adapter(self) -> None:
        """Write what was trained beside frozen weights in peft's format."""
        settings, folder = self._config.finetune, self._folder
        if settings.has_adapters and self._config.train.finetune_share > 0 and folder.writes:
            export_adapter(
                adapter_tensors(self._model),
                settings,
                symbols=range(len(RESERVED)),
                output=folder.adapter,
                weights=folder.pretrained_weights,
                tied=self._model.config.tie_embeddings,
            )

    @cached_property
    def _split(self) -> Split:
        return self._session.split(
            finetune_batches=self._feeds.finetune_batches,
            model=self._model,
            sample=self._feeds.problem_sample,
        )

    def _validate_text(self) -> tuple[dict[str, float], dict[str, float]]:
        return score_sources(
            self._model,
            self._session.runtime,
            self._prepared.validation.tokens,
            eos_id=self._eos,
            max_tokens=self._config.train.validation_tokens,
        )

    def _validate_finetune(self) -> tuple[dict[str, float], dict[str, float]]:
        loss, accuracy = self._validate_text()
        for name, examples in self._heldout_examples.items():
            loss[name], accuracy[name] = score_completions(
                self._model, self._session.runtime, examples, pad_id=self._pad
            )
        return loss, accuracy

    @cached_property
    def _heldout_examples(self) -> dict[str, tuple[Example, ...]]:
        """Held-out problems with their gold programs, some of each set: only their loss is looked at, nothing is chosen by it."""
        chosen = {}
        for name, problems in evaluation_sets(self._folder).items():
            with_program = self._written([problem for problem in problems if problem.program])
            if with_program:
                length = self._config.model.context_length
                try:
                    selection = select_examples(
                        with_program, self._tokenizer, max_length=length, checked_only=False
                    )
                except DataError:  # all are longer than the context: nothing to follow, and no reason to stop training
                    continue
                chosen[name] = selection.examples[:VALIDATION_PROBLEMS]
        return chosen

    def _drop_found(self) -> None:
        """Delete what an earlier fine-tuning found."""
        if self._folder.writes:
            self._folder.found.unlink(missing_ok=True)
            if "self_training" in self._folder.read_manifest():
                self._folder.update_manifest(self_training=None)

    def _drop_others(self) -> None:
        """Delete what earlier final weights left, which would be taken for that of these."""
        if not self._folder.writes:
            return
        for path in (self._folder.scores, *self._folder.outcomes.glob("*.jsonl")):
            path.unlink(missing_ok=True)
        if not self._config.finetune.has_adapters:
            shutil.rmtree(self._folder.adapter, ignore_errors=True)

    def _tensors(self) -> dict[str, torch.Tensor]:
        """Return the weights as they are now, adapters merged into them; all ranks call it, and the one that writes gets them."""
        has_adapters = any(not parameter.requires_grad for parameter in self._model.parameters())
        return (
            merged_tensors(self._model)
            if has_adapters
            else whole_tensors(self._model, keep=self._folder.writes)
        )

    def _save(self, name: str) -> None:
        tensors = self._tensors()
        if self._folder.writes:
            write_json(self._folder.weights / MODEL_FILE, to_plain(self._model.config))
            write_model(
                self._folder.weights / f"{name}.safetensors",
                tensors,
                metadata={TOKENIZER: self._tokenizer.digest},
            )
        self._session.ranks.wait()


def _method_of(noted: dict[str, Any]) -> str:
    adapter = noted.get("adapter")
    return noted["method"] + (
        f" of rank {adapter['rank']} and alpha {adapter['alpha']:g}" if adapter else ""
    )
