"""A run's model in the formats of other tools."""

from pathlib import Path

from corpus.base.errors import ArtifactError
from corpus.config.rope import Reach
from corpus.config.run import RunConfig
from corpus.evaluate.scores import read_scores
from corpus.export.card import Card
from corpus.export.huggingface import export_huggingface
from corpus.run.folder import RunFolder
from corpus.run.weights import AS_TRAINED, load_shape


def export_run(
    config: RunConfig,
    folder: RunFolder,
    output: Path,
    reach: Reach = AS_TRAINED,
    *,
    phase: str = "finetune",
) -> None:
    """Write a run's weights at the end of a phase, tokenizer and model card to `output`; see `export_huggingface` for the errors.

    `reach` is how far the model reads, where not as trained; the card says so, for the scores are those of the model as trained.
    """
    is_final = phase == "finetune"
    path = folder.final_weights if is_final else folder.pretrained_weights
    if not path.exists():
        raise ArtifactError(
            f"{folder.path} has no {path.stem} weights yet; train it first (`corpus run`)"
        )
    method = {"full": "", "lora": " by LoRA, merged here", "qlora": " by QLoRA, merged here"}[
        config.finetune.method
    ]
    card = Card(
        title=f"Corpus {config.recipe}",
        training=(
            f"Trained from scratch by Corpus with the recipe `{config.recipe}` under a budget of {config.budget}, on the data "
            f"`{Path(config.prepare.data).name}`: {_phases(config, is_final, method)}."
        )
        + _told(reach),
        writes_programs=is_final and config.train.finetune_share > 0,
        max_new_tokens=config.evaluate.max_program_tokens,
        scores=read_scores(folder) if is_final and folder.scores.exists() else {},
    )
    export_huggingface(path, load_shape(folder, reach), folder.weights, output, card)


def _phases(config: RunConfig, is_final: bool, method: str) -> str:
    share, text = (
        config.train.finetune_share,
        f"text of its sources in the order `{config.curriculum.order}`",
    )
    if share == 1:
        return f"on problems with programs{method}, and on no text before"
    if share == 0 or not is_final:
        return f"{text}, and no fine-tuning: it writes no programs"
    return f"{text}, then fine-tuned on problems with programs{method}"


def _told(reach: Reach) -> str:
    if reach.is_as_trained:
        return ""
    return " Its positions were changed after training so that it reads longer rows; the scores are from before."
