"""The circumstances of a run: data, contamination, events, settings, environment, how to repeat it."""

import json
import shlex
from collections.abc import Sequence
from typing import Any

from corpus.report.formats import duration, plain, whole
from corpus.report.page import Block, Code, Paragraph, Section, Table
from corpus.report.read import Json, Run

MAX_EVENTS = 50
"""Events listed one by one; a run with more has them counted by name as well."""

SETTINGS = (
    ("model.num_layers", "layers"),
    ("model.dim", "width"),
    ("model.num_heads", "attention heads"),
    ("model.num_kv_heads", "heads of keys and values"),
    ("model.vocab_size", "vocabulary"),
    ("model.context_length", "context length, tokens"),
    ("curriculum.order", "order of the sources"),
    ("train.rows_per_batch", "sequences in a batch"),
    ("train.optimizer.name", "optimizer"),
    ("train.schedule.learning_rate", "learning rate, pre-training"),
    ("train.finetune_share", "share of the budget for fine-tuning"),
    ("finetune.method", "fine-tuning method"),
    ("finetune.schedule.learning_rate", "learning rate, fine-tuning"),
    ("finetune.self_training", "self-training after this share of fine-tuning"),
    ("self_training.found", "pseudo-labels from self-training"),
    ("seed", "seed"),
)
"""What a reader asks for first, by its path in the manifest or the config."""

COUNTS = (
    ("num_documents", "documents"),
    ("num_tokens", "tokens"),
    ("num_bytes", "bytes"),
)

CONTAMINATION = (
    ("rows", "training problems compared"),
    ("dropped", "left out"),
    ("equal", "of these with the same words"),
    ("twins_dropped", "of these the same but for the numbers"),
    ("twins", "kept, the same but for the numbers"),
)

RULE = (
    "A training text holds an evaluation problem if stretches of at least 8 words that both share "
    "cover half of the problem's words. Numbers count; case, white space, punctuation and options "
    "do not. Where only the numbers differ it is a twin, kept unless problems.drop_twins is on. "
    "What was left out is listed in problems/contamination.jsonl and prepared/contamination.jsonl."
)


def leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """Flatten nested objects to dotted names and their values."""
    if not isinstance(value, dict):
        return [(name, value)] if name else []
    return [
        leaf
        for key, item in value.items()
        for leaf in leaves(item, f"{name}.{key}" if name else str(key))
    ]


def _values(value: Any, title: str = "") -> list[Block]:
    """A table of plain values; none where there are none."""
    rows = tuple((name, _cell(leaf)) for name, leaf in leaves(value))
    return [Table(title=title, columns=("what", "value"), rows=rows, words=True)] if rows else []


def _cell(value: Any) -> str:
    return whole(value) if isinstance(value, int) and not isinstance(value, bool) else plain(value)


def data_section(run: Run) -> Section:
    """What was prepared: documents and tokens by source, problems by what became of them."""
    blocks: list[Block] = []
    counts = run.prepared.get("counts")
    if isinstance(counts, dict):
        sources = counts.get("sources")
        blocks += _source_table(sources) if isinstance(sources, dict) and sources else []
        told = ("sources", "contamination")
        blocks += _values({k: v for k, v in counts.items() if k not in told}, "Prepared text")
    blocks += _values(run.manifest.get("problems"), "Training problems")
    nothing = Paragraph(text="The prepared data has recorded no counts.")
    summary = "documents and tokens by source, training problems"
    return Section(title="Data", blocks=tuple(blocks) or (nothing,), summary=summary)


def _source_table(sources: Json) -> list[Block]:
    known = {name: dict(leaves(each)) for name, each in sources.items()}
    parts = (("train", "training"), ("validation", "held-out"))
    shown = [
        (f"{part}.{field}", f"{word} {unit}")
        for part, word in parts
        for field, unit in COUNTS
        if any(f"{part}.{field}" in each for each in known.values())
    ]
    rows = tuple(
        (name, *(whole(each.get(field)) for field, _ in shown)) for name, each in known.items()
    )
    columns = ("source", *(title for _, title in shown))
    return [Table(title="Text by source", columns=columns, rows=rows)] if shown else []


def contamination_section(run: Run) -> Section:
    """What of the evaluation problems stood in the data, and what was left out of training for it."""
    found = run.manifest.get("contamination")
    if not isinstance(found, dict):
        text = "Nothing is recorded of whether evaluation problems stand in the training data."
        return Section(title="Contamination", blocks=(Paragraph(text=text),))
    problems, text = found.get("problems"), found.get("text")
    blocks = [
        *(_problem_overlap(problems) if isinstance(problems, dict) else [_off("Training problems", "problems.decontaminate")]),
        *(_text_overlap(text) if isinstance(text, dict) else [_off_text(run)]),
        Paragraph(text=RULE, quiet=True),
    ]  # fmt: skip
    summary = "evaluation problems that were found in the training data"
    return Section(title="Contamination", blocks=tuple(blocks), summary=summary)


