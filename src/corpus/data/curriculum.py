"""The curriculum: pure functions from progress (0…1) to the mixture of sources.

It depends on progress and not on steps, so that a clock can drive it: when the budget ends, every
phase has had its share, whatever the machine's speed.

Reference: Agrawal et al. 2021, On the Role of Corpus Ordering in Language Modeling
(sustainlp-1.15).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from corpus.base.errors import ConfigError, did_you_mean
from corpus.config.curriculum import ORDER, PROBLEMS, CurriculumConfig

Mixture = dict[str, float]
"""The share of each source, summing to 1."""


@dataclass(frozen=True, kw_only=True)
class CurriculumPhase:
    """A part of pre-training with one mixture: from `start` (included) to `end`, as progress."""

    name: str
    start: float
    end: float
    mixture: Mixture


def plan_phases(config: CurriculumConfig, prepared: Collection[str]) -> tuple[CurriculumPhase, ...]:
    """Return the phases in order, covering 0…1 without a gap.

    Args:
        config: the curriculum.
        prepared: names of the sources that have tokens, `problems` among them where an anneal mixes
            them in.

    Raises:
        ConfigError: a weight names a source that was not prepared, no source is left to read, or an
            anneal finds no problems.
    """
    text = sorted(set(prepared) - {PROBLEMS})
    _check_names(config, text)
    weights = {name: config.weights.get(name, 1.0) for name in text}
    groups = _groups(config, [name for name in text if weights[name] > 0])
    if not groups:
        raise ConfigError(
            "the curriculum has no source left to read; give at least one prepared source a "
            "weight above 0"
        )
    phases = _lay_out(config, groups, weights)
    return _anneal(config, phases, prepared) if config.anneal > 0 else phases


def unordered(config: CurriculumConfig, prepared: Collection[str]) -> list[str]:
    """Return the sources whose place among the others nobody chose, in the order they are read in.

    A single one has no order of its own, and `shuffled` has no order at all.
    """
    names = sorted({*prepared} - {PROBLEMS, "commoncrawl", *config.sources})
    names = [name for name in names if config.weights.get(name, 1.0) > 0]
    return names if len(names) > 1 and config.order != "shuffled" else []


def mixture_at(phases: Sequence[CurriculumPhase], progress: float) -> Mixture:
    """Return the mixture in force at `progress`; values past the end belong to the last phase."""
    for phase in phases:
        if progress < phase.end:
            return phase.mixture
    return phases[-1].mixture


def _check_names(config: CurriculumConfig, text: Sequence[str]) -> None:
    for setting, names in (
        ("weights names source", config.weights),
        ("sources names", [name for name in config.sources if name not in ORDER]),
    ):
        for name in names:
            if name not in text:
                raise ConfigError(
                    f"curriculum.{setting} {name!r}, which was not prepared ({', '.join(text)})."
                    f"{did_you_mean(name, text)}"
                )


def _groups(config: CurriculumConfig, present: Sequence[str]) -> list[list[str]]:
    """The sources in reading order; sources that share a phase stand in one list."""
    ordered = [name for name in config.sources if name in present]
    ordered += [
        name
        for name in present
        if name not in ordered and not (name == "commoncrawl" and "c4" in ordered)
    ]
    groups = [[name] for name in ordered]
    if "commoncrawl" in present and "commoncrawl" not in ordered:
        groups[ordered.index("c4")].append("commoncrawl")
    return groups[::-1] if config.order == "reverse" else groups


def _lay_out(
    config: CurriculumConfig, groups: list[list[str]], weights: Mapping[str, float]
) -> tuple[CurriculumPhase, ...]:
    everything = _normalise({name: weights[name] for group in groups for name in group})
    if config.order == "shuffled" or len(groups) == 1:
        return (CurriculumPhase(name="all", start=0.0, end=1.0, mixture=everything),)
    total, start, phases = sum(weights[name] for group in groups for name in group), 0.0, []
    for index, group in enumerate(groups):
        is_last = index == len(groups) - 1
        end = 1.0 if is_last else start + sum(weights[name] for name in group) / total
        mixture = _normalise({name: weights[name] for name in group})
        if config.order == "interleaved":
            # Replay reads all sources by weight, the leading one too. Then a source's share over
            # all phases is its weight, whatever the replay: w (1 - replay) + w · replay.
            mixture = _blend(mixture, everything, config.replay)
        phases.append(CurriculumPhase(name=group[0], start=start, end=end, mixture=mixture))
        start = end
    return tuple(phases)


def _anneal(
    config: CurriculumConfig, phases: tuple[CurriculumPhase, ...], prepared: Collection[str]
) -> tuple[CurriculumPhase, ...]:
    """Squeeze the phases before the anneal, and end on all text mixed with problems."""
    if PROBLEMS not in prepared:
        raise ConfigError(
            "curriculum.anneal mixes in training problems, but none were prepared; set "
            "curriculum.anneal to 0, or give problems"
        )
    begin = 1.0 - config.anneal
    squeezed = [
        replace(phase, start=phase.start * begin, end=phase.end * begin)
        for phase in phases
        if begin > 0
    ]
    text: Mixture = {}
    for phase in phases:
        for name, share in phase.mixture.items():
            text[name] = text.get(name, 0.0) + share * (phase.end - phase.start)
    final = _blend(_normalise(text), {PROBLEMS: 1.0}, config.anneal_problems)
    return (*squeezed, CurriculumPhase(name="anneal", start=begin, end=1.0, mixture=final))


def _normalise(shares: Mapping[str, float]) -> Mixture:
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def _blend(first: Mapping[str, float], second: Mapping[str, float], share: float) -> Mixture:
    """Mix two mixtures: `share` of the second, the rest of the first; empty parts are left out."""
    mixed = {name: value * (1 - share) for name, value in first.items()}
    for name, value in second.items():
        mixed[name] = mixed.get(name, 0.0) + value * share
    return {name: value for name, value in mixed.items() if value > 0}
