"""The solver: problems in, programs out, executed and matched to the options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpus.model.transformer import Transformer
from corpus.problems.numbers import find_numbers
from corpus.problems.render import program_from_tokens, prompt_tokens
from corpus.program.answer import Option, nearest_option
from corpus.program.interpreter import Outcome, execute
from corpus.program.language import Program, ProgramError
from corpus.runtime.runtime import Runtime
from corpus.solve.decode import greedy
from corpus.text.tokenizer import EOS, Tokenizer


@dataclass(frozen=True, kw_only=True)
class Solution:
    """One solved (or unsolved) problem."""

    numbers: tuple[float, ...]
    """n0, n1, … of the problem."""
    program: Program | None
    """None where what the model wrote is not a program."""
    outcome: Outcome | None
    """What came of executing it."""
    choice: str | None
    """The letter of the nearest option, where there are options and a value."""


class Solver:
    """A model, its tokenizer and the machine, ready to solve."""

    def __init__(
        self, model: Transformer, tokenizer: Tokenizer, runtime: Runtime, *, max_program_tokens: int, batch_size: int
    ) -> None:
        self._model, self._tokenizer, self._runtime = model, tokenizer, runtime
        self._max_program_tokens, self._batch_size = max_program_tokens, batch_size

    def programs(self, texts: Sequence[str], *, done: Callable[[int], None] | None = None) -> list[Program | None]:
        """Return one greedy program for each problem text, None where the tokens are not a program.

        `done` is told how many problems are finished, from time to time.
        """
        prompts = [prompt_tokens(text, self._tokenizer) for text in texts]
        completions = greedy(
            self._model,
            prompts,
            max_new_tokens=self._max_program_tokens,
            stop_id=self._tokenizer.token_id(EOS),
            batch_size=self._batch_size,
            device=self._runtime.device,
            progress=done,
        )
        return [_program(tokens, self._tokenizer) for tokens in completions]

    def solve(self, text: str, options: Sequence[Option] = ()) -> Solution:
        """Solve one problem; see `Solution`."""
        program = self.programs([text])[0]
        numbers = tuple(span.value for span in find_numbers(text))
        outcome = execute(program, numbers) if program else None
        value = outcome.value if outcome else None
        return Solution(
            numbers=numbers, program=program, outcome=outcome, choice=nearest_option(value, options) if options else None
        )


def _program(tokens: Sequence[int], tokenizer: Tokenizer) -> Program | None:
    try:
        return program_from_tokens(tokens, tokenizer)
    except ProgramError:
        return None
