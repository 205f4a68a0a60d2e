"""Problem sets are recognised by content, and nothing else is."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from corpus.base.errors import ConfigError, DataError
from corpus.problems.problem import Problem, write_problems
from corpus.problems.registry import PROBLEM_SETS, load_problems, recognise, split_of

MATHQA = {
    "Problem": "2 + 2 ?",
    "options": "a ) 4 , b ) 5",
    "correct": "a",
    "linear_formula": "add(n0,n1)",
    "category": "other",
}
RECORDS: dict[str, dict[str, Any]] = {
    "mathqa": MATHQA,
    "gsm8k": {"question": "2 and 2 ?", "answer": "2+2=<<2+2=4>>4\n#### 4"},
    "svamp": {
        "ID": "1",
        "Body": "2 here",
        "Question": "how many ?",
        "Equation": "( 2.0 + 2.0 )",
        "Answer": 4.0,
        "Type": "None",
    },
    "asdiv": {"Body": "", "Question": "2 + 2 ?", "Answer": "4 (cats)", "Formula": "2+2=4"},
    "mawps": {"sQuestion": "2 + 2 ?", "lEquations": ["x=2+2"], "lSolutions": [4.0]},
    "mawps_asdiv": {
        "Question": "number0 + number1 ?",
        "Numbers": "2 2",
        "Equation": "+ number0 number1",
        "Answer": "4",
        "Body": "",
    },
    "aqua_rat": {
        "question": "2 + 2 ?",
        "options": ["A)4", "B)5"],
        "rationale": "4",
        "correct": "A",
    },
}


@pytest.mark.parametrize("name", list(RECORDS))
def test_each_set_is_known_by_its_first_record(tmp_path: Path, name: str) -> None:
    record = RECORDS[name]
    rows = json.dumps(record) + "\n" + json.dumps(record) + "\n"
    for file, content in {
        "lines.jsonl": rows,
        "train.json": json.dumps([record] * 2, indent=1),
        "bom.txt": "\ufeff" + rows,
    }.items():
        (tmp_path / file).write_text(content, encoding="utf-8")
        found = recognise(tmp_path / file)
        assert found is not None
        assert found.set_name == name
        assert found.is_loadable
        assert len(load_problems(name, tmp_path / file, "train")) == 2


def test_parquet_copies_are_known(tmp_path: Path) -> None:
    path = tmp_path / "validation-00000-of-00001.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([MATHQA]), path)
    found = recognise(path)
    assert found is not None
    assert (found.set_name, found.split) == ("mathqa", "dev")
    assert len(load_problems(found.set_name, found.path, "dev")) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain text with { braces } and [ brackets ]",
        b'{"text": "words", "meta": {"redpajama_set_name": "RedPajamaC4"}}\n',
        b'{"question": "why ?", "answer": "because"}\n',
        b'{"question": "why ?", "answer": 4}\n',
        b"[]",
        b"[1, 2, 3]",
        b'{"Problem": "cut off',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"PAR1 is no Parquet file",
        b"\x80\x81\x82",
    ],
)
def test_ordinary_files_are_no_problems(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "train.json"
    path.write_bytes(content)
    assert recognise(path) is None


def test_folders_and_missing_files_are_no_problems(tmp_path: Path) -> None:
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "nothing") is None


def test_other_parquet_files_are_no_problems(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(
        pyarrow.Table.from_pylist([{"text": "words"}]), tmp_path / "text.parquet"
    )
    pyarrow.parquet.write_table(
        pyarrow.table({"Problem": pyarrow.array([], pyarrow.string())}), tmp_path / "empty.parquet"
    )
    assert recognise(tmp_path / "text.parquet") is None
    assert recognise(tmp_path / "empty.parquet") is None


def test_what_corpus_wrote_itself_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mathqa.train.jsonl"
    write_problems(path, [Problem("mathqa", "train", 0, "2 + 2 ?", (), None, "add(n0,n1)", "")])
    found = recognise(path)
    assert found is not None
    assert not found.is_loadable


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("mathqa/train.json", "train"),
        ("mathqa/dev.json", "dev"),
        ("math_qa-validation.parquet", "dev"),
        ("test/0000.parquet", "test"),
        ("challenge_test.json", "test"),
        ("train/test-00000.json", "test"),
        ("latest.json", None),
    ],
)
def test_names_tell_the_split(path: str, split: str | None) -> None:
    assert split_of(Path(path)) == split


def test_sets_that_cannot_be_loaded_are_refused(tmp_path: Path) -> None:
    for name, known in PROBLEM_SETS.items():
        if known.load is None:
            with pytest.raises(
                DataError,
                match=f"of the set {name}, which this version of Corpus recognises but cannot use",
            ):
                load_problems(name, tmp_path / "train.jsonl", "train")
    with pytest.raises(ConfigError, match="Did you mean 'mathqa'"):
        load_problems("mathqaa", tmp_path / "train.json", "train")


def test_the_real_files_are_known(shared_data: Path) -> None:
    found = {
        (each.set_name, each.split)
        for path in shared_data.rglob("*")
        if (each := recognise(path)) is not None
    }
    assert found >= {
        ("mathqa", "train"),
        ("mathqa", "dev"),
        ("gsm8k", "train"),
        ("svamp", "train"),
        ("aqua_rat", "train"),
        ("aqua_rat", "dev"),
    }
    assert not any(recognise(path) for path in (shared_data / "slimpajama").rglob("*"))
