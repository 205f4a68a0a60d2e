"""`corpus export`: a run's model in the format of another tool."""

from pathlib import Path

from corpus.base.errors import ArtifactError
from corpus.base.markdown import clean
from corpus.config.rope import Reach
from corpus.config.run import RunConfig
from corpus.evaluate.scores import read_scores
from corpus.export.card import ModelCard
from corpus.export.huggingface import export_huggingface
from corpus.run.folder import RunFolder
from corpus.run.weights import AS_TRAINED, load_shape

_CHANGED = (
    " After training, its positions were scaled to longer sequences; the scores are from before "
    "that."
)
_METHODS = {"full": "", "lora": " by LoRA, merged here", "qlora": " by QLoRA, merged here"}


def export_run(
    config: RunConfig,
    folder: RunFolder,
    output: Path,
    reach: Reach = AS_TRAINED,
    *,
    phase: str = "finetune",
) -> None:
    """Write the weights at the end of a phase, the tokenizer and a model card to `output`.

    `reach` changes the positions; the card then says that the scores are from before.
    `export_huggingface` lists the errors.
    """
    is_final = phase == "finetune"
    path = folder.final_weights if is_final else folder.pretrained_weights
    if not path.exists():
        raise ArtifactError(
            f"{folder.path} has no {path.stem} weights yet; train it first (`corpus run`)"
        )
    changed = "" if reach.is_as_trained else _CHANGED
    card = ModelCard(
        title=f"Corpus {config.recipe}",
        training=f"Trained from scratch by Corpus with the recipe {clean(config.recipe)} under a "
        f"budget of {clean(config.budget)}, on the data {clean(Path(config.prepare.data).name)}: "
        f"{_phases(config, is_final)}.{changed}",
        writes_programs=is_final and config.train.finetune_share > 0,
        max_new_tokens=config.evaluate.max_program_tokens,
        scores=read_scores(folder) if is_final and folder.scores.exists() else {},
    )
    export_huggingface(path, load_shape(folder, reach), folder.weights, output, card)


def _phases(config: RunConfig, is_final: bool) -> str:
    share, method = config.train.finetune_share, _METHODS[config.finetune.method]
    text = f"text of its sources in the order `{config.curriculum.order}`"
    if share == 1:
        return f"on problems with programs{method}, without pre-training on text"
    if share == 0 or not is_final:
        return f"{text}, without fine-tuning: it writes no programs"
    return f"{text}, then fine-tuned on problems with programs{method}"
