"""What an exported model's card says of its training: each phase that was, and none that was
not."""

from dataclasses import replace
from pathlib import Path

import pytest

from corpus.config.run import RunConfig
from corpus.export import export
from corpus.export.card import ModelCard
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder


def card(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str = "finetune"
) -> ModelCard:
    folder, cards = RunFolder(tmp_path), []
    for weights in (folder.final_weights, folder.pretrained_weights):
        weights.parent.mkdir(parents=True, exist_ok=True)
        weights.touch()
    monkeypatch.setattr(export, "load_shape", lambda *_: None)
    monkeypatch.setattr(export, "export_huggingface", lambda *values: cards.append(values[-1]))
    export.export_run(config, folder, tmp_path / "exported", phase=phase)
    return cards[0]


def config(finetune_share: float, method: str = "full") -> RunConfig:
    given = load_recipe("cpu")
    return replace(
        given,
        train=replace(given.train, finetune_share=finetune_share),
        finetune=replace(given.finetune, method=method),
    )


@pytest.mark.parametrize(
    ("chosen", "phase", "said", "unsaid"),
    [
        (
            config(0.5),
            "finetune",
            "in the order `shuffled`, then fine-tuned on problems with programs.",
            "LoRA",
        ),
        (
            config(0.5, "lora"),
            "finetune",
            "then fine-tuned on problems with programs by LoRA, merged here.",
            "QLoRA",
        ),
        (config(0.5), "pretrain", "without fine-tuning: it writes no programs.", "then"),
        (config(0.0), "finetune", "without fine-tuning: it writes no programs.", "then"),
        (
            config(1.0),
            "finetune",
            "on problems with programs, without pre-training on text.",
            "order",
        ),
    ],
)
def test_the_card_tells_the_phases_that_were(
    chosen: RunConfig,
    phase: str,
    said: str,
    unsaid: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = card(chosen, tmp_path, monkeypatch, phase)
    assert said in found.training
    assert unsaid not in found.training.split(": ", 1)[1]
    assert found.writes_programs == ("writes no programs" not in found.training)
