"""The solver: problems in, programs out, executed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from corpus.model.transformer import Transformer
from corpus.problems.problem import Problem
from corpus.problems.render import completion_tokens, program_from_tokens, prompt_tokens
from corpus.program.language import Program, ProgramError
from corpus.runtime.runtime import Runtime
from corpus.solve.beam import beam
from corpus.solve.decode import Continuation, Decoder
from corpus.solve.grammar import Scope
from corpus.solve.voting import CandidateProgram
from corpus.text.tokenizer import EOS, Tokenizer

NEGLIGIBLE = 1e-4
"""Programs less likely than this share of the likeliest are not searched for: they hardly count."""


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
        """Prepare to solve.

        Args:
            model: on the runtime's device.
            tokenizer: the model's.
            runtime: the machine.
            max_program_tokens: where a program is cut off.
            batch_size: programs decoded together.
            constrained: decode under the grammar of programs. Without it the model may write
                anything, even text that is not a program.
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
        self, problems: Sequence[Problem], *, done: Callable[[int], None] | None = None
    ) -> list[CandidateProgram | None]:
        """Return one greedy program for each problem, None if the tokens are not a program.

        `done` is called from time to time with the number of problems finished. Problems that
        differ only in their quantities are decoded once.
        """
        prompts = self._read(problems)
        found = self._decoder_for(prompts, done).greedy(prompts.tokens, scopes=prompts.scopes)
        return [
            self._candidate(problem, found[place])
            for problem, place in zip(problems, prompts.places)
        ]

    def search(
        self, problems: Sequence[Problem], count: int, *, done: Callable[[int], None] | None = None
    ) -> list[list[CandidateProgram]]:
        """Return up to `count` different programs for each problem, the likeliest first.

        A beam finds them; `done` as in `greedy`.
        """
        prompts = self._read(problems)
        found = beam(
            self._decoder_for(prompts, done),
            prompts.tokens,
            count,
            scopes=prompts.scopes,
            negligible=NEGLIGIBLE,
        )
        return [
            self._candidates(problem, found[place])
            for problem, place in zip(problems, prompts.places)
        ]

    def length(self, problem: Problem, program: Program | None) -> int:
        """Return the tokens of a problem with a program, as training counts them."""
        length = len(prompt_tokens(problem, self._tokenizer))
        try:
            return length + (len(completion_tokens(program, self._tokenizer)) if program else 0)
        except ProgramError:  # it has an argument without a symbol, so that nothing can write it
            return length

    def _read(self, problems: Sequence[Problem]) -> "_Prompts":
        """Return the prompts of these problems, each once."""
        places: dict[tuple[tuple[int, ...], Scope], int] = {}
        keys = [
            (tuple(prompt_tokens(problem, self._tokenizer)), Scope.of(problem))
            for problem in problems
        ]
        for key in keys:
            places.setdefault(key, len(places))
        return _Prompts(
            tokens=[tokens for tokens, _ in places],
            scopes=[scope for _, scope in places] if self._constrained else None,
            places=[places[key] for key in keys],
        )

    def _decoder_for(self, prompts: "_Prompts", done: Callable[[int], None] | None) -> Decoder:
        """Return the decoder, reporting progress in problems; there are fewer prompts."""
        if done is None:
            return self._decoder
        return replace(
            self._decoder,
            progress=lambda count: done(count * len(prompts.places) // len(prompts.tokens)),
        )

    def _candidates(
        self, problem: Problem, continuations: Iterable[Continuation]
    ) -> list[CandidateProgram]:
        candidates = (self._candidate(problem, each) for each in continuations)
        return [each for each in candidates if each is not None]

    def _candidate(self, problem: Problem, continuation: Continuation) -> CandidateProgram | None:
        try:
            program = program_from_tokens(continuation.tokens, self._tokenizer)
        except ProgramError:
            return None
        outcome = problem.domain.execute(program, problem.quantities)
        return CandidateProgram(
            program=program, outcome=outcome, log_probability=continuation.log_probability
        )


@dataclass(frozen=True, kw_only=True)
class _Prompts:
    """The prompts of some problems; those that differ in their quantities alone share one."""

    tokens: list[tuple[int, ...]]
    scopes: list[Scope] | None
    places: list[int]
    """The place of each problem's prompt in `tokens`."""
