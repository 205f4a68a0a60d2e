"""The sections around the results: what was run, on which data, what happened on the way, where, and how to repeat it."""

import json
import shlex
from typing import Any

from corpus.base.units import Budget
from corpus.report.blocks import Block, Code, Paragraph, Section, Table
from corpus.report.formats import ABSENT, count, decimal, duration, is_number, plain, whole
from corpus.report.read import Json, Run
from corpus.report.results import headline

MAX_EVENTS = 50
"""Events listed one by one; a run with more has them counted by name as well."""


def summary_section(run: Run) -> Section:
    """Recipe, model, budget, both totals, seed and date, and the results in a sentence each."""
    blocks: list[Block] = [
        Paragraph(text=headline(name, scores)) for name, scores in run.problem_scores.items()
    ]
    blocks += [Paragraph(text=text) for text in _text_headline(run)]
    blocks += [Paragraph(text=sentence) for sentence in run.missing]
    model = run.config.get("model")
    rows = [
        ("recipe", recipe_name(run)),
        (
            "model",
            f"{count(run.num_parameters)} parameters"
            if run.num_parameters
            else "no weights so far",
        ),
        ("model settings", plain(model)),
        ("budget", budget_text(run)),
        (
            "training clock",
            f"{duration(run.manifest.get('clock_seconds'))} (first training second to final weights saved)",
        ),
        ("everything", f"{duration(total_seconds(run))} (data, training, scoring and report)"),
        ("seed", plain(find_setting(run, "seed"))),
        ("date", plain(find_setting(run, "date"))),
    ]
    blocks.append(Table(columns=("setting", "value"), rows=tuple(rows), words=True))
    return Section(title="What was run", blocks=tuple(blocks))


def _text_headline(run: Run) -> list[str]:
    gaps = {
        source: scores["unigram_loss"] - scores["loss"]
        for source, scores in run.text_scores.items()
        if is_number(scores.get("loss")) and is_number(scores.get("unigram_loss"))
    }
    if not gaps:
        return []
    low, high = min(gaps, key=lambda name: gaps[name]), max(gaps, key=lambda name: gaps[name])
    if len(gaps) == 1:
        return [
            f"Text: held-out loss of {low} is {decimal(gaps[low], 2)} nats per token below a unigram model."
        ]
    least, most = f"{decimal(gaps[low], 2)} ({low})", f"{decimal(gaps[high], 2)} ({high})"
    return [f"Text: held-out loss is below a unigram model by {least} to {most} nats per token."]


def find_setting(run: Run, name: str) -> Any:
    """A setting of the run: from its manifest, else from its config."""
    return run.manifest.get(name, run.config.get(name))


def recipe_name(run: Run) -> str:
    """The recipe's name, or a dash where it was not recorded."""
    return plain(find_setting(run, "recipe"))


def budget_text(run: Run) -> str:
    """The budget as a person writes it; a config file holds it as text or as kind and amount."""
    budget = run.manifest.get("budget") or run.config.get("budget")
    if (
        isinstance(budget, dict)
        and is_number(budget.get("amount"))
        and budget.get("kind") in ("seconds", "tokens", "steps")
    ):
        return str(Budget(kind=budget["kind"], amount=budget["amount"]))
    return duration(budget) if is_number(budget) else plain(budget)


def total_seconds(run: Run) -> float | None:
    """Seconds of all stages together; None before any was recorded."""
    return sum(run.stage_seconds.values()) or None


def data_section(run: Run) -> Section:
    """What was prepared: documents, tokens and problems, as the prepared data's manifest counts them."""
    blocks: list[Block] = []
    counts, problems = run.prepared.get("counts"), run.manifest.get("problems")
    if isinstance(counts, dict) and counts:
        # what was left out as contaminated has a section of its own
        _describe(
            {name: value for name, value in counts.items() if name != "contamination"},
            "prepared",
            blocks,
        )
    if isinstance(problems, dict) and problems:
        _describe(problems, "training problems", blocks)
    return Section(
        title="Data",
        blocks=tuple(blocks) or (Paragraph(text="The prepared data has recorded no counts."),),
    )


