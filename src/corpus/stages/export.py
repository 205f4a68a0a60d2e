"""A run's model in the formats of other tools."""

from pathlib import Path

from corpus.base.errors import ArtifactError
from corpus.base.run_folder import RunFolder
from corpus.export.card import Card
from corpus.export.huggingface import export_huggingface
from corpus.model.scaling import Reach
from corpus.recipes.config import RunConfig
from corpus.stages.scores import read_scores
from corpus.stages.weights import AS_TRAINED, load_shape


def export_run(config: RunConfig, folder: RunFolder, output: Path, reach: Reach = AS_TRAINED) -> None:
    """Write a run's final weights, tokenizer and model card to `output`; see `export_huggingface` for the errors.

    `reach` is how far the model reads, where not as trained; the card says so, for the scores are those of the model as trained.
    """
    if not folder.final_weights.exists():
        raise ArtifactError(f"{folder.path} has no final weights yet; train it first (`corpus run`)")
    card = Card(
        title=f"Corpus {config.recipe}",
        training=(
            f"Trained from scratch by Corpus with the recipe `{config.recipe}` under a budget of {config.budget}, on the data "
            f"`{Path(config.prepare.data).name}`: sources in the order `{config.curriculum.order}`, then fine-tuned on problems with programs."
        )
        + _told(reach),
        scores=read_scores(folder) if folder.scores.exists() else {},
    )
    export_huggingface(folder.final_weights, load_shape(folder, reach), folder.weights, output, card)


def _told(reach: Reach) -> str:
    if reach.is_as_trained:
        return ""
    return " Its positions were changed after training so that it reads longer rows; the scores are from before."
