"""Training problems read as text, where the config asks for it. An evaluation split is never read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.config.problems import ProblemsConfig
from corpus.prepare.document import Advance, Document, Split, TextInput, mark_of
from corpus.problems.choose import choose_sets
from corpus.problems.held_out import HELDOUT, is_in_part
from corpus.problems.registry import ProblemFile, load_problems


def problem_texts(
    root: Path, files: Sequence[ProblemFile], config: ProblemsConfig
) -> list[TextInput]:
    """Return one input for each problem set that is trained on; anything but `train`, and what is held out of it, is passed over."""
    choice = choose_sets(files, config.sets)
    by_set = {
        name: [file.path for file in files if file.set_name == name and file.split == "train"]
        for name in choice.train
    }
    shares = {name: config.heldout_share if name in choice.held_out else 0.0 for name in by_set}
    return [
        ProblemTexts(root, name, paths, heldout_share=shares[name])
        for name, paths in sorted(by_set.items())
    ]


class ProblemTexts:
    """The training problems of one set as documents of a source named after the set."""

    def __init__(
        self, root: Path, set_name: str, files: Sequence[Path], *, heldout_share: float = 0.0
    ) -> None:
        self._root, self._set_name, self._files, self._heldout_share = (
            root,
            set_name,
            sorted(files),
            heldout_share,
        )

    def describe(self) -> list[str]:
        return [
            f"text: training problems of {self._set_name}, as prepare.problems_as_text asks: source '{self._set_name}'"
        ]

    def inputs(self) -> dict[str, str]:
        but = f" but {self._heldout_share:g}" if self._heldout_share else ""
        return {
            f"{path.relative_to(self._root).as_posix()} as text{but}": mark_of(path)
            for path in self._files
        }

    def size(self, split: Split) -> int:
        return sum(path.stat().st_size for path in self._files) if split == "train" else 0

    def documents(self, split: Split, advance: Advance) -> Iterator[Document]:
        if split != "train":
            return
        for path in self._files:
            for problem in load_problems(self._set_name, path, "train"):
                if not is_in_part(problem, HELDOUT, self._heldout_share):
                    yield Document(self._set_name, problem.text)
            advance(path.stat().st_size)

    def notes(self) -> list[str]:
        return []