def _describe(counts: Json, title: str, blocks: list[Block]) -> None:
    """Add a table for plain values, one for records of the same kind, and go into whatever is nested deeper."""
    plain_rows = tuple(
        (name, _cell(value)) for name, value in counts.items() if not isinstance(value, dict)
    )
    if plain_rows:
        blocks.append(Table(title=title, columns=("what", "value"), rows=plain_rows, words=True))
    groups = {name: value for name, value in counts.items() if isinstance(value, dict) and value}
    records = {
        name: {key.replace(".", " "): leaf for key, leaf in _leaves(value)}
        for name, value in groups.items()
    }
    columns = list(dict.fromkeys(key for record in records.values() for key in record))
    if (
        len(groups) > 1
        and columns
        and sum(len(record) for record in records.values()) >= 0.6 * len(columns) * len(records)
    ):
        rows = tuple(
            (name, *(_cell(record[key]) if key in record else ABSENT for key in columns))
            for name, record in records.items()
        )
        blocks.append(
            Table(
                title=title,
                columns=("name", *(column.replace("_", " ") for column in columns)),
                rows=rows,
            )
        )
        return
    for name, value in groups.items():
        _describe(value, f"{title}: {name}", blocks)


def _cell(value: Any) -> str:
    return whole(value) if isinstance(value, int) and not isinstance(value, bool) else plain(value)


def events_section(run: Run) -> Section:
    """Skipped steps, interruptions that training went on after, self-training."""
    if not run.events:
        return Section(
            title="Events",
            blocks=(
                Paragraph(
                    text="Nothing out of the ordinary was recorded: no skipped step, no interruption."
                ),
            ),
        )
    rows = tuple(
        (duration(e.seconds), e.phase, whole(e.step), e.name, e.message)
        for e in run.events[:MAX_EVENTS]
    )
    blocks: list[Block] = []
    if len(run.events) > MAX_EVENTS:
        names = sorted({event.name for event in run.events})
        numbers = tuple(
            (name, whole(sum(event.name == name for event in run.events))) for name in names
        )
        blocks.append(Table(title="All events by name", columns=("event", "times"), rows=numbers))
        blocks.append(Paragraph(text=f"The first {MAX_EVENTS} of {len(run.events):,}:"))
    blocks.append(
        Table(columns=("clock", "stage", "step", "event", "what happened"), rows=rows, words=True)
    )
    return Section(title="Events", blocks=tuple(blocks))


def environment_section(run: Run) -> Section:
    """The machine and its software, and what was chosen on it."""
    rows = [
        (name, plain(value))
        for part in ("environment", "choices")
        for name, value in _leaves(run.manifest.get(part))
    ]
    if not rows:
        return Section(
            title="Environment",
            blocks=(Paragraph(text="The environment has not been recorded so far."),),
        )
    return Section(
        title="Environment",
        blocks=(Table(columns=("what", "value"), rows=tuple(rows), words=True),),
    )


def _leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(name, value)] if name else []
    return [
        leaf
        for key, item in value.items()
        for leaf in _leaves(item, f"{name}.{key}" if name else str(key))
    ]


def repeat_section(run: Run) -> Section:
    """The exact commands, and the whole config."""
    blocks: list[Block] = []
    command = run.manifest.get("command")
    if command:
        text = shlex.join(map(str, command)) if isinstance(command, list) else str(command)
        blocks.append(Code(title="The command of this run", text=text, language="sh"))
    blocks.append(
        Paragraph(
            text="A run repeats from its own folder: config.json holds every setting, defaults included."
        )
    )
    blocks.append(
        Code(
            title="Again, and what to do with this run",
            text="\n".join(commands(run)),
            language="sh",
        )
    )
    blocks.append(
        Code(
            title="config.json",
            text=json.dumps(run.config, indent=2, ensure_ascii=False),
            language="json",
            folded=True,
        )
    )
    return Section(title="How to repeat it", blocks=tuple(blocks))


def commands(run: Run) -> list[str]:
    """Commands that repeat, score, use and report this run, with the folder's name quoted for a shell."""
    folder, recipe = shlex.quote(str(run.folder)), find_setting(run, "recipe")
    name = f"{shlex.quote(recipe)} " if isinstance(recipe, str) and recipe else ""
    return [
        f"corpus run {name}--config {shlex.quote(str(run.folder / 'config.json'))} --out {shlex.quote(str(run.folder) + '-again')}",
        f"corpus evaluate {folder} --output scores.json",
        f'corpus solve {folder} "a train covers 120 km in 2 hours . what is its speed ?"',
        f"corpus report {folder}",
    ]
