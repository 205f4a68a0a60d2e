"""The work of a study: its runs, one after another, beside other processes on the same folder."""

import datetime
import hashlib
import shutil
import time
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np

from corpus.base.console import say, warn
from corpus.base.errors import ArtifactError, TrainingError
from corpus.base.files import atomic_path, digest_file, write_json
from corpus.base.manifest import NAME as MANIFEST
from corpus.base.plain import to_plain
from corpus.base.seeds import derive
from corpus.base.version import identify
from corpus.config.run import RunConfig
from corpus.data.prepared import Prepared
from corpus.evaluate.text import sequence_losses
from corpus.prepare.prepare import prepare_run
from corpus.run.begin import begin_run, identity
from corpus.run.folder import RunFolder
from corpus.run.lock import Busy, claimed
from corpus.run.weights import load_weights
from corpus.runtime.runtime import environment, resolve
from corpus.study.design import Design, Study
from corpus.study.folder import Item, StudyFolder
from corpus.study.measure import (
    LOSSES,
    measure_problems,
    measure_retention,
    measure_text,
    write_losses,
)
from corpus.study.orders import OrderError, check_permutation
from corpus.study.record import read_digest
from corpus.study.rows import Row, is_done, read_rows, write_row
from corpus.study.sequences import Sequences, choose_sequences
from corpus.study.train import (
    has_begun,
    is_complete,
    pretrain,
    take_beginning,
)
from corpus.text.tokenizer import EOS
from corpus.train.schedule import Clock
from corpus.train.training import Training

POLL_SECONDS = 5.0
"""Between looks at runs that other processes work on."""

JUDGE_SHARE = 0.1
"""Share of a run's sequences that the judge of difficulty is trained on."""


