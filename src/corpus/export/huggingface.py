"""Weights, tokenizer and model card as a folder that `transformers` opens without Corpus.

The architecture is that of `LlamaForCausalLM`, with its rotary convention, so tensors keep their
values and only get other names.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import atomic_folder, digest_file, read_json, write_json, write_text
from corpus.base.manifest import NAME as MANIFEST_FILE
from corpus.base.manifest import Manifest, make_key, read_manifest, write_manifest
from corpus.config.model import ModelConfig
from corpus.export.card import ModelCard, render_card
from corpus.model import rope
from corpus.model.weights import check_tokenizer, load_model
from corpus.problems.render import spelling_prefix
from corpus.text.tokenizer import EOS, PAD, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, Tokenizer

KIND = "huggingface"
WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
GENERATION_FILE = "generation_config.json"
CARD_FILE = "README.md"
FILES = {
    WEIGHTS_FILE,
    CONFIG_FILE,
    GENERATION_FILE,
    TOKENIZER_FILE,
    TOKENIZER_CONFIG_FILE,
    CARD_FILE,
    MANIFEST_FILE,
}

NAMES = {
    r"embedding\.weight": "model.embed_tokens.weight",
    r"blocks\.(\d+)\.attention_norm\.weight": r"model.layers.\1.input_layernorm.weight",
    r"blocks\.(\d+)\.attention\.query\.weight": r"model.layers.\1.self_attn.q_proj.weight",
    r"blocks\.(\d+)\.attention\.key\.weight": r"model.layers.\1.self_attn.k_proj.weight",
    r"blocks\.(\d+)\.attention\.value\.weight": r"model.layers.\1.self_attn.v_proj.weight",
    r"blocks\.(\d+)\.attention\.output\.weight": r"model.layers.\1.self_attn.o_proj.weight",
    r"blocks\.(\d+)\.feed_forward_norm\.weight": r"model.layers.\1.post_attention_layernorm.weight",
    r"blocks\.(\d+)\.feed_forward\.(gate|up|down)\.weight": r"model.layers.\1.mlp.\2_proj.weight",
    r"norm\.weight": "model.norm.weight",
    r"unembedding\.weight": "lm_head.weight",
}
"""Pattern of a name in Corpus → Hugging Face's name."""


def export_huggingface(
    weights: Path, config: ModelConfig, tokenizer_folder: Path, output: Path, card: ModelCard
) -> Path:
    """Write config, weights, generation config, tokenizer, README.md and manifest to `output`.

    It appears whole or not at all; an earlier export is replaced.

    Raises:
        ConfigError: `output` holds something that is not an earlier export.
        ArtifactError: weights, tokenizer and config do not match, or one is missing or damaged.
    """
    output = Path(output).absolute()
    _check_free(output)
    tokenizer = Tokenizer.load(tokenizer_folder)
    check_tokenizer(weights, tokenizer.digest)
    if tokenizer.vocab_size != config.vocab_size:
        raise ArtifactError(
            f"the tokenizer in {tokenizer_folder} has {tokenizer.vocab_size} ids and the model "
            f"{config.vocab_size}. Restore both from one run."
        )
    tensors = huggingface_tensors(dict(load_model(weights, config).state_dict()), config.vocab_size)
    settings = huggingface_config(config, tokenizer)
    inputs = {"weights": digest_file(weights), "tokenizer": tokenizer.digest}
    with atomic_folder(output) as folder:
        (folder / WEIGHTS_FILE).write_bytes(save(tensors, {"format": "pt"}))
        write_json(folder / CONFIG_FILE, settings)
        write_json(
            folder / GENERATION_FILE,
            {
                "do_sample": False,
                "max_new_tokens": card.max_new_tokens + len(spelling_prefix(tokenizer)),
                **_special_ids(tokenizer),
                "eos_token_id": _ends(tokenizer),
            },
        )
        _write_tokenizer(tokenizer, folder)
        if tokenizer.programs:
            card = replace(card, whole_program=str(tokenizer.programs[0]))
        write_text(folder / CARD_FILE, render_card(card, config))
        key = make_key(KIND, settings, inputs)
        write_manifest(folder, Manifest(kind=KIND, key=key, config=settings, inputs=inputs))
    return output


