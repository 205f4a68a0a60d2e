"""Contamination: problems planted in real documents are found (recall), and little else is
(precision); `ratio` is the recall of copies at the defaults over that of a plain search for the
text as it stands (above 1 is good).

    python benchmarks/contamination.py --data ../shared/data

Every kind of case is planted twice: in the middle of a document, and alone, as a row of training
problems would be.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

from corpus.prepare.discover import discover
from corpus.problems.neighbours import NeighbourIndex
from corpus.problems.overlap import NGRAM, SHARE, OverlapIndex
from corpus.problems.problem import Problem
from corpus.problems.registry import load_problems
from corpus.program.domains import ARITHMETIC

NGRAMS, SHARES = (5, 8, 10, 13), (0.5, 0.6, 0.7, 0.8, 1.0)
NUMBER = re.compile(r"\d+")


def _spelled(problem: Problem, chance: random.Random) -> str:
    """Other white space, case and punctuation, as a web page has them."""
    text = re.sub(r" ([.,?!:;%)])", r"\1", problem.text)
    text = re.sub(r"([(]) ", r"\1", text).replace(" ' ", "’")
    return re.sub(
        r" ", lambda match: chance.choice([" ", " ", " ", "\n", "  "]), text[:1].upper() + text[1:]
    )


def _cut(problem: Problem, chance: random.Random) -> str:
    words = problem.text.split()
    return " ".join(words[: -max(1, len(words) * 3 // 10)])


def _changed(count: int) -> Callable[[Problem, random.Random], str]:
    """Replace `count` words that are no numbers."""

    def change(problem: Problem, chance: random.Random) -> str:
        words = problem.text.split()
        places = [place for place, word in enumerate(words) if word.isalpha()]
        for place in chance.sample(places, min(count, len(places))):
            words[place] = chance.choice(
                ["several", "carefully", "blue", "nearly", "object", "person", "again"]
            )
        return " ".join(words)

    return change


def _numbers(problem: Problem, chance: random.Random) -> str:
    return NUMBER.sub(lambda match: str(int(match[0]) + chance.randint(1, 9)), problem.text)


def _one_number(problem: Problem, chance: random.Random) -> str:
    places = list(NUMBER.finditer(problem.text))
    match = chance.choice(places)
    return (
        problem.text[: match.start()]
        + str(int(match[0]) + chance.randint(1, 9))
        + problem.text[match.end() :]
    )


POSITIVE: dict[str, Callable[[Problem, random.Random], str]] = {
    "verbatim": lambda problem, chance: problem.text,
    "other spelling": _spelled,
    "cut to 70 %": _cut,
    "2 words changed": _changed(2),
    "4 words changed": _changed(4),
}
NEGATIVE: dict[str, Callable[[Problem, random.Random], str]] = {
    "all numbers changed": _numbers,
    "one number changed": _one_number,
}


def main() -> None:
    """Plant, search with every n and share, print the tables and the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--count", type=int, default=300, help="planted problems of each kind")
    options = parser.parse_args()
    chance = random.Random(0)
    documents = [
        document.text
        for text in discover(options.data).texts
        for document in text.documents("train", lambda size: None)
    ]
    dev = load_problems("mathqa", options.data / "mathqa" / "dev.json", "dev")
    train = load_problems("mathqa", options.data / "mathqa" / "train.json", "train")
    places = [place for place in chance.sample(range(len(dev)), len(dev)) if dev[place].quantities][
        : options.count
    ]
    hosts = [text for text in documents if 200 < len(text) < 20_000]
    cases = {
        kind: [make(dev[place], chance) for place in places]
        for kind, make in {**POSITIVE, **NEGATIVE}.items()
    }
    neighbours = NeighbourIndex(train)
    alike = [neighbours.nearest(dev[place], 10) for place in places]
    cases["most similar training problem, other numbers"] = [
        next(
            (
                train[near].text
                for near in found
                if _values(train[near].text) != _values(dev[place].text)
            ),
            "",
        )
        for place, found in zip(places, alike)
    ]
    kinds = list(cases)
    found: dict[tuple[int, float], dict[str, float]] = {}
    for ngram in NGRAMS:
        for share in SHARES:
            index = OverlapIndex([problem.text for problem in dev], ngram=ngram, share=share)
            rows: dict[str, float] = {}
            for kind in kinds:
                alone = [_is_found(index, place, text) for place, text in zip(places, cases[kind])]
                inside = [
                    _is_found(index, place, _planted(text, chance.choice(hosts), chance))
                    for place, text in zip(places, cases[kind])
                ]
                rows[kind], rows[f"{kind}, in a document"] = (
                    sum(alone) / len(alone),
                    sum(inside) / len(inside),
                )
            begun = time.process_time()
            rows["clean documents"] = sum(
                any(not match.other_numbers for match in index.find(text)) for text in documents
            )
            rows["documents a second"] = len(documents) / (time.process_time() - begun)
            right = sum(rows[kind] + rows[f"{kind}, in a document"] for kind in POSITIVE) * len(
                places
            )
            wrong = rows["clean documents"] + len(places) * sum(
                rows[kind] + rows[f"{kind}, in a document"]
                for kind in kinds
                if kind not in POSITIVE
            )
            rows["precision"], rows["recall"] = (
                right / (right + wrong),
                right / (2 * len(POSITIVE) * len(places)),
            )
            found[ngram, share] = rows
            print(ngram, share, json.dumps(rows), flush=True)
    _print_table(found)
    plain = sum(
        dev[place].text.strip() in text
        for kind in ("verbatim", "other spelling")
        for place, text in zip(places, cases[kind])
    )
    ours = found[NGRAM, SHARE]
    ratio = (ours["verbatim"] + ours["other spelling"]) * len(places) / max(1, plain)
    print(
        json.dumps(
            {
                "name": "contamination",
                "ratio": round(ratio, 3),
                "ngram": NGRAM,
                "share": SHARE,
                **ours,
            }
        )
    )


def _values(text: str) -> list[float]:
    return [span.value for span in ARITHMETIC.find(text)]


def _is_found(index: OverlapIndex, place: int, text: str) -> bool:
    """Whether this very problem is found, or another problem with the same text."""
    return any(match.problem == place and not match.other_numbers for match in index.find(text))


def _planted(text: str, host: str, chance: random.Random) -> str:
    cut = host.find(" ", chance.randrange(len(host)))
    return f"{host[: max(0, cut)]}\n{text}\n{host[max(0, cut) :]}"


def _print_table(found: dict[tuple[int, float], dict[str, float]]) -> None:
    names = list(next(iter(found.values())))
    print("| n, share | " + " | ".join(names) + " |\n| --- |" + " ---: |" * len(names))
    for (ngram, share), rows in found.items():
        shown = [
            f"{value:,.0f}" if name in ("clean documents", "documents a second") else f"{value:.1%}"
            for name, value in rows.items()
        ]
        print(f"| {ngram}, {share} | " + " | ".join(shown) + " |")


if __name__ == "__main__":
    main()
