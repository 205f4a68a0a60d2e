"""The solver: problems in, programs out, executed, voted on and matched to the options."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from corpus.model.transformer import Transformer
from corpus.problems.expressions import find_expressions
from corpus.problems.numbers import find_quantities
from corpus.problems.render import completion_tokens, program_from_tokens, prompt_tokens
from corpus.program.interpreter import execute
from corpus.program.language import Program, ProgramError
from corpus.runtime.runtime import Runtime
from corpus.solve.beam import beam
from corpus.solve.candidates import Candidate
from corpus.solve.decode import Continuation, Decoder
from corpus.text.tokenizer import EOS, Tokenizer

NEGLIGIBLE = 1e-4
"""Programs less likely than this share of the likeliest are not searched for: their votes would hardly count."""


class Solver:
    """A model, its tokenizer and the machine, ready to solve."""

    def __init__(
        self,
        model: Transformer,
        tokenizer: Tokenizer,
        runtime: Runtime,
        *,
        max_program_tokens: int,
        batch_size: int,
        constrained: bool = True,
    ) -> None:
        """Be ready.

        Args:
            model: on the runtime's device.
            tokenizer: the model's.
            runtime: the machine.
            max_program_tokens: where a program is cut off.
            batch_size: programs decoded together.
            constrained: allow only tokens that a program can go on with. Without it the model writes what it likes, and may write none.
        """
        self._tokenizer, self._constrained = tokenizer, constrained
        self._decoder = Decoder(
            model=model,
            stop_id=tokenizer.token_id(EOS),
            max_new_tokens=max_program_tokens,
            batch_size=batch_size,
            device=runtime.device,
        )

    def greedy(
        self, texts: Sequence[str], *, done: Callable[[int], None] | None = None
    ) -> list[Candidate | None]:
        """Return one greedy program for each problem text, None where the tokens are not a program.

        `done` is told how many problems are finished, from time to time. Texts that read alike but for their numbers are decoded once.
        """
        prompts = self._read(texts)
        found = self._decoder_for(prompts, done).greedy(
            prompts.tokens, num_numbers=prompts.num_numbers, symbolic=prompts.symbolic
        )
        return [self._candidate(text, found[place]) for text, place in zip(texts, prompts.places)]

    def search(
        self, texts: Sequence[str], count: int, *, done: Callable[[int], None] | None = None
    ) -> list[list[Candidate]]:
        """Return up to `count` different programs for each problem text, the likeliest first, as a beam finds them; `done` as in `greedy`."""
        prompts = self._read(texts)
        found = beam(
            self._decoder_for(prompts, done),
            prompts.tokens,
            count,
            num_numbers=prompts.num_numbers,
            symbolic=prompts.symbolic,
            negligible=NEGLIGIBLE,
        )
        return [self._programs(text, found[place]) for text, place in zip(texts, prompts.places)]

    def lengths(self, texts: Sequence[str], programs: Sequence[Program | None]) -> list[int]:
        """Return the tokens of each problem text with a program, as training counts them; without one, those of the text."""
        written = [self._length(program) if program else 0 for program in programs]
        return [
            len(prompt_tokens(text, self._tokenizer)) + length
            for text, length in zip(texts, written, strict=True)
        ]

    def _length(self, program: Program) -> int:
        try:
            return len(completion_tokens(program, self._tokenizer))
        except ProgramError:  # it has an argument without a symbol, so that nothing can write it
            return 0

    def _programs(self, text: str, continuations: Iterable[Continuation]) -> list[Candidate]:
        candidates = (self._candidate(text, each) for each in continuations)
        return [each for each in candidates if each is not None]

    def _read(self, texts: Sequence[str]) -> "_Prompts":
        """Return what the model reads of these texts, each prompt once."""
        places: dict[tuple[tuple[int, ...], int, bool], int] = {}
        keys = [
            (
                tuple(prompt_tokens(text, self._tokenizer)),
                len(find_quantities(text)),
                bool(find_expressions(text)),
            )
            for text in texts
        ]
        for key in keys:
            places.setdefault(key, len(places))
        return _Prompts(
            tokens=[tokens for tokens, _, _ in places],
            num_numbers=[count for _, count, _ in places] if self._constrained else None,
            symbolic=[symbolic for _, _, symbolic in places],
            places=[places[key] for key in keys],
        )

    def _decoder_for(self, prompts: "_Prompts", done: Callable[[int], None] | None) -> Decoder:
        """Return the decoder, telling `done` of texts, of which there may be more than prompts."""
        if done is None:
            return self._decoder
        return replace(
            self._decoder,
            progress=lambda count: done(count * len(prompts.places) // len(prompts.tokens)),
        )

    def _candidate(self, text: str, continuation: Continuation) -> Candidate | None:
        try:
            program = program_from_tokens(continuation.tokens, self._tokenizer)
        except ProgramError:
            return None
        outcome = execute(program, find_quantities(text))
        return Candidate(
            program=program, outcome=outcome, log_probability=continuation.log_probability
        )


@dataclass(frozen=True, kw_only=True)
class _Prompts:
    """What the model reads of some texts; texts that differ in their numbers alone share a prompt."""

    tokens: list[tuple[int, ...]]
    num_numbers: list[int] | None
    symbolic: list[bool]
    places: list[int]
    """For each text, where its prompt stands in `tokens`."""
