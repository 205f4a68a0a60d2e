"""Drawings are well-formed, stay within their frame, and survive odd data."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.report.blocks import AreaChart, Band, Bar, BarChart, Figure, LineChart, Series
from corpus.report.charts import (
    LEFT,
    MAX_LABEL_ROWS,
    PHASE_FONT,
    WIDTH,
    clean,
    draw,
    nice_ticks,
    place_labels,
    text_width,
)

FINITE = st.floats(-1e12, 1e12, allow_subnormal=False)


def line_chart(
    *points: tuple[float, float], bands: tuple[Band, ...] = (), from_zero: bool = False
) -> LineChart:
    return LineChart(
        title="t",
        x_label="x",
        y_label="y",
        series=(Series(name="s", points=points, color=9, markers=True),),
        bands=bands,
        from_zero=from_zero,
    )


def numbers_in(svg: str) -> list[float]:
    return [
        float(number) for number in re.findall(r'\b(?:[xy][12]?|width|height|cx|cy)="([^"]*)"', svg)
    ]


@given(FINITE, FINITE, st.integers(2, 9))
def test_ticks_span_the_data_and_are_few(one: float, two: float, count: int) -> None:
    low, high = min(one, two), max(one, two)
    ticks = nice_ticks(low, high, count)
    step = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= count + 2
    assert ticks[0] <= low + 0.06 * step
    assert ticks[-1] >= high - 0.06 * step


@given(st.lists(st.tuples(st.floats(0, 1e9), FINITE), max_size=20), st.booleans())
def test_any_line_is_well_formed_and_stays_inside(
    points: list[tuple[float, float]], markers: bool
) -> None:
    svg = draw(
        LineChart(
            title="t",
            x_label="x",
            y_label="y",
            series=(Series(name="s", points=tuple(points), color=1, markers=markers),),
        )
    )
    root = ElementTree.fromstring(svg)
    height = float(root.attrib["viewBox"].split()[3])
    for path in re.findall(r"M([^\"Z]*)", svg):
        for place in path.split("L"):
            x, y = map(float, place.split())
            assert -6 <= x <= WIDTH + 6
            assert -6 <= y <= height


@pytest.mark.parametrize("chart", [
    line_chart(),
    line_chart((0.0, 1.0)),
    line_chart((5.0, 0.0), (5.0, 0.0), from_zero=True),
    AreaChart(title="t", x_label="x", y_label="y", layers=()),
    AreaChart(title="t", x_label="x", y_label="y", layers=(Series(name="s", points=((0.0, 0.0),), color=0),)),
    BarChart(title="t", x_label="x", groups=()),
    BarChart(title="t", x_label="x", groups=(("g", (Bar(label="b", value=0.0, text="0"),)),)),
])  # fmt: skip
def test_little_data_still_gives_a_drawing(chart: Figure) -> None:
    svg = draw(chart)
    ElementTree.fromstring(svg)
    assert all(map(math.isfinite, numbers_in(svg)))


def test_layers_are_stacked_on_each_other() -> None:
    layers = tuple(
        Series(name=name, points=((0.0, 0.0), (1.0, height)), color=0)
        for name, height in (("a", 1.0), ("b", 3.0))
    )
    svg = draw(AreaChart(title="t", x_label="x", y_label="y", layers=layers))
    first, second = re.findall(r'<g class="area[^>]*><title>\w</title><path d="M([^"]*)Z"', svg)
    edges = [
        [tuple(map(float, place.split())) for place in path.split("L")] for path in (first, second)
    ]
    assert (
        edges[0][:2] == edges[1][2:][::-1]
    )  # the upper edge of the first layer is the lower edge of the second
    assert edges[1][1][1] < edges[0][1][1]


def test_a_whisker_spans_its_interval() -> None:
    bar = Bar(label="model", value=50.0, text="50.0", low=40.0, high=60.0, color=0)
    svg = draw(BarChart(title="t", x_label="x", groups=(("", (bar,)),), maximum=100.0))
    end = re.search(r'<g class="bar c0"><rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)
    whisker = re.search(
        r'<line class="whisker" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="\2"', svg
    )
    assert end is not None
    assert whisker is not None
    left, width = float(end[1]), float(end[2])
    assert float(whisker[1]) == pytest.approx(left + 0.8 * width, abs=0.2)
    assert float(whisker[3]) == pytest.approx(left + 1.2 * width, abs=0.2)


@given(
    st.lists(
        st.tuples(st.text("abcdefgh", min_size=1, max_size=20), st.floats(0.01, 1)), max_size=12
    )
)
def test_names_of_phases_never_overlap(parts: list[tuple[str, float]]) -> None:
    total = sum(size for _, size in parts)
    bands, start = [], 0.0
    for name, size in parts:
        bands.append(Band(name=name, start=start, end=start + size / total))
        start += size / total
    placed = place_labels(bands, lambda value: LEFT + value * (WIDTH - LEFT))
    assert all(0 <= row < MAX_LABEL_ROWS for row, _ in placed.values())
    for one, (row_one, middle_one) in placed.items():
        for two, (row_two, middle_two) in placed.items():
            if one < two and row_one == row_two:
                assert (
                    middle_two - middle_one
                    >= (
                        text_width(bands[one].name, PHASE_FONT)
                        + text_width(bands[two].name, PHASE_FONT)
                    )
                    / 2
                )


@given(st.text())
def test_any_text_is_harmless_and_can_be_written(text: str) -> None:
    escaped = clean(text)
    assert not set(escaped) & set("<>\"'")
    escaped.encode("utf-8")
    ElementTree.fromstring(
        f'<a b="{escaped}">{escaped}</a>'.replace("\ufffe", "").replace("\uffff", "")
    )


def test_palette_wraps_around() -> None:
    assert 'class="mark c1"' in draw(line_chart((0.0, 1.0), (1.0, 2.0)))
