"""Templates are data: every shipped one makes problems, and a wrong file is refused in one line."""

import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import DataError
from corpus.problems.generated import generator
from corpus.problems.generated.catalogue import StoryFile, TemplateFile, templates
from corpus.problems.generated.formula import parse_formula
from corpus.problems.generated.reader import read_file
from corpus.problems.generated.template import CATEGORIES
from corpus.problems.generated.words import SLOT, slots
from corpus.problems.problem import Problem
from corpus.problems.symbolic import generator as symbolic_generator
from corpus.problems.symbolic.catalogue import SymbolicFile
from corpus.problems.symbolic.catalogue import templates as symbolic_templates
from corpus.program.arithmetic.answer import nearest_option
from corpus.program.arithmetic.interpreter import execute
from corpus.program.language import parse

PROBLEMS = Path(generator.__file__).parents[1]


TEMPLATE = """
[[templates]]
name = "cost"
formula = "count * price"
numbers = { count = "3 to 48", price = "2 to 95", age = [20, 30.5] }
answer = "{$} #"
texts = ["{person} , aged <age> , [buys|orders] <count> {items} at {$} <price> . find the cost ."]
"""

STORY = """
[[stories]]
name = "money"
most = 10

[[stories.openings]]
name = "has"
gives = "money"
formula = "a"
numbers = { a = "20 to 895 by 5" }
texts = ["{person} has {$} <a> ."]

[[stories.events]]
name = "share"
takes = "money"
formula = "it / k"
numbers = { k = "2 to 9" }
asks = ["<k> children share it . how much does each get ?"]
wraps = ["how much of @ does each of <k> children get ?"]
"""

SYMBOLIC = """
openings = ["<f>", "y = <f>"]

[[phrases]]
name = "sum"
formula = "add(it, g)"
texts = ["the sum of @ and <g>"]

[[questions]]
name = "zeros"
formula = "solve(it, variable(f))"
draw = "quadratic"
texts = ["where is @ [zero|nothing] ?"]

[[templates]]
name = "solve"
formula = "solve(f, x)"
draw = "equation"
texts = ["solve <f> for <x> ."]
"""


KINDS = {TEMPLATE: TemplateFile, STORY: StoryFile, SYMBOLIC: SymbolicFile}


def _read(path: Path, text: str, kind: type = TemplateFile) -> TemplateFile:
    path.write_text(text, encoding="utf-8")
    return read_file(path, kind)


def _refusal(path: Path, kind: type) -> str:
    """Return why a file is refused, or an empty text."""
    try:
        read_file(path, kind)
    except DataError as error:
        return str(error)
    return ""


def test_templates_are_read_when_they_are_asked_for() -> None:
    code = """
from corpus.problems.generated import catalogue as one, generator
from corpus.problems.symbolic import catalogue as other, generator
print([each.templates.cache_info().currsize for each in (one, other)])
"""
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "[0, 0]\n"
    assert templates() is templates()


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_every_template_makes_problems(split: str) -> None:
    for index, template in enumerate(templates()[split]):  # pyright: ignore[reportArgumentType]
        rng = random.Random(index)
        problem = generator.make_problem(template, rng, split=split, index=index)
        value = execute(parse(problem.program or ""), problem.quantities).value
        assert value is not None, problem
        assert nearest_option(value, problem.options) == problem.correct
        assert not re.search(r"[<>{}\[\]|@]", problem.text), problem
        assert problem.category in CATEGORIES
        assert Problem.from_json(problem.to_json()) == problem


def test_every_template_over_expressions_makes_problems() -> None:
    for split, found in symbolic_templates().items():
        for index, template in enumerate(found):
            if template.name.count("/") <= 1:  # the others are made of the same parts
                rng = random.Random(index)
                problem = symbolic_generator.make_problem(template, rng, split=split, index=index)
                assert problem.expression, problem
                assert not re.search(r"[<>{}\[\]|@]", problem.text), problem


def test_every_file_of_templates_is_used() -> None:
    files = {path.relative_to(PROBLEMS).as_posix() for path in PROBLEMS.rglob("*.toml")}
    assert files == {
        "generated/words.toml",
        "symbolic/templates.toml",
        *(
            f"generated/{kind}/{name}.toml"
            for kind in ("templates", "stories")
            for name in CATEGORIES
        ),
    }


