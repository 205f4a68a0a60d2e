"""The stage that turns text into token shards.

    inputs ─collect→ pool of documents ─split→ train and validation ─sample→ tokenizer ─tokenize→ shards and unigram counts

Everything is a function of the text and the config: there is no seed, for what is drawn is drawn by the hash of the documents.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from corpus.config.prepare import STARTER, PrepareConfig, whole_path
from corpus.data.prepared import Prepared
from corpus.data.shards import TokenShards
from corpus.prepare.collect import Dropped, collect
from corpus.prepare.document import TextInput
from corpus.prepare.pool import Pool
from corpus.prepare.quota import token_limit
from corpus.prepare.sample import sample_texts
from corpus.prepare.screen import Screen
from corpus.prepare.sources.slimpajama import SET_NAMES
from corpus.prepare.split import split_off, whole
from corpus.prepare.tokenize import Selection, num_tokens, reaches, tokenize
from corpus.problems.contamination import COUNTS, LIST, KnownProblems
from corpus.text.tokenizer import Tokenizer, train_tokenizer

KIND = "prepared"
TOKENIZER, TRAIN, VALIDATION, UNIGRAM = "tokenizer", "train", "validation", "unigram"

_BYTES_PER_TOKEN_GUESS = 3
"""A first guess of how much text to hold out; more is taken where the tokenizer then needs fewer tokens for it."""


def prepare(
    texts: Sequence[TextInput],
    config: PrepareConfig,
    *,
    out: Path,
    problem_texts: Iterable[str] = (),
    known: KnownProblems | None = None,
) -> Manifest:
    """Write tokenizer, token shards and unigram counts to `out`, unless they are there already; return the manifest.

    Args:
        texts: where documents come from, as `corpus.prepare.find.find_data` returns them.
        config: what is taken of them.
        out: the folder to write; it appears whole or not at all, and an older preparation in it is replaced.
        problem_texts: training problems, for the tokenizer's sample only.
        known: evaluation problems; documents that hold one are left out of training, where `config.decontaminate` asks for it.

    Raises:
        DataError: an input is malformed, or no source has enough text.
        ArtifactError: `out` exists and is not a preparation.
    """
    problem_texts = list(problem_texts)
    inputs = {name: mark for text in texts for name, mark in text.inputs().items()}
    inputs["problem texts"] = hashlib.sha256(
        "\x1f".join(problem_texts).encode("utf-8", "replace")
    ).hexdigest()
    screen = Screen(known) if known and config.decontaminate else None
    if screen:
        inputs["evaluation problems"] = screen.known.digest
    key = make_key(KIND, to_plain(config) | {"data": whole_path(config.data)}, inputs)
    _check_out(out)
    if _is_done(out, key):
        say(f"text is prepared already: {out}")
        return read_manifest(out, kind=KIND)
    if not texts:
        raise DataError(
            f"nothing in {config.data} is text to train on. Give a folder with SlimPajama records or plain text files."
        )
    start = time.monotonic()
    with atomic_folder(out) as folder:
        with Pool(folder / "pool") as pool:
            counts = _prepare(texts, config, folder, pool, problem_texts, screen)
        seconds = round(time.monotonic() - start, 2)
        manifest = Manifest(
            kind=KIND,
            key=key,
            config=to_plain(config),
            inputs=inputs,
            counts=counts,
            seconds=seconds,
        )
        write_manifest(folder, manifest)
    _say_result(manifest)
    return manifest


@dataclass(frozen=True)
class _Division:
    """One source, divided: what is trained on, what is held out (a given split first, then documents split off)."""

    train: Selection
    given: Selection
    split_off: Selection

    @property
    def held_out(self) -> list[Selection]:
        return [self.given, self.split_off]


def _prepare(
    texts: Sequence[TextInput],
    config: PrepareConfig,
    folder: Path,
    pool: Pool,
    problem_texts: Sequence[str],
    screen: Screen | None,
) -> dict[str, Any]:
    dropped = collect(texts, config, pool, dedup=_dedup(config), screen=screen)
    for note in (line for text in texts for line in text.notes()):
        say(f"  {note}")
    _check_names(config, {*pool.sources, *dropped.sources})
    _refuse_crumbs(pool, config)
    guesses = {
        source: _divide(pool, source, config.validation_tokens * _BYTES_PER_TOKEN_GUESS, config)
        for source in pool.sources
    }
    say("training the tokenizer")
    parts = {source: (guess.train.texts, guess.train.pieces) for source, guess in guesses.items()}
    tokenizer = train_tokenizer(
        sample_texts(parts, problem_texts, config.tokenizer), config.tokenizer
    )
    tokenizer.save(folder / TOKENIZER)
    divisions, left_out = _enough_held_out(guesses, pool, tokenizer, config)
    divisions = _held_out_everywhere(divisions, dropped)
    for source in [
        name
        for name, each in divisions.items()
        if not reaches(each.train, tokenizer, config.validation_tokens)
    ]:
        left_out[source] = (
            f"has fewer than prepare.validation_tokens ({config.validation_tokens:,}) tokens that are not held out of another source. "
            "Give it text of its own."
        )
        del divisions[source]
    if not divisions:
        reasons = "".join(f"\n  {source} {reason}" for source, reason in left_out.items())
        raise DataError(
            f"no source has enough text:{reasons or ' every document is empty. Give a folder with more text.'}"
        )
    for source, reason in left_out.items():
        warn(f"source {source} is left out: it {reason}")
    _write_tokens(divisions, tokenizer, folder, config)
    counts = _counts(folder, tokenizer, dropped, left_out)
    return {**counts, COUNTS: screen.write(folder)} if screen else counts


def _refuse_crumbs(pool: Pool, config: PrepareConfig) -> None:
    """Raise `DataError` where no source can have enough tokens, whatever the tokenizer: a token is a byte at least, or ends a document."""
    sizes: dict[str, int] = {}
    most = 0
    for source in pool.sources:
        texts = [pool.texts(split, source) for split in ("train", "validation")]
        sizes[source] = sum(each.num_bytes for each in texts)
        most = max(most, sizes[source] + sum(map(len, texts)))
    if sizes and most < 2 * config.validation_tokens:
        found = "".join(f"\n  {source} has {size:,} bytes" for source, size in sizes.items())
        raise DataError(
            f"no source has enough text to hold out prepare.validation_tokens ({config.validation_tokens:,}) and train on at least as many:{found}\n"
            "Give a folder with more text, or lower prepare.validation_tokens."
        )


def _dedup(config: PrepareConfig) -> str:
    if config.dedup == "auto":
        return "near" if config.data == STARTER else "off"
    return config.dedup


def _divide(pool: Pool, source: str, num_bytes: int, config: PrepareConfig) -> _Division:
    """Divide a source, with about `num_bytes` held out and never more than half of it."""
    train, validation = pool.texts("train", source), pool.texts("validation", source)
    wanted = min(num_bytes - validation.num_bytes, train.num_bytes // 2)
    left, held_out = split_off(train, wanted) if wanted > 0 else (whole(train), [])
    return _Division(
        train=Selection(train, left),
        given=Selection(validation, whole(validation), config.max_validation_tokens),
        split_off=Selection(train, held_out),
    )


def _enough_held_out(
    divisions: Mapping[str, _Division], pool: Pool, tokenizer: Tokenizer, config: PrepareConfig
) -> tuple[dict[str, _Division], dict[str, str]]:
    """Hold out more where the tokenizer makes fewer tokens of it than guessed; return divisions, and why sources are left out."""
    enough, left_out = {}, {}
    for source, guess in divisions.items():
        division = guess
        while (
            tokens := sum(num_tokens(selection, tokenizer) for selection in division.held_out)
        ) < config.validation_tokens:
            num_bytes = sum(selection.num_bytes for selection in division.held_out)
            if division.split_off.num_bytes >= pool.texts("train", source).num_bytes // 2:
                break
            division = _divide(
                pool,
                source,
                int(num_bytes * 1.1 * config.validation_tokens / max(tokens, 1)) + 1000,
                config,
            )
        if tokens >= config.validation_tokens and reaches(
            division.train, tokenizer, config.validation_tokens
        ):
            enough[source] = division
        else:
            left_out[source] = _too_small(division, tokens, tokenizer, config)
    return enough, left_out


def _held_out_everywhere(
    divisions: Mapping[str, _Division], dropped: Dropped
) -> dict[str, _Division]:
    """Drop from each source's training text what is held out of another: equal documents may lie in both."""
    marks = {
        source: {mark for part in division.held_out for mark in _marks(part)}
        for source, division in divisions.items()
    }
    holders = Counter(mark for held_out in marks.values() for mark in held_out)
    apart = {}
    for source, division in divisions.items():
        train, own = division.train, marks[source]
        kept = [
            piece
            for piece, mark in zip(train.pieces, _marks(train), strict=True)
            if holders[mark] <= (mark in own)
        ]
        for _ in range(len(train.pieces) - len(kept)):
            dropped.add("held out", source)
        apart[source] = replace(division, train=replace(train, pieces=kept))
    return apart


