"""The `corpus` command: finds the subcommand, and turns Corpus's own errors into one short message."""

import importlib
import sys
from collections.abc import Sequence

import corpus
from corpus.base.console import console
from corpus.base.errors import CorpusError, Interrupted, did_you_mean

COMMANDS = {
    "run": "the whole job: prepare, pretrain, finetune, evaluate, report",
    "recipes": "list the recipes, or show one in full",
    "prepare": "text to token shards, problems to files (first stage of a run)",
    "pretrain": "pre-train a prepared run under its budget",
    "finetune": "fine-tune a pre-trained run on its problems",
    "evaluate": "score a run, on its own held-out data or on problem files of yours",
    "report": "write report.html and report.md of a run",
    "solve": "solve one problem with a run's model, step by step",
    "export": "write a run's model in Hugging Face's format",
}

USAGE = "usage: corpus COMMAND [OPTIONS]     (corpus COMMAND --help shows its options)"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exits with 0, with 2 for an error the user can mend, with 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _dispatch(words)
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


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        console.print(_help(), markup=False)
        return
    if words[0] in ("-V", "--version"):
        console.print(corpus.__version__, markup=False)
        return
    if words[0] not in COMMANDS:
        _print(f"corpus has no command {words[0]!r}.{did_you_mean(words[0], COMMANDS)}\n{USAGE}\ncommands: {', '.join(COMMANDS)}")
        sys.exit(2)
    module = importlib.import_module(f"corpus.cli.{words[0]}")
    module.main(words[1:])


def _help() -> str:
    lines = [corpus.__doc__.splitlines()[0] if corpus.__doc__ else "", "", USAGE, ""]
    lines += [f"  {name:<10} {what}" for name, what in COMMANDS.items()]
    lines += ["", "start here:  corpus run starter        your own data:  corpus run cpu --data DIR --budget 45m --out runs/first"]
    return "\n".join(lines)


def _print(message: str) -> None:
    sys.stdout.flush()
    print(message, file=sys.stderr)
