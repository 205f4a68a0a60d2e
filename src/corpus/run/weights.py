"""A run's model for inference, read from its `weights/` folder."""

from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import read_json
from corpus.base.plain import from_plain
from corpus.config.model import ModelConfig
from corpus.config.rope import Reach
from corpus.model.low_precision import keep_in_int8
from corpus.model.transformer import Transformer
from corpus.model.weights import check_tokenizer, load_model
from corpus.run.folder import RunFolder
from corpus.runtime.runtime import Runtime
from corpus.text.tokenizer import Tokenizer

MODEL_FILE = "model.json"
"""The model's config, beside its weights."""

AS_TRAINED = Reach()
"""Positions as in training."""

SAME_TOKENIZER = (
    "The run's prepared/tokenizer folder has the same file: copy it from there. If the run has "
    "whole programs (finetune.whole_programs), restore it from a copy instead."
)
"""The fix for a damaged tokenizer beside the weights."""


def load_weights(
    folder: RunFolder,
    runtime: Runtime,
    *,
    name: str = "final",
    reach: Reach = AS_TRAINED,
    in_int8: bool = False,
) -> tuple[Transformer, Tokenizer]:
    """Return a run's model on the runtime's device, and its tokenizer.

    Args:
        folder: the run.
        runtime: the device.
        name: `final` or `pretrained`.
        reach: positions other than the trained ones.
        in_int8: round the weights to 8 bits, a quarter of the memory.

    Raises:
        ArtifactError: the run has no such weights yet, or weights, config and tokenizer do not
            match.
        ConfigError: `reach` does not fit the model.
    """
    path = folder.weights / f"{name}.safetensors"
    if not path.exists():
        raise ArtifactError(
            f"{folder.path} has no {name} weights yet; train it first (`corpus run`, or "
            "`corpus pretrain` and `corpus finetune`)"
        )
    tokenizer = Tokenizer.load(folder.weights, fix=SAME_TOKENIZER)
    check_tokenizer(path, tokenizer.digest)
    model = load_model(path, load_shape(folder, reach), device=runtime.device)
    return keep_in_int8(model) if in_int8 else model, tokenizer


def load_shape(folder: RunFolder, reach: Reach = AS_TRAINED) -> ModelConfig:
    """Return the config of a run's model.

    Raises `ArtifactError` if the file is missing or damaged, `ConfigError` if `reach` does not
    fit.
    """
    path = folder.weights / MODEL_FILE
    fix = (
        f"Restore it from a copy, or delete {folder.final_weights.name} beside it and run "
        f"`corpus finetune {folder.path}` again."
    )
    try:
        shape = from_plain(ModelConfig, read_json(path, fix=fix), where=MODEL_FILE)
    except ConfigError as error:
        raise ArtifactError(f"{path} is damaged: {error}. {fix}") from None
    return shape.reaching(reach)
