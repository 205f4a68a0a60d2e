"""All templates by split, in a fixed order, read from their files when they are first asked for."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from corpus.problems.generated.reader import read_file
from corpus.problems.generated.stories import Story, tell
from corpus.problems.generated.template import CATEGORIES, WordTemplate, check_names, without

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class TemplateFile:
    """A file of templates."""

    templates: tuple[WordTemplate, ...]


@dataclass(frozen=True)
class StoryFile:
    """A file of stories."""

    stories: tuple[Story, ...]


@cache
def templates() -> dict[Split, tuple[WordTemplate, ...]]:
    """Return the templates of each split: no program shape and no wording is in both.

    Training templates are the single ones, then the combinations of stories, without those that
    have the shape of a held-out program. Raises `DataError` if a file is malformed.
    """
    here, single, told = Path(__file__).parent, list[WordTemplate](), list[WordTemplate]()
    for category in CATEGORIES:
        found = read_file(here / "templates" / f"{category}.toml", TemplateFile).templates
        single += [replace(each, category=each.category or category) for each in found]
        for story in read_file(here / "stories" / f"{category}.toml", StoryFile).stories:
            told += tell(story, category)
    heldout = tuple(each for each in single if each.heldout)
    train = (*(each for each in single if not each.heldout), *without(told, heldout))
    check_names((*train, *heldout))
    return {"train": train, "heldout": heldout}
