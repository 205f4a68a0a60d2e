"""The scores on the console, each accuracy beside its baselines, interval and problem count."""

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.base.console import say
from corpus.evaluate.bins import KINDS, bin_title
from corpus.evaluate.compare import GROUPS, Comparison
from corpus.evaluate.scores import VALUE, Scores, answers


def say_scores(scores: Scores) -> None:
    """Print the scores of text by source and of every problem set."""
    if scores["text"]:
        say(
            "held-out text      loss (95 % over documents)  unigram   next-token accuracy  "
            " bits/byte"
        )
    for source, score in scores["text"].items():
        low_high = score.get("loss_interval")
        bounds = "({:.3f} to {:.3f})".format(*low_high) if low_high else ""
        say(
            f"  {source:<15}{score['loss']:>6.3f}  {bounds:<20}{score['unigram_loss']:>9.3f}"
            f"{score['accuracy']:>13.1%} (unigram {score['unigram_accuracy']:.1%})"
            f"{score['bits_per_byte']:>8.3f}"
        )
    for name, score in scores["problems"].items():
        overlap, clean = score.get("overlap"), score.get("clean")
        if overlap:
            _say_overlap(name, overlap)
        if clean and clean["num_problems"] < score["num_problems"]:
            if clean["num_problems"]:
                _say_set(f"{name} without those that occur in training", clean)
            name = f"{name}, with those that occur in training"
        _say_set(name, score)


def _say_set(name: str, score: Mapping[str, Any]) -> None:
    if not score["num_problems"]:
        say(f"{name}: no problems")
        return
    low, high = score["accuracy_interval"]
    say(
        f"{name}: accuracy {score['accuracy']:.1%} (95 % interval of this one model {low:.1%} to "
        f"{high:.1%}, {score['num_problems']:,} problems)"
    )
    _say_answers(score)
    say_bins(score)
    if score.get("novel") is not None:
        say(
            f"  programs that no training problem has: {_share(score, 'novel')} of the problems "
            f"(unseen {_share(score, 'novel_unseen')}), right by one "
            f"{_share(score, 'accuracy_novel')} (unseen {_share(score, 'accuracy_novel_unseen')}), "
            f"value right {_share(score, 'accuracy_novel_value')} "
            f"(unseen {_share(score, 'accuracy_novel_value_unseen')})"
        )
    say(
        f"  programs that execute {_share(score, 'executes')}, exact match "
        f"{_share(score, 'program_match')}, equal in value {_share(score, 'value_match')}"
    )


def _say_answers(score: Mapping[str, Any]) -> None:
    """Print a table: who answers, and the shares that are right, with and without the options."""
    named = answers(score)
    wide = max(map(len, named.values()))
    with_values = any(score.get(field + VALUE) not in (None, score[field]) for field in named)
    say(
        f"  {'':<{wide}}  {'right (95 % interval)':<23}"
        f"{'template seen':>14}{'unseen':>8}" + (f"{'value right':>14}{'unseen':>8}" * with_values)
    )
    for field, title in named.items():
        if score[field] is None:
            continue
        low, high = score[f"{field}_interval"]
        right = f"{score[field]:.1%} ({low:.1%} to {high:.1%})"
        seen, unseen = (_share(score, f"{field}_{part}") for part in ("seen", "unseen"))
        values = [_share(score, field + VALUE + part) for part in ("", "_unseen")]
        say(
            f"  {title:<{wide}}  {right:<23}{seen:>14}{unseen:>8}"
            + (f"{values[0]:>14}{values[1]:>8}" * with_values)
        )
    counts = f"template seen: {score['num_seen']:,} problems, unseen: {score['num_unseen']:,}"
    if score.get("num_seen_unchecked"):
        say(
            f"  template seen with a right program: {_share(score, 'accuracy_seen_checked')} of "
            f"{score['num_seen_checked']:,} (nearest "
            f"{_share(score, 'baseline_nearest_seen_checked')}), without one "
            f"{_share(score, 'accuracy_seen_unchecked')} of {score['num_seen_unchecked']:,} "
            f"(nearest {_share(score, 'baseline_nearest_seen_unchecked')})"
        )
    about = "; value right: within 1 % of the gold option, whichever is nearest" * with_values
    say(f"  {counts}{about}")


def _share(score: Mapping[str, Any], field: str) -> str:
    return "—" if score.get(field) is None else f"{score[field]:.1%}"


def say_comparisons(comparisons: Sequence[Comparison]) -> None:
    """Print a table of paired differences in percentage points."""
    about = "(points, with the 95 % interval)"
    wide = max(len(about), *(len(each.second) for each in comparisons))
    shown = None
    for each in comparisons:
        if each.set_name != shown:
            shown = each.set_name
            counts = (each.groups[name] for name, _ in GROUPS)
            numbers = [0 if part is None else part.num_problems for part in counts]
            heads = (f"{name} ({number:,})" for (name, _), number in zip(GROUPS, numbers))
            say(f"{each.set_name}: {each.first}, less")
            say(f"  {about:<{wide}}" + "".join(f"{head:>24}" for head in heads))
        found = (each.groups[name] for name, _ in GROUPS)
        cells = "".join(f"{'—' if part is None else str(part):>24}" for part in found)
        say(f"  {each.second:<{wide}}{cells}")


def say_bins(score: Mapping[str, Any]) -> None:
    """Print a line for each kind of bin: accuracy, problems and nearest neighbour, bin by bin."""
    for kind, name in KINDS:
        if bins := score.get(kind):
            say(f"  by {name}: " + ", ".join(f"{bin_title(each)}: {_both(each)}" for each in bins))
    beyond = score.get("beyond_context")
    if beyond and beyond["num_problems"]:
        say(f"  problems longer than the trained context, solved anyway: {_both(beyond)}")


def _both(part: Mapping[str, Any]) -> str:
    nearest = f"{part['baseline_nearest']:.0%}"
    return f"{part['accuracy']:.0%} of {part['num_problems']:,} (nearest {nearest})"


def _say_overlap(name: str, overlap: Mapping[str, Any]) -> None:
    """Print how many problems of a set are in the training data."""
    say(
        f"{name}: of {overlap['num_problems']:,} problems {overlap['num_in_rows']:,} occur in a "
        f"training problem ({overlap['num_equal']:,} word for word), {overlap['num_in_text']:,} in "
        f"training text; {overlap['num_twins']:,} more have a twin"
    )
