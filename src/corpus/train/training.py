"""Pre-training and fine-tuning: two phases under one budget, on one model."""

import math
import shutil
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from corpus.base.console import say
from corpus.base.errors import ArtifactError, ConfigError, TrainingError
from corpus.base.files import write_json
from corpus.base.plain import to_plain
from corpus.base.seeds import derive
from corpus.base.units import format_count, format_duration
from corpus.config.run import RunConfig
from corpus.data.loader import Loader
from corpus.evaluate.text import score_completions, score_sources
from corpus.export.adapter import export_adapter
from corpus.finetune.adapters import adapter_tensors, add_adapters, merged_tensors, num_trained
from corpus.finetune.loader import ProblemLoader
from corpus.finetune.program_rows import begin_alike
from corpus.model.low_precision import compute_in
from corpus.model.transformer import Transformer
from corpus.model.weights import (
    TOKENIZER,
    build_model,
    check_tokenizer,
    read_weights,
    whole_tensors,
    write_model,
)
from corpus.run.folder import RunFolder
from corpus.run.packages import require_packages
from corpus.run.weights import MODEL_FILE, SAME_TOKENIZER
from corpus.runtime.parallelize import checkpoint_activations, load_whole
from corpus.runtime.ranks import ALONE, Ranks
from corpus.text.tokenizer import PAD, RESERVED, TOKENIZER_FILE, Tokenizer
from corpus.train.data import TrainingData
from corpus.train.policy_gradient import PolicyGradient
from corpus.train.schedule import BudgetSplit
from corpus.train.self_training import SelfTraining
from corpus.train.session import Session
from corpus.train.step import OutOfMemory, eager_backbone, own_part, pass_seconds

WORTH_TELLING = 0.02
"""Share of the budget that is left at the end from which on a line says so."""