def huggingface_tensors(tensors: dict[str, Tensor], vocab_size: int) -> dict[str, Tensor]:
    """Rename the tensors, and cut the embeddings of no token, so that none is generated."""
    renamed = {}
    for name, tensor in tensors.items():
        is_table = name in ("embedding.weight", "unembedding.weight")
        renamed[huggingface_name(name)] = (tensor[:vocab_size] if is_table else tensor).contiguous()
    return renamed


def huggingface_name(name: str) -> str:
    """Return the name of a tensor in `LlamaForCausalLM`."""
    for pattern, replacement in NAMES.items():
        if match := re.fullmatch(pattern, name):
            return match.expand(replacement)
    raise KeyError(f"{name} has no counterpart in LlamaForCausalLM; add it to NAMES")


def huggingface_config(config: ModelConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    """Return config.json: the same sizes under Llama's names."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.dim,
        "intermediate_size": config.resolved_ffn_dim,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.resolved_head_dim,
        "max_position_embeddings": config.context_length,
        "rms_norm_eps": config.norm_eps,
        **_rope_settings(config),
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": config.tie_embeddings,
        "bos_token_id": None,
        "dtype": "float32",
        **_special_ids(tokenizer),
    }


def _rope_settings(config: ModelConfig) -> dict[str, Any]:
    """Return base and scaling of the rotary frequencies, for transformers before and after 5.

    Its Llama has no `ntk`, which is only another base.
    """
    scaling = config.rope_scaling
    if scaling.rope_type == "none":
        return {"rope_theta": config.rope_base}
    if scaling.rope_type == "ntk":
        return {"rope_theta": rope.ntk_base(config)}
    settings: dict[str, Any] = {"rope_type": scaling.rope_type, "factor": config.rope_factor}
    if scaling.rope_type != "linear":
        settings["original_max_position_embeddings"] = config.original_length
    if scaling.rope_type == "yarn":
        settings |= {
            "attention_factor": rope.magnitude(config),
            "beta_fast": scaling.beta_fast,
            "beta_slow": scaling.beta_slow,
        }
    if scaling.rope_type == "llama3":
        settings |= {
            "low_freq_factor": scaling.low_freq_factor,
            "high_freq_factor": scaling.high_freq_factor,
        }
    return {"rope_theta": config.rope_base, "rope_scaling": settings}


def _special_ids(tokenizer: Tokenizer) -> dict[str, int]:
    return {"eos_token_id": tokenizer.token_id(EOS), "pad_token_id": tokenizer.token_id(PAD)}


def _ends(tokenizer: Tokenizer) -> int | list[int]:
    """Return the ids that end a program: a whole program is over with its token."""
    end, whole = tokenizer.token_id(EOS), list(tokenizer.program_ids.values())
    return [end, *whole] if whole else end


def _write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the tokenizer so that special tokens in a prompt are read as such."""
    tokenizer.save(folder)
    settings = read_json(folder / TOKENIZER_CONFIG_FILE)
    write_json(folder / TOKENIZER_CONFIG_FILE, {**settings, "split_special_tokens": False})


def _check_free(output: Path) -> None:
    fix = "Choose another folder, or empty it."
    if not output.exists():
        return
    if not output.is_dir():
        raise ConfigError(
            f"the export cannot be written to {output}: it is a file. Choose a folder."
        )
    names = {path.name for path in output.iterdir()}
    if not names:
        return
    try:
        read_manifest(output, kind=KIND)
    except ArtifactError:
        raise ConfigError(
            f"the export would replace {output}, which holds {min(names)} and is not an earlier "
            f"export. {fix}"
        ) from None
    if foreign := names - FILES:
        raise ConfigError(
            f"the export would replace {output}, and {min(foreign)} there is not part of an "
            f"earlier export. {fix}"
        )
