"""The sections on scores: problems beside baselines, and held-out text beside a unigram model."""

from typing import Any

from corpus.evaluate.intervals import wilson
from corpus.evaluate.scores import ways
from corpus.report.bins import bin_blocks
from corpus.report.blocks import Bar, BarChart, Block, Figures, Paragraph, Section, Table
from corpus.report.formats import decimal, interval, is_number, percent, plain, whole
from corpus.report.read import Outcome, Run

GROUPS = (
    ("", "num_problems", "all problems"),
    ("_seen", "num_seen", "template seen in training"),
    ("_unseen", "num_unseen", "template not seen"),
)
"""How a share's field ends, the field that counts its problems, and the group it stands in."""

RATES = (
    ("executes", "programs that execute"),
    ("program_match", "program equal to the gold one"),
    ("value_match", "value equal to the gold program's"),
)
"""Further shares of a problem set, out of all its problems."""

EXPLANATION = (
    "Accuracy means: one program, decoded greedily, executed, and the option nearest to its value (in a set without options its value is the answer within 0.01 %); a program that does not "
    "execute counts as wrong. It is decoded under the grammar of the language unless the run says otherwise. Votes mean: the likeliest programs instead "
    "of one, each as weighty as it is likely, and the value with most weight behind it. A program counts less the more of the problem's numbers it leaves out; so does a value that is not "
    "positive, and where the options are known one near none of them hardly counts at all. With similar training problems: their programs, on the new numbers, vote as well, with twice the weight. Majority always gives the most common letter of the training problems, or where there are no options their most common answer; nearest neighbour runs the "
    "program of the most similar training problem on the new numbers; the gold ceiling runs the data's own programs. A template "
    "is seen when a training problem has the same text but for its numbers. Words are those of the text, its numbers and signs counted; "
    "operations are the gold program's. Intervals are wider than the number of problems alone would make them where problems that differ only in their "
    "numbers are right or wrong together."
)