class Training:
    """Both phases of a run; opening it starts the training clock. Use it as a context manager."""

    def __init__(
        self, config: RunConfig, folder: RunFolder, *, resume_hint: str, ranks: Ranks = ALONE
    ) -> None:
        _check_method(config, ranks)
        self._config, self._folder = config, folder
        self._data = TrainingData(config, folder)
        self._tokenizer = self._data.tokenizer
        self._keep_tokenizer()
        selected, forms = self._data.selected, self._data.forms
        folder.update_manifest(problems=selected.counts)
        if forms is not None:
            counts = {"given": forms.num_programs, "used": len(selected.programs)}
            folder.update_manifest(programs=counts)
        self._session = Session(
            folder,
            budget=config.parsed_budget,
            batch_tokens=config.batch_tokens,
            config=config.train,
            runtime=config.runtime,
            resume_hint=resume_hint,
            ranks=ranks,
        )
        self._model = self._new_model()

    def _new_model(self) -> Transformer:
        """Return the model before training, as it is computed."""
        config, runtime = self._config, self._session.runtime
        model = build_model(
            config.model.with_vocabulary(self._tokenizer.vocab_size),
            seed=derive(config.seed, "weights"),
            device=runtime.device,
        )
        begin_alike(
            model,
            list(self._tokenizer.program_ids.values()),
            self._tokenizer.programs,
            seed=derive(config.seed, "whole programs"),
        )
        compute_in(model, runtime.precision)
        if config.runtime.checkpoint_activations:
            checkpoint_activations(model)
        return model

    def _keep_tokenizer(self) -> None:
        """Copy the tokenizer beside the weights; refuse to continue with another one."""
        kept = self._folder.weights / TOKENIZER_FILE
        if not self._folder.writes:
            return
        if not kept.exists():
            self._tokenizer.save(self._folder.weights)
            return
        before = Tokenizer.load(self._folder.weights, fix=SAME_TOKENIZER)
        if before.digest != self._tokenizer.digest:
            raise ArtifactError(
                f"{self._folder.path} began training with another tokenizer ({kept}) than that of "
                "the text and problems prepared now. Prepare the original data again, or start in "
                "another folder with --out."
            )

    def __enter__(self) -> "Training":
        self._session.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._session.__exit__(*error)

    def describe(self) -> None:
        """Say what is about to be trained."""
        shape, runtime = self._model.config, self._session.runtime
        say(
            f"model      {format_count(shape.num_parameters)} parameters: {shape.num_layers} "
            f"layers, dim {shape.dim}, {shape.num_heads} heads ({shape.num_kv_heads} key/value), "
            f"vocabulary {shape.vocab_size:,}, context {shape.context_length:,}"
        )
        say(f"machine    {runtime.describe()}")
        for line in self._data.describe():
            say(line)
        share, epochs = self._config.train.finetune_share, self._config.finetune.max_epochs
        say(
            f"budget     {self._session.budget}, {share:.0%} of it for fine-tuning"
            + (f" (at most {epochs:g} epochs)" if share > 0 else "")
        )

    def pretrain(self) -> None:
        """Pre-train to the end of the phase and write its weights."""
        if self._folder.pretrained_weights.exists() or self._config.train.finetune_share == 1:
            return
        loader = self._data.pretrain_loader()
        self._session.run(
            "pretrain",
            self._model,
            loader=loader,
            pace=self._split.pretrain,
            schedule=self._config.train.schedule,
            validate=self._validate_text,
            sample=self._data.text_sample,
            replan=self._split.replan,
        )
        self._save("pretrained")
        repeated = [
            f"{name} {epochs:.1f} times" for name, epochs in loader.epochs.items() if epochs > 1
        ]
        if repeated:
            say(f"  read more than once: {', '.join(repeated)}")

    def finetune(self) -> None:
        """Fine-tune from the pre-trained weights to the end of the budget; write the final ones."""
        if self._folder.final_weights.exists():
            return
        share, session = self._config.train.finetune_share, self._session
        if share < 1:
            self._load_pretrained()
        if share > 0:
            self._add_adapters()
            self._record_method()
            self._finetune()
        self._require_steps()
        self._drop_results()
        self._save_adapter()
        self._save("final")
        session.clock.beat()
        seconds = format_duration(session.clock.seconds)
        say(f"final weights saved after {seconds} on the training clock")

    def _load_pretrained(self) -> None:
        weights = self._folder.pretrained_weights
        if not weights.exists():
            raise ArtifactError(
                f"{self._folder.path} is not pre-trained yet; run `corpus pretrain` on it first"
            )
        check_tokenizer(weights, self._tokenizer.digest)
        load_whole(self._model, read_weights(self._model, weights))

    def _finetune(self) -> None:
        settings, loader = self._config.finetune, self._data.finetune_loader()
        session = self._session
        if not any(self._folder.checkpoints.glob("finetune-*")):
            self._drop_found()
        self_training = SelfTraining(
            config=self._config,
            folder=self._folder,
            session=session,
            data=self._data,
            loader=loader,
            shape=self._model.config,
            weights=self._weights,
        )
        adamw = replace(self._config.train.optimizer, name="adamw")
        session.run(
            "finetune",
            self._model,
            loader=self._with_policy_gradient(loader),
            pace=self._split.finetune,
            schedule=settings.resolved_schedule,
            validate=self._validate_finetune,
            sample=self._data.problem_sample,
            optimizer=adamw if settings.has_adapters else None,
            callback=self_training.callback(),
            live_from=settings.grpo.start or math.inf,
        )
        is_all = loader.num_shown == loader.num_examples
        shown = "" if is_all else f", {loader.num_shown:,} of them in each"
        say(f"  {loader.epochs:.1f} epochs over {loader.num_examples:,} problems{shown}")
        self._folder.update_manifest(epochs={"problems": round(loader.epochs, 3)})
        left = session.budget.amount - session.clock.seconds
        if session.budget.is_clock and left > WORTH_TELLING * session.budget.amount:
            say(f"  all epochs are done; {format_duration(left)} of the budget is not needed")

    def _with_policy_gradient(self, loader: ProblemLoader) -> Loader:
        if not self._config.finetune.grpo.start:
            return loader
        policy = PolicyGradient(
            self._config,
            self._session,
            self._data,
            shape=self._model.config,
            weights=self._weights,
        )
        return policy.loader(loader)

    def _require_steps(self) -> None:
        """Raise `TrainingError` if the budget ended without a step: nothing was learned."""
        session = self._session
        steps = self._folder.read_manifest().get("steps", {})
        if not session.ranks.from_main(sum(steps.values())):
            raise TrainingError(
                f"the budget of {session.budget} ran out before the first step: the trials of "
                f"precision, threads and compiler took {format_duration(session.clock.seconds)}. "
                "Start a new run with a larger --budget and another --out"
            )

    def _add_adapters(self) -> None:
        """Where the method is not `full`, freeze the weights and train adapters from here on."""
        settings, whole = self._config.finetune, self._model.config.num_parameters
        if not settings.has_adapters:
            return
        self._add_to(self._model)
        self._session.autotuner.forget_backbone()
        trained = num_trained(self._model)
        say(
            f"  {settings.method}: {trained:,} parameters are trained, {trained / whole:.1%} of "
            f"the model's {whole:,}"
        )

    def _add_to(self, model: Transformer) -> None:
        settings = self._config.finetune
        add_adapters(
            model,
            settings.adapter,
            symbols=[*range(len(RESERVED)), *self._tokenizer.added_ids],
            seed=derive(self._config.seed, "adapters"),
            in_4_bits=settings.method == "qlora",
            dtype=self._session.runtime.autocast_dtype or torch.float32,
        )

    def _method_cost(self) -> float:
        """Return the time of a pass that trains adapters over that of one that trains all weights.

        Both are measured here, on a second model that is not compiled.
        """
        if not self._config.finetune.has_adapters:
            return 1.0
        runtime, model = self._session.runtime, self._new_model()
        batch = own_part(self._data.problem_sample(), runtime.ranks)
        part = batch.split(self._session.autotuner.micro_batch)[0]
        try:
            full = pass_seconds(model, eager_backbone(model), runtime, part)
            self._add_to(model)
            return pass_seconds(model, eager_backbone(model), runtime, part) / full
        except OutOfMemory:  # there is no room for a second model
            return 1.0

    def _record_method(self) -> None:
        """Record what is trained and how; refuse to continue with another method."""
        settings, folder = self._config.finetune, self._folder
        adapter = to_plain(settings.adapter) if settings.has_adapters else None
        now = {"finetune": num_trained(self._model), "method": settings.method, "adapter": adapter}
        before = folder.read_manifest().get("trained")
        if before and before != now and any(folder.checkpoints.glob("finetune-*")):
            raise ConfigError(
                f"{folder.path} began fine-tuning with {_method_of(before)}, but its config.json "
                f"now says {_method_of(now)}; set finetune.method and finetune.adapter there back "
                "to what they were"
            )
        folder.update_manifest(trained=now)

    def _save_adapter(self) -> None:
        """Write the adapters in peft's format."""
        settings, folder = self._config.finetune, self._folder
        if settings.has_adapters and self._config.train.finetune_share > 0 and folder.writes:
            export_adapter(
                adapter_tensors(self._model),
                settings,
                symbols=[*range(len(RESERVED)), *self._tokenizer.added_ids],
                output=folder.adapter,
                weights=folder.pretrained_weights,
                tied=self._model.config.tie_embeddings,
            )

    @cached_property
    def _split(self) -> BudgetSplit:
        return self._session.split(
            finetune_batches=self._data.finetune_batches,
            model=self._model,
            sample=self._data.problem_sample,
            text_sample=self._data.text_sample,
            method_cost=self._method_cost,
        )

    def _validate_text(self) -> tuple[dict[str, float], dict[str, float]]:
        return score_sources(
            self._model,
            self._session.runtime,
            self._data.prepared.validation,
            pad_id=self._tokenizer.token_id(PAD),
            max_tokens=self._config.train.validation_tokens,
        )

    def _validate_finetune(self) -> tuple[dict[str, float], dict[str, float]]:
        loss, accuracy = self._validate_text()
        pad = self._tokenizer.token_id(PAD)
        for name, examples in self._data.heldout_examples.items():
            loss[name], accuracy[name] = score_completions(
                self._model, self._session.runtime, examples, pad_id=pad
            )
        return loss, accuracy

    def _drop_found(self) -> None:
        """Delete the pseudo-labels of an earlier fine-tuning."""
        if self._folder.writes:
            for path in self._folder.path.glob("found*.jsonl"):
                path.unlink()
            if "self_training" in self._folder.read_manifest():
                self._folder.update_manifest(self_training=None)

    def _drop_results(self) -> None:
        """Delete the scores and the adapter of earlier final weights."""
        if not self._folder.writes:
            return
        for path in (self._folder.scores, *self._folder.outcomes.glob("*.jsonl")):
            path.unlink(missing_ok=True)
        if not self._config.finetune.has_adapters:
            shutil.rmtree(self._folder.adapter, ignore_errors=True)

    def _weights(self) -> dict[str, torch.Tensor]:
        """Return the weights as they are now, with adapters merged into them.

        All ranks call it; under FSDP only the rank that writes gets them.
        """
        if any(not parameter.requires_grad for parameter in self._model.parameters()):
            return merged_tensors(self._model)
        return whole_tensors(self._model, keep=self._folder.writes)

    def _save(self, name: str) -> None:
        tensors = self._weights()
        if self._folder.writes:
            write_json(self._folder.weights / MODEL_FILE, to_plain(self._model.config))
            write_model(
                self._folder.weights / f"{name}.safetensors",
                tensors,
                metadata={TOKENIZER: self._tokenizer.digest},
            )
        self._session.ranks.wait()


def _check_method(config: RunConfig, ranks: Ranks) -> None:
    """Raise `ConfigError`, before any training, if fine-tuning cannot do what is asked."""
    method = config.finetune.method
    require_packages(method)
    if config.runtime.parallel != "fsdp" or ranks.is_alone:
        return
    if method != "full":
        raise ConfigError(
            f"finetune.method {method} with runtime.parallel fsdp is not supported: frozen weights "
            "cannot be sharded; use runtime.parallel ddp, or finetune.method full"
        )
    settings = config.finetune
    for name, is_on in (
        ("self_training", settings.self_training),
        ("grpo.start", settings.grpo.start),
    ):
        if is_on:
            raise ConfigError(
                f"finetune.{name} with runtime.parallel fsdp is not supported: one rank would need "
                "the whole model beside its shard; use runtime.parallel ddp, or "
                f"finetune.{name} 0"
            )


def _method_of(recorded: dict[str, Any]) -> str:
    adapter = recorded.get("adapter")
    rank = f" of rank {adapter['rank']} and alpha {adapter['alpha']:g}" if adapter else ""
    return recorded["method"] + rank
