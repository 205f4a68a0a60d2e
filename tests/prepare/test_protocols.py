"""Published protocols: who is trained on, who is scored."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import ConfigError, DataError
from corpus.config.problems import ProblemsConfig
from corpus.prepare.problem_folder import Sets
from corpus.prepare.protocols import FOLDS, PROTOCOLS, folds_file, protocol_files, protocol_sets
from corpus.problems.registry import ProblemFile, recognise

CSV = "Question,Numbers,Equation,Answer\n" + "".join(
    f"Bo has number0 cats and number1 dogs {i} .,{i} 2,+ number0 number1,{i + 2}\n"
    for i in range(3, 9)
)


def asdiv(count: int) -> list[dict[str, Any]]:
    return [
        {
            "@ID": f"nluds-{i:04}",
            "Body": "A shelf held 40 books.",
            "Question": f"How many are left if {i + 1} go?",
            "Answer": str(39 - i),
            "Formula": f"40-{i + 1}={39 - i}",
        }
        for i in range(count)
    ]


def svamp(*numbers: int) -> list[dict[str, Any]]:
    return [
        {
            "Body": f"There are {i + 9} doors.",
            "Question": "If 4 go, how many stay?",
            "Equation": f"( {i + 9}.0 - 4.0 )",
            "Answer": i + 5.0,
            "Type": "Subtraction",
        }
        for i in numbers
    ]


def gsm8k(count: int) -> list[dict[str, Any]]:
    return [
        {
            "question": f"Ann has {'very ' * i}{i + 2} pens and finds 3. How many?",
            "answer": f"{i + 2}+3=<<{i + 2}+3={i + 5}>>\n#### {i + 5}",
        }
        for i in range(count)
    ]


def found(folder: Path, files: Mapping[str, Any]) -> list[ProblemFile]:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    known = (recognise(folder / name) for name in files)
    return [file for file in known if file is not None]


def sets_of(files: list[ProblemFile], **settings: Any) -> Sets:
    config = ProblemsConfig(**settings)
    return protocol_sets(protocol_files(files, config), config)


def test_svamp_is_scored_by_a_model_of_mawps_and_asdiv(tmp_path: Path) -> None:
    """All of SVAMP is, whatever its files are called, and a problem of two files once."""
    files = found(
        tmp_path,
        {"cv/train.csv": CSV, "svamp/train.json": svamp(1, 2, 3), "svamp/test.json": svamp(3, 4)},
    )
    sets = sets_of(files, protocol="svamp")
    assert {name: list(parts) for name, parts in sets.items()} == {
        "mawps_asdiv": ["train"],
        "svamp": ["heldout"],
    }
    assert len(sets["mawps_asdiv"]["train"]) == 6
    assert sorted(each.quantities[0] for each in sets["svamp"]["heldout"]) == [10, 11, 12, 13]
    assert len({each.id for each in sets["svamp"]["heldout"]}) == 4


@pytest.mark.parametrize("name", ["asdiv", "mawps"])
def test_five_folds_score_every_problem_once(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Any]] = asdiv(23)
    if name == "mawps":
        rows = [
            {
                "sQuestion": f"{i + 5} books . How many are left if 2 go ?",
                "lEquations": [f"X={i + 5}-2"],
                "lSolutions": [i + 3],
            }
            for i in range(23)
        ]
    files = found(tmp_path, {"all.json": rows})
    scored = []
    for fold in range(PROTOCOLS[name].num_folds):
        parts = sets_of(files, protocol=name, fold=fold)[name]
        ids = {part: {each.id for each in problems} for part, problems in parts.items()}
        assert not ids["train"] & ids["heldout"]
        assert len(ids["train"] | ids["heldout"]) == 23
        assert len(ids["heldout"]) in (4, 5)
        scored += sorted(ids["heldout"])
    assert len(scored) == len(set(scored)) == 23


def test_published_folds_count(tmp_path: Path) -> None:
    ids = [f"nluds-{i:04}" for i in range(10)]
    lists = {f"fold{i}": [ids[i], ids[9 - i]] for i in range(FOLDS)}
    files = found(tmp_path, {"a.json": asdiv(10), "a_folds.json": lists})
    assert folds_file(files[0].path) == tmp_path / "a_folds.json"
    for fold in range(FOLDS):
        parts = sets_of(files, protocol="asdiv", fold=fold)["asdiv"]
        assert [each.index for each in parts["heldout"]] == [fold, 9 - fold]
    for wrong in (
        {**lists, "fold0": [ids[0]]},
        {**lists, "fold0": [ids[0], ids[1]]},
        {"fold0": ids},
        {**lists, "fold0": [*lists["fold0"], ids[0]]},
        {**lists, "fold0": [], "fold1": [*lists["fold0"], *lists["fold1"]]},
        {**lists, "fold0": [None, [ids[0]]]},
        ids,
        {**lists, "fold0": 5},
    ):
        (tmp_path / "a_folds.json").write_text(json.dumps(wrong))
        with pytest.raises(DataError, match=r"a_folds\.json does not divide the 10 problems"):
            sets_of(files, protocol="asdiv")


def test_a_test_file_is_scored_before_a_dev_file(tmp_path: Path) -> None:
    train = {"train.jsonl": "\n".join(map(json.dumps, gsm8k(40)))}
    parts = sets_of(found(tmp_path, train), protocol="gsm8k")["gsm8k"]
    assert len(parts["train"]) + len(parts["heldout"]) == 40
    assert parts["heldout"]
    more = {**train, "dev.jsonl": json.dumps(gsm8k(1)[0]), "test.jsonl": json.dumps(gsm8k(2)[1])}
    parts = sets_of(found(tmp_path, more), protocol="gsm8k")["gsm8k"]
    assert len(parts["train"]) == 40
    assert [each.quantities for each in parts["heldout"]] == [(3, 3)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"protocol": "svamp"}, "needs a train file of mawps_asdiv.*found: asdiv"),
        ({"protocol": "mawps"}, "needs a file of mawps"),
        ({"protocol": "asdiv"}, r"one file of asdiv into 5 folds; .*a\.json and .*b\.json"),
    ],
)
def test_missing_files_are_named(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    files = found(tmp_path, {"a.json": asdiv(3), "b.json": asdiv(3)})
    with pytest.raises(ConfigError, match=message):
        sets_of(files, **settings)


def test_too_few_problems_are_refused(tmp_path: Path) -> None:
    files = found(tmp_path, {"a.json": asdiv(3)})
    with pytest.raises(DataError, match="leaves no heldout problem of asdiv"):
        [sets_of(files, protocol="asdiv", fold=fold) for fold in range(FOLDS)]


def test_a_set_of_another_size_than_the_published_one_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets_of(found(tmp_path, {"a.json": asdiv(10)}), protocol="asdiv")
    assert "published set has 1,218" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"protocol": "svamp", "sets": ("svamp",)}, "leave out problems.sets"),
        ({"protocol": "asdiv", "fold": 5}, "problems.fold"),
        ({"protocol": "svamp", "fold": 1}, "only the protocols asdiv and mawps have folds"),
    ],
)
def test_settings_that_disagree_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ProblemsConfig(**settings)
