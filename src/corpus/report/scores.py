"""Scores in full: ways to answer, kinds of problems, and held-out text."""

from collections import Counter
from typing import Any

from corpus.evaluate.bins import KINDS, bin_title
from corpus.evaluate.ways import ways
from corpus.report.formats import decimal, interval, is_number, percent, plain, whole
from corpus.report.page import Block, Paragraph, Section, Table
from corpus.report.read import Json, Outcome, Run
from corpus.report.summary import find_interval

GROUPS = (
    ("", "num_problems", "all"),
    ("_seen", "num_seen", "template seen"),
    ("_unseen", "num_unseen", "template not seen"),
)
"""How a share's field ends, the field that counts its problems, and what they are."""

RATES = (
    ("executes", "the program executes"),
    ("program_match", "exact match: the program is the gold program"),
    ("value_match", "the value is that of the gold program"),
)

FATES = (
    (True, True, "right, with the gold program"),
    (True, False, "right, with another program"),
    (False, True, "wrong: the program gives another answer"),
    (False, False, "wrong: the program does not execute"),
)
"""Right or not, then: with the gold program (of right ones), executed (of wrong ones)."""

TERMS = (
    "This model writes one program, greedily, and the option nearest to its value is the answer "
    "(without options: the value itself, within 0.01 %). A program that does not execute is wrong. "
    "Programs follow the grammar of the language unless the run says otherwise.",
    "maj@8 lets the 8 likeliest programs vote for a value, each by its probability. Programs that "
    "leave out numbers of the problem and values that are not positive count less; with options "
    "known, a value near none of them hardly counts. Retrieval lets the programs of similar "
    "training problems vote as well, with twice the weight.",
    "The nearest neighbour runs the program of the most similar training problem on the new "
    "numbers. Majority always gives the most common answer of the training problems. Gold programs "
    "are those of the data set, which are not always right. A template is seen if a training "
    "problem has the same text but for its numbers.",
    "Two scores differ where their 95 % intervals are apart. Intervals are cluster-robust: wider where problems that differ only in their numbers are "
    "right or wrong together.",
)

MEASURES = (
    ("loss", "loss", decimal),
    ("unigram_loss", "unigram loss", decimal),
    ("loss_pretrained", "loss before fine-tuning", decimal),
    ("accuracy", "next-token accuracy", percent),
    ("unigram_accuracy", "unigram accuracy", percent),
    ("bits_per_byte", "bits per byte", decimal),
    ("unigram_bits_per_byte", "unigram bits per byte", decimal),
    ("num_tokens", "tokens", whole),
)


def problems_section(run: Run) -> Section:
    """Every way to answer beside the baselines, and how the programs fared."""
    title = "Problems: scores beside baselines"
    if not run.problem_scores:
        text = "No problem set has been scored so far."
        return Section(title=title, blocks=(Paragraph(text=text),))
    blocks: list[Block] = []
    for name, scores in run.problem_scores.items():
        blocks += [_ways_table(name, scores), *_programs_table(name, scores)]
        blocks += _fates(name, run.outcomes.get(name, ()))
    blocks += [Paragraph(text=text, quiet=True) for text in TERMS]
    summary = "ways to answer (maj@K, retrieval), templates seen and not seen, exact match"
    return Section(title=title, blocks=tuple(blocks), summary=summary)


def _ways_table(name: str, scores: Json) -> Table:
    """One row a way to answer, one column a group of problems; empty groups are left out."""
    groups = [each for each in GROUPS if scores.get(each[1])]
    answers = [
        ("accuracy", "this model"),
        *((f"accuracy_{way}", title) for way, title in ways(scores)),
        ("baseline_nearest", "nearest neighbour"),
        ("baseline_majority", "majority"),
        ("ceiling_gold", "gold programs (ceiling)"),
    ]
    rows = []
    for field, title in answers:
        cells = tuple(_share(scores, field + ending, total) for ending, total, _ in groups)
        if any(cells):
            rows.append((title, *(cell or "–" for cell in cells)))
    columns = (f"{group} ({whole(scores.get(total))})" for _, total, group in groups)
    title = f"{name}: answered right, with 95 % intervals"
    return Table(title=title, columns=("answered by", *columns), rows=tuple(rows))


