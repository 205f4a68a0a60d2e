"""The scores on the console, each accuracy beside its baselines, interval and number of problems."""

from collections.abc import Mapping
from typing import Any

from corpus.base.console import say
from corpus.evaluate.bins import KINDS, bin_title
from corpus.evaluate.scores import Scores
from corpus.evaluate.ways import ways


def say_bins(score: Mapping[str, Any]) -> None:
    """Print a line for each kind of bin: accuracy, problems and nearest neighbour, bin by bin; and what lies beyond the context."""
    for kind, name in KINDS:
        if bins := score.get(kind):
            say(f"  by {name}: " + ", ".join(f"{bin_title(each)}: {_both(each)}" for each in bins))
    beyond = score.get("beyond_context")
    if beyond and beyond["num_problems"]:
        say(f"  problems longer than the trained context, solved all the same: {_both(beyond)}")


def _both(part: Mapping[str, Any]) -> str:
    return f"{part['accuracy']:.0%} of {part['num_problems']:,} (nearest {part['baseline_nearest']:.0%})"


def say_scores(scores: Scores) -> None:
    """Print the scores, each accuracy beside its baselines, interval and number of problems."""
    if scores["text"]:
        say("held-out text      loss  unigram   next-token accuracy   bits/byte")
        for source, score in scores["text"].items():
            say(
                f"  {source:<15}{score['loss']:>6.3f}{score['unigram_loss']:>9.3f}{score['accuracy']:>13.1%} (unigram "
                f"{score['unigram_accuracy']:.1%}){score['bits_per_byte']:>8.3f}"
            )
    for name, score in scores["problems"].items():
        low, high = score["accuracy_interval"]
        say(
            f"{name}: accuracy {score['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%}, {score['num_problems']:,} problems)"
        )
        say(
            f"  baselines: majority {_share(score['baseline_majority'])}, nearest neighbour {_share(score['baseline_nearest'])}, "
            f"gold programs {_share(score['ceiling_gold'])}"
        )
        say(
            f"  template seen {_share(score['accuracy_seen'])} of {score['num_seen']:,} (nearest {_share(score['baseline_nearest_seen'])}), "
            f"unseen {_share(score['accuracy_unseen'])} of {score['num_unseen']:,} (nearest {_share(score['baseline_nearest_unseen'])})"
        )
        for way, title in ways(score):
            low, high = score[f"accuracy_{way}_interval"]
            say(
                f"  {title}: {score[f'accuracy_{way}']:.1%} ({low:.1%} to {high:.1%}), template seen {_share(score[f'accuracy_{way}_seen'])}, "
                f"unseen {_share(score[f'accuracy_{way}_unseen'])}"
            )
        say_bins(score)
        say(
            f"  programs that execute {_share(score['executes'])}, equal to gold {_share(score['program_match'])}, equal in value {_share(score['value_match'])}"
        )
        if "overlap" in score:
            _say_overlap(score["overlap"])


def _say_overlap(overlap: dict[str, Any]) -> None:
    """Print how many problems of a set the run was given to train on, and how it does on the others."""
    say(
        f"  overlap with training: {overlap['num_in_rows']:,} problems stand in a training problem ({overlap['num_equal']:,} word for word), "
        f"{overlap['num_in_text']:,} in its text; {overlap['num_twins']:,} more have a twin"
    )
    if overlap["num_clean"] < overlap["num_problems"]:
        say(
            f"  accuracy on the {overlap['num_clean']:,} that do not: {_share(overlap['accuracy_clean'])}"
        )


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"