class Work:
    """Trains and measures the runs of a study, of any kind.

    A kind of study says in a subclass what its runs read, and which of them can be trained yet.
    """

    def __init__(self, study: Design, folder: StudyFolder, *, command: str) -> None:
        """`command` goes on with the study after it was stopped."""
        self.study, self.folder, self._command = study, folder, command

    def sequences(self, item: Item) -> Sequences:
        """Return what a run reads."""
        raise NotImplementedError

    def new_order(self, item: Item) -> np.ndarray:
        """Return the permutation of a run, computed now."""
        raise NotImplementedError

    def require_new(self, item: Item, order: np.ndarray) -> None:
        """Raise `OrderError` if another run of the seed reads the same: it would count twice."""
        raise NotImplementedError

    def is_ready(self, item: Item) -> bool:
        """Return whether a run can be trained yet."""
        return True

    def own_columns(self, item: Item) -> Row:
        """Return further columns of a run's row."""
        return {}

    def prepare(self) -> None:
        """Prepare text and problems once, for all runs."""
        data = self.folder.data
        with claimed(data, wait=True):
            # The study keeps its data, wherever that came from.
            if not all((each / MANIFEST).exists() for each in (data.prepared, data.problems)):
                config = begin_run(self.study.data_config, data, command=self._command)
                with data.timed("prepare"):
                    prepare_run(config, data)
        for row in read_rows(self.study, self.folder):
            if row.get("data") != self.data_key:
                raise ArtifactError(
                    f"{data.path} has other data than the finished run {row['run']} was trained "
                    "on: it was prepared again. Bring it back, or begin another study"
                )

    @cached_property
    def prepared(self) -> Prepared:
        """The prepared text."""
        return Prepared.open(self.folder.data.prepared)

    @cached_property
    def data_key(self) -> str:
        """What tells this data from other data."""
        return self.prepared.train.manifest.key

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each source of held-out text in the endpoint."""
        given = self.study.config.curriculum.weights
        return {name: given.get(name, 1.0) for name in self.prepared.validation}

    def go_on(self) -> None:
        """Train what is left, until every run is finished, by this process or another.

        A run that cannot be trained does not stop the others.
        """
        items, waiting = self.study.items, 0
        while left := [item for item in items if not is_done(self.folder, item)]:
            if not any(self._take(item) for item in left):
                if len(left) != waiting:
                    say(f"waiting for {len(left)} runs of other processes")
                waiting = len(left)
                time.sleep(POLL_SECONDS)
        shutil.rmtree(self.folder.beginnings, ignore_errors=True)

    def _take(self, item: Item) -> bool:
        """Finish a run, unless another process works on it; return whether that was done."""
        if not self.is_ready(item):
            return False
        try:
            with claimed(self.folder.run(item)):
                if not is_done(self.folder, item):
                    self._finish(item)
        except Busy:
            return False
        except (TrainingError, OrderError) as error:
            warn(f"{item.name} failed: {error}")
            write_json(self.folder.failure(item), {"run": item.name, "error": str(error)})
        return True

    def _finish(self, item: Item) -> None:
        run, order = self.folder.run(item), self.order(item)
        write_json(run.shared_data, {"data": "../../data"})
        if not run.pretrained_weights.exists() and not has_begun(run):
            self._take_beginning(item)
        row = self.train(item, run, order)
        shutil.rmtree(run.checkpoints, ignore_errors=True)
        write_row(self.study, self.folder, item, row)
        self._drop_beginning(item)
        number = sum(is_done(self.folder, each) for each in self.study.items)
        say(f"run {number} of {len(self.study.items)}: {item.name} has loss {row['loss']:.4f}")

    def order(self, item: Item) -> np.ndarray:
        """Return the permutation of a run, written down when it is first asked for."""
        path = self.folder.order(item)
        with claimed(self.folder.orders, wait=True):
            if not path.exists():
                found = self.new_order(item)
                self.require_new(item, found)
                with atomic_path(path) as temporary, open(temporary, "wb") as file:
                    np.save(file, found)
        return self.read_order(item)

    def read_order(self, item: Item) -> np.ndarray:
        """Return the permutation that was written down for a run."""
        path, number = self.folder.order(item), len(self.sequences(item))
        try:
            found = np.load(path, allow_pickle=False)
            return check_permutation(path.stem, found, number)
        except (OSError, EOFError, ValueError, OrderError) as error:
            raise ArtifactError(
                f"{path} is damaged ({error}). Delete it: it is computed again, the same unless an "
                "order of your own draws at random without its seed"
            ) from None

    def _take_beginning(self, item: Item) -> None:
        """Train the beginning that the run shares with others, unless it is there, and copy it."""
        shared = self.study.num_shared_steps
        if len(self.study.schedules) == 1:
            return
        beginning = self.folder.beginning(item)
        with claimed(beginning):
            if not is_complete(beginning, step=shared):
                say(f"training {item.name} to step {shared:,}, where its schedule begins")
                self._pretrain(item, beginning, self.order(item), until=shared)
            take_beginning(beginning, self.folder.run(item), step=shared)

    def _drop_beginning(self, item: Item) -> None:
        """Delete a beginning once the runs of all its schedules are done."""
        kin = [replace(item, schedule=schedule) for schedule in self.study.schedules]
        if all(is_done(self.folder, each) for each in kin):
            shutil.rmtree(self.folder.beginning(item).checkpoints, ignore_errors=True)

    def _pretrain(
        self, item: Item, folder: RunFolder, order: np.ndarray, *, until: int | None = None
    ) -> None:
        pretrain(
            self.study.run_config(item),
            folder,
            self.sequences(item),
            order,
            num_steps=self.study.steps(item),
            resume_hint=self._command,
            until=until,
        )

    def train(self, item: Item, run: RunFolder, order: np.ndarray) -> Row:
        """Train a run in a folder to its end, measure it, and return its row."""
        config = self.study.run_config(item)
        if not run.config.exists():
            write_json(run.config, to_plain(self.study.tuning_config(item)))
            run.update_manifest(**identity(config, run), recipe=config.recipe)
        if not run.pretrained_weights.exists():
            say(f"training {item.name}")
            self._pretrain(item, run, order)
        runtime = resolve(config.runtime, repeatable=True)
        model, _ = load_weights(run, runtime, name="pretrained")
        losses = {"pretrained": measure_text(model, runtime, self.prepared)}
        read, retained = measure_retention(model, runtime, self.sequences(item), order)
        row: Row = {**item.columns, "loss": losses["pretrained"].mean(self.weights)}
        row |= _by_source("loss", losses["pretrained"].by_source)
        steps = self.study.steps(item)
        row |= {"tokens": steps * config.batch_tokens, "steps": steps, **self.own_columns(item)}
        if self.study.finetune:
            config = self.study.tuning_config(item)
            self._finetune(config, run)
            row["finetune_steps"] = run.read_manifest()["steps"]["finetune"]
            tuned, _ = load_weights(run, runtime)
            losses["finetuned"] = measure_text(tuned, runtime, self.prepared)
            row["finetuned_loss"] = losses["finetuned"].mean(self.weights)
            row |= _by_source("finetuned_loss", losses["finetuned"].by_source)
            row |= measure_problems(config, run, runtime)
        write_losses(run.path / LOSSES, losses, retention_read=read, retention_loss=retained)
        return row | self._about(run, order, config)

    def _finetune(self, config: RunConfig, run: RunFolder) -> None:
        if not run.final_weights.exists():
            with Training(config, run, resume_hint=self._command) as training:
                training.finetune()

    def _about(self, run: RunFolder, order: np.ndarray, config: RunConfig) -> Row:
        """Return the columns that say where a row comes from."""
        final = run.final_weights if self.study.finetune else run.pretrained_weights
        machine = environment(resolve(config.runtime, repeatable=True))
        today = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        return {
            "order_sha256": hashlib.sha256(order.tobytes()).hexdigest(),
            "weights_sha256": digest_file(final),
            "seconds": round(Clock(run.clock).seconds, 1),
            "device": machine["device_name"],
            "threads": machine["num_threads"],
            "precision": machine["precision"],
            "torch": machine["torch"],
            **identify(),
            "data": self.data_key,
            "study": read_digest(self.folder),
            "date": today,
        }


class OrderWork(Work):
    """The runs of a study of orders: the same sequences for a seed, each time in another order."""

    study: Study

    def __init__(self, study: Study, folder: StudyFolder, *, command: str) -> None:
        """`command` goes on with the study after it was stopped."""
        super().__init__(study, folder, command=command)
        self._of_seed = lru_cache(maxsize=2)(self._sequences)

    def sequences(self, item: Item) -> Sequences:
        """Return the sequences of the run's seed."""
        return self._of_seed(item.seed)

    def new_order(self, item: Item) -> np.ndarray:
        """Return the permutation of a run, computed now."""
        order = self.study.parsed_orders[item.order]
        return order.permutation(self.sequences(item), item.seed)

    def require_new(self, item: Item, order: np.ndarray) -> None:
        """Raise `OrderError` if another order of the seed reads the same: it would count twice."""
        for name in self.study.orders:
            other = replace(item, order=name)
            if self.folder.order(other).exists() and np.array_equal(self.read_order(other), order):
                raise OrderError(
                    f"orders {name!r} and {item.order!r} read the sequences in the same order; "
                    "leave one of them out"
                )

    def _sequences(self, seed: int) -> Sequences:
        config = self.study.config
        return choose_sequences(
            self.prepared,
            config.curriculum,
            total=self.study.num_sequences,
            context_length=config.model.context_length,
            seed=seed,
            judge=self._judge,
        )

    def _judge(self, sequences: Sequences) -> np.ndarray:
        """Return the loss of each sequence under a small model, trained first if need be."""
        judge, seed = self.folder.judge, derive(self.study.config.seed, "judge")
        batch = self.study.config.train.sequences_per_batch
        steps = max(2, round(JUDGE_SHARE * self.study.num_steps))
        with claimed(judge, wait=True):
            if not judge.pretrained_weights.exists():
                say("training, briefly, the model that says how difficult a sequence is")
                own = choose_sequences(
                    self.prepared,
                    self.study.config.curriculum,
                    total=steps * batch,
                    context_length=self.study.config.model.context_length,
                    seed=seed,
                    judge=self._judge,
                )
                first = Item(order="shuffled", schedule=self.study.schedules[0], seed=seed)
                order = np.random.Generator(np.random.PCG64(seed)).permutation(len(own))
                pretrain(
                    self.study.run_config(first),
                    judge,
                    own,
                    order,
                    num_steps=steps,
                    resume_hint=self._command,
                )
                shutil.rmtree(judge.checkpoints, ignore_errors=True)
        runtime = resolve(self.study.config.runtime, repeatable=True)
        model, tokenizer = load_weights(judge, runtime, name="pretrained")
        eos, found = tokenizer.token_id(EOS), []
        for first in range(0, len(sequences), 256):
            part = range(first, min(first + 256, len(sequences)))
            rows = np.stack([sequences.tokens(index) for index in part])
            found.append(sequence_losses(model, runtime, rows, eos_id=eos))
        return np.concatenate(found)


def _by_source(name: str, losses: dict[str, float]) -> Row:
    return {f"{name}_{source}": loss for source, loss in losses.items()}