def _marks(selection: Selection) -> Iterator[int]:
    marks = selection.texts.marks
    return (int(marks[piece.index]) for piece in selection.pieces)


def _too_small(
    division: _Division, held_out_tokens: int, tokenizer: Tokenizer, config: PrepareConfig
) -> str:
    total = held_out_tokens + num_tokens(division.train, tokenizer)
    return (
        f"has {total:,} tokens, {held_out_tokens:,} of them held out: too few to hold out prepare.validation_tokens ({config.validation_tokens:,}) "
        "and train on at least as many. Give it more text, or lower prepare.validation_tokens."
    )


def _write_tokens(
    divisions: Mapping[str, _Division], tokenizer: Tokenizer, folder: Path, config: PrepareConfig
) -> None:
    limits = {source: token_limit(config, source, list(divisions)) for source in divisions}
    train = {
        source: [replace(division.train, limit=limits[source])]
        for source, division in divisions.items()
    }
    validation = {source: division.held_out for source, division in divisions.items()}
    total = sum(
        part.num_bytes
        for selections in (*train.values(), *validation.values())
        for part in selections
    )
    with progress("tokenising", total, "bytes") as task:
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
            counts = {
                "num_tokens": shard.num_tokens,
                "num_documents": shard.num_documents,
                "num_bytes": shard.num_bytes,
            }
            sources.setdefault(source, {})[split] = counts
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
                names = ", ".join(sorted(found))
                raise ConfigError(
                    f"prepare.{group} names source {source!r}; found were {names}.{did_you_mean(source, known)}"
                )


