"""The `corpus` command: finds the subcommand, and turns Corpus's own errors into one short message."""

import contextlib
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence

import corpus
from corpus.base.errors import CorpusError, DeviceError, Interrupted, did_you_mean
from corpus.base.files import storage_error

COMMANDS = {
    "run": "the whole job: prepare, pretrain, finetune, evaluate, report",
    "plan": "what a time budget buys on this machine: model size, tokens, batch, learning rate",
    "recipes": "list the recipes, or show one in full",
    "prepare": "text to token shards, problems to files (first stage of a run)",
    "pretrain": "pre-train a prepared run under its budget",
    "finetune": "fine-tune a pre-trained run on its problems",
    "evaluate": "score a run, on its own held-out data or on problem files of yours",
    "decontaminate": "list training text and problems that hold an evaluation problem, and write clean copies",
    "report": "write report.html and report.md of a run",
    "solve": "solve one problem with a run's model, step by step",
    "export": "write a run's model in Hugging Face's format",
}

USAGE = "usage: corpus COMMAND [OPTIONS]     (corpus COMMAND --help shows its options)"

_OUT_OF_MEMORY = re.compile(r"can't allocate memory|not enough memory|out of memory")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exits with 0, with 2 for an error the user can mend, with 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="replace"
        )  # a terminal without, say, a dash for "no value" is no reason to stop
    try:
        _dispatch(words)
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk that output goes to may show only here
    except Interrupted as stopped:
        _print(str(stopped))
        sys.exit(130)
    except CorpusError as error:
        _print(f"{type(error).__name__}: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        _print("stopped. What was saved is intact; the same command goes on from there.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        told = storage_error(error) or _memory_error(error)
        if told is None:
            raise
        _print(f"{type(told).__name__}: {told}")
        sys.exit(2)


def _dispatch(words: list[str]) -> None:
    from corpus.base.console import (
        console,
    )  # here, so that Ctrl-C finds this module ready as early as can be

    if not words or words[0] in ("-h", "--help", "help"):
        console.print(_help(), markup=False)
        return
    if words[0] in ("-V", "--version"):
        console.print(corpus.__version__, markup=False)
        return
    if words[0] not in COMMANDS:
        _print(
            f"corpus has no command {words[0]!r}.{did_you_mean(words[0], COMMANDS)}\n{USAGE}\ncommands: {', '.join(COMMANDS)}"
        )
        sys.exit(2)
    module = importlib.import_module(f"corpus.cli.{words[0]}")
    module.main(words[1:])


def _help() -> str:
    lines = [corpus.__doc__.splitlines()[0] if corpus.__doc__ else "", "", USAGE, ""]
    lines += [f"  {name:<14} {what}" for name, what in COMMANDS.items()]
    lines += [
        "",
        "start here:  corpus run starter        your own data:  corpus run cpu --data DIR --budget 45m --out runs/first",
    ]
    return "\n".join(lines)


def _memory_error(error: Exception) -> DeviceError | None:
    """Return what to tell the user where memory ran out, whichever library met it; None for any other error."""
    said = next(iter(str(error).splitlines()), "")
    if not isinstance(error, MemoryError) and not (
        isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(said)
    ):
        return None
    return DeviceError(
        f"this machine has too little memory ({said or type(error).__name__}). To train, lower train.micro_batch_rows, model.dim or "
        "model.context_length; to score, evaluate.batch_size; to solve, give a shorter problem. What was saved before is intact."
    )


def _print(message: str) -> None:
    """Print an error, also where standard output is closed or on a full disk; what it still holds is then dropped."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr)
