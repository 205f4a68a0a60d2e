"""The model card: what the model is, how to prompt it, its scores beside the baselines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.base.markdown import clean
from corpus.config.model import ModelConfig

PROMPT = "<|problem|> a train covers<|n0|> km in<|n1|> hours . what is its speed ?<|program|>"
ANSWER = "<|divide|><|n0|><|n1|>"
SPELLED = f"`{ANSWER}` and ends with `<|eos|>`"
WHOLE = (
    "one token that is the whole program, such as `<|{}|>`: its text shows the steps. Or with "
    "`<|spelled|>`, the symbols of a program that has no token, and `<|eos|>`"
)
"""How a right answer continues the prompt."""

_PROBLEM_COLUMNS = {
    "problems": "num_problems",
    "accuracy": "accuracy",
    "template seen": "accuracy_seen",
    "unseen": "accuracy_unseen",
    "executes": "executes",
    "majority": "baseline_majority",
    "nearest problem": "baseline_nearest",
    "gold programs": "ceiling_gold",
}
_TEXT_COLUMNS = {
    "tokens": "num_tokens",
    "loss": "loss",
    "unigram loss": "unigram_loss",
    "bits per byte": "bits_per_byte",
    "unigram bits per byte": "unigram_bits_per_byte",
}


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The contents of a model card."""

    title: str
    """The model's name."""
    training: str
    """One or two sentences: the recipe, the budget, the data."""
    writes_programs: bool = True
    """Whether the weights were fine-tuned on problems."""
    whole_program: str | None = None
    """A program that is one token, where some are."""
    max_new_tokens: int = 100
    """Most tokens of a program."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """The run's scores.json; tables without scores are left out."""


def render_card(card: ModelCard, config: ModelConfig) -> str:
    """Return the README.md of an exported model, with the header for the hub."""
    prompting = _PROMPTING.format(
        prompt=PROMPT,
        answer=SPELLED if card.whole_program is None else WHOLE.format(card.whole_program),
        max_new_tokens=card.max_new_tokens,
    )
    sections = [
        _HEADER,
        f"# {clean(card.title)}",
        _summary(config, card.writes_programs),
        card.training,
        prompting if card.writes_programs else "",
        _problem_table(card.scores.get("problems", {})),
        _text_table(card.scores.get("text", {})),
        _LIMITS if card.writes_programs else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _summary(config: ModelConfig, writes_programs: bool) -> str:
    programs = (
        " It reads a maths word problem and writes a program in MathQA's operation language; "
        "executing the program gives the answer."
    )
    return (
        f"A decoder with Llama's architecture and {config.num_parameters:,} parameters "
        f"({config.num_layers} layers of width {config.dim}, {config.num_heads} query and "
        f"{config.num_kv_heads} key/value heads, a vocabulary of {config.vocab_size:,}, sequences "
        f"of {config.context_length} tokens), trained from scratch by Corpus."
        f"{programs if writes_programs else ''}"
    )


def _problem_table(scores: Mapping[str, Any]) -> str:
    if not scores:
        return ""
    rows = [
        [
            clean(name),
            *(_number(values.get(key)) for key in _PROBLEM_COLUMNS.values()),
            _interval(values),
        ]
        for name, values in scores.items()
    ]
    table = _table(["set", *_PROBLEM_COLUMNS, "95 % interval of accuracy"], rows)
    return (
        "## Problems\n\nAccuracy: one program is decoded greedily and executed, and the nearest "
        "option is the answer; a program that does not execute counts as wrong. By default Corpus "
        "decodes only valid programs, which `generate` does not do. A problem counts as template "
        "seen if it differs from a training problem only in its numbers. The last three columns "
        "are baselines: the most common letter, the program of the most similar training problem, "
        f"and the gold programs.\n\n{table}"
    )


def _text_table(scores: Mapping[str, Any]) -> str:
    if not scores:
        return ""
    rows = [
        [clean(source), *(_number(values.get(key)) for key in _TEXT_COLUMNS.values())]
        for source, values in scores.items()
    ]
    return (
        "## Text\n\nOn held-out documents, beside a unigram model, which knows only token "
        "frequencies. Loss: nats per token.\n\n" + _table(["source", *_TEXT_COLUMNS], rows)
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _interval(values: Mapping[str, Any]) -> str:
    interval = values.get("accuracy_interval")
    return f"{interval[0]:.3f} – {interval[1]:.3f}" if interval else "–"


_HEADER = """---
library_name: transformers
pipeline_tag: text-generation
language: en
tags: [math, math-word-problems, program-synthesis, trained-from-scratch]
---"""

_PROMPTING = """## Use

Replace the numbers of the problem by `<|n0|>`, `<|n1|>`, … in order. Write the text in lower case,
with spaces around punctuation. Put no space before a special token, and one space between it and
the text that follows. Symbols are in prefix notation: an operation, then its arguments.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("FOLDER")
model = AutoModelForCausalLM.from_pretrained("FOLDER")
inputs = tokenizer("{prompt}", return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs, max_new_tokens={max_new_tokens})[0]))
```

A right answer continues with {answer}."""

_LIMITS = """## Limits

A small model, trained for a short time. It writes programs for problems that resemble its training
problems and is often wrong on others: execute its programs and check the result. It does not chat,
and it knows few facts."""
