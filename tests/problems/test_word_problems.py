"""The loaders of ASDiv, MAWPS and the SVAMP repository's files."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import DataError
from corpus.problems.asdiv import load_asdiv
from corpus.problems.check import is_checked
from corpus.problems.mawps import load_mawps
from corpus.problems.mawps_asdiv import load_mawps_asdiv
from corpus.problems.problem import Problem
from corpus.problems.registry import load_problems, recognise

ASDIV = {
    "@ID": "nluds-1",
    "Body": "A shelf held 40 books and nine lamps.",
    "Question": "How many books are left if 12 go?",
    "Solution-Type": "Subtraction",
    "Answer": "28 (books)",
    "Formula": "40-12=28",
}
XML = """<?xml version="1.0" encoding="UTF-8"?>
<Machine-Reading-Corpus-File><ProblemSet>
<Problem ID="nluds-1" Grade="1" Source="s"><Body>A shelf held 40 books and nine lamps.</Body>
<Question>How many books are left if 12 go?</Question><Solution-Type>Subtraction</Solution-Type>
<Answer>28 (books)</Answer><Formula>40-12=28</Formula></Problem>
</ProblemSet></Machine-Reading-Corpus-File>"""
MAWPS = {
    "iIndex": 1,
    "sQuestion": "A shelf held 40 books . How many are left if 12 go ?",
    "lEquations": ["X=(40.0-12.0)"],
    "lSolutions": ["28"],
}
CSV = (
    "Question,Numbers,Equation,Answer,Body,Ques\n"
    '"Bo has number1 cats , three dogs and number0 rats , fed number2 times .",4.0 2.5 2.5,'
    '"- * number1 number0 number2",7.5,b,q\n'
)


def asdiv(tmp_path: Path, **change: Any) -> Problem:
    (tmp_path / "a.json").write_text(json.dumps([{**ASDIV, **change}]), encoding="utf-8")
    return load_asdiv(tmp_path / "a.json", "train")[0]


def asdiv_file(path: Path) -> list[Problem]:
    """Read a file that is known to be ASDiv's XML."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("corpus.problems.asdiv.is_xml", lambda path: True)
        return load_asdiv(path, "train")


def mawps(tmp_path: Path, **change: Any) -> Problem:
    (tmp_path / "a.json").write_text(json.dumps([{**MAWPS, **change}]), encoding="utf-8")
    return load_mawps(tmp_path / "a.json", "train")[0]


def from_csv(tmp_path: Path, text: str) -> Problem:
    (tmp_path / "train.csv").write_text(text, encoding="utf-8")
    return load_mawps_asdiv(tmp_path / "train.csv", "train")[0]


def test_asdiv_is_the_same_as_json_and_as_official_xml(tmp_path: Path) -> None:
    problem = asdiv(tmp_path)
    assert (problem.program, problem.answer, problem.category) == (
        "subtract(n0,n2)",
        28.0,
        "Subtraction",
    )
    assert is_checked(problem)
    for name in ("ASDiv.xml", "ASDiv.xml.gz"):
        data = XML.encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
        found = recognise(tmp_path / name)
        assert found is not None
        assert found.set_name == "asdiv"
        assert load_problems("asdiv", tmp_path / name, "train") == [problem]


@pytest.mark.parametrize(
    ("change", "program", "answer"),
    [
        ({"Formula": "40/12=3", "Answer": "3"}, "divide(n0,n2)|floor(#0)", 3.0),
        ({"Formula": "x", "Answer": "Tom"}, None, None),
        ({"Formula": "77-1=76", "Answer": "76"}, None, 76.0),
        (
            {"Body": None, "Question": "What is 7 plus 5?", "Formula": "7+5=12", "Answer": "12"},
            "add(n0,n1)",
            12.0,
        ),
    ],
)
def test_asdiv_s_other_answers(
    tmp_path: Path, change: dict[str, Any], program: str | None, answer: float | None
) -> None:
    problem = asdiv(tmp_path, **change)
    assert (problem.program, problem.answer) == (program, answer)


def test_other_xml_is_no_problem_set(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text('<Report><Problem severity="2">x</Problem></Report>')
    assert recognise(tmp_path / "a.xml") is None


def test_a_body_must_be_a_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 0: Body is \['x'\]"):
        asdiv(tmp_path, Body=["x"])


@pytest.mark.parametrize("text", ["<a><Problem ></a>", '<!DOCTYPE a [<!ENTITY b "c">]><Problem />'])
def test_damaged_xml_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match=r"a\.xml .*Get it again"):
        asdiv_file(tmp_path / "a.xml")


