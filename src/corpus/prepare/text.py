"""From text to token shards.

    inputs ─collect→ pool of documents ─split→ train and validation ─sample→ tokenizer
    ─tokenize→ shards and unigram counts

The result depends on the text and the config alone: there is no seed, for documents are drawn by
their hash.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from corpus.base.console import progress, say, warn
from corpus.base.errors import ArtifactError, ConfigError, DataError, did_you_mean
from corpus.base.files import atomic_folder, read_json
from corpus.base.manifest import (
    FORMAT,
    NAME,
    Manifest,
    is_done,
    make_key,
    read_manifest,
    write_manifest,
)
from corpus.base.plain import to_plain
from corpus.base.units import format_count, format_duration
from corpus.config.prepare import STARTER, PrepareConfig, data_name
from corpus.config.tokenizer import TokenizerConfig
from corpus.data.prepared import Prepared
from corpus.data.shards import TokenShards
from corpus.prepare.collect import Dropped, collect, token_limit
from corpus.prepare.digests import Mark, digest_of, other_data
from corpus.prepare.document import TextInput
from corpus.prepare.pool import Pool, TextSelection
from corpus.prepare.screen import Screen
from corpus.prepare.sources.files import SET_NAMES
from corpus.prepare.split import (
    Division,
    drop_held_out_elsewhere,
    first_division,
    hold_out_enough,
)
from corpus.prepare.tokenize import has_tokens, sample_size, sample_texts, tokenize
from corpus.problems.contamination import COUNTS, LIST, KnownProblems
from corpus.text.tokenizer import Tokenizer, train_tokenizer

KIND = "prepared"
TOKENIZER, TRAIN, VALIDATION, UNIGRAM = "tokenizer", "train", "validation", "unigram"

REASONS = {
    "exact": "repeated",
    "near": "nearly repeated",
    "held out": "equal to held-out ones",
    "contaminated": f"containing an evaluation problem ({LIST})",
    "empty": "empty",
    "cap": "over a limit",
}
"""Why documents are dropped, in words."""


def prepare(
    texts: Sequence[TextInput],
    config: PrepareConfig,
    *,
    out: Path,
    problem_texts: Iterable[str] = (),
    known: KnownProblems | None = None,
    mark: Mark = digest_of,
    must_be: str | None = None,
) -> Manifest:
    """Write tokenizer, token shards and unigram counts to `out`, unless they are there already.

    Args:
        texts: what to read, from `discover.find_data`.
        config: how much to take.
        out: the folder to write. It appears whole or not at all, and replaces an older one.
        problem_texts: training problems, for the tokenizer's sample only.
        known: evaluation problems; with `config.decontaminate`, documents that contain one are
            left out of training.
        mark: the identity of a file's content.
        must_be: the key that the result must have; None for any.

    Raises:
        ConfigError: the key is not `must_be`.
        DataError: an input is malformed, or no source has enough text.
        ArtifactError: `out` exists and is not a prepared folder.
    """
    problem_texts = list(problem_texts)
    screen = Screen(known) if known and config.decontaminate else None
    inputs = _inputs(texts, problem_texts, screen, mark)
    key = make_key(KIND, to_plain(config) | {"data": data_name(config.data)}, inputs)
    if must_be is not None and key != must_be:
        raise other_data(out, config.data)
    _check_out(out)
    if _is_done(out, key):
        say(f"text is already prepared: {out}")
        return read_manifest(out, kind=KIND)
    if not texts:
        raise DataError(
            f"{config.data} has no text to train on. Give a folder with SlimPajama records or "
            "plain text files."
        )
    start = time.monotonic()
    with atomic_folder(out) as folder:
        with Pool(folder / "pool") as pool:
            counts = _prepare(texts, config, folder, pool, problem_texts, screen)
        manifest = Manifest(
            kind=KIND,
            key=key,
            config=to_plain(config),
            inputs=inputs,
            counts=counts,
            seconds=round(time.monotonic() - start, 2),
        )
        write_manifest(folder, manifest)
    _say_result(manifest)
    return manifest


SEARCH = 2
"""Raised when the search for evaluation problems finds others in the same text."""


def _inputs(
    texts: Sequence[TextInput], problem_texts: Sequence[str], screen: Screen | None, mark: Mark
) -> dict[str, str]:
    inputs = {name: found for text in texts for name, found in text.inputs(mark).items()}
    joined = "\x1f".join(problem_texts).encode("utf-8", "replace")
    inputs["problem texts"] = hashlib.sha256(joined).hexdigest()
    known = f"{screen.known.digest}, search {SEARCH}" if screen else ""
    return inputs | ({"evaluation problems": known} if screen else {})


def _prepare(
    texts: Sequence[TextInput],
    config: PrepareConfig,
    folder: Path,
    pool: Pool,
    problem_texts: Sequence[str],
    screen: Screen | None,
) -> dict[str, Any]:
    """Collect, split, train the tokenizer and tokenize; return the counts for the manifest."""
    dropped = collect(texts, config, pool, dedup=_dedup(config), screen=screen)
    for note in (line for text in texts for line in text.notes()):
        say(f"  {note}")
    _check_names(config, {*pool.sources, *dropped.sources})
    _check_size(pool, config)
    guesses = {source: first_division(pool, source, config) for source in pool.sources}
    say("training the tokenizer")
    train = {source: guess.train for source, guess in guesses.items()}
    tokenizer = _train_tokenizer(train, problem_texts, config.tokenizer)
    tokenizer.save(folder / TOKENIZER)
    divisions, left_out = hold_out_enough(guesses, pool, tokenizer, config)
    divisions = drop_held_out_elsewhere(divisions, dropped)
    wanted = config.validation_tokens
    for source, division in list(divisions.items()):
        if not has_tokens(division.train, tokenizer, wanted):
            left_out[source] = (
                f"has fewer than prepare.validation_tokens ({wanted:,}) tokens left after removing "
                "text that other sources hold out. Give it text of its own."
            )
            del divisions[source]
    _say_left_out(left_out, are_all=not divisions)
    _write_tokens(divisions, tokenizer, folder, config)
    counts = _counts(folder, tokenizer, dropped, left_out)
    return {**counts, COUNTS: screen.write(folder)} if screen else counts


def _train_tokenizer(
    train: Mapping[str, TextSelection], problem_texts: Sequence[str], config: TokenizerConfig
) -> Tokenizer:
    sample, total = (
        sample_texts(train, problem_texts, config),
        sample_size(train, problem_texts, config),
    )
    with progress("training the tokenizer", total, "bytes") as task:

        def told() -> Iterator[str]:
            for text in sample:
                yield text
                task.advance(len(text))

        return train_tokenizer(told(), config)


def _say_left_out(left_out: Mapping[str, str], *, are_all: bool) -> None:
    if are_all:
        reasons = "".join(f"\n  {source} {reason}" for source, reason in left_out.items())
        empty = " every document is empty. Give a folder with more text."
        raise DataError(f"no source has enough text:{reasons or empty}")
    for source, reason in left_out.items():
        warn(f"source {source} is left out: it {reason}")


def _check_size(pool: Pool, config: PrepareConfig) -> None:
    """Raise `DataError` if no source can have enough tokens, whatever the tokenizer.

    A token has at least one byte, or ends a document.
    """
    sizes: dict[str, int] = {}
    most = 0
    for source in pool.sources:
        texts = [pool.texts(split, source) for split in ("train", "validation")]
        sizes[source] = sum(each.num_bytes for each in texts)
        most = max(most, sizes[source] + sum(map(len, texts)))
    if sizes and most < 2 * config.validation_tokens:
        found = "".join(f"\n  {source} has {size:,} bytes" for source, size in sizes.items())
        raise DataError(
            "no source has enough text to hold out prepare.validation_tokens "
            f"({config.validation_tokens:,}) and train on at least as many:{found}\n"
            "Give a folder with more text, or lower prepare.validation_tokens."
        )


def _dedup(config: PrepareConfig) -> str:
    if config.dedup == "auto":
        return "near" if config.data == STARTER else "off"
    return config.dedup


def _write_tokens(
    divisions: Mapping[str, Division], tokenizer: Tokenizer, folder: Path, config: PrepareConfig
) -> None:
    sources = list(divisions)
    train = {
        source: [replace(division.train, limit=token_limit(config, source, sources))]
        for source, division in divisions.items()
    }
    validation = {source: division.held_out for source, division in divisions.items()}
    groups = (*train.values(), *validation.values())
    total = sum(part.num_bytes for parts in groups for part in parts)
    with progress("tokenizing", total, "bytes") as task:
        unigram = tokenize(train, tokenizer, folder / TRAIN, task)
        tokenize(validation, tokenizer, folder / VALIDATION, task)
    (folder / UNIGRAM).mkdir()
    for source, counts in unigram.items():
        np.save(folder / UNIGRAM / f"{source}.npy", counts)


def _counts(
    folder: Path, tokenizer: Tokenizer, dropped: Dropped, left_out: Mapping[str, str]
) -> dict[str, Any]:
    sources: dict[str, Any] = {}
    for split in (TRAIN, VALIDATION):
        for source, shard in TokenShards.open(folder / split, verify=False).items():
            names = ("num_tokens", "num_documents", "num_bytes")
            sources.setdefault(source, {})[split] = {name: getattr(shard, name) for name in names}
    return {
        "vocab_size": tokenizer.vocab_size,
        "tokenizer": tokenizer.digest,
        "sources": sources,
        "dropped": {
            reason: dict(sorted(counts.items()))
            for reason, counts in sorted(dropped.counts.items())
        },
        "left_out": dict(left_out),
    }


def _check_names(config: PrepareConfig, found: set[str]) -> None:
    known = found | set(SET_NAMES.values())
    for group in ("weights", "max_source_tokens", "max_source_bytes"):
        for source in getattr(config, group):
            if source not in known:
                raise ConfigError(
                    f"prepare.{group} names source {source!r}; found: "
                    f"{', '.join(sorted(found))}.{did_you_mean(source, known)}"
                )


def _check_out(out: Path) -> None:
    """Raise `ArtifactError` if `out` holds something that Corpus did not prepare."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / NAME).exists()):
        raise ArtifactError(
            f"{out} exists, but Corpus did not prepare it; it would be replaced. Choose another "
            "folder, or remove it."
        )
    if (out / NAME).exists():
        plain = read_json(out / NAME, fix=f"Delete {out} and prepare the data again.")
        if not isinstance(plain, dict) or plain.get("kind") != KIND:
            raise ArtifactError(
                f"{out} does not hold prepared text; it would be replaced. Choose another folder, "
                "or remove it."
            )


