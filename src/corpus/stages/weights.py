"""A run's model for inference, read from its `weights/` alone."""

from corpus.base.config import from_plain
from corpus.base.errors import ArtifactError
from corpus.base.files import read_json
from corpus.base.run_folder import RunFolder
from corpus.model.config import ModelConfig
from corpus.model.transformer import Transformer
from corpus.model.weights import check_tokenizer, load_model
from corpus.runtime.runtime import Runtime
from corpus.text.tokenizer import Tokenizer

MODEL_FILE = "model.json"
"""The model's config, beside its weights."""


def load_weights(folder: RunFolder, runtime: Runtime, *, name: str = "final") -> tuple[Transformer, Tokenizer]:
    """Return a run's model on the runtime's device, and its tokenizer.

    Raises `ArtifactError` where the run has no such weights yet, or weights, config and tokenizer do not belong together.
    """
    path = folder.weights / f"{name}.safetensors"
    if not path.exists():
        raise ArtifactError(
            f"{folder.path} has no {name} weights yet; train it first (`corpus run`, or `corpus pretrain` and `corpus finetune`)"
        )
    tokenizer = Tokenizer.load(folder.weights)
    check_tokenizer(path, tokenizer.digest)
    config = from_plain(ModelConfig, read_json(folder.weights / MODEL_FILE), where=MODEL_FILE)
    return load_model(path, config, device=runtime.device), tokenizer