def test_xml_without_problems_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<a><!-- <Problem ><Body><Formula> --></a>")
    with pytest.raises(DataError, match=r"a\.xml holds no problem"):
        asdiv_file(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("equation", "solution", "program"),
    [
        ("X=(40.0-12.0)", 28.0, "subtract(n0,n1)"),
        ("40-12=x", "28.0", "subtract(n0,n1)"),
        ("40+12", 52, "add(n0,n1)"),
        ("x=y", 28, None),
        ("X=41-12", 29, None),
        ("2*x=40-12", 14, None),
        ("40-12=x+1", 28, None),
        ("x=40-12=y", 28, None),
    ],
)
def test_mawps_writes_the_unknown_on_either_side(
    tmp_path: Path, equation: str, solution: Any, program: str | None
) -> None:
    problem = mawps(tmp_path, lEquations=[equation], lSolutions=[solution])
    assert problem.program == program
    assert is_checked(problem) is (program is not None)


@pytest.mark.parametrize(
    "change",
    [
        {"lEquations": []},
        {"lEquations": ["x=1", "y=2"]},
        {"lEquations": [5]},
        {"lSolutions": ["a"]},
        {"lSolutions": 5},
        {"sQuestion": None},
    ],
)
def test_malformed_mawps_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=rf"a\.json, row 0: {next(iter(change))}"):
        mawps(tmp_path, **change)


def test_a_placeholder_is_the_number_at_its_own_place(tmp_path: Path) -> None:
    """Two numbers are equal, and one is in words: values alone do not say which is meant."""
    problem = from_csv(tmp_path, CSV)
    assert problem.text == "Bo has 2.5 cats , 3 dogs and 4 rats , fed 2.5 times ."
    assert problem.program == "multiply(n0,n2)|subtract(#0,n3)"
    assert is_checked(problem)
    found = recognise(tmp_path / "train.csv")
    assert found is not None
    assert (found.set_name, found.split) == ("mawps_asdiv", "train")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- * number1", "* number1"),
        ("- * number1", "? * number1"),
        ("- * number1", "+ " * 2000 + "- * number1"),
        ("number0 number2", "number0 1/0"),
        ("number0 number2", "number0 1e99999999"),
        ("number0 number2", "number0 number2 number2"),
        ("number0 number2", "number0 number9"),
        (" rats", " million rats"),
    ],
)
def test_an_equation_that_does_not_fit_leaves_no_program(
    tmp_path: Path, before: str, after: str
) -> None:
    assert from_csv(tmp_path, CSV.replace(before, after)).program is None


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (",7.5,", ",?,", "Answer"),
        ("4.0 2.5 2.5", "4.0 2.5", "Question has number2"),
        ("4.0 2.5 2.5", "4.0 2.5 x", "Numbers has 'x'"),
        ("4.0 2.5 2.5", "", "Numbers"),
    ],
)
def test_malformed_csv_rows_are_named(tmp_path: Path, before: str, after: str, named: str) -> None:
    with pytest.raises(DataError, match=rf"train\.csv, row 0: {named}"):
        from_csv(tmp_path, CSV.replace(before, after))


def test_other_csv_files_are_no_problems(tmp_path: Path) -> None:
    aqua = "question,options,rationale,correct\n1 and 1 ?,\"['A)2', 'B)3']\",x,A\n"
    for name, text in {
        "aqua.csv": aqua,
        "a.csv": "a,b\n1,2\n",
        "empty.csv": "",
        "wide.csv": "a" * 200_000,
    }.items():
        (tmp_path / name).write_text(text)
        assert recognise(tmp_path / name) is None


@pytest.mark.parametrize("length", [10, 60, 70, 140])
def test_a_csv_file_that_was_cut_is_named(tmp_path: Path, length: int) -> None:
    with pytest.raises(DataError, match=r"train\.csv"):
        from_csv(tmp_path, CSV[:length])


@pytest.mark.parametrize(
    ("name", "count", "least"),
    [
        ("mawps_asdiv_a_train.csv", 3138, 3124),
        ("asdiv_a.json", 1218, 1217),
        ("mawps_single.json", 1987, 1974),
    ],
)
def test_real_files_have_checked_programs(
    shared_data: Path, name: str, count: int, least: int
) -> None:
    path = shared_data / "word_problems" / name
    found = recognise(path)
    assert found is not None
    problems = load_problems(found.set_name, path, "train")
    assert len(problems) == count
    assert sum(map(is_checked, problems)) >= least
