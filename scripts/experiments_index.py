"""Write the list in docs/experiments.md from the heads of the files in docs/experiments/.

`python scripts/experiments_index.py` writes it; `--check` only says whether it is up to date.
Each experiment is a Markdown file: a title that is a question, a paragraph that begins with
`**Answer.**`, and a list of `- Name: value` fields.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "experiments"
INDEX = ROOT / "docs" / "experiments.md"
BEGIN, END = (
    "<!-- index: begin (python scripts/experiments_index.py) -->",
    "<!-- index: end -->",
)
REQUIRED_FIELDS = ("Date", "Device")
REQUIRED_SECTIONS = ("Command", "Results", "What it means")
MAX_ANSWER = 400
"""Characters of an answer, which has to fit into one row of the list."""

_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-[a-z0-9]+(-[a-z0-9]+)*\.md")
_FIELD = re.compile(r"^- ([A-Z][a-z]+): (.+(?:\n  .+)*)", re.MULTILINE)
_ANSWER = re.compile(r"\*\*Answer\.\*\* (.+(?:\n.+)*)")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The head of one experiment file."""

    name: str
    question: str
    answer: str
    fields: dict[str, str]
    sections: tuple[str, ...]


def read(path: Path) -> Experiment:
    """Return the head of the file; what is missing is empty."""
    head, *sections = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    answer = _ANSWER.search(head)
    return Experiment(
        name=path.name,
        question=head.splitlines()[0].removeprefix("# "),
        answer=" ".join(answer[1].split()) if answer else "",
        fields={name: " ".join(value.split()) for name, value in _FIELD.findall(head)},
        sections=tuple(section.splitlines()[0] for section in sections),
    )


def problems(experiment: Experiment) -> list[str]:
    """Return what is wrong with the head of an experiment, one sentence each."""
    found = []
    name = _NAME.fullmatch(experiment.name)
    if not name:
        found.append("the file name is not YYYY-MM-DD-short-slug.md")
    elif name[1] != experiment.fields.get("Date"):
        found.append("the field Date is not the date in the file name")
    if not experiment.question.endswith("?"):
        found.append("the title is not a question")
    if not re.search(r"\d", experiment.answer):
        found.append("no **Answer.** paragraph with a figure")
    if len(experiment.answer) > MAX_ANSWER:
        found.append(f"the answer has {len(experiment.answer)} characters, over {MAX_ANSWER}")
    if re.search(r"[|]|\]\(", experiment.answer):
        found.append("the answer holds a link or a |, which a row of the list cannot hold")
    found += [f"no field {field}" for field in REQUIRED_FIELDS if field not in experiment.fields]
    found += [f"no section {name}" for name in REQUIRED_SECTIONS if name not in experiment.sections]
    return found


def table(experiments: list[Experiment]) -> str:
    """Return the list in Markdown, newest first."""
    newest = sorted(experiments, key=lambda each: each.name)
    newest.sort(key=lambda each: each.name[:10], reverse=True)
    rows = [
        f"| {each.name[:10]} | [{each.question}](experiments/{each.name}) | {each.answer} |"
        for each in newest
    ]
    return "\n".join(["| date | question | answer |", "| --- | --- | --- |", *rows])


def with_table(index: str, content: str) -> str:
    """Return the text of the index with the part between the marks replaced."""
    before, rest = index.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Write or check the list; return the exit status."""
    parser = argparse.ArgumentParser(description="The list in docs/experiments.md.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(arguments).check
    experiments = [read(path) for path in sorted(FOLDER.glob("*.md"))]
    wrong = [f"docs/experiments/{e.name}: {why}" for e in experiments for why in problems(e)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    index = INDEX.read_text(encoding="utf-8")
    updated = with_table(index, table(experiments))
    if check and updated != index:
        print(
            "docs/experiments.md is not up to date; run python scripts/experiments_index.py",
            file=sys.stderr,
        )
        return 1
    if not check:
        INDEX.write_text(updated, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
