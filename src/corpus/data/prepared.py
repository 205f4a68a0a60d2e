"""Prepared data: the tokenizer, the token shards and the token counts, opened and checked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.base.errors import ArtifactError
from corpus.data.shards import TokenShards
from corpus.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A prepared folder."""

    folder: Path
    tokenizer: Tokenizer
    train: TokenShards
    validation: TokenShards

    @classmethod
    def open(cls, folder: Path) -> "Prepared":
        """Open a prepared folder.

        Raises `ArtifactError` naming what is missing, damaged or does not fit.
        """
        if not (folder / "manifest.json").exists():
            raise ArtifactError(
                f"{folder} holds no prepared data; run `corpus prepare` (or `corpus run`) on this "
                "run folder first"
            )
        fix = f"Delete {folder} and prepare the data again."
        tokenizer = Tokenizer.load(folder / "tokenizer", fix=fix)
        shards = {split: TokenShards.open(folder / split) for split in ("train", "validation")}
        for split, opened in shards.items():
            if opened.manifest.config.get("tokenizer") != tokenizer.digest:
                raise ArtifactError(
                    f"{folder / split} was made with another tokenizer than "
                    f"{folder / 'tokenizer'}. {fix}"
                )
        return cls(
            folder=folder,
            tokenizer=tokenizer,
            train=shards["train"],
            validation=shards["validation"],
        )

    def unigram(self, source: str) -> np.ndarray:
        """Return how often each id occurs in a source's training tokens: [vocab_size] int64."""
        path = self.folder / "unigram" / f"{source}.npy"
        try:
            counts = np.load(path, allow_pickle=False)
            if counts.shape != (self.tokenizer.vocab_size,):
                raise ValueError(
                    f"it holds {counts.shape}, expected one count for each of "
                    f"{self.tokenizer.vocab_size} ids"
                )
        except (OSError, EOFError, ValueError) as error:
            raise ArtifactError(
                f"{path} cannot be read ({error}). Delete {self.folder} and prepare the data again."
            ) from None
        return counts