def test_values_are_ranges_or_lists(tmp_path: Path) -> None:
    values = {
        '"3 to 48"': range(3, 49),
        '"20 to 895 by 5"': range(20, 896, 5),
        '"1 to 2.5 by 0.5"': (1.0, 1.5, 2.0, 2.5),
        '"0.1 to 0.3 by 0.1"': (0.1, 0.2, 0.3),
        '"squares of 5 to 7"': (25, 36, 49),
        "[50, 2.5]": (50, 2.5),
    }
    for text, expected in values.items():
        file = _read(tmp_path / "a.toml", TEMPLATE.replace('"3 to 48"', text))
        assert file.templates[0].numbers["count"] == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("formula =", "formulla =", "'cost': unknown field 'formulla'.*mean 'formula'"),
        ('name = "cost"\n', "", "templates 1: name is missing"),
        ('"count * price"', '"count * prise"', "'cost': formula has 'prise'.*mean 'price'"),
        ('"count * price"', '"count *"', "'cost': formula is .*no formula"),
        ('"count * price"', '"count < price"', "'<' does not fit after 'count'"),
        ('"count * price"', '"count * price * 7"', "there is no constant 7"),
        ('"count * price"', '"price"', "no operation"),
        ('"count * price"', '"chose(count, price)"', "no operation 'chose'.*mean 'choose'"),
        ('"count * price"', '"choose(count)"', "choose has 1 arguments, expected 2"),
        ('"count * price"', "7", "formula is 7: expected a text"),
        ('"2 to 95"', '"95 to 2"', "'cost': numbers is .*: price is '95 to 2', a range of no"),
        ('"2 to 95"', '"2 - 95"', "price is '2 - 95', expected a list or a range"),
        ('"2 to 95"', '"2 to 95 by 0"', "a range of no values"),
        ('"2 to 95"', "[]", "price is .*expected a list or a range"),
        ('"2 to 95"', "[true]", "expected a number above 0"),
        ("age =", "Age =", "a number cannot be named 'Age'"),
        ("age =", "it =", "a number cannot be named 'it'"),
        ("age =", "age_1 =", "a number cannot be named 'age_1'"),
        ("age =", "old =", "no number 'age'"),
        (" , aged <age> ,", "", "numbers has 'age', which nothing uses"),
        (", age = [20, 30.5]", "", "no number 'age' for"),
        ("<count>", "some", "must show <count>, <price>"),
        ("<age>", "<age> <age>", "each name once"),
        ("{items}", "{itmes}", "no words 'itmes' for .*mean 'items'"),
        ("[buys|orders]", "[buys|orders <age>]", "no.*'age'|each name once|inside a choice"),
        ("[buys|orders]", "[buys|orders", "stray"),
        ("{items}", "{items", "stray"),
        ("{$} #", "{$}", "answer is .*one #"),
        ("{$} #", "{dollars} #", "no words 'dollars'"),
        ("answer =", 'whole = "yes"\nanswer =', "whole is 'yes': expected true or false"),
        ("answer =", "highest = -1\nanswer =", "highest is -1: expected a number above 0"),
        ("answer =", 'category = "algebra"\nanswer =', "category is 'algebra', expected general"),
        ("texts = [", "texts = [3, ", "texts, number 1 is 3: expected a text"),
        ("texts = [", "texts = []\n#", "expected a list with something in it"),
        ("texts = [", "texts = ", "no TOML file"),
        ("[[templates]]", "[templates]", "templates is .*expected a list"),
    ],
)
def test_a_wrong_template_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in TEMPLATE
    with pytest.raises(DataError, match=rf"^mine\.toml.*({message})") as refused:
        _read(tmp_path / "mine.toml", TEMPLATE.replace(old, new))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'takes = "money"',
            'takes = "time"',
            "the event 'share' takes 'time', which nothing gives",
        ),
        ('"it / k"', '"it / m"', "events 'share': formula has 'm'"),
        ('"it / k"', '"k / k"', "does not use `it`"),
        ('"it / k"', '"it"', "numbers has 'k'|must show|no operation"),
        ("@", "it", "must hold @ once"),
        (
            'formula = "it / k"',
            'formula = "it / k"\ntexts = ["<k> share it ."]',
            "ends every story",
        ),
        ('gives = "money"\n', "", "openings 'has': gives is missing"),
        ("most = 10", "most = 1.5", "most is 1.5: expected a whole number above 0"),
    ],
)
def test_a_wrong_story_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in STORY
    with pytest.raises(DataError, match=rf"^mine\.toml: stories 'money'.*({message})") as refused:
        _read(tmp_path / "mine.toml", STORY.replace(old, new), StoryFile)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"add(it, g)"', '"add(it, h)"', "phrases 'sum': formula has 'h'"),
        ('"add(it, g)"', '"add(f, g)"', "does not use `it`"),
        ("<g>", "two", "must show <g>"),
        ("@", "it", "must hold @ once"),
        (
            '"quadratic"',
            '"equation"',
            "questions 'zeros': draw is 'equation', expected one of curve",
        ),
        ('"equation"', '"equations"', "templates 'solve': draw is 'equations', expected one of"),
        ('"solve(f, x)"', '"substitute(f, at)"', "templates 'solve': formula has 'at'"),
        ('"y = <f>"', '"y = <g>"', "no number 'g'"),
    ],
)
def test_a_wrong_template_over_expressions_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SYMBOLIC
    with pytest.raises(DataError, match=rf"^mine\.toml.*({message})") as refused:
        _read(tmp_path / "mine.toml", SYMBOLIC.replace(old, new), SymbolicFile)
    assert "\n" not in str(refused.value)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="templates has 'cost' twice"):
        _read(tmp_path / "mine.toml", TEMPLATE + TEMPLATE)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_file(tmp_path / "none.toml", TemplateFile)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="no TOML file"):
        read_file(tmp_path / "bytes.toml", TemplateFile)


