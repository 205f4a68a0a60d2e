"""The scores on the console, each accuracy beside its baselines, interval and problem count."""

from collections.abc import Mapping
from typing import Any

from corpus.base.console import say
from corpus.evaluate.bins import KINDS, bin_title
from corpus.evaluate.scores import Scores, ways


def say_scores(scores: Scores) -> None:
    """Print the scores of text by source and of every problem set."""
    if scores["text"]:
        say("held-out text      loss  unigram   next-token accuracy   bits/byte")
    for source, score in scores["text"].items():
        say(
            f"  {source:<15}{score['loss']:>6.3f}{score['unigram_loss']:>9.3f}"
            f"{score['accuracy']:>13.1%} (unigram {score['unigram_accuracy']:.1%})"
            f"{score['bits_per_byte']:>8.3f}"
        )
    for name, score in scores["problems"].items():
        _say_set(name, score)


def _say_set(name: str, score: Mapping[str, Any]) -> None:
    def share(field: str) -> str:
        return "—" if score[field] is None else f"{score[field]:.1%}"

    low, high = score["accuracy_interval"]
    say(
        f"{name}: accuracy {share('accuracy')} (95 % interval {low:.1%} to {high:.1%}, "
        f"{score['num_problems']:,} problems)"
    )
    say(
        f"  baselines: majority {share('baseline_majority')}, nearest neighbour "
        f"{share('baseline_nearest')}, gold programs {share('ceiling_gold')}"
    )
    say(
        f"  template seen {share('accuracy_seen')} of {score['num_seen']:,} (nearest "
        f"{share('baseline_nearest_seen')}), unseen {share('accuracy_unseen')} of "
        f"{score['num_unseen']:,} (nearest {share('baseline_nearest_unseen')})"
    )
    for way, title in ways(score):
        low, high = score[f"accuracy_{way}_interval"]
        say(
            f"  {title}: {share(f'accuracy_{way}')} ({low:.1%} to {high:.1%}), template seen "
            f"{share(f'accuracy_{way}_seen')}, unseen {share(f'accuracy_{way}_unseen')}"
        )
    say_bins(score)
    say(
        f"  programs that execute {share('executes')}, exact match {share('program_match')}, "
        f"equal in value {share('value_match')}"
    )
    if "overlap" in score:
        _say_overlap(score["overlap"])


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


def _say_overlap(overlap: Mapping[str, Any]) -> None:
    """Print how many problems of a set are in the training data, and the accuracy on the others."""
    say(
        f"  overlap with training: {overlap['num_in_rows']:,} problems occur in a training problem "
        f"({overlap['num_equal']:,} word for word), {overlap['num_in_text']:,} in its text; "
        f"{overlap['num_twins']:,} more have a twin"
    )
    if overlap["num_clean"] < overlap["num_problems"]:
        clean = overlap["accuracy_clean"]
        share = "—" if clean is None else f"{clean:.1%}"
        say(f"  accuracy on the {overlap['num_clean']:,} that occur in neither: {share}")
