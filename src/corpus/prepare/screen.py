"""Finds training documents that contain an evaluation problem while text is read, so that they are
left out, and lists them."""

from collections import Counter
from pathlib import Path
from typing import Any

from corpus.base.files import write_lines
from corpus.prepare.document import Document
from corpus.problems.contamination import LIST, KnownProblems


class Screen:
    """Looks at every training document once and remembers what it stopped.

    Args:
        known: the evaluation problems that no document may contain.
    """

    def __init__(self, known: KnownProblems) -> None:
        self.known = known
        self._seen: Counter[str] = Counter()
        self._other_numbers: Counter[str] = Counter()
        self._stopped: list[dict[str, Any]] = []

    def stops(self, document: Document) -> bool:
        """True if the document contains an evaluation problem with its numbers; with other numbers,
        it is only counted."""
        number = self._seen[document.source]
        self._seen[document.source] += 1
        matches = self.known.index.find(document.text)
        if not matches or matches[0].other_numbers:
            self._other_numbers[document.source] += bool(matches)
            return False
        begin = " ".join(document.text[:200].split())[:80]
        place = {
            "source": document.source,
            "document": number,
            "word": matches[0].place,
            "begins": begin,
        }
        self._stopped.append({**place, **self.known.record(matches[0])})
        return True

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the list of what was stopped into `folder`; return the counts by source."""
        write_lines(folder / LIST, self._stopped)
        stopped = Counter(record["source"] for record in self._stopped)
        return {
            "known": self.known.sets,
            "documents": dict(sorted(self._seen.items())),
            "dropped": dict(sorted(stopped.items())),
            "other_numbers": dict(sorted((+self._other_numbers).items())),
        }
