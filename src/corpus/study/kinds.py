"""The kinds of study, by what `study.json` says: a study of orders or of mixtures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.base.errors import ArtifactError, did_you_mean
from corpus.config.study import MIXTURES, ORDERS
from corpus.study import console, mixture_console, mixture_page, page
from corpus.study.design import Design, Study
from corpus.study.folder import StudyFolder
from corpus.study.mixture_work import MixtureWork
from corpus.study.mixtures import MixtureStudy, load_mixture_study
from corpus.study.orders import split_own
from corpus.study.record import load_study, read_design
from corpus.study.work import OrderWork, Work


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What the commands do with a study of one kind."""

    ask: Callable[..., Design]
    """Returns a new study, from its config and the settings of the command."""
    load: Callable[[StudyFolder], Any]
    """Returns the study of a folder."""
    work: Callable[..., Work]
    describe: Callable[[Any], None]
    say_verdicts: Callable[[Any, StudyFolder], None]
    write_page: Callable[[Any, StudyFolder], None]


def _ask_orders(*, orders: Sequence[str], **settings: Any) -> Study:
    names, own = split_own(orders)
    return Study(orders=names, own=own, **settings)


KINDS = {
    ORDERS: Kind(
        ask=_ask_orders,
        load=load_study,
        work=OrderWork,
        describe=console.describe,
        say_verdicts=console.say_verdicts,
        write_page=page.write_page,
    ),
    MIXTURES: Kind(
        ask=MixtureStudy,
        load=load_mixture_study,
        work=MixtureWork,
        describe=mixture_console.describe,
        say_verdicts=mixture_console.say_verdicts,
        write_page=mixture_page.write_page,
    ),
}


def kind_of(folder: StudyFolder) -> Kind:
    """Return the kind of a folder's study. Raises `ArtifactError` for one that is not known."""
    name = read_design(folder).get("kind", ORDERS)  # a study of orders has no kind
    if name not in KINDS:
        raise ArtifactError(
            f"{folder.design} is of the kind {name!r}, which this version does not know; known are "
            f"{', '.join(KINDS)}.{did_you_mean(name, KINDS)}"
        )
    return KINDS[name]