def _share(scores: Json, field: str, total: str = "num_problems") -> str:
    """A share with its interval in brackets; empty where it is not known."""
    bounds = find_interval(scores, field, total)
    if not is_number(scores.get(field)) or not bounds:
        return ""
    return f"{percent(scores[field])} ({interval(*bounds)})"


def _programs_table(name: str, scores: Json) -> list[Block]:
    """Shares that are about programs, and whatever else the scores say in plain values."""
    rows = [(title, cell) for field, title in RATES if (cell := _share(scores, field))]
    told = ("accuracy", "baseline_", "ceiling_", "num_", *(field for field, _ in RATES))
    rows += [
        (field.replace("_", " "), decimal(value) if isinstance(value, float) else plain(value))
        for field, value in scores.items()
        if not field.startswith(told) and isinstance(value, (int, float, str))
    ]
    table = Table(title=f"{name}: programs", columns=("what", "share"), rows=tuple(rows))
    return [table] if rows else []


def _fates(name: str, outcomes: tuple[Outcome, ...]) -> list[Block]:
    """How the programs fared, counted from the outcomes of this set."""
    if not outcomes:
        text = f"outcomes/{name}.jsonl is not there: no single problem can be shown."
        return [Paragraph(text=text, quiet=True)]
    found = Counter(
        (each.right, each.predicted == each.gold if each.right else each.error is None)
        for each in outcomes
    )
    rows = tuple(
        (title, whole(found[right, detail]), percent(found[right, detail] / len(outcomes)))
        for right, detail, title in FATES
    )
    title = f"{name}: how the programs fared"
    return [Table(title=title, columns=("outcome", "problems", "share"), rows=rows)]


def bins_section(run: Run) -> Section:
    """Accuracy by length, operations and similarity, beside the nearest neighbour."""
    blocks: list[Block] = []
    for name, scores in run.problem_scores.items():
        parts = [
            (f"{kind}: {bin_title(each)}", each)
            for field, kind in KINDS
            for each in _bins(scores.get(field))
        ]
        parts += [
            ("longer than the trained context", each)
            for each in _bins([scores.get("beyond_context")])
        ]
        rows = tuple(
            (
                title,
                whole(each.get("num_problems")),
                *(_share(each, field) or "–" for field in BIN_SHARES),
            )
            for title, each in parts
        )
        if rows:
            columns = ("problems with", "number", "this model", "nearest neighbour")
            title = f"{name} by length, operations and similarity to training"
            blocks.append(Table(title=title, columns=columns, rows=rows))
    note = (
        "Words are those of the text, numbers and signs included; operations are those of the gold "
        "program; similarity is that of the most similar training problem."
    )
    if blocks:
        blocks.append(Paragraph(text=note, quiet=True))
    else:
        blocks.append(Paragraph(text="No bins have been scored."))
    return Section(title="Accuracy by kind of problem", blocks=tuple(blocks),
                   summary="by length, operations and similarity to training")  # fmt: skip


BIN_SHARES = ("accuracy", "baseline_nearest")


def _bins(given: Any) -> list[Json]:
    """The bins that hold a problem."""
    bins = given if isinstance(given, list) else []
    return [each for each in bins if isinstance(each, dict) and each.get("num_problems")]


def text_section(run: Run) -> Section:
    """Held-out text by source, beside a model that knows only how often each token occurs."""
    title = "Held-out text by source"
    if not run.text_scores:
        text = "No text has been scored so far."
        return Section(title=title, blocks=(Paragraph(text=text),))
    shown = [
        each
        for each in MEASURES
        if any(is_number(scores.get(each[0])) for scores in run.text_scores.values())
    ]
    rows = tuple(
        (source, *(write(scores.get(field)) for field, _, write in shown))
        for source, scores in run.text_scores.items()
    )
    note = (
        "Loss is in nats per token, lower is better. Bits per byte do not depend on the tokenizer. "
        "The unigram model gives each token its frequency in the training text of the source."
    )
    columns = ("source", *(name for _, name, _ in shown))
    blocks = (Table(columns=columns, rows=rows), Paragraph(text=note, quiet=True))
    summary = "loss, accuracy and bits per byte beside token frequencies alone"
    return Section(title=title, blocks=blocks, summary=summary)
