"""Drawings are well-formed, show what they are given, and survive odd data."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.visible import visible
from corpus.report.charts import (
    HEIGHT,
    LETTER,
    WIDTH,
    Band,
    Chart,
    Series,
    band_names,
    draw,
    specification,
)

FINITE = st.floats(-1e12, 1e12, allow_subnormal=False)


def line_chart(
    *points: tuple[float, float], bands: tuple[Band, ...] = (), name: str = "s", **more: bool
) -> Chart:
    series = Series(name=name, points=points, color=9, markers=True)
    return Chart(title="t", x_label="x", y_label="y", series=(series,), bands=bands, **more)


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))


def titles(svg: str) -> list[str]:
    return [each.text or "" for each in parse(svg).iter() if each.tag.endswith("title")]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e9), FINITE), min_size=1, max_size=20), st.booleans())
def test_any_line_is_well_formed(points: list[tuple[float, float]], stacked: bool) -> None:
    svg = draw(line_chart(*points, stacked=stacked))
    assert parse(svg).attrib["viewBox"] == f"0 0 {WIDTH} {HEIGHT}"
    assert "NaN" not in svg
    assert "Infinity" not in svg


@pytest.mark.parametrize("chart", [
    line_chart((0.0, 1.0)),
    line_chart((5.0, 0.0), (5.0, 0.0), from_zero=True),
    line_chart((0.0, 0.0), stacked=True),
    line_chart((0.0, 1.0), bands=(Band(name="b", start=0.0, end=0.0),)),
])  # fmt: skip
def test_little_data_still_gives_a_drawing(chart: Chart) -> None:
    assert "NaN" not in draw(chart)
    parse(draw(chart))


def test_no_data_gives_none() -> None:
    assert draw(line_chart()) == ""


def test_layers_are_stacked_on_each_other() -> None:
    layers = tuple(
        Series(name=name, points=((0.0, 0.0), (1.0, height)), color=color)
        for color, (name, height) in enumerate((("a", 1.0), ("b", 3.0)))
    )
    chart = Chart(title="t", x_label="x", y_label="y", series=layers, stacked=True)
    svg = draw(chart)
    lower, upper = (
        [tuple(map(float, place.split(","))) for place in re.findall(r"[\d.]+,[\d.]+", path)]
        for color in "01"
        for path in re.findall(rf'<path d="([^"]*)"[^>]*fill="var\(--c{color}\)"', svg)[:1]
    )
    assert lower[:2] == upper[2:4][::-1], "the upper edge of the first is the lower of the second"
    assert upper[1][1] < lower[1][1]


def test_a_point_tells_its_values_to_the_pointer() -> None:
    assert "s: 2.5 y at 1 (x)" in titles(draw(line_chart((1.0, 2.5), (2.0, 3.0))))


def test_the_drawing_has_a_text_of_its_own() -> None:
    label = parse(draw(line_chart((1.0, 2.5), (2.0, 3.0)))).attrib["aria-label"]
    assert label == "t: s from 2.5 to 3"


@given(
    st.lists(
        st.tuples(st.text("abcdefgh", min_size=1, max_size=20), st.floats(0.01, 1)),
        min_size=1,
        max_size=12,
    )
)
def test_names_of_phases_never_overlap(parts: list[tuple[str, float]]) -> None:
    total = sum(size for _, size in parts)
    bands, start = [], 0.0
    for name, size in parts:
        bands.append(Band(name=name, start=start, end=start + size / total))
        start += size / total
    shown = band_names(line_chart((0.0, 1.0), (1.0, 1.0), bands=tuple(bands)))
    places = [
        (row, (band.start + band.end) / 2 * (WIDTH - 60), len(band.name) * LETTER)
        for band, row in shown
    ]
    for i, (row, middle, width) in enumerate(places):
        for other_row, other_middle, other_width in places[i + 1 :]:
            if row == other_row:
                assert other_middle - middle >= (width + other_width) / 2


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_any_name_is_harmless_and_can_be_written(text: str) -> None:
    svg = draw(line_chart((0.0, 1.0), bands=(Band(name=text, start=0.0, end=2.0),), name=text))
    svg.encode("utf-8")
    assert any(each.startswith(visible(text).split("\n")[0][:1]) for each in titles(svg))
    assert not {each.tag.split("}")[1] for each in parse(svg).iter()} & {"script", "image", "a"}


def test_palette_wraps_around() -> None:
    assert 'fill="var(--c1)"' in draw(line_chart((0.0, 1.0), (1.0, 2.0)))


def test_everything_is_in_the_specification() -> None:
    def addresses(value: object) -> list[object]:
        if isinstance(value, dict):
            return [v for k, v in value.items() if k in ("url", "href")] + [
                each for v in value.values() for each in addresses(v)
            ]
        return [each for v in value for each in addresses(v)] if isinstance(value, list) else []

    assert addresses(specification(line_chart((0.0, 1.0), (1.0, 2.0)))) == []
    assert math.isfinite(WIDTH / HEIGHT)
