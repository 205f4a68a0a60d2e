"""What takes too long or too much, or kills its process, is an outcome of that problem, and the
next one is solved."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.program.domains import execute
from corpus.program.expressions.sandbox import Sandbox, is_answer
from corpus.program.language import parse

EASY = {"do": "execute", "program": "expand(n0)", "quantities": ["x(x+1)"]}
ENDLESS = {"do": "execute", "program": "expand(n0)", "quantities": ["((a+b+c+d+f+g+h)^9)^9"]}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    opened = Sandbox(seconds=0.5)
    yield opened
    opened.close()


def _works(sandbox: Sandbox) -> bool:
    return sandbox.ask(EASY) == {"expressions": ["x**2 + x"], "error": None}


def test_time_is_limited(sandbox: Sandbox) -> None:
    assert sandbox.ask(ENDLESS) == {"error": "it took more than 0.5 s"}
    assert _works(sandbox)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits memory")
def test_memory_is_limited() -> None:
    sandbox = Sandbox(seconds=60, megabytes=400)
    try:
        assert _works(sandbox)
        huge = {"do": "execute", "program": "substitute(n0,n1)", "quantities": ["2^x", "10^11"]}
        assert sandbox.ask(huge) == {"error": "it took more than 400 MB of memory"}
        assert _works(sandbox)
    finally:
        sandbox.close()


def test_a_process_that_is_killed_is_replaced(sandbox: Sandbox) -> None:
    assert _works(sandbox)
    first = sandbox._process
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert _works(sandbox)
    assert sandbox._process is not first


def test_one_process_serves_many(sandbox: Sandbox) -> None:
    assert _works(sandbox)
    first = sandbox._process
    assert _works(sandbox)
    assert sandbox._process is first


def test_expressions_are_executed_there_and_numbers_here() -> None:
    program = parse("add(n0,n1)")
    assert execute(program, [1.0, 2.0]).value == 3.0
    outcome = execute(program, ["x", "2"])
    assert (outcome.value, outcome.results, outcome.executes) == ("x + 2", ("x + 2",), True)
    outcome = execute(parse("expand(n0)|substitute(#0,n1)"), ["1/x", "0"])
    assert outcome.value is None
    assert not outcome.executes
    assert outcome.results == ("1/x",)
    assert "step 1, substitute(#0,n1): it is not finite" in (outcome.error or "")
    assert "no such operation" in (execute(parse("expand(n0)"), [1.0]).error or "")


def test_what_is_no_expression_is_an_outcome() -> None:
    outcome = execute(parse("expand(n1)"), ["x", "10**10**10"])
    assert "n1 is '10**10**10': an exponent is beyond 100" in (outcome.error or "")
    assert not is_answer("10**10**10", "x")
    assert is_answer("x*(x + 1)", "x**2 + x")


def test_an_interrupted_request_leaves_no_answer_to_the_next(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _works(sandbox)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sandbox, "_next", _interrupt)
        sandbox.ask({"do": "execute", "program": "factor(n0)", "quantities": ["y^2 - 1"]})
    assert _works(sandbox)


def test_an_interrupted_start_leaves_no_answer_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Sandbox()
    try:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(fresh, "_next", _interrupt)
            fresh.ask({"do": "execute", "program": "factor(n0)", "quantities": ["y^2 - 1"]})
        assert _works(fresh)
    finally:
        fresh.close()


def _interrupt(seconds: float) -> None:
    raise KeyboardInterrupt


def test_what_lies_in_the_current_folder_is_not_imported(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sympy", "queue", "corpus"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(f'{__name__} of the data folder')")
    monkeypatch.chdir(tmp_path)
    assert _works(sandbox)
