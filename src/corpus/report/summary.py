"""The first screen: did the run go well, what was trained, and for how long."""

from corpus.base.units import Budget
from corpus.report.formats import (
    count,
    decimal,
    duration,
    interval,
    is_number,
    percent,
    plain,
    whole,
)
from corpus.report.page import Fact, Strip, Table, Verdict
from corpus.report.read import Json, Run

ANSWERS = (
    ("accuracy", "this model"),
    ("baseline_nearest", "nearest neighbour"),
    ("baseline_majority", "majority"),
    ("ceiling_gold", "gold programs (ceiling)"),
)
"""The headline score and what stands beside it, by their fields in scores.json."""

BASELINES = {
    "baseline_majority": "majority (always the most common answer)",
    "baseline_nearest": "the nearest neighbour (the program of the most similar training problem)",
}

NOT_SCORED = Verdict(
    level="unknown",
    title="Not scored yet",
    sentences=("Nothing can be said about the result of this run so far.",),
)


def verdict(run: Run) -> Verdict:
    """Say how the run went, by the 95 % intervals of the first problem set and by held-out text."""
    text = [sentence] if (sentence := _text_sentence(run)) else []
    for name, scores in run.problem_scores.items():
        level, title, sentence = compare(name, scores)
        return Verdict(level=level, title=title, sentences=(sentence, *text))
    if not text:
        return NOT_SCORED
    return Verdict(level="unknown", title="Scored on text alone", sentences=tuple(text))


def compare(name: str, scores: Json) -> tuple[str, str, str]:
    """Return level, title and sentence of how a set's accuracy compares with its baselines."""
    found = {field: _against(scores, field) for field in BASELINES}
    known = {field: word for field, word in found.items() if word}
    if not known:
        return "unknown", f"No baseline for {name}", f"{name} has no baseline to compare with."
    majority, nearest = found["baseline_majority"], found["baseline_nearest"]
    if set(known.values()) == {"better than"}:
        level, title = "good", "Better than its baselines"
    elif majority == "better than":
        level, title = "fair", f"Better than guessing, {nearest} the nearest neighbour"
    elif majority:
        level, title = "poor", "No better than guessing"
    else:
        level = "poor" if nearest == "behind" else "fair"
        title = f"{nearest.capitalize()} the nearest neighbour"
    parts = " and ".join(f"{word} {BASELINES[field]}" for field, word in known.items())
    return (
        level,
        title,
        f"On {name} the model is {parts}.",
    )


def _against(scores: Json, field: str) -> str:
    """How the model's interval lies to that of a baseline; empty where one is unknown."""
    mine, other = (find_interval(scores, each) for each in ("accuracy", field))
    if not mine or not other:
        return ""
    if mine[0] > other[1]:
        return "better than"
    return "behind" if mine[1] < other[0] else "no different from"


def find_interval(
    scores: Json, field: str, total: str = "num_problems"
) -> tuple[float, float] | None:
    """The 95 % interval of a share as scored, else Wilson's from the share and its count."""
    from corpus.evaluate.intervals import wilson

    given = scores.get(f"{field}_interval")
    if isinstance(given, list) and len(given) == 2 and all(map(is_number, given)):
        return given[0], given[1]
    share, number = scores.get(field), scores.get(total)
    if not is_number(share) or not is_number(number) or number <= 0:
        return None
    return wilson(min(1.0, max(0.0, share)), number)


def _text_sentence(run: Run) -> str:
    """How held-out text compares with token frequencies alone, in the mean over sources."""
    pairs = [
        (scores["loss"], scores["unigram_loss"])
        for scores in run.text_scores.values()
        if is_number(scores.get("loss")) and is_number(scores.get("unigram_loss"))
    ]
    if not pairs:
        return ""
    better, gap = sum(a < b for a, b in pairs), sum(b - a for a, b in pairs) / len(pairs)
    word = "better" if gap > 0 else "worse"
    return (
        f"Held-out text: {decimal(abs(gap), 2)} nats per token {word} than token frequencies alone, "
        f"better in {better} of {len(pairs)} sources."
    )


def score_tables(run: Run) -> tuple[Table, ...]:
    """The score of each problem set with its interval, beside its baselines."""
    tables = []
    for name, scores in run.problem_scores.items():
        rows, strips = [], []
        for field, title in ANSWERS:
            share, bounds = scores.get(field), find_interval(scores, field)
            if is_number(share) and bounds:
                rows.append((title, percent(share), interval(*bounds)))
                strips.append(Strip(value=share, low=bounds[0], high=bounds[1], own=not strips))
        if rows:
            number = whole(scores.get("num_problems"))
            title = f"{name}, {number} problems: right (95 % interval)"
            columns = ("answered by", "right", "95 % interval")
            tables.append(
                Table(title=title, columns=columns, rows=tuple(rows), strips=tuple(strips))
            )
    return tuple(tables)


def facts(run: Run) -> tuple[Fact, ...]:
    """Size, tokens, time and data of the run."""
    return _model(run), _tokens(run), _time(run), _sources(run)


def _model(run: Run) -> Fact:
    layers, width, vocabulary = (
        run.setting(f"model.{name}") for name in ("num_layers", "dim", "vocab_size")
    )
    note = f"{whole(layers)} layers of width {whole(width)}, {whole(vocabulary)} tokens vocabulary"
    value = f"{count(run.num_parameters)} parameters" if run.num_parameters else "no weights so far"
    return Fact(name="Model", value=value, note=note)


def _tokens(run: Run) -> Fact:
    ends = {stage: points[-1].tokens for stage in STAGE_WORDS if (points := run.stage(stage))}
    note = " + ".join(f"{count(tokens)} {STAGE_WORDS[stage]}" for stage, tokens in ends.items())
    value = f"{count(sum(ends.values()))} tokens" if ends else "no tokens so far"
    return Fact(name="Trained on", value=value, note=note)


STAGE_WORDS = {"pretrain": "pre-training", "finetune": "fine-tuning"}


def _time(run: Run) -> Fact:
    total = sum(run.stage_seconds.values()) or None
    value = f"{duration(run.setting('clock_seconds'))} of training"
    note = f"budget {budget_text(run)}; {duration(total)} with preparing and scoring"
    return Fact(name="Training clock", value=value, note=note)


def _sources(run: Run) -> Fact:
    given = run.prepared.get("counts")
    prepared = given.get("sources") if isinstance(given, dict) else None
    names = tuple(prepared) if isinstance(prepared, dict) else tuple(run.text_scores)
    number = f"{len(names)} text source{'' if len(names) == 1 else 's'}" if names else "unknown"
    return Fact(name="Sources", value=number, note=", ".join(names))


def budget_text(run: Run) -> str:
    """The budget as a person writes it; a file holds it as text, or as kind and amount."""
    budget = run.setting("budget")
    kinds = ("seconds", "tokens", "steps")
    if isinstance(budget, dict) and is_number(budget.get("amount")) and budget.get("kind") in kinds:
        return str(Budget(kind=budget["kind"], amount=budget["amount"]))
    return duration(budget) if is_number(budget) else plain(budget)


def subtitle(run: Run) -> str:
    """Recipe, seed and date in a line."""
    date = run.setting("date")
    begun = date[:16].replace("T", " ") if isinstance(date, str) else None
    known = {"recipe": run.setting("recipe"), "seed": run.setting("seed"), "begun": begun}
    return " · ".join(
        f"{word} {plain(value)}" for word, value in known.items() if value is not None
    )
