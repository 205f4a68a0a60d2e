"""Write docs/mathqa-repairs.csv from a run prepared on MathQA: `mathqa_repairs.py RUN`."""

import csv
import hashlib
import sys
from collections import defaultdict
from pathlib import Path

from corpus.problems.repair import REPAIRS, read_repairs
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems

OUTPUT = Path(__file__).parents[1] / "docs" / "mathqa-repairs.csv"


def problem_id(text: str) -> str:
    """Return the id of a problem: its text without white space and case decides."""
    return hashlib.sha256("".join(text.lower().split()).encode()).hexdigest()[:16]


def main() -> None:
    """Write one row for each repaired problem of MathQA."""
    folder = RunFolder(Path(sys.argv[1]))
    repairs = read_repairs(folder.problems / REPAIRS, fix="Prepare the data again.")
    rows: dict[str, set[tuple[str, str] | None]] = defaultdict(set)
    for problem in training_problems(folder):
        if problem.set_name == "mathqa":
            repair = repairs.get(problem.id)
            rows[problem_id(problem.text)].add(repair and (repair.kind, repair.after))
    # Copies of one text that do not all get the same program are left out.
    known = {name: next(iter(found)) for name, found in rows.items() if len(found) == 1}
    with open(OUTPUT, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["problem", "kind", "program"])
        writer.writerows((name, *found) for name, found in sorted(known.items()) if found)
    print(f"{OUTPUT}: {sum(map(bool, known.values())):,} problems")


if __name__ == "__main__":
    main()
