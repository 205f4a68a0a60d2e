"""Fine-tuning's batches: examples shuffled and packed anew each epoch, with text replayed where the config asks for it."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from corpus.base.errors import ArtifactError
from corpus.base.seeds import derive
from corpus.config.curriculum import PROBLEMS
from corpus.data.batch import Batch, stack
from corpus.data.curriculum import Mixture
from corpus.data.loader import TextLoader
from corpus.data.packing import pack, packed_row
from corpus.finetune.examples import Example
from corpus.text.tokenizer import RESERVED


class ProblemFeed:
    """Hands out batches of packed examples; see `train.loop.Feed`.

    Its order is a pure function of the seed, and its cursor is the epoch, the row within it, and the text loader's own cursor. When
    `max_epochs` are done, batches are text. A cursor from after `add` is for a feed that the same examples were added to.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        text: TextLoader,
        mixture: Mixture,
        *,
        row_length: int,
        rows_per_batch: int,
        pad_id: int,
        replay: float,
        max_epochs: float,
        seed: int,
        word_dropout: float = 0.0,
        twin_exponent: float = 1.0,
    ) -> None:
        self._text, self._mixture = text, mixture
        self._row_length, self._rows_per_batch, self._pad_id = row_length, rows_per_batch, pad_id
        self._replay, self._word_dropout, self._seed = replay, word_dropout, seed
        self._max_epochs, self._twin_exponent = max_epochs, twin_exponent
        self._epoch, self._row, self._tokens, self._handed_out = 0, 0, 0, 0
        self._begun_tokens, self._begun_epochs, self._added = 0, 0.0, [0, 0]
        self._show(examples)

    def _show(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        self._lengths = [len(example.tokens) for example in examples]
        families: dict[tuple[int, ...], list[int]] = {}
        for index, example in enumerate(examples):
            families.setdefault(example.tokens[: example.prompt_length], []).append(index)
        self._families = [
            (family, max(1, round(len(family) ** self._twin_exponent)))
            for family in families.values()
        ]
        self._epoch_tokens = round(
            sum(
                shown * sum(self._lengths[i] for i in family) / len(family)
                for family, shown in self._families
            )
        )
        self._packed_epoch, self._packed = -1, [[0]]

    def add(self, examples: Sequence[Example]) -> None:
        """Show these as well from here on; what is left of the epoch is dropped, and a new one begins."""
        if not examples:
            return
        self._added = [len(examples), sum(len(example.tokens) for example in examples)]
        self._begun_epochs, self._begun_tokens = self.epochs, self._tokens
        self._show([*self._examples, *examples])
        self._epoch, self._row = self._epoch + 1, 0

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far: of problems, and of replayed text by source."""
        return {
            PROBLEMS: self._tokens,
            **{name: tokens for name, tokens in self._text.consumed.items() if tokens},
        }

    @property
    def num_examples(self) -> int:
        """How many examples there are."""
        return len(self._examples)

    @property
    def num_shown(self) -> int:
        """How many of them an epoch shows: not all where twins are shown less often."""
        return sum(shown for _, shown in self._families)

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, and batches are text."""
        return self._tokens >= self._last_token

    @property
    def epochs(self) -> float:
        """How often the examples, or as many of their twins as an epoch shows, have been shown."""
        return self._begun_epochs + (self._tokens - self._begun_tokens) / self._epoch_tokens

    def num_batches(self, epochs: float) -> int:
        """Return about how many batches `epochs` passes over the examples take, with the text replayed between them."""
        rows = len(self._rows_of(0)) * epochs / (1 - self._replay)
        return max(1, round(rows / self._rows_per_batch))

    def batch(self, progress: float) -> Batch:
        """Return the next batch. Progress plays no part: the examples are in random order."""
        parts, text_rows, num_tokens = [], 0, 0
        for _ in range(self._rows_per_batch):
            draw = random.Random(derive(self._seed, "replay", self._handed_out)).random()
            self._handed_out += 1
            if draw < self._replay or self.is_over:
                text_rows += 1
            else:
                row, count = self._next_row()
                parts.append(tuple(part[None] for part in row))
                num_tokens += count
        if text_rows:
            parts.append(self._text.rows(text_rows, self._mixture))
        return stack(parts, num_tokens + text_rows * self._row_length)

    @property
    def _last_token(self) -> int:
        return self._begun_tokens + int(
            (self._max_epochs - self._begun_epochs) * self._epoch_tokens
        )

    def _next_row(self) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], int]:
        rows = self._rows_of(self._epoch)
        chosen = rows[self._row]
        laid = [
            (self._shown(index, self._epoch), self._examples[index].prompt_length)
            for index in chosen
        ]
        count = sum(self._lengths[index] for index in chosen)
        self._tokens += count
        self._row += 1
        if self._row == len(rows):
            self._epoch, self._row = self._epoch + 1, 0
        return packed_row(laid, row_length=self._row_length, pad_id=self._pad_id), count

    def _shown(self, index: int, epoch: int) -> Sequence[int] | np.ndarray:
        """Return an example's tokens as this epoch shows them: some of the prompt's text hidden behind padding."""
        example = self._examples[index]
        if not self._word_dropout:
            return example.tokens
        tokens = np.array(example.tokens)
        draws = np.random.default_rng(derive(self._seed, "hidden", epoch, index)).random(
            example.prompt_length
        )
        prompt = tokens[: example.prompt_length]
        prompt[(prompt >= len(RESERVED)) & (draws < self._word_dropout)] = self._pad_id
        return tokens

    def _rows_of(self, epoch: int) -> list[list[int]]:
        if epoch != self._packed_epoch:
            shuffled = random.Random(derive(self._seed, "examples", epoch))
            if self._twin_exponent == 1:
                order = list(range(len(self._examples)))
            else:
                order = [
                    index
                    for family, shown in self._families
                    for index in shuffled.sample(family, shown)
                ]
            shuffled.shuffle(order)
            self._packed = pack(self._lengths, row_length=self._row_length, order=order)
            shuffled.shuffle(self._packed)
            self._packed_epoch = epoch
        return self._packed

    def cursor(self) -> dict[str, Any]:
        """Return the position, JSON-ready."""
        own = {
            "epoch": self._epoch,
            "row": self._row,
            "tokens": self._tokens,
            "handed_out": self._handed_out,
        }
        begun = [self._begun_tokens, self._begun_epochs]
        return {**own, "begun": begun, "added": self._added, "text": self._text.cursor()}

    def restore(self, cursor: dict[str, Any]) -> None:
        """Go to a position that `cursor` returned. Raises `ArtifactError` where other examples had been added by then."""
        if "added" not in cursor:
            raise ArtifactError(
                "the checkpoint is of an earlier version of Corpus; go on with that one, or begin a new run with another --out"
            )
        if cursor["added"] != self._added:
            raise ArtifactError(
                f"the checkpoint was saved when {cursor['added'][0]:,} problems had been found by self-training, and {self._added[0]:,} others are there "
                "now. Restore found.jsonl and finetune.self_training from a copy, or begin a new run with another --out"
            )
        self._epoch, self._row, self._tokens = cursor["epoch"], cursor["row"], cursor["tokens"]
        self._handed_out = cursor["handed_out"]
        self._begun_tokens, self._begun_epochs = cursor["begun"]
        self._text.restore(cursor["text"])
