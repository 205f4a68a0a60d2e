"""The export's folder: whole, readable, never in the place of something else. (Parity with
transformers: tests/parity.)"""

import json
from pathlib import Path

import pytest

from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import read_json
from corpus.config.model import ModelConfig
from corpus.config.tokenizer import SMALLEST_VOCABULARY, TokenizerConfig
from corpus.export.card import ModelCard
from corpus.export.huggingface import FILES, export_huggingface, huggingface_name
from corpus.model.weights import TOKENIZER, build_model, save_model
from corpus.text.tokenizer import Tokenizer, train_tokenizer

SCORES = {
    "text": {
        "github": {
            "loss": 3.25,
            "unigram_loss": 5.5,
            "bits_per_byte": 1.5,
            "unigram_bits_per_byte": 2.75,
            "num_tokens": 20480,
        }
    },
    "problems": {
        "mathqa": {
            "num_problems": 4475,
            "accuracy": 0.4812,
            "accuracy_interval": [0.466, 0.496],
            "baseline_majority": 0.2125,
        }
    },
}
CARD = ModelCard(title="A test model", training="Trained for 120 steps on nothing.", scores=SCORES)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(
        ["a train covers 120 km in 2 hours . " * 9],
        TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 20),
    )


@pytest.fixture
def run(tmp_path: Path, tokenizer: Tokenizer) -> tuple[Path, ModelConfig, Path]:
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        dim=16,
        num_layers=1,
        num_heads=2,
        num_kv_heads=1,
        context_length=16,
    )
    weights = tmp_path / "weights"
    save_model(
        weights / "final.safetensors", build_model(config, seed=0), {TOKENIZER: tokenizer.digest}
    )
    tokenizer.save(weights)
    return weights / "final.safetensors", config, weights


def test_the_folder_is_complete_and_can_be_replaced(
    run: tuple[Path, ModelConfig, Path], tmp_path: Path
) -> None:
    output = tmp_path / "export"
    for _ in range(2):
        assert export_huggingface(*run, output, CARD) == output
        assert {path.name for path in output.iterdir()} == FILES
    config = read_json(output / "config.json")
    assert config["vocab_size"] == run[1].vocab_size
    assert config["eos_token_id"] == 0
    output_in_an_empty_folder = tmp_path / "empty"
    output_in_an_empty_folder.mkdir()
    export_huggingface(*run, output_in_an_empty_folder, CARD)


def test_the_card_tells_scores_beside_baselines(
    run: tuple[Path, ModelConfig, Path], tmp_path: Path
) -> None:
    card = (export_huggingface(*run, tmp_path / "export", CARD) / "README.md").read_text(
        encoding="utf-8"
    )
    assert card.startswith("---\n")
    for part in (
        "# A test model",
        "<|problem|>",
        "<|n0|>",
        "<|program|>",
        "4,475",
        "0.481",
        "0.466 – 0.496",
        "0.212",
        "| github | 20,480 | 3.250 | 5.500 |",
    ):
        assert part in card, part
    bare = (
        export_huggingface(*run, tmp_path / "bare", ModelCard(title="T", training="U."))
        / "README.md"
    )
    assert "## Problems" not in bare.read_text(encoding="utf-8")


def test_programs_are_cut_off_where_scoring_cuts_them(
    run: tuple[Path, ModelConfig, Path], tmp_path: Path
) -> None:
    folder = export_huggingface(
        *run, tmp_path / "export", ModelCard(title="T", training="U.", max_new_tokens=77)
    )
    assert json.loads((folder / "generation_config.json").read_text())["max_new_tokens"] == 77
    assert "max_new_tokens=77" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_card_of_weights_that_know_text_alone_promises_no_programs(
    run: tuple[Path, ModelConfig, Path], tmp_path: Path
) -> None:
    folder = export_huggingface(
        *run, tmp_path / "export", ModelCard(title="T", training="U.", writes_programs=False)
    )
    assert "program" not in (folder / "README.md").read_text(encoding="utf-8").split("---")[-1]


def test_what_is_there_is_not_overwritten(
    run: tuple[Path, ModelConfig, Path], tmp_path: Path
) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter.txt").write_text("years of work")
    with pytest.raises(
        ConfigError,
        match=r"would replace .*thesis, which holds chapter.txt and is not an earlier export",
    ):
        export_huggingface(*run, thesis, CARD)
    with pytest.raises(ConfigError, match="it is a file"):
        export_huggingface(*run, thesis / "chapter.txt", CARD)
    earlier = export_huggingface(*run, tmp_path / "earlier", CARD)
    (earlier / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"notes.txt there is not part of an earlier export"):
        export_huggingface(*run, earlier, CARD)
    assert (thesis / "chapter.txt").read_text() == "years of work"
    assert (earlier / "notes.txt").read_text() == "mine"


def test_the_wrong_tokenizer_is_refused(
    run: tuple[Path, ModelConfig, Path], tmp_path: Path
) -> None:
    other = train_tokenizer(
        ["quite another text " * 9], TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 10)
    )
    other.save(tmp_path / "other")
    with pytest.raises(ArtifactError, match="wrong tokenizer for the weights"):
        export_huggingface(run[0], run[1], tmp_path / "other", tmp_path / "export", CARD)
    assert not (tmp_path / "export").exists()


def test_a_tensor_without_a_counterpart_is_a_bug() -> None:
    with pytest.raises(KeyError, match="no counterpart"):
        huggingface_name("blocks.0.novelty.weight")
