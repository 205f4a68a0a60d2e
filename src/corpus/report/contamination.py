"""The section on contamination: what of the evaluation problems stood in the data, and what was left out of training for it."""

from typing import Any

from corpus.report.blocks import Block, Paragraph, Section, Table
from corpus.report.formats import whole
from corpus.report.read import Run

RULE = (
    "A training problem or document holds an evaluation problem where stretches of at least 8 words that both share cover half of the problem's "
    "words or more, numbers included; case, white space and punctuation do not count, and options are not looked at. Where only other numbers "
    "stand in it, it is a twin: counted, and kept unless problems.drop_twins says otherwise. What was left out is listed in "
    "problems/contamination.jsonl and prepared/contamination.jsonl."
)


def contamination_section(run: Run) -> Section:
    """Counts of what was looked for and left out, or that nothing was looked for."""
    found = run.manifest.get("contamination")
    if not isinstance(found, dict):
        return Section(
            title="Contamination",
            blocks=(
                Paragraph(
                    text="Nothing is recorded of whether evaluation problems stand in the training data."
                ),
            ),
        )
    blocks: list[Block] = []
    problems, text = found.get("problems"), found.get("text")
    blocks += (
        _of_problems(problems)
        if isinstance(problems, dict)
        else [_off("Training problems", "problems.decontaminate")]
    )
    blocks += _of_text(text) if isinstance(text, dict) else [_off_text(run)]
    return Section(title="Contamination", blocks=(*blocks, Paragraph(text=RULE, quiet=True)))


def _of_problems(counts: dict[str, Any]) -> list[Block]:
    known, rows = counts.get("known", {}), counts.get("rows", {})
    names = ", ".join(f"{whole(count)} of {name}" for name, count in known.items()) or "none"
    titles = (
        ("rows", "training problems looked at"),
        ("dropped", "left out"),
        ("equal", "of them with the same words"),
        ("twins_dropped", "of them twins"),
        ("twins", "twins that stay"),
    )
    table = Table(
        columns=("training problems", "number"),
        rows=tuple((title, whole(rows.get(name))) for name, title in titles),
    )
    return [
        Paragraph(text=f"Evaluation problems known when the data was prepared: {names}."),
        table,
    ]


def _of_text(counts: dict[str, Any]) -> list[Block]:
    columns = ("documents", "dropped", "other_numbers")
    rows = tuple(
        (source, *(whole(counts.get(column, {}).get(source, 0)) for column in columns))
        for source in counts.get("documents", {})
    )
    return [
        Table(
            columns=("source", "documents looked at", "left out", "with other numbers"), rows=rows
        )
    ]


def _off(what: str, setting: str) -> Paragraph:
    return Paragraph(
        text=f"{what} were not compared with the evaluation problems: {setting} is off."
    )


def _off_text(run: Run) -> Paragraph:
    settings = run.config.get("prepare")
    if isinstance(settings, dict) and settings.get("decontaminate") is False:
        return _off("Documents", "prepare.decontaminate")
    return Paragraph(text="Documents were not looked through: no evaluation problem was known.")
