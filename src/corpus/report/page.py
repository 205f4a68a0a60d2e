"""What a report is made of. All texts are plain: the templates escape them."""

from dataclasses import dataclass
from typing import ClassVar

from corpus.report.formats import sparkline, tick


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A few sentences; `quiet` ones are notes beside a table or chart."""

    kind: ClassVar[str] = "paragraph"
    text: str
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A share and its 95 % interval, each 0…1, drawn in the row of a table; `own` marks the model."""

    value: float
    low: float
    high: float
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under column titles. The first column names the row; the others hold numbers, or `words`.

    `strips` has one entry for each row. `drawn` says that the second column is a drawing.
    """

    kind: ClassVar[str] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    words: bool = False
    drawn: bool = False
    strips: tuple[Strip | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Code:
    """Commands or a file, as they are; a `folded` one opens on request."""

    kind: ClassVar[str] = "code"
    title: str
    text: str
    language: str = ""
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart; `color` is a number of the palette, None the colour of text."""

    name: str
    points: tuple[tuple[float, float], ...]
    color: int | None
    markers: bool = False


@dataclass(frozen=True, kw_only=True)
class Band:
    """A shaded stretch of the x axis; `detail` shows when the pointer rests on it."""

    name: str
    start: float
    end: float
    color: int | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over a common x axis, or areas where `stacked` (then all series share their x values)."""

    kind: ClassVar[str] = "chart"
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    bands: tuple[Band, ...] = ()
    note: str = ""
    stacked: bool = False
    from_zero: bool = False

    @property
    def numbers(self) -> Table:
        """The chart as text: what a reader without the drawing sees."""
        rows = []
        for series in self.series:
            values = [y for _, y in series.points]
            marks = (values[0], values[-1], min(values), max(values)) if values else ()
            if values:
                rows.append((series.name, sparkline(values), *map(tick, marks)))
        columns = ("line", f"over {self.x_label}", "first", "last", "lowest", "highest")
        title = f"{self.title} ({self.y_label})"
        return Table(title=title, columns=columns, rows=tuple(rows), drawn=True)

    @property
    def stretches(self) -> str:
        """The bands as a sentence; empty where there are none."""
        ends = (f"{each.name} {tick(each.start)}–{tick(each.end)}" for each in self.bands)
        return f"Shaded ({self.x_label}): {', '.join(ends)}." if self.bands else ""


@dataclass(frozen=True, kw_only=True)
class StepLine:
    """One operation of a program: as written, with its values put in, and its result."""

    written: str
    substituted: str
    result: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One option of a problem; `marks` says who chose it."""

    letter: str
    text: str
    marks: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """One problem, from its text to the answer."""

    title: str
    right: bool
    text: str
    numbers: tuple[tuple[str, str], ...]
    steps: tuple[StepLine, ...]
    program: str
    outcome: str
    choices: tuple[Choice, ...]
    gold: str

    @property
    def verdict(self) -> str:
        """Solved or failed, in a word and a sign."""
        return "✓ solved" if self.right else "✗ failed"


@dataclass(frozen=True, kw_only=True)
class Cards:
    """Problems under a common title."""

    kind: ClassVar[str] = "cards"
    title: str
    cards: tuple[Card, ...]


Block = Paragraph | Table | Code | Chart | Cards


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page that opens on request; `summary` says in a few words what is inside."""

    title: str
    blocks: tuple[Block, ...]
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One figure of the first screen."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How the run went: `level` is good, fair, poor or unknown; `sentences` say by what."""

    level: str
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """The whole report: the first screen, then the sections."""

    title: str
    subtitle: str
    verdict: Verdict
    missing: tuple[str, ...]
    scores: tuple[Table, ...]
    chart: Chart | None
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
