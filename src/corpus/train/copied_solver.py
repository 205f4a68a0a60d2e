"""A solver on a copy of the model that is trained, for programs that training needs."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor

from corpus.base.console import warn
from corpus.base.errors import TrainingError
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.model.weights import empty_model
from corpus.runtime.runtime import Runtime
from corpus.solve.solver import Solver
from corpus.text.tokenizer import Tokenizer

Result = TypeVar("Result")


class CopiedSolver:
    """Decodes with a second model, in smaller batches where memory runs out."""

    def __init__(
        self,
        config: RunConfig,
        runtime: Runtime,
        tokenizer: Tokenizer,
        shape: ModelConfig,
        *,
        purpose: str,
        fix: str,
        least: int,
    ) -> None:
        """`shape` is the model's, without adapters.

        `purpose` and `fix` are for the error where there is no memory for `least` programs at a
        time.
        """
        self._settings, self._runtime, self._tokenizer = config.evaluate, runtime, tokenizer
        self._shape, self._purpose, self._fix, self._least = shape, purpose, fix, least
        self._batch_size = config.evaluate.batch_size
        self._model = empty_model(shape, runtime.device)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Copy these weights."""
        self._model.load_state_dict(weights)

    def use(self, run: Callable[[Solver], Result]) -> Result:
        """Call `run` with a solver; again, with smaller batches, where memory runs out.

        Raises `TrainingError` where there is none left.
        """
        while True:
            solver = Solver(
                self._model,
                self._tokenizer,
                self._runtime,
                max_program_tokens=self._settings.max_program_tokens,
                batch_size=self._batch_size,
            )
            try:
                return run(solver)
            except torch.OutOfMemoryError:
                self._batch_size //= 2
                if self._batch_size < self._least:
                    raise TrainingError(
                        f"{self._purpose} needs a second model on the device, and its memory is "
                        f"full; checkpoints are kept. Begin a new run with {self._fix}, or "
                        "with a smaller train.micro_batch_sequences"
                    ) from None
                warn(
                    f"out of memory while decoding programs: from now on {self._batch_size} at a "
                    "time"
                )
