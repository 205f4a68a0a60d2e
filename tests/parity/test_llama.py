"""Our model against transformers' Llama with the same weights, through the files that `export`
writes."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from corpus.config.model import ModelConfig
from corpus.config.rope import RopeScaling
from corpus.config.tokenizer import SMALLEST_VOCABULARY, TokenizerConfig
from corpus.export.card import ANSWER, PROMPT, ModelCard
from corpus.export.huggingface import export_huggingface
from corpus.model.transformer import Transformer
from corpus.model.weights import TOKENIZER, build_model, save_model
from corpus.problems.problem import Problem
from corpus.problems.render import prompt_tokens
from corpus.solve.decode import Decoder
from corpus.text.tokenizer import EOS, Tokenizer, train_tokenizer

SHAPES = {
    "grouped, tied": {"num_heads": 4, "num_kv_heads": 2},
    "one key/value head, untied, another base": {
        "num_heads": 4,
        "num_kv_heads": 1,
        "tie_embeddings": False,
        "rope_base": 500.0,
    },
    "as many key/value heads, wide heads, complex": {
        "num_heads": 2,
        "num_kv_heads": 2,
        "head_dim": 32,
        "ffn_dim": 40,
        "rope": "complex",
        "norm_eps": 1e-3,
    },
    **{
        f"reads four times its trained length, {name}": {
            "num_heads": 2,
            "num_kv_heads": 1,
            "rope_base": 500.0,
            "rope_scaling": scaling,
        }
        for name, scaling in {
            "linear": RopeScaling(rope_type="linear", original_max_position_embeddings=16),
            "ntk": RopeScaling(rope_type="ntk", factor=4.0),
            "yarn": RopeScaling(
                rope_type="yarn", original_max_position_embeddings=16, beta_fast=4.0, beta_slow=0.5
            ),
            "llama3": RopeScaling(
                rope_type="llama3", original_max_position_embeddings=16, high_freq_factor=3.0
            ),
        }.items()
    },
    "yarn, complex, its attention as told": {
        "num_heads": 2,
        "num_kv_heads": 2,
        "rope": "complex",
        "rope_scaling": RopeScaling(
            rope_type="yarn", factor=3.0, original_max_position_embeddings=16, attention_factor=1.3
        ),
    },
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(
        ["a train covers 120 km in 2 hours . what is its speed ? " * 9],
        TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 30),
    )


@pytest.fixture(scope="module", params=SHAPES)
def pair(
    request: pytest.FixtureRequest, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Transformer, Path]:
    """A model with weights far from their start, and the folder of its export."""
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        dim=32,
        num_layers=3,
        context_length=64,
        **SHAPES[request.param],
    )
    model = build_model(config, seed=9)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(
                4 if parameter.ndim == 2 else 1 + torch.rand(parameter.shape, generator=generator)
            )
    folder = tmp_path_factory.mktemp("run")
    save_model(folder / "final.safetensors", model, {TOKENIZER: tokenizer.digest})
    tokenizer.save(folder)
    return model, export_huggingface(
        folder / "final.safetensors",
        config,
        folder,
        folder / "export",
        ModelCard(title="T", training="U."),
    )


def _open(folder: Path) -> LlamaForCausalLM:
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert isinstance(model, LlamaForCausalLM)
    return model.eval()


def test_logits_agree(pair: tuple[Transformer, Path]) -> None:
    model, folder = pair
    tokens = torch.randint(
        0, model.config.vocab_size, (3, 64), generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        ours, theirs = model(tokens)[..., : model.config.vocab_size], _open(folder)(tokens).logits
    assert ours.std() > 0.1, "logits this small would agree whatever the model does"
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_greedy_generation_agrees(pair: tuple[Transformer, Path], tokenizer: Tokenizer) -> None:
    model, folder = pair
    theirs, stop_id = _open(folder), tokenizer.token_id(EOS)
    prompts = [[5, 6, 7], [200, 3, 9, 14, 77, 150, 2, 31]]
    expected = []
    for prompt in prompts:
        generated = theirs.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), max_new_tokens=14
        )[0, len(prompt) :].tolist()
        expected.append(
            generated[: generated.index(stop_id)] if stop_id in generated else generated
        )
    decoder = Decoder(model=model, max_new_tokens=14, stop_id=stop_id, batch_size=8)
    assert [list(found.tokens) for found in decoder.greedy(prompts)] == expected


def test_the_tokenizer_agrees(pair: tuple[Transformer, Path], tokenizer: Tokenizer) -> None:
    theirs = AutoTokenizer.from_pretrained(pair[1])
    for text in ("a train covers 120 km", "  two  spaces, Ünïcödé\nand 3.5 ", ""):
        assert theirs(text)["input_ids"] == tokenizer.encode(text)
    assert theirs(PROMPT)["input_ids"] == prompt_tokens(
        Problem.question("A train covers 120 km in 2 hours. What is its speed?"), tokenizer
    )
    assert theirs(ANSWER)["input_ids"] == [
        tokenizer.symbol_id(symbol) for symbol in ("divide", "n0", "n1")
    ]
    assert theirs.eos_token_id == tokenizer.token_id(EOS)
