"""A run's model in the formats of other tools."""

from pathlib import Path

from corpus.base.config import from_plain
from corpus.base.errors import ArtifactError
from corpus.base.files import read_json
from corpus.base.run_folder import RunFolder
from corpus.export.card import Card
from corpus.export.huggingface import export_huggingface
from corpus.model.config import ModelConfig
from corpus.recipes.config import RunConfig
from corpus.stages.weights import MODEL_FILE


def export_run(config: RunConfig, folder: RunFolder, output: Path) -> None:
    """Write a run's final weights, tokenizer and model card to `output`; see `export_huggingface` for the errors."""
    if not folder.final_weights.exists():
        raise ArtifactError(f"{folder.path} has no final weights yet; train it first (`corpus run`)")
    shape = from_plain(ModelConfig, read_json(folder.weights / MODEL_FILE), where=MODEL_FILE)
    card = Card(
        title=f"Corpus {config.recipe}",
        training=(
            f"Trained from scratch by Corpus with the recipe `{config.recipe}` under a budget of {config.budget}, on the data "
            f"`{Path(config.prepare.data).name}`: sources in the order `{config.curriculum.order}`, then fine-tuned on problems with programs."
        ),
        scores=read_json(folder.scores) if folder.scores.exists() else {},
    )
    export_huggingface(folder.final_weights, shape, folder.weights, output, card)