def _check_out(out: Path) -> None:
    """Refuse to replace a folder that is not a preparation."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / NAME).exists()):
        raise ArtifactError(
            f"{out} exists and is not a folder that Corpus prepared; it would be replaced. Choose another, or remove it."
        )
    if (out / NAME).exists():
        plain = read_json(out / NAME, fix=f"Delete {out} and prepare the data again.")
        if not isinstance(plain, dict) or plain.get("kind") != KIND:
            raise ArtifactError(
                f"{out} holds something else; it would be replaced. Choose another folder, or remove it."
            )


def _is_done(out: Path, key: str) -> bool:
    """True where `out` holds this very preparation, whole. Raises `ArtifactError` where it does and is damaged."""
    if (
        not (out / NAME).exists()
        or read_json(out / NAME).get("format") != FORMAT
        or not is_done(out, kind=KIND, key=key)
    ):
        return False
    Prepared.open(out)
    return True


def _say_result(manifest: Manifest) -> None:
    sources = manifest.counts["sources"]
    total = sum(counts[TRAIN]["num_tokens"] for counts in sources.values())
    vocabulary = f"a vocabulary of {manifest.counts['vocab_size']:,}"
    say(
        f"prepared {format_count(total)} tokens of {len(sources)} sources with {vocabulary} in {format_duration(manifest.seconds)}"
    )
    width = max(map(len, sources))
    for source, counts in sources.items():
        train, held_out = counts[TRAIN], counts[VALIDATION]
        ratio = train["num_bytes"] / train["num_tokens"]
        say(
            f"  {source:<{width}}  {format_count(train['num_tokens']):>6} tokens in {train['num_documents']:,} documents, "
            f"{format_count(held_out['num_tokens'])} held out, {ratio:.2f} bytes a token"
        )
    words = {
        "exact": "repeated",
        "near": "nearly repeated",
        "held out": "equal to held-out ones",
        "contaminated": f"holding an evaluation problem ({LIST})",
        "empty": "empty",
        "cap": "over a cap",
    }
    dropped = {
        words[reason]: sum(counts.values()) for reason, counts in manifest.counts["dropped"].items()
    }
    if dropped:
        say(
            "  documents left out: "
            + ", ".join(f"{count:,} {word}" for word, count in dropped.items())
        )