def _shares(scores: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return field, title, the field that counts its problems and the group of every accuracy and baseline."""
    baselines = (("baseline_nearest", "nearest neighbour"), ("baseline_majority", "majority"))
    titles = [
        ("accuracy", "model"),
        *((f"accuracy_{way}", name) for way, name in ways(scores)),
        *baselines,
    ]
    rows = []
    for ending, count, group in GROUPS:
        named = (
            [*titles, ("ceiling_gold", "gold programs (ceiling)")]
            if not ending
            else [t for t in titles if t[0] != "baseline_majority"]
        )
        rows += [(field + ending, name, count, group) for field, name in named]
    return rows


def problems_section(run: Run) -> Section:
    """Each set's accuracies with intervals and counts, beside the baselines."""
    if not run.problem_scores:
        return Section(
            title="Problems: scores beside baselines",
            blocks=(Paragraph(text="No problem set has been scored so far."),),
        )
    blocks: list[Block] = []
    for name, scores in run.problem_scores.items():
        blocks.append(Figures(charts=(_chart(name, scores),)))
        blocks.append(_share_table(name, scores))
        blocks += bin_blocks(name, scores)
        blocks += _fates(name, run.outcomes.get(name, ()))
    blocks.append(Paragraph(text=EXPLANATION, quiet=True))
    return Section(title="Problems: scores beside baselines", blocks=tuple(blocks))


def headline(name: str, scores: dict[str, Any]) -> str:
    """Say a set's result in a sentence, and how far it stands from the baselines."""
    low, high = find_interval(scores, "accuracy", "num_problems")
    text = f"{name}: {percent(scores.get('accuracy'))} of {whole(scores.get('num_problems'))} problems right"
    text += f" (95 % interval {interval(low, high)})"
    for field, title in (
        ("baseline_majority", "always the most common key"),
        ("baseline_nearest", "the nearest neighbour"),
    ):
        if is_number(scores.get(field)):
            text += f"; {title} gets {percent(scores[field])}, {_verdict(low, high, find_interval(scores, field, 'num_problems'))}"
    return text + "."


def _verdict(
    low: float | None, high: float | None, other: tuple[float | None, float | None]
) -> str:
    if low is None or high is None or other[0] is None or other[1] is None:
        return "without an interval to compare"
    if low > other[1]:
        return "below the model with intervals apart"
    return (
        "above the model with intervals apart"
        if high < other[0]
        else "which the intervals do not tell from the model"
    )


def find_interval(
    scores: dict[str, Any], field: str, count_field: str
) -> tuple[float | None, float | None]:
    """The 95 % interval of a share: as scored where scores.json gives it, else Wilson's from the share and its count."""
    given = scores.get(f"{field}_interval")
    if isinstance(given, list) and len(given) == 2 and all(map(is_number, given)):
        return given[0], given[1]
    share, total = scores.get(field), scores.get(count_field)
    if not is_number(share) or not is_number(total) or not total:
        return None, None
    return wilson(min(1.0, max(0.0, share)), total)


def _chart(name: str, scores: dict[str, Any]) -> BarChart:
    groups: dict[str, list[Bar]] = {}
    for field, title, count_field, group in _shares(scores):
        if not is_number(scores.get(field)):
            continue
        low, high = find_interval(scores, field, count_field)
        value = 100 * scores[field]
        bar = Bar(
            label=title,
            value=value,
            text=f"{value:.1f}",
            low=None if low is None else 100 * low,
            high=None if high is None else 100 * high,
            color=0 if title == "model" else None,
        )
        groups.setdefault(f"{group} ({whole(scores.get(count_field))})", []).append(bar)
    return BarChart(
        title=f"{name}: accuracy and baselines",
        x_label="% of problems right, with 95 % interval",
        groups=tuple((title, tuple(bars)) for title, bars in groups.items()),
        maximum=100.0,
    )


def _share_table(name: str, scores: dict[str, Any]) -> Table:
    rows, shares = [], _shares(scores)
    for field, title, count_field, group in shares:
        low, high = find_interval(scores, field, count_field)
        rows.append(
            (
                f"{title}, {group}",
                percent(scores.get(field)),
                interval(low, high),
                whole(scores.get(count_field)),
            )
        )
    for field, title in RATES:
        low, high = find_interval(scores, field, "num_problems")
        rows.append(
            (
                title,
                percent(scores.get(field)),
                interval(low, high),
                whole(scores.get("num_problems")),
            )
        )
    known = (
        {field for field, *_ in shares}
        | {count for _, _, count, _ in shares}
        | {field for field, _ in RATES}
    )
    for field, value in scores.items():
        if (
            field not in known
            and not field.endswith("_interval")
            and not isinstance(value, (dict, list))
        ):
            rows.append(
                (field, decimal(value) if isinstance(value, float) else plain(value), "", "")
            )
    return Table(
        title=f"{name} in numbers",
        columns=("score", "share", "95 % interval", "problems"),
        rows=tuple(rows),
    )


def _fates(name: str, outcomes: tuple[Outcome, ...]) -> list[Block]:
    """How the programs fared, counted from the outcomes of this set."""
    if not outcomes:
        return [
            Paragraph(
                text=f"The outcomes of {name} (outcomes/{name}.jsonl) are not there; no problem can be shown.",
                quiet=True,
            )
        ]
    fates: dict[str, int] = dict.fromkeys(
        (
            "right, with the gold program",
            "right, with another program",
            "wrong: executes, with another answer",
            "wrong: does not execute",
        ),
        0,
    )
    for outcome in outcomes:
        if outcome.right:
            fates[
                "right, with the gold program"
                if outcome.predicted == outcome.gold
                else "right, with another program"
            ] += 1
        else:
            fates[
                "wrong: executes, with another answer"
                if outcome.error is None
                else "wrong: does not execute"
            ] += 1
    rows = tuple(
        (title, whole(number), percent(number / len(outcomes))) for title, number in fates.items()
    )
    return [
        Table(
            title=f"{name}: how the programs fared",
            columns=("outcome", "problems", "share"),
            rows=rows,
        )
    ]


def text_section(run: Run) -> Section:
    """Held-out text by source, beside a model that knows only how often each token occurs."""
    if not run.text_scores:
        return Section(
            title="Held-out text by source",
            blocks=(Paragraph(text="No text has been scored so far."),),
        )
    measures = (("loss", "loss", 3), ("accuracy", "accuracy", 1), ("bits_per_byte", "bits/byte", 3))
    rows = []
    for source, scores in run.text_scores.items():
        row = [source]
        for field, _, places in measures:
            write = (
                percent
                if field == "accuracy"
                else lambda value, places=places: decimal(value, places)
            )
            row += [write(scores.get(field)), write(scores.get(f"unigram_{field}"))]
        rows.append(
            (
                *row,
                _difference(scores),
                decimal(scores.get("loss_pretrained")),
                whole(scores.get("num_tokens")),
            )
        )
    pairs = [column for _, title, _ in measures for column in (title, "unigram")]
    columns = ("source", *pairs, "loss below unigram", "pre-trained loss", "tokens")
    note = (
        "Loss is in nats per token (lower is better), accuracy is that of the next token, bits per byte do not depend on the "
        "tokenizer. All are those of the final weights, but for the pre-trained loss, which is from before fine-tuning. The "
        "unigram model gives every token its share in the training text of the same source."
    )
    charts = (
        _text_chart(run, "loss", "loss, nats per token"),
        _text_chart(run, "bits_per_byte", "bits per byte"),
    )
    return Section(
        title="Held-out text by source",
        blocks=(
            Figures(charts=charts),
            Table(columns=columns, rows=tuple(rows)),
            Paragraph(text=note, quiet=True),
        ),
    )


def _difference(scores: dict[str, Any]) -> str:
    unigram, loss = scores.get("unigram_loss"), scores.get("loss")
    return decimal(unigram - loss) if is_number(unigram) and is_number(loss) else decimal(None)


def _text_chart(run: Run, field: str, label: str) -> BarChart:
    groups = []
    for source, scores in run.text_scores.items():
        pairs = (("model", scores.get(field), 0), ("unigram", scores.get(f"unigram_{field}"), None))
        bars = tuple(
            Bar(label=title, value=value, text=f"{value:.2f}", color=color)
            for title, value, color in pairs
            if is_number(value)
        )
        if bars:
            groups.append((source, bars))
    return BarChart(
        title=f"Held-out {label.split(',')[0]} beside a unigram model",
        x_label=f"{label} (shorter is better)",
        groups=tuple(groups),
    )
