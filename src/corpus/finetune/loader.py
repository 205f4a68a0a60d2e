"""Fine-tuning's batches: examples shuffled and packed each epoch, with text replayed in between.

Twins are problems that differ only in their numbers; an epoch may show only some of them.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.plain import from_plain, to_plain
from corpus.base.seeds import derive
from corpus.config.curriculum import PROBLEMS
from corpus.data.batch import IGNORED, Arrays, Batch, pack, packed_sequence, stack
from corpus.data.loader import TextLoader
from corpus.finetune.examples import Example
from corpus.text.tokenizer import RESERVED


@dataclass(frozen=True, kw_only=True)
class _Cursor:
    """A position in the examples and in the text."""

    epoch: int
    row: int
    """The next sequence of the epoch."""
    tokens: int
    """Of problems so far."""
    targets: list[int] = field(default_factory=lambda: [0, 0])  # version 0.1 did not count them
    """Those of text and of problems so far."""
    begun: tuple[int, float]
    """The tokens and epochs when examples were added."""
    added: list[int]
    """How many, and their tokens."""
    text: dict[str, Any]


class ProblemLoader:
    """Hands out batches of packed examples; see `data.loader.Loader`.

    Text is the share `replay` of all targets, which the loss counts, and not of sequences: a
    sequence of text has several times the targets of one with problems. A sequence of text comes
    where the share is behind by half of one, so batches differ by one such sequence at most.

    The order is a pure function of the seed, and the cursor is the epoch, the sequence within it,
    the targets so far, and the text loader's own cursor. After `max_epochs` training ends (`done`);
    batches from there on would be text. A cursor saved after `add` needs a loader with the same
    added examples.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        text: TextLoader,
        *,
        seq_length: int,
        batch_size: int,
        pad_id: int,
        replay: float,
        max_epochs: float,
        seed: int,
        word_dropout: float = 0.0,
        twin_exponent: float = 1.0,
    ) -> None:
        self._text, self._seq_length, self._batch_size = text, seq_length, batch_size
        self._replay, self._word_dropout, self._seed = replay, word_dropout, seed
        self._max_epochs, self._twin_exponent, self._pad_id = max_epochs, twin_exponent, pad_id
        self._epoch, self._place, self._tokens = 0, 0, 0
        self._targets = [0, 0]
        self._begun_tokens, self._begun_epochs, self._added = 0, 0.0, [0, 0]
        self._given = examples
        self._show(examples)

    def _show(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        self._lengths = [len(example.tokens) for example in examples]
        twins: dict[tuple[int, ...], list[int]] = {}
        for index, example in enumerate(examples):
            twins.setdefault(example.tokens[: example.prompt_length], []).append(index)
        self._families = [
            (family, max(1, round(len(family) ** self._twin_exponent))) for family in twins.values()
        ]
        self._epoch_tokens = round(
            sum(
                shown * sum(self._lengths[i] for i in family) / len(family)
                for family, shown in self._families
            )
        )
        self._epoch_targets = sum(
            shown * sum(self._lengths[i] - examples[i].prompt_length for i in family) / len(family)
            for family, shown in self._families
        )
        self._packed_epoch, self._packed = -1, [[0]]

    def add(self, examples: Sequence[Example]) -> None:
        """Show these examples as well, in place of those of an earlier call.

        The rest of the epoch is dropped, and a new one begins.
        """
        if not examples:
            return
        self._added = [len(examples), sum(len(example.tokens) for example in examples)]
        self._begun_epochs, self._begun_tokens = self.epochs, self._tokens
        self._show([*self._given, *examples])
        self._epoch, self._place = self._epoch + 1, 0

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far: of problems, and of replayed text by source."""
        replayed = {name: tokens for name, tokens in self._text.consumed.items() if tokens}
        return {PROBLEMS: self._tokens, **replayed}

    @property
    def num_examples(self) -> int:
        """How many examples there are."""
        return len(self._examples)

    @property
    def num_shown(self) -> int:
        """How many of them an epoch shows: fewer where twins are shown less often."""
        return sum(shown for _, shown in self._families)

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, and batches are text."""
        left = int((self._max_epochs - self._begun_epochs) * self._epoch_tokens)
        return self._tokens >= self._begun_tokens + left

    @property
    def epochs(self) -> float:
        """How many epochs have been shown."""
        return self._begun_epochs + (self._tokens - self._begun_tokens) / self._epoch_tokens

    @property
    def done(self) -> float:
        """The share of all epochs that were shown, 0…1; a phase of training ends at 1."""
        return 1.0 if self.is_over else min(1.0, self.epochs / self._max_epochs)

    def num_batches(self, epochs: float) -> int:
        """Return about how many batches `epochs` take, replayed text included."""
        problems = self._epoch_targets * epochs
        text = problems * self._replay / (1 - self._replay) / self._seq_length
        return max(1, round((len(self._pack(0)) * epochs + text) / self._batch_size))

    def batch(self, progress: float) -> Batch:
        """Return the next batch; examples are in random order whatever the progress."""
        parts, num_text, num_tokens = [], 0, 0
        for _ in range(self._batch_size):
            if self.is_over or self._owes_text(num_text):
                num_text += 1
            else:
                arrays, count = self._next_sequence()
                self._targets[1] += int((arrays[1] != IGNORED).sum())
                parts.append(tuple(array[None] for array in arrays))
                num_tokens += count
        if num_text:
            text = self._text.sequences(num_text, progress)
            self._targets[0] += int((text[1] != IGNORED).sum())
            parts.append(text)
        return stack(parts, num_tokens + num_text * self._seq_length)

    def _owes_text(self, num_text: int) -> bool:
        """Return whether a sequence of text is due, after `num_text` of them in this batch."""
        if not self._replay:
            return False
        text = self._targets[0] + num_text * self._seq_length
        owed = self._replay * (text + self._targets[1]) - text
        return owed >= (1 - self._replay) * self._seq_length / 2

    def _next_sequence(self) -> tuple[Arrays, int]:
        """Return the next packed sequence, and its tokens without padding."""
        packed = self._pack(self._epoch)
        chosen = packed[self._place]
        examples = [
            (self._shown(index, self._epoch), self._examples[index].prompt_length)
            for index in chosen
        ]
        count = sum(self._lengths[index] for index in chosen)
        self._tokens += count
        self._place += 1
        if self._place == len(packed):
            self._epoch, self._place = self._epoch + 1, 0
        arrays = packed_sequence(
            examples,
            seq_length=self._seq_length,
            pad_id=self._pad_id,
            answers=[self._examples[index].answer for index in chosen],
        )
        return arrays, count

    def _shown(self, index: int, epoch: int) -> Sequence[int] | np.ndarray:
        """Return an example's tokens with some of the prompt's words replaced by padding."""
        example = self._examples[index]
        if not self._word_dropout:
            return example.tokens
        tokens = np.array(example.tokens)
        generator = np.random.default_rng(derive(self._seed, "hidden", epoch, index))
        draws = generator.random(example.prompt_length)
        prompt = tokens[: example.prompt_length]
        prompt[(prompt >= len(RESERVED)) & (draws < self._word_dropout)] = self._pad_id
        return tokens

    def _pack(self, epoch: int) -> list[list[int]]:
        """Return the sequences of an epoch, as indices of their examples."""
        if epoch != self._packed_epoch:
            chance = random.Random(derive(self._seed, "examples", epoch))
            if self._twin_exponent == 1:
                order = list(range(len(self._examples)))
            else:
                order = [
                    index
                    for family, shown in self._families
                    for index in chance.sample(family, shown)
                ]
            chance.shuffle(order)
            self._packed = pack(self._lengths, seq_length=self._seq_length, order=order)
            chance.shuffle(self._packed)
            self._packed_epoch = epoch
        return self._packed

    def cursor(self) -> dict[str, Any]:
        """Return the position, JSON-ready."""
        return to_plain(
            _Cursor(
                epoch=self._epoch,
                row=self._place,
                tokens=self._tokens,
                targets=self._targets,
                begun=(self._begun_tokens, self._begun_epochs),
                added=self._added,
                text=self._text.cursor(),
            )
        )

    def restore(self, cursor: dict[str, Any]) -> None:
        """Go to a position that `cursor` returned.

        Raises `ArtifactError` if other examples had been added by then, `ConfigError` for anything
        that is no position.
        """
        if "added" not in cursor:
            raise ArtifactError(
                "the checkpoint was written by an earlier version of Corpus; resume with that "
                "version, or begin a new run with another --out"
            )
        own = {field.name for field in fields(_Cursor)}  # version 0.1 also counted sequences
        plain = {name: value for name, value in cursor.items() if name in own}
        found = from_plain(_Cursor, plain, where="cursor")
        if found.added != self._added:
            raise ArtifactError(
                f"the checkpoint was saved with {found.added[0]:,} pseudo-labels of "
                f"self-training, but {self._added[0]:,} others are there now. Restore found*.jsonl "
                "and finetune.self_training from a copy, or begin a new run with another --out"
            )
        if found.epoch < 0 or not 0 <= found.row < len(self._pack(found.epoch)):
            raise ConfigError(f"cursor.row is {found.row}, which epoch {found.epoch} does not have")
        self._epoch, self._place, self._tokens = found.epoch, found.row, found.tokens
        self._targets = found.targets
        self._begun_tokens, self._begun_epochs = found.begun
        self._text.restore(found.text)
