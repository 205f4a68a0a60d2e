"""What lookups score on MathQA, without any model: programs as the data gives them, and repaired.

    python benchmarks/lookup.py --data DIR

It prints nearest neighbour and retrieval alone on dev, on a tuning split (rare wordings, cut from
train) and on twins held back from training, and how often repairs give the gold answers of those.
"""

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from corpus.evaluate.baselines import Reference
from corpus.evaluate.score import score_problems
from corpus.evaluate.scores import NEAREST
from corpus.problems.check import gives_gold, is_checkable, is_checked
from corpus.problems.contamination import KnownProblems, clean_rows
from corpus.problems.held_out import TUNING, rarest_groups
from corpus.problems.mathqa import load_mathqa
from corpus.problems.problem import Problem
from corpus.problems.repair import Repair, count_repairs, find_repairs, repaired
from corpus.program.language import Program
from corpus.solve.voting import by_similarity, majority

TUNING_SHARE, HELD_BACK = 0.06, 0.06
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds mathqa/")
    data = parser.parse_args().data
    dev = load_mathqa(data / "mathqa" / "dev.json", "dev")
    rows = load_mathqa(data / "mathqa" / "train.json", "train")
    train = clean_rows(rows, KnownProblems(dev)).kept
    tuning = rarest_groups(train, TUNING, TUNING_SHARE)
    chance = random.Random(SEED)
    parts: dict[str, list[Problem]] = defaultdict(list)
    for problem in train:
        is_held_back = chance.random() < HELD_BACK
        name = "tune" if problem.group in tuning else "back" if is_held_back else "rest"
        parts[name].append(problem)
    _compare("dev", train, dev)
    _compare("tuning split and twins held back", parts["rest"], parts["tune"] + parts["back"])


def _compare(title: str, train: list[Problem], scored: list[Problem]) -> None:
    """Print the scores of lookups in `train`, with its programs as given and repaired."""
    start = time.process_time()
    repairs = {repair.problem: repair for repair in find_repairs(train)}
    seconds = time.process_time() - start
    better = repaired(train, repairs)
    checked = [sum(map(is_checked, each)) for each in (train, better)]
    print(f"{title}: {len(train):,} training problems, {len(scored):,} scored")
    print(f"  repairs: {count_repairs(repairs.values())} in {seconds:.0f} s of one core")
    print(f"  training problems whose program is right: {checked[0]:,} -> {checked[1]:,}")
    for name, problems in (("as given", train), ("repaired", better)):
        for way, scores in _lookups(problems, scored).items():
            print(f"  {way}, programs {name}: {scores}")
    _print_held_back(better, repairs, scored)


def _lookups(train: Sequence[Problem], scored: Sequence[Problem]) -> dict[str, str]:
    """Return the scores of each lookup as text."""
    reference = Reference.build(train)
    index = reference.neighbours
    voted: dict[str, list[Program | None]] = {"retrieval alone": [], "… options known": []}
    for problem in scored:
        similar = by_similarity(problem, index)
        for way, options in zip(voted, ((), problem.options), strict=True):
            won = majority(similar, problem, options)
            voted[way].append(won.winner.program if won else None)
    scores, _ = score_problems(scored, [None] * len(scored), reference, others=voted)
    return {
        way: ", ".join(
            f"{part} {_share(scores, field, part)} (value {_share(scores, field + '_value', part)})"
            for part in ("all", "seen", "unseen")
        )
        for way, field in (("nearest", NEAREST), *((way, way) for way in voted))
    }


def _share(scores: dict[str, object], field: str, part: str) -> str:
    name = field if part == "all" else f"{field}_{part}"
    share, interval = scores[name], scores[f"{name}_interval"]
    if not isinstance(share, float) or not isinstance(interval, list):
        return "none"
    return f"{share:.1%} ({interval[0]:.1%}–{interval[1]:.1%})"


def _print_held_back(
    train: Sequence[Problem], repairs: dict[str, Repair], scored: Sequence[Problem]
) -> None:
    """Print how often the new program of a wording gives the gold answer of a twin of it that is
    scored."""
    programs = {
        each.template: (repairs[each.id].kind, each.gold_program)
        for each in train
        if each.id in repairs
    }
    hits: dict[str, list[bool]] = defaultdict(list)
    for problem in scored:
        if problem.template in programs and is_checkable(problem):
            kind, program = programs[problem.template]
            hits[kind].append(gives_gold(problem, program))
    for kind, each in sorted(hits.items()):
        print(f"  {kind}: gives the answer of {sum(each)} of {len(each)} twins that are scored")


if __name__ == "__main__":
    main()