_JUNK = [
    '""',
    "-1",
    "nan",
    "true",
    "[]",
    "[[]]",
    "{}",
    "1979-05-27",
    '"a to b"',
    "(" * 300,
    "@",
    "<a>",
]


@st.composite
def _mutated(draw: st.DrawFn) -> tuple[str, type]:
    """Draw a file with edits: characters put in or left out, pieces repeated, values replaced."""
    text, kind_of_file = draw(st.sampled_from(sorted(KINDS.items(), key=str)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text) - 1))
        end = min(len(text), start + draw(st.integers(0, 12)))
        kind = draw(st.integers(0, 2))
        if kind == 0:
            text = text[:start] + draw(st.text(max_size=4)) + text[end:]
        elif kind == 1:
            lines = text.splitlines()
            place = draw(st.integers(0, len(lines) - 1))
            lines[place] = re.sub(
                "= .*", "= " + draw(st.sampled_from(_JUNK)), lines[place], count=1
            )
            text = "\n".join(lines)
        else:
            text = text[:end] + text[start:]
    return text, kind_of_file


@given(mutated=_mutated())
@settings(max_examples=300, deadline=None)
def test_a_mutated_file_is_read_or_refused_in_one_line(
    mutated: tuple[str, type], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_bytes(mutated[0].encode("utf-8", errors="replace"))
    refusal = _refusal(path, mutated[1])
    assert not refusal or (refusal.isprintable() and refusal.startswith("mutated.toml"))


@given(text=st.text(alphabet="abit_0129 +-*/()[]{},.'\"<>:=\\\n@#é", max_size=40))
def test_any_text_is_a_formula_or_a_value_error(text: str) -> None:
    reason = ""
    try:
        parse_formula(text)
    except ValueError as error:
        reason = str(error)
    assert not reason or reason.isprintable()


@given(formula=st.recursive(st.sampled_from("abc"), lambda each: st.tuples(each, each)))
@settings(deadline=None)
def test_a_formula_keeps_its_structure(formula: Any) -> None:
    def written(node: Any) -> str:
        return node if isinstance(node, str) else f"({written(node[0])} - {written(node[1])})"

    def read(node: Any) -> Any:
        return node if isinstance(node, str) else tuple(map(read, node.arguments))

    assert read(parse_formula(written(formula))) == formula


def test_slots_of_one_group_are_one_word() -> None:
    assert {"person", "he", "his", "$"} <= set(slots())
    assert SLOT.findall("{item2} {$}") == [("item", "2"), ("$", "")]
