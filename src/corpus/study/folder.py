"""The folder of a study: where each file is. It holds all that the study needs and can be moved."""

import re
from dataclasses import dataclass
from pathlib import Path

from corpus.run.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Item:
    """One run of a study."""

    order: str
    schedule: str
    seed: int
    mixture: str = ""
    """Its shares of the sources, by name; empty in a study of orders."""
    size: str = ""
    """The size of its model and budget, by name; empty in a study of orders."""

    @property
    def name(self) -> str:
        """The name of its folder and of its row."""
        schedule = "" if self.mixture else f".{self.schedule}"  # a study of mixtures has one
        return f"{self.label}{schedule}.{self.seed}"

    @property
    def label(self) -> str:
        """The order, or the mixture and the size, in the name of a file."""
        if self.mixture:
            return f"{self.mixture}.{self.size}"
        return re.sub(r"[^A-Za-z0-9-]+", "-", self.order).strip("-")

    @property
    def columns(self) -> dict[str, str | int]:
        """The columns of its row that say which run it is."""
        own = {"mixture": self.mixture, "size": self.size} if self.mixture else {}
        first = {"run": self.name, "order": self.order, "schedule": self.schedule}
        return {**first, "seed": self.seed, **own}


@dataclass(frozen=True)
class StudyFolder:
    """The paths of one study; `docs/formats.md` says what each file holds."""

    path: Path

    @property
    def whole(self) -> RunFolder:
        """The study as a folder that can be locked."""
        return RunFolder(self.path)

    @property
    def design(self) -> Path:
        """What was asked, written before the first run."""
        return self.path / "study.json"

    @property
    def code(self) -> Path:
        """Copies of the files of the user's own orders."""
        return self.path / "code"

    @property
    def data(self) -> RunFolder:
        """Prepared text and problems, which all runs share."""
        return RunFolder(self.path / "data")

    @property
    def judge(self) -> RunFolder:
        """The small model of the difficulty `model`."""
        return RunFolder(self.path / "judge")

    @property
    def rows(self) -> Path:
        """One row for each finished run."""
        return self.path / "runs.csv"

    def run(self, item: Item) -> RunFolder:
        """The folder of one run."""
        return RunFolder(self.path / "runs" / item.name)

    def row(self, item: Item) -> Path:
        """The row of one finished run."""
        return self.run(item).path / "row.json"

    def again(self, item: Item) -> RunFolder:
        """The folder of one run while it is repeated."""
        return RunFolder(self.path / "runs" / f".{item.name}.again")

    def beginning(self, item: Item) -> RunFolder:
        """The beginning that the runs of an order and seed share, whatever their schedule."""
        return RunFolder(self.path / "beginnings" / f"{item.label}.{item.seed}")

    @property
    def beginnings(self) -> Path:
        """All shared beginnings."""
        return self.path / "beginnings"

    def failure(self, item: Item) -> Path:
        """Why a run could not be trained."""
        return self.run(item).path / "failed.json"

    @property
    def orders(self) -> RunFolder:
        """The permutations, as a folder that can be locked."""
        return RunFolder(self.path / "orders")

    def order(self, item: Item) -> Path:
        """The permutation that a run reads."""
        return self.orders.path / f"{item.label}.{item.seed}.npy"

    @property
    def mixtures(self) -> Path:
        """The shares of a study of mixtures, written before its first run."""
        return self.path / "mixtures.json"

    @property
    def best(self) -> Path:
        """The predicted best mixture, written before the runs of the second size."""
        return self.path / "best.json"
