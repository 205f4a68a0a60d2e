"""An adapter in peft's own format, loaded by peft beside the exported model: the logits are
ours."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from corpus.config.finetune import AdapterConfig, FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.config.tokenizer import SMALLEST_VOCABULARY, TokenizerConfig
from corpus.export.adapter import export_adapter
from corpus.export.card import ModelCard
from corpus.export.huggingface import export_huggingface
from corpus.finetune.adapters import adapter_tensors, add_adapters, merged_tensors
from corpus.model.transformer import Transformer
from corpus.model.weights import TOKENIZER, build_model, save_model, write_model
from corpus.text.tokenizer import RESERVED, Tokenizer, train_tokenizer

CARD = ModelCard(title="T", training="U.")
SYMBOLS = range(len(RESERVED))
FOUR_BITS = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.float32,
)
"""What a user gives transformers to load the frozen weights as they were in training."""


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(
        ["a train covers 120 km in 2 hours . " * 9],
        TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 20),
    )


def _export(name: str, folder: Path, config: ModelConfig) -> Path:
    return export_huggingface(
        folder / f"{name}.safetensors", config, folder, folder / f"export-{name}", CARD
    )


def _tokens(config: ModelConfig) -> torch.Tensor:
    return torch.randint(0, config.vocab_size, (2, 24), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def _logits(model: Transformer) -> torch.Tensor:
    return model(_tokens(model.config))[..., : model.config.vocab_size]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of bitsandbytes, when it is imported
@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # of transformers, when peft asks
@pytest.mark.parametrize(
    ("method", "tied"), [("lora", True), ("lora", False), ("qlora", True), ("qlora", False)]
)
def test_peft_computes_what_we_do(
    method: str, tied: bool, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        dim=64,  # a multiple of a block: else their product is wrong with AVX-512
        num_layers=2,
        num_heads=4,
        num_kv_heads=2,
        context_length=32,
        tie_embeddings=tied,
    )
    settings = FinetuneConfig(method=method, adapter=AdapterConfig(rank=4, alpha=12))  # type: ignore[arg-type]
    model = build_model(config, seed=2)
    save_model(tmp_path / "pretrained.safetensors", model, {TOKENIZER: tokenizer.digest})
    tokenizer.save(tmp_path)
    add_adapters(model, settings.adapter, symbols=SYMBOLS, seed=1, in_4_bits=method == "qlora")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    adapter = export_adapter(
        adapter_tensors(model),
        settings,
        symbols=SYMBOLS,
        output=tmp_path / "adapter",
        weights=tmp_path / "pretrained.safetensors",
        tied=tied,
    )
    write_model(
        tmp_path / "final.safetensors", merged_tensors(model), {TOKENIZER: tokenizer.digest}
    )

    how = {"quantization_config": FOUR_BITS} if method == "qlora" else {}
    base = AutoModelForCausalLM.from_pretrained(_export("pretrained", tmp_path, config), **how)
    for module in base.modules():  # else they compute in bf16 on a CPU that has it
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]
    loaded = PeftModel.from_pretrained(base, adapter)
    whole = AutoModelForCausalLM.from_pretrained(_export("final", tmp_path, config))
    with torch.no_grad():
        theirs, merged = loaded(_tokens(config)).logits, whole(_tokens(config)).logits
    torch.testing.assert_close(theirs, _logits(model), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(merged, _logits(model), atol=1e-4, rtol=1e-4)
    assert (
        merged
        - AutoModelForCausalLM.from_pretrained(tmp_path / "export-pretrained")(
            _tokens(config)
        ).logits
    ).abs().max() > 0.1
