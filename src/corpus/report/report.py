"""The report stage: reads a run folder, writes `report.html` and `report.md` into it."""

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from corpus.base.files import write_text
from corpus.problems.repair import KINDS
from corpus.report import cards, summary, training
from corpus.report.read import Run, load_run
from corpus.report.render import render_html, render_markdown
from corpus.train.metrics import PHASES


def report(run: Path) -> None:
    """Write `report.html` and `report.md` into the run folder, from what is in the folder alone.

    The page names the parts that are not there yet.

    Raises:
        ArtifactError: `run` is no run folder, or one of its files is damaged.
        StorageError: the pages cannot be written; an older report then stays as it was.
    """
    view = make_view(load_run(run))
    html, markdown = render_html(view, title=f"Corpus run: {view['name']}"), render_markdown(view)
    write_text(Path(run) / "report.html", html)
    write_text(Path(run) / "report.md", markdown)


def make_view(run: Run) -> dict[str, Any]:
    """Return the values that templates/content.j2 uses, the same for both pages."""
    return {
        "run": run,
        "name": run.folder.resolve().name,
        "verdict": summary.verdict(run),
        "budget": summary.budget_text(run),
        "loss_chart": training.loss_chart(run),
        "curves": {stage: training.curves(run, stage) for stage in PHASES},
        "learning_rate": training.learning_rate(run),
        "phases": training.phase_rows(run),
        "mixture": training.mixture_chart(run),
        "token_rows": training.token_rows(run),
        "stage_rows": training.stage_rows(run),
        "repair_kinds": KINDS,
        "event_counts": Counter(event.name for event in run.events),
        "config": json.dumps(run.config, indent=2, ensure_ascii=False),
        "command": _command(run.manifest.get("command")),
        "commands": commands(run),
        "answers": summary.answers,
        "ways_table": summary.ways_table,
        "values_table": summary.values_table,
        "fates": summary.fates,
        "bins": summary.bins,
        "draw_cards": cards.draw,
        "share": summary.share,
    }


def _command(given: Any) -> str:
    return shlex.join(map(str, given)) if isinstance(given, list) else str(given or "")


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