def _problem_overlap(counts: Json) -> list[Block]:
    known, rows = counts.get("known", {}), counts.get("rows", {})
    names = ", ".join(f"{whole(number)} of {name}" for name, number in known.items()) or "none"
    text = f"Evaluation problems known when the data was prepared: {names}."
    cells = tuple((title, whole(rows.get(name))) for name, title in CONTAMINATION)
    return [Paragraph(text=text), Table(columns=("training problems", "number"), rows=cells)]


def _text_overlap(counts: Json) -> list[Block]:
    fields = ("documents", "dropped", "other_numbers")
    rows = tuple(
        (source, *(whole(counts.get(field, {}).get(source, 0)) for field in fields))
        for source in counts.get("documents", {})
    )
    columns = ("source", "documents compared", "left out", "kept, with other numbers")
    return [Table(columns=columns, rows=rows)] if rows else []


def _off(what: str, setting: str) -> Block:
    text = f"{what} were not compared with the evaluation problems: {setting} is off."
    return Paragraph(text=text)


def _off_text(run: Run) -> Block:
    if run.setting("prepare.decontaminate") is False:
        return _off("Documents", "prepare.decontaminate")
    return Paragraph(text="Documents were not compared: no evaluation problem was known.")


def events_section(run: Run) -> Section:
    """Skipped steps, interruptions that training went on after, self-training."""
    if not run.events:
        text = "Nothing out of the ordinary was recorded: no skipped step, no interruption."
        return Section(title="Events", blocks=(Paragraph(text=text),), summary="none")
    blocks: list[Block] = []
    if len(run.events) > MAX_EVENTS:
        names = sorted({event.name for event in run.events})
        numbers = {name: sum(event.name == name for event in run.events) for name in names}
        blocks += _values(numbers, "All events by name")
        blocks.append(Paragraph(text=f"The first {MAX_EVENTS} of {len(run.events):,}:"))
    rows = tuple(
        (duration(each.seconds), each.phase, whole(each.step), each.name, each.message)
        for each in run.events[:MAX_EVENTS]
    )
    columns = ("clock", "stage", "step", "event", "what happened")
    blocks.append(Table(columns=columns, rows=rows, words=True))
    return Section(title="Events", blocks=tuple(blocks), summary=f"{len(run.events):,} recorded")


def settings_section(run: Run) -> Section:
    """The settings that matter most, and the whole config."""
    rows = tuple(
        (title, _cell(value))
        for path, title in SETTINGS
        if (value := run.setting(path)) is not None
    )
    config = json.dumps(run.config, indent=2, ensure_ascii=False)
    blocks: Sequence[Block] = (
        Table(columns=("setting", "value"), rows=rows, words=True),
        Code(title="Every setting: config.json", text=config, language="json", folded=True),
    )
    return Section(title="Settings", blocks=tuple(blocks), summary="model, training, config.json")


def environment_section(run: Run) -> Section:
    """The machine and its software, and what was chosen on it."""
    known = {name: run.manifest.get(name) for name in ("environment", "choices")}
    blocks = [block for value in known.values() for block in _values(value)]
    nothing = Paragraph(text="The environment has not been recorded so far.")
    summary = "machine, software, choices made on it"
    return Section(title="Environment", blocks=tuple(blocks) or (nothing,), summary=summary)


def repeat_section(run: Run) -> Section:
    """The exact commands."""
    blocks: list[Block] = []
    if command := run.manifest.get("command"):
        text = shlex.join(map(str, command)) if isinstance(command, list) else str(command)
        blocks.append(Code(title="The command of this run", text=text, language="sh"))
    text = "A run repeats from its own folder: config.json holds every setting, defaults included."
    again = Code(
        title="Again, and what to do with this run", text="\n".join(commands(run)), language="sh"
    )
    return Section(
        title="How to repeat it",
        blocks=(*blocks, Paragraph(text=text), again),
        summary="the commands",
    )


def commands(run: Run) -> list[str]:
    """Commands that repeat, score, use and report this run, quoted for a shell."""
    folder, recipe = str(run.folder), run.setting("recipe")
    name = [recipe] if isinstance(recipe, str) and recipe else []
    question = "a train covers 120 km in 2 hours . what is its speed ?"
    config = str(run.folder / "config.json")
    lines = (
        ["run", *name, "--config", config, "--out", f"{folder}-again"],
        ["evaluate", folder, "--output", "scores.json"],
        ["solve", folder, question],
        ["report", folder],
    )
    return [shlex.join(("corpus", *words)) for words in lines]
