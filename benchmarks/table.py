"""Tables of results that grow by one committed row a run: `docs/experiments/NAME.csv`."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "experiments"
EVERYTHING = 10**9
"""As many held-out tokens as there are: what goes into a table is scored on all of them."""


class Table:
    """One such file."""

    def __init__(self, name: str, fields: Sequence[str]) -> None:
        self._path, self._fields = FOLDER / f"{name}.csv", fields

    def rows(self) -> list[dict[str, str]]:
        """Return the rows as they are, oldest first."""
        if not self._path.exists():
            return []
        with self._path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one more row and show it. What it lacks stays empty."""
        new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._fields, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
        print(json.dumps(dict(row)), flush=True)
