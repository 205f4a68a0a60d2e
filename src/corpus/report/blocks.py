"""What a report is made of, said once and rendered twice (HTML and Markdown). All texts are plain: the renderers escape them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A few sentences; `quiet` ones are notes beside a table or figure."""

    text: str
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under column titles; the first column names the row, the others hold numbers unless `words` says text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    words: bool = False


@dataclass(frozen=True, kw_only=True)
class Code:
    """Commands or a file, as they are; `folded` hides it behind its title until it is asked for."""

    title: str
    text: str
    language: str = ""
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart; `color` numbers the palette and the marker, None is the colour of text (a line that is no source)."""

    name: str
    points: tuple[tuple[float, float], ...]
    color: int | None
    markers: bool = False


@dataclass(frozen=True, kw_only=True)
class Band:
    """A shaded stretch of the x axis; `detail` is shown on hovering."""

    name: str
    start: float
    end: float
    color: int | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """Lines over a common x axis."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    bands: tuple[Band, ...] = ()
    note: str = ""
    from_zero: bool = False


@dataclass(frozen=True, kw_only=True)
class AreaChart:
    """Layers stacked on each other: each series gives its own height, at the same x values."""

    title: str
    x_label: str
    y_label: str
    layers: tuple[Series, ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A horizontal bar, with a whisker from `low` to `high` where there is an interval. `color` None is the neutral grey."""

    label: str
    value: float
    text: str
    low: float | None = None
    high: float | None = None
    color: int | None = None


@dataclass(frozen=True, kw_only=True)
class BarChart:
    """Horizontal bars in named groups, from 0 to `maximum` (the largest value where None)."""

    title: str
    x_label: str
    groups: tuple[tuple[str, tuple[Bar, ...]], ...]
    maximum: float | None = None
    note: str = ""


Figure = LineChart | AreaChart | BarChart


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Charts that stand side by side where there is room."""

    charts: tuple[Figure, ...]


@dataclass(frozen=True, kw_only=True)
class StepLine:
    """One operation of a program: as written, with its values put in, and what came of it."""

    written: str
    substituted: str
    result: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One option of a problem."""

    letter: str
    text: str
    chosen: bool
    correct: bool


@dataclass(frozen=True, kw_only=True)
class Card:
    """One problem, from its text to the option that was chosen."""

    title: str
    right: bool
    text: str
    numbers: tuple[tuple[str, str], ...]
    steps: tuple[StepLine, ...]
    program: str
    outcome: str
    choices: tuple[Choice, ...]
    gold: str


@dataclass(frozen=True, kw_only=True)
class Cards:
    """Problems under a common title."""

    title: str
    cards: tuple[Card, ...]


Block = Paragraph | Table | Code | Figures | Cards


@dataclass(frozen=True, kw_only=True)
class Section:
    """A titled part of the page."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
