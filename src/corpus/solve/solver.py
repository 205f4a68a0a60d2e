"""The solver: problems in, programs out, executed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus.base.seeds import derive
from corpus.finetune.policy_gradient import Sample
from corpus.model.transformer import Transformer
from corpus.problems.problem import Problem
from corpus.problems.render import (
    completion_tokens,
    program_from_tokens,
    prompt_tokens,
    spelling_prefix,
)
from corpus.program.language import Program, ProgramError
from corpus.runtime.runtime import Runtime
from corpus.solve.beam import beam
from corpus.solve.choice import ProgramChoice
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
                anything, even text that is not a program; with whole programs that is so after
                `<|spelled|>`.
        """
        self._tokenizer, self._constrained = tokenizer, constrained
        self._prefix = spelling_prefix(tokenizer)
        self._choice = ProgramChoice(tokenizer, runtime.device) if tokenizer.programs else None
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
        decoder = self._decoder_for(prompts, done)
        if self._choice is None:
            found = decoder.greedy(prompts.tokens, scopes=prompts.scopes)
            programs = [self._program(each) for each in found]
        else:
            programs = self._choose_one(self._choice, decoder, prompts)
        chosen = [programs[place] for place in prompts.places]
        return [
            None if each is None else _executed(problem, *each)
            for problem, each in zip(problems, chosen)
        ]

    def search(
        self, problems: Sequence[Problem], count: int, *, done: Callable[[int], None] | None = None
    ) -> list[list[CandidateProgram]]:
        """Return up to `count` different programs for each problem, the likeliest first.

        A beam finds those that are spelled; `done` as in `greedy`.
        """
        prompts = self._read(problems)
        decoder = self._decoder_for(prompts, done)
        if self._choice is None:
            programs = self._spell(decoder, prompts.tokens, prompts.scopes, count)
        else:
            programs = self._choose_many(self._choice, decoder, prompts, count)
        return [
            [_executed(problem, *each) for each in programs[place]]
            for problem, place in zip(problems, prompts.places)
        ]

    def sample(self, problems: Sequence[Problem], count: int, *, seed: int) -> list[list[Sample]]:
        """Return `count` programs for each problem, sampled under the grammar; the same one can
        occur several times. Unlike the other methods, it takes each problem by itself."""
        prompts = [tuple(prompt_tokens(problem, self._tokenizer)) for problem in problems]
        scopes = [Scope.of(problem) for problem in problems]
        tokens: list[list[tuple[int, ...]]] = [[()] * count for _ in problems]
        if self._choice is not None:
            chosen = self._choice.sample(
                self._decoder, prompts, count, scopes=scopes, seed=derive(seed, "whole")
            )
            tokens = [[(token,) for token in each] for each in chosen]
        prefix = tuple(self._prefix)
        places = [place for place, each in enumerate(tokens) if prefix in each]
        found = self._decoder.sample(
            [(*prompts[place], *prefix) for place in places],
            count,
            seed=seed,
            scopes=[scopes[place] for place in places],
        )
        end = self._tokenizer.token_id(EOS)
        for place, continuations in zip(places, found):
            spelled = iter(continuations)
            tokens[place] = [
                (*prefix, *next(spelled).tokens, end) if each == prefix else each
                for each in tokens[place]
            ]
        return [
            [
                Sample(prompt=prompt, tokens=each, program=self._readable(each))
                for each in completions
            ]
            for prompt, completions in zip(prompts, tokens)
        ]

    def _readable(self, tokens: Sequence[int]) -> Program | None:
        try:
            return program_from_tokens(tokens, self._tokenizer)
        except ProgramError:  # it was cut off
            return None

    def _choose_one(
        self, choice: ProgramChoice, decoder: Decoder, prompts: "_Prompts"
    ) -> "list[_Scored | None]":
        """Return the whole program that each prompt gets, or spell one where that is likelier."""
        chosen = choice.choose(decoder, prompts.tokens, 1, scopes=prompts.scopes)
        found: list[_Scored | None] = [
            each.programs[0] if each.programs else None for each in chosen
        ]
        places = [
            place
            for place, each in enumerate(chosen)
            if not each.programs or each.spelled > each.programs[0][1]
        ]
        part, decoder = prompts.spelled(places, self._prefix), replace(decoder, progress=None)
        for place, continuation in zip(places, decoder.greedy(part.tokens, scopes=part.scopes)):
            found[place] = self._program(continuation, chosen[place].spelled)
        return found

    def _choose_many(
        self, choice: ProgramChoice, decoder: Decoder, prompts: "_Prompts", count: int
    ) -> "list[list[_Scored]]":
        """Return the likeliest programs, chosen or spelled; a program that is both is as likely as
        both together.
        """
        chosen = choice.choose(decoder, prompts.tokens, count, scopes=prompts.scopes)
        found = [dict(each.programs) for each in chosen]
        margin = math.log(NEGLIGIBLE)
        places = [
            place
            for place, each in enumerate(chosen)
            if not each.programs or each.spelled > each.programs[0][1] + margin
        ]
        part, decoder = prompts.spelled(places, self._prefix), replace(decoder, progress=None)
        spelled = self._spell(decoder, part.tokens, part.scopes, count)
        for place, programs in zip(places, spelled):
            for program, share in programs:
                other = found[place].get(program, float("-inf"))
                found[place][program] = float(np.logaddexp(other, share + chosen[place].spelled))
        return [_likeliest(each, count) for each in found]

    def _spell(
        self,
        decoder: Decoder,
        prompts: Sequence[Sequence[int]],
        scopes: Sequence[Scope] | None,
        count: int,
    ) -> "list[list[_Scored]]":
        found = beam(decoder, prompts, count, scopes=scopes, negligible=NEGLIGIBLE)
        return [
            [each for each in map(self._program, continuations) if each is not None]
            for continuations in found
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

    def _program(self, continuation: Continuation, before: float = 0.0) -> "_Scored | None":
        """Return the program of a continuation and its log-probability, with that of what came
        before it."""
        program = self._readable(continuation.tokens)
        return None if program is None else (program, before + continuation.log_probability)


_Scored = tuple[Program, float]
"""A program and its log-probability."""


def _executed(problem: Problem, program: Program, log_probability: float) -> CandidateProgram:
    outcome = problem.domain.execute(program, problem.quantities)
    return CandidateProgram(program=program, outcome=outcome, log_probability=log_probability)


def _likeliest(programs: Mapping[Program, float], count: int) -> list[_Scored]:
    """Return the likeliest programs that are not negligible; equal ones in their order."""
    ranked = sorted(programs.items(), key=lambda each: -each[1])[:count]
    margin = math.log(NEGLIGIBLE)
    return [each for each in ranked if each[1] > ranked[0][1] + margin]


@dataclass(frozen=True, kw_only=True)
class _Prompts:
    """The prompts of some problems; those that differ in their quantities alone share one."""

    tokens: list[tuple[int, ...]]
    scopes: list[Scope] | None
    places: list[int]
    """The place of each problem's prompt in `tokens`."""

    def spelled(self, places: Sequence[int], prefix: Sequence[int]) -> "_Prompts":
        """Return the prompts at these places with what comes before a program that is spelled."""
        return _Prompts(
            tokens=[(*self.tokens[place], *prefix) for place in places],
            scopes=None if self.scopes is None else [self.scopes[place] for place in places],
            places=list(range(len(places))),
        )
