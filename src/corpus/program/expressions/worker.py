"""The process in the sandbox: it reads one request a line, limits itself, and answers one line.

Started by `sandbox`, never imported.

If a request takes too much processor time, a signal ends the process. If it takes too much memory,
the process says so in its answer and ends.
"""

import json
import signal
import sys
from typing import Any


def main() -> None:
    """Serve until the requests end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    seconds, megabytes = float(sys.argv[1]), int(sys.argv[2])
    try:
        from corpus.program.expressions import algebra, equivalence
    except ImportError as error:
        _answer({"failed": str(error)})
        return
    _warm_up(algebra, equivalence)
    _answer(
        {
            "unlimited": [
                *_limit_memory(megabytes),
                *([] if hasattr(signal, "setitimer") else ["processor time"]),
            ]
        }
    )
    for line in sys.stdin:
        request = json.loads(line)
        _limit_seconds(seconds)
        try:
            if request["do"] == "execute":
                answer = _execute(algebra, request)
            else:
                answer = {
                    "same": equivalence.is_answer(
                        request["value"], request["gold"], request["form"]
                    )
                }
        except MemoryError:
            _answer({"memory": True})
            return  # its memory can no longer be relied on
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        _limit_seconds(0)
        _answer(answer)


def _warm_up(algebra: Any, equivalence: Any) -> None:
    """Make sympy load its modules now, so that no request pays for that."""
    for program in ("integrate(n0,n1)", "solve(n0,n1)", "simplify(n0)", "factor(n0)"):
        _execute(algebra, {"program": program, "quantities": ["x^2 - x", "x"]})
    equivalence.is_answer("x^2 - x", "x(x - 1)", None)


def _execute(algebra: Any, request: dict[str, Any]) -> dict[str, Any]:
    from corpus.program.language import parse
    from corpus.program.reader import ReadingError

    quantities = []
    for index, text in enumerate(request["quantities"]):
        try:
            quantities.append(algebra.build(text))
        except (ReadingError, algebra.UndefinedError) as error:
            return {"expressions": [], "error": f"n{index} is {text!r}: {error}"}
    expressions, error = algebra.execute(parse(request["program"]), quantities)
    return {"expressions": expressions, "error": error}


def _limit_memory(megabytes: int) -> list[str]:
    """Limit the address space; return what could not be limited. Only Linux enforces it."""
    if not sys.platform.startswith("linux"):
        return ["memory"]
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = megabytes << 20
    resource.setrlimit(
        resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    )
    return []


def _limit_seconds(seconds: float) -> None:
    """End the process after `seconds` more of processor time; 0 removes the limit."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
