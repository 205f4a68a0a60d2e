"""Lines for a person: as they stand, and progress that does not flood a log."""

import pytest
from rich.console import Console

from corpus.base import console as module
from corpus.base.console import progress, say, warn


def test_square_brackets_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    say("curriculum.phases[1] names [bold]mathqaa[/bold]")
    assert capsys.readouterr().out == "curriculum.phases[1] names [bold]mathqaa[/bold]\n"


def test_what_others_wrote_is_no_command_to_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("the file \x1b[2Ja\u202eb is not\nread")
    assert capsys.readouterr().out == "the file \ufffd[2Ja\ufffdb is not\nread\n"


def test_long_lines_are_not_wrapped_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    say("word " * 100)
    assert capsys.readouterr().out.count("\n") == 1


def test_warnings_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    warn("the compiler failed")
    assert capsys.readouterr().out == "warning: the compiler failed\n"


def test_progress_in_a_log_prints_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress("tokenize", total=1000, unit="docs") as task:
        task.advance(10)
        now[0] += 20
        task.advance(190, note="arxiv")
        task.advance(1)
    assert capsys.readouterr().out == "  tokenize · 20% · 1m 20s left · 10 docs/s · arxiv\n"


def test_progress_without_a_total_still_shows_the_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress("harvest", unit="files") as task:
        now[0] += 16
        task.update(160)
    assert capsys.readouterr().out == "  harvest · 10 files/s\n"


def test_a_live_bar_shows_labels_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(force_terminal=True, width=120, record=True, highlight=False)
    monkeypatch.setattr(module, "console", terminal)
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: True, raising=False)
    with progress("source [c4]", total=2, unit="rows") as task:
        task.advance(1, note="[half]")
    shown = terminal.export_text()
    assert "source [c4]" in shown
    assert "[half]" in shown


def test_a_live_bar_may_stand_within_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are looked for in the middle of fine-tuning."""
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(module, "console", Console(force_terminal=True, width=80))
    with progress("outer", 2) as outer:
        with progress("inner", 3) as inner:
            inner.update(3)
        outer.update(1)
