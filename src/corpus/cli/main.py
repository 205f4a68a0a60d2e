"""The `corpus` command: finds the subcommand, and prints Corpus's errors as one message."""

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
from corpus.base.visible import visible

COMMANDS = {
    "run": "run everything: prepare, pretrain, finetune, evaluate, report",
    "plan": "choose model size, tokens, batch and learning rate for a time budget",
    "recipes": "list the recipes, or print one in full",
    "prepare": "turn text into token shards and problems into files (first stage)",
    "pretrain": "pre-train a prepared run under its budget (second stage)",
    "finetune": "fine-tune a pre-trained run on its problems (third stage)",
    "evaluate": "score a run on held-out problems and text",
    "compare": "compare orders or mixtures of the training data, runs, or ways of answering",
    "benchmark": "train and score by a published protocol of word problems",
    "report": "write report.html and report.md of a run",
    "solve": "solve one problem with a run's model, step by step",
    "export": "write a run's model in Hugging Face's format",
    "decontaminate": "find evaluation problems in training data, and write clean copies",
}
"""Command → one line of help; each is a function of `commands`."""

USAGE = "usage: corpus COMMAND [OPTIONS]     (corpus COMMAND --help shows its options)"

_OUT_OF_MEMORY = re.compile(r"can't allocate memory|not enough memory|out of memory")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Exit status: 0, 2 for an error the user can fix, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # for terminals without, say, an en dash
    try:
        _dispatch(words)
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk may raise only here
    except Interrupted as stopped:
        _print(str(stopped))
        sys.exit(130)
    except CorpusError as error:
        _print(f"{type(error).__name__}: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        _print("stopped. What was saved is intact; the same command resumes from there.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        known = storage_error(error) or _memory_error(error)
        if known is None:
            raise
        _print(f"{type(known).__name__}: {known}")
        sys.exit(2)


def _dispatch(words: list[str]) -> None:
    # Imported here, so that Ctrl-C is handled as early as possible.
    from corpus.base.console import console
    from corpus.runtime.threads import sleep_if_busy

    if strange := next((word for word in words if word[:2] == "--" and visible(word) != word), ""):
        _print(f"the option {strange} has a control character; write it without")
        sys.exit(2)
    if not words or words[0] in ("-h", "--help", "help"):
        console.print(_help(), markup=False)
        return
    if words[0] in ("-V", "--version"):
        console.print(corpus.__version__, markup=False)
        return
    if words[0] not in COMMANDS:
        near = did_you_mean(words[0], COMMANDS)
        _print(
            f"corpus has no command {words[0]!r}.{near}\n{USAGE}\ncommands: {', '.join(COMMANDS)}"
        )
        sys.exit(2)
    sleep_if_busy()  # before torch is imported
    commands = importlib.import_module("corpus.cli.commands")
    getattr(commands, words[0])(words[1:])


def _help() -> str:
    lines = [corpus.__doc__.splitlines()[0] if corpus.__doc__ else "", "", USAGE, ""]
    lines += [f"  {name:<14} {what}" for name, what in COMMANDS.items()]
    lines += [
        "",
        "start here:     corpus run starter",
        "your own data:  corpus run cpu --data DIR --budget 45m --out runs/first",
    ]
    return "\n".join(lines)


def _memory_error(error: Exception) -> DeviceError | None:
    """Return the error for the user if memory ran out, whichever library noticed; else None."""
    said = next(iter(str(error).splitlines()), "")
    if not isinstance(error, MemoryError) and not (
        isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(said)
    ):
        return None
    return DeviceError(
        f"this machine has too little memory ({said or type(error).__name__}). In training, lower "
        "train.micro_batch_sequences, model.dim or model.context_length; in scoring, lower "
        "evaluate.batch_size; in solving, shorten the problem. What was saved before is intact."
    )


def _print(message: str) -> None:
    """Print an error, even where standard output is closed or on a full disk."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):
        print(visible(message), file=sys.stderr)
