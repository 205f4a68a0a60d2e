"""Write docs/mathqa-repairs.csv from a run prepared on MathQA: `mathqa_repairs.py RUN`."""

import csv
import hashlib
import re
import sys
from pathlib import Path

from corpus.problems.repair import REPAIRS, read_repairs
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems

OUTPUT = Path(__file__).parents[1] / "docs" / "mathqa-repairs.csv"


def problem_id(text: str) -> str:
    """Return the id of a problem: it depends on the letters and digits of its text alone."""
    letters = "".join(re.findall(r"[a-z0-9]+", text.lower()))
    return hashlib.sha256(letters.encode()).hexdigest()[:16]


def main() -> None:
    """Write one row for each repaired problem of MathQA."""
    folder = RunFolder(Path(sys.argv[1]))
    repairs = read_repairs(folder.problems / REPAIRS, fix="Prepare the data again.")
    rows = {
        (problem_id(problem.text), repairs[problem.id].kind, repairs[problem.id].after)
        for problem in training_problems(folder)
        if problem.set_name == "mathqa" and problem.id in repairs
    }
    with open(OUTPUT, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["problem", "kind", "program"])
        writer.writerows(sorted(rows))
    print(f"{OUTPUT}: {len(rows):,} problems")


if __name__ == "__main__":
    main()