def _is_done(out: Path, key: str) -> bool:
    """True if `out` holds this preparation. Raises `ArtifactError` if it is damaged."""
    if not (out / NAME).exists() or read_json(out / NAME).get("format") != FORMAT:
        return False
    if not is_done(out, kind=KIND, key=key):
        return False
    Prepared.open(out)
    return True


def _say_result(manifest: Manifest) -> None:
    sources = manifest.counts["sources"]
    total = sum(counts[TRAIN]["num_tokens"] for counts in sources.values())
    say(
        f"prepared {format_count(total)} tokens of {len(sources)} sources with a vocabulary of "
        f"{manifest.counts['vocab_size']:,} in {format_duration(manifest.seconds)}"
    )
    width = max(map(len, sources))
    for source, counts in sources.items():
        train, held_out = counts[TRAIN], counts[VALIDATION]
        ratio = train["num_bytes"] / train["num_tokens"]
        say(
            f"  {source:<{width}}  {format_count(train['num_tokens']):>6} tokens in "
            f"{train['num_documents']:,} documents, {format_count(held_out['num_tokens'])} held "
            f"out, {ratio:.2f} bytes a token"
        )
    dropped = [
        f"{sum(counts.values()):,} {REASONS[reason]}"
        for reason, counts in manifest.counts["dropped"].items()
    ]
    if dropped:
        say(f"  documents left out: {', '.join(dropped)}")
