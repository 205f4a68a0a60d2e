"""Training problems read as text, where the config asks for it. An evaluation split is never read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.prepare.document import Advance, Document, Split, TextInput, mark_of
from corpus.problems.registry import ProblemFile, load_problems


def problem_texts(root: Path, files: Sequence[ProblemFile]) -> list[TextInput]:
    """Return one input for each problem set with a training file that can be loaded; anything but `train` is passed over."""
    by_set: dict[str, list[Path]] = {}
    for file in files:
        if file.split == "train" and file.is_loadable:
            by_set.setdefault(file.set_name, []).append(file.path)
    return [ProblemTexts(root, name, paths) for name, paths in sorted(by_set.items())]


class ProblemTexts:
    """The training problems of one set as documents of a source named after the set."""

    def __init__(self, root: Path, set_name: str, files: Sequence[Path]) -> None:
        self._root, self._set_name, self._files = root, set_name, sorted(files)

    def describe(self) -> list[str]:
        return [f"text: training problems of {self._set_name}, as prepare.problems_as_text asks: source '{self._set_name}'"]

    def inputs(self) -> dict[str, str]:
        return {f"{path.relative_to(self._root).as_posix()} as text": mark_of(path) for path in self._files}

    def size(self, split: Split) -> int:
        return sum(path.stat().st_size for path in self._files) if split == "train" else 0

    def documents(self, split: Split, advance: Advance) -> Iterator[Document]:
        if split != "train":
            return
        for path in self._files:
            for problem in load_problems(self._set_name, path, "train"):
                yield Document(self._set_name, problem.text)
            advance(path.stat().st_size)

    def notes(self) -> list[str]:
        return []
