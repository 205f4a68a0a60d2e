"""Every error that Corpus raises on purpose.

CorpusError
├── ConfigError     a setting, flag or config file is wrong
├── DataError       an input file or record is malformed, empty or missing
├── ArtifactError   a file that Corpus wrote earlier is missing, damaged or does not fit
├── StorageError    the disk is full or not writable
├── DeviceError     the machine cannot do what was asked (precision, memory, compiler)
├── TrainingError   training cannot continue (the loss stays non-finite, say)
└── Interrupted     the user asked to stop; everything is saved

The message says what failed, the value, where, what was expected and the fix. The command line
prints it without a traceback and exits with 2. Any other exception is a bug and keeps its
traceback.
"""

import difflib
from collections.abc import Iterable


class CorpusError(Exception):
    """Base of every error whose message is meant for the user."""


class ConfigError(CorpusError):
    """A setting, flag or config file is wrong."""


class DataError(CorpusError):
    """An input file or record is malformed, empty or missing."""


class ArtifactError(CorpusError):
    """A file that Corpus wrote earlier is missing, damaged or does not fit the others."""


class StorageError(CorpusError):
    """The disk is full or not writable."""


class DeviceError(CorpusError):
    """The machine cannot do what was asked."""


class TrainingError(CorpusError):
    """Training cannot continue."""


class Interrupted(CorpusError):
    """The user asked to stop; everything is saved, and the message says how to resume."""


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` if a known name is close to `value`, else an empty string."""
    close = difflib.get_close_matches(str(value), list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
