"""The runs of a study of mixtures: the first size, then the best of them at the second."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from corpus.base.console import say
from corpus.base.errors import ArtifactError, TrainingError
from corpus.config.curriculum import CurriculumConfig
from corpus.run.lock import claimed
from corpus.study.folder import Item, StudyFolder
from corpus.study.mixtures import (
    BEST,
    CHECKED,
    FIRST,
    LEAST_MIXTURES,
    SECOND,
    Drawn,
    MixtureStudy,
    draw,
    load_mixture_study,
    read_drawn,
    write_drawn,
)
from corpus.study.orders import OrderError, shuffled
from corpus.study.predict import predict, read_best, write_best
from corpus.study.rows import Row, failures, is_done, read_rows
from corpus.study.sequences import Sequences, choose_sequences
from corpus.study.shares import Shares
from corpus.study.work import Work


class MixtureWork(Work):
    """The runs of a study of mixtures; each reads its own shares, at random."""

    study: MixtureStudy

    def __init__(self, study: MixtureStudy, folder: StudyFolder, *, command: str) -> None:
        """`command` goes on with the study after it was stopped."""
        super().__init__(study, folder, command=command)
        self._chosen = lru_cache(maxsize=2)(self._choose)

    def prepare(self) -> None:
        """Prepare text once, and draw the mixtures from what there is of it."""
        super().prepare()
        length = self.study.config.model.context_length
        sequences = {
            name: len(shard.tokens) // length for name, shard in self.prepared.train.items()
        }
        with claimed(self.folder.data, wait=True):
            if not self.folder.mixtures.exists():
                write_drawn(draw(self.study, sequences), self.folder)
        if self.drawn.sequences != sequences:
            raise ArtifactError(
                f"{self.folder.mixtures} was drawn from other text than is in "
                f"{self.folder.data.path}: it was prepared again. Bring it back, or begin another "
                "study"
            )
        self.study = load_mixture_study(self.folder)

    @property
    def drawn(self) -> Drawn:
        """The mixtures."""
        return read_drawn(self.folder)

    def shares(self, item: Item) -> Shares:
        """Return the shares of a run.

        Raises `TrainingError` for the second size if there is no best mixture to check there.
        """
        if item.size == FIRST:
            return self.drawn.first[item.mixture]
        if not self.folder.best.exists():
            raise TrainingError(
                f"no best mixture was predicted, as fewer than {LEAST_MIXTURES} mixtures are left "
                "for a law"
            )
        return read_best(self.folder) if item.mixture == BEST else self.drawn.second[item.mixture]

    def is_ready(self, item: Item) -> bool:
        """Return whether a run can be trained yet: the second size comes after the first."""
        if item.size == FIRST or self.folder.best.exists():
            return True
        runs = [each for of_name in self.study.runs(FIRST).values() for each in of_name]
        if not all(is_done(self.folder, each) for each in runs):
            return False
        with claimed(self.folder.data, wait=True):
            if not self.folder.best.exists():
                self._predict()
        return True

    def _predict(self) -> None:
        """Write the best mixture down, unless too many mixtures failed."""
        rows, failed = read_rows(self.study, self.folder), failures(self.study, self.folder)
        found = predict(self.study, self.drawn, rows, failed)
        if found is not None:
            write_best(found, self.folder)
            listed = ", ".join(f"{name} {share:.1%}" for name, share in found.best.items())
            say(f"best       predicted: {listed}")

    def sequences(self, item: Item) -> Sequences:
        """Return the first sequences of each source for the seed, in the mixture's shares."""
        return self._chosen(item)

    def _choose(self, item: Item) -> Sequences:
        return choose_sequences(
            self.prepared,
            CurriculumConfig(weights=self.shares(item)),
            total=self.study.total(item.size),
            context_length=self.study.config.model.context_length,
            seed=item.seed,
            judge=_no_judge,
        )

    def new_order(self, item: Item) -> np.ndarray:
        """Return the sequences at random."""
        return shuffled(self.sequences(item), item.seed)

    def require_new(self, item: Item, order: np.ndarray) -> None:
        """Raise `OrderError` if a mixture of the second size is another one again: it would count
        twice."""
        before = CHECKED[: CHECKED.index(item.mixture)] if item.size == SECOND else ()
        for name in before:
            if self.shares(replace(item, mixture=name)) == self.shares(item):
                raise OrderError(
                    f"the mixtures {name!r} and {item.mixture!r} are the same, so there is nothing "
                    "to compare"
                )

    def own_columns(self, item: Item) -> Row:
        """Return the share of each source."""
        return {f"share_{name}": share for name, share in self.shares(item).items()}


def _no_judge(sequences: Sequences) -> np.ndarray:
    raise ArtifactError("a study of mixtures has no difficulty")  # no order here asks for it
