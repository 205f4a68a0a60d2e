"""All templates by split, in a fixed order."""

from typing import Literal, get_args

from corpus.problems.generated import gain, general, geometry, heldout, other, physics, probability
from corpus.problems.generated.formula import shape
from corpus.problems.generated.stories import gain as gain_stories
from corpus.problems.generated.stories import general as general_stories
from corpus.problems.generated.stories import geometry as geometry_stories
from corpus.problems.generated.stories import other as other_stories
from corpus.problems.generated.stories import physics as physics_stories
from corpus.problems.generated.stories import probability as probability_stories
from corpus.problems.generated.stories.story import tell
from corpus.problems.generated.template import Template

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, ...] = get_args(Split)

_FAMILIES = (general, gain, geometry, physics, probability, other)
_STORIES = (
    general_stories,
    gain_stories,
    geometry_stories,
    physics_stories,
    probability_stories,
    other_stories,
)


def _shapes(template: Template) -> set[str]:
    return {shape(program) for program in template.programs}


def _train() -> tuple[Template, ...]:
    """Return the single templates, then the stories' combinations but for those that compute what a held-out template "
    "computes."""
    single = [template for family in _FAMILIES for template in family.TEMPLATES]
    told = [template for family in _STORIES for story in family.STORIES for template in tell(story)]
    reserved = set[str]().union(*map(_shapes, heldout.TEMPLATES))
    return (*single, *(template for template in told if not _shapes(template) & reserved))


TEMPLATES: dict[Split, tuple[Template, ...]] = {"train": _train(), "heldout": heldout.TEMPLATES}
"""What is trained on, and what is only scored. No formula and no wording occurs in both (a test holds them apart)."""
