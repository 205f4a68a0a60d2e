"""The batches of a run's two phases, as its config asks for them."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from corpus.base.seeds import derive
from corpus.config.curriculum import PROBLEMS
from corpus.config.run import RunConfig
from corpus.data.batch import Batch
from corpus.data.curriculum import Mixture, Phase, mixture_at, plan_phases
from corpus.data.loader import TextLoader
from corpus.data.prepared import Prepared
from corpus.finetune.examples import Example
from corpus.finetune.feed import ProblemFeed
from corpus.text.tokenizer import EOS, PAD


class Feeds:
    """Hands out the loaders of text and of problems; each call begins anew."""

    def __init__(self, config: RunConfig, prepared: Prepared, examples: Sequence[Example]) -> None:
        self._config, self._prepared, self._examples = config, prepared, examples
        self._eos, self._pad = (prepared.tokenizer.token_id(token) for token in (EOS, PAD))

    @cached_property
    def pretrain_sources(self) -> dict[str, np.ndarray]:
        """Token streams by source; training problems are among them where an anneal mixes them in."""
        sources = dict(self._prepared.train.tokens)
        if self._config.curriculum.anneal > 0:
            sources[PROBLEMS] = np.concatenate(
                [np.array(example.tokens) for example in self._examples]
            )
        return sources

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The curriculum of pre-training."""
        return plan_phases(self._config.curriculum, list(self.pretrain_sources))

    def text_loader(self, sources: dict[str, np.ndarray], purpose: str) -> TextLoader:
        """Return the rows of these sources, in an order of their own for each purpose."""
        return TextLoader(
            sources,
            context_length=self._config.model.context_length,
            rows_per_batch=self._config.train.rows_per_batch,
            eos_id=self._eos,
            seed=derive(self._config.seed, purpose),
        )

    def problem_feed(self) -> ProblemFeed:
        """Return fine-tuning's batches."""
        config = self._config
        return ProblemFeed(
            self._examples,
            self.text_loader(dict(self._prepared.train.tokens), "replay"),
            self._text_mixture(),
            row_length=config.model.context_length,
            rows_per_batch=config.train.rows_per_batch,
            pad_id=self._pad,
            replay=config.finetune.replay,
            max_epochs=config.finetune.max_epochs,
            seed=derive(config.seed, "finetune"),
            word_dropout=config.finetune.word_dropout,
            twin_exponent=config.finetune.twin_exponent,
        )

    @property
    def finetune_batches(self) -> int:
        """Batches that the epochs of fine-tuning take at most."""
        return self.problem_feed().num_batches(self._config.finetune.max_epochs)

    def text_sample(self) -> Batch:
        """Return a batch of text to try things on."""
        return self.text_loader(self.pretrain_sources, "trial").batch(mixture_at(self.phases, 0.0))

    def problem_sample(self) -> Batch:
        """Return a batch of problems to try things on."""
        return self.problem_feed().batch(0.0)

    def _text_mixture(self) -> Mixture:
        """All sources at once, by weight: what is replayed."""
        weights = {
            name: self._config.curriculum.weights.get(name, 1.0) for name in self._prepared.train
        }
        total = sum(weights.values())
        return {name: weight / total for name, weight in weights.items() if weight > 0}
