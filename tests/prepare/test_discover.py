"""A folder is told by its content: what is text, what are problems, what is ignored."""

import errno
import gzip
import json
import os
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from corpus.base.errors import ConfigError, DataError
from corpus.config.prepare import PrepareConfig
from corpus.config.problems import ProblemsConfig
from corpus.prepare.discover import FoundData, discover, find_data
from corpus.prepare.document import TextSplit
from corpus.problems.registry import load_problems

MATHQA = {
    "Problem": "what is 2 plus 3 ?",
    "Rationale": "5",
    "options": "a ) 5 , b ) 6 , c ) 7 , d ) 8 , e ) 9",
    "correct": "a",
    "annotated_formula": "add(2, 3)",
    "linear_formula": "add(n0,n1)|",
    "category": "general",
}
GSM8K = {"question": "What is 2 plus 3?", "answer": "2+3 = <<2+3=5>>5\n#### 5"}


def make(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            path.write_text("".join(json.dumps(each) + "\n" for each in content))
        else:
            path.write_text(str(content))
    return root


def slim(text: str, name: str = "RedPajamaC4") -> dict[str, object]:
    return {"text": text, "meta": {"redpajama_set_name": name}}


def texts(found: FoundData, split: TextSplit = "train") -> list[tuple[str, str]]:
    return [
        (document.source, document.text)
        for each in found.texts
        for document in each.documents(split, lambda amount: None)
    ]


def test_records_and_problems_are_told_by_content_wherever_they_lie(tmp_path: Path) -> None:
    make(
        tmp_path,
        {
            "anything/deep/er/x.jsonl": [slim("one")],
            "validation/y.jsonl": [slim("held out")],
            "odd/name.txt": json.dumps([MATHQA]),
            "q/dev.jsonl": [GSM8K],
            "q/notes.txt": "notes about the problems",
        },
    )
    found = discover(tmp_path)
    assert texts(found) == [("c4", "one")]
    assert texts(found, "validation") == [("c4", "held out")]
    assert [(each.set_name, each.split) for each in found.problems] == [
        ("mathqa", None),
        ("gsm8k", "dev"),
    ]
    lines = "\n".join(found.describe())
    assert "q/notes.txt (beside records or problems)" in lines
    assert "q/dev.jsonl (gsm8k, dev, never text" in lines


def test_folders_of_plain_text_are_sources_of_their_own_names(tmp_path: Path) -> None:
    make(
        tmp_path,
        {
            "essays/a.txt": "an essay",
            "essays/more/b.md": "another",
            "my code!/test/x.py": "x = 1",
            "my code!/manifest.py": "y = 2",
            "top.txt": "at the top",
            "essays/picture.png": "no text",
            ".git/config.txt": "hidden",
            "records/r.jsonl": [{"text": "a record without a set"}],
            "halves/train/a.txt": "left half",
            "halves/validation/b.txt": "right half",
            "halves/test/c.txt": "not to be seen",
        },
    )
    found = discover(tmp_path)
    assert sorted(texts(found)) == sorted(
        [
            ("essays", "an essay"),
            ("essays", "another"),
            ("my-code", "x = 1"),
            ("my-code", "y = 2"),
            (tmp_path.name, "at the top"),
            ("records", "a record without a set"),
            ("halves", "left half"),
        ]
    )
    assert texts(found, "validation") == [("halves", "right half")]
    lines = "\n".join(found.describe())
    assert "halves/test/c.txt (a test split)" in lines
    assert "files of other kinds (1 .png)" in lines


@pytest.mark.parametrize(
    "meta",
    [
        {"pile_set_name": "Pile-CC"},
        {"timestamp": "2018-01-01T00:00:00", "arxiv_id": "1801.1"},
        {"redpajama_set_name": None},
        "a note",
        '{"redpajama_set_name": ',
        "[" * 100_000 + "redpajama_set_name",
        ["redpajama_set_name"],
        None,
        7,
    ],
)
def test_records_without_a_set_name_are_text_of_their_folder(tmp_path: Path, meta: object) -> None:
    make(tmp_path, {"web/a.jsonl": [{"text": "one", "meta": meta}, {"text": "two"}]})
    assert texts(discover(tmp_path)) == [("web", "one"), ("web", "two")]


def test_json_lines_are_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    lines = {name: json.dumps({"text": name, "url": "u"}) + "\n" for name in "abcdef"}
    make(
        tmp_path,
        {
            "web/docs.json": lines["a"],
            "web/docs.ndjson": lines["b"],
            "web/part-00000": lines["c"],
            "web/settings.json": '{\n  "text": "no record"\n}',
            "web/odd.gz": "no gzip",
        },
    )
    for name, key in (("train.00000-of-00001", "d"), ("validation.00000-of-00001", "e")):
        packed = gzip.compress(lines[key].encode())
        (tmp_path / "web" / f"c4-{name}.json.gz").write_bytes(packed)
    (tmp_path / "web" / "test.json.gz").write_bytes(gzip.compress(lines["f"].encode()))
    found = discover(tmp_path)
    assert sorted(texts(found)) == [("web", name) for name in "abcd"]
    assert texts(found, "validation") == [("web", "e")]
    assert found.ignored == (
        "web/test.json.gz (a test split)",
        "files of other kinds (1 .gz, 1 .json): web/odd.gz, web/settings.json",
    )


def test_a_null_text_is_a_document_without_text(tmp_path: Path) -> None:
    make(
        tmp_path,
        {
            "own/a.jsonl": [{"text": None}, {"text": "one"}],
            "slim/a.jsonl": [{**slim(""), "text": None}, slim("two")],
            "odd/a.jsonl": [{"text": ["a list"]}],
        },
    )
    found = discover(tmp_path)
    assert sorted(texts(found)) == [("c4", ""), ("c4", "two"), ("own", ""), ("own", "one")]
    assert found.ignored == ("odd/a.jsonl (its first record has no \"text\": keys 'text')",)


def test_parts_without_a_record_are_passed_over_by_name(tmp_path: Path) -> None:
    make(tmp_path, {"a/part-0.jsonl": [slim("one")], "a/part-1.jsonl": ""})
    for number in range(2, 6):
        (tmp_path / "a" / f"part-{number}.jsonl.gz").write_bytes(gzip.compress(b""))
    found = discover(tmp_path)
    assert texts(found) == [("c4", "one")]
    assert found.ignored == (
        "a/part-1.jsonl, a/part-2.jsonl.gz, a/part-3.jsonl.gz and 2 more are empty: no record",
    )
    make(tmp_path, {"gsm8k/train.jsonl": ""})  # a whole file is no part: its copy is incomplete
    with pytest.raises(DataError, match=r"train\.jsonl is empty \(0 bytes\)"):
        discover(tmp_path)


def test_parquet_without_a_text_is_shown_with_its_columns(tmp_path: Path) -> None:
    make(tmp_path, {"a/part-0.jsonl": [slim("one")]})
    pyarrow.parquet.write_table(pyarrow.table({"x": [1], "y": [2]}), tmp_path / "a.parquet")
    found = discover(tmp_path)
    assert found.ignored == ("a.parquet (its first record has no \"text\": keys 'x', 'y')",)


@pytest.mark.parametrize(
    ("first", "second", "source"),
    [
        ("物理/a.txt", "数学/b.txt", "text"),
        ("my notes/a.txt", "my-notes/b.txt", "my-notes"),
        ("my notes/a.txt", "my-notes/train/b.jsonl", "my-notes"),
        ("_a/b.jsonl", "a/b.jsonl", "a"),
        ("top.txt", "data!/b.txt", "data"),
    ],
)
def test_folders_that_would_be_one_source_are_refused(
    tmp_path: Path, first: str, second: str, source: str
) -> None:
    content = {".txt": "words", ".jsonl": [{"text": "words"}]}
    files = {name: content[Path(name).suffix] for name in (first, second)}
    data = make(tmp_path / "data", files)
    with pytest.raises(DataError, match=rf"both become the source '{source}': .*\. Rename .*data"):
        discover(data)


def test_a_folder_whose_text_is_not_read_may_have_any_name(tmp_path: Path) -> None:
    make(tmp_path, {"a b/x.jsonl": [slim("one")], "a b/notes.txt": "words", "a-b/y.txt": "two"})
    assert sorted(texts(discover(tmp_path))) == [("a-b", "two"), ("c4", "one")]


def test_papers_beside_data_are_never_text(tmp_path: Path) -> None:
    papers = [
        "README.md",
        "slimpajama/LICENSE",
        "slimpajama/LICENSE.txt",
        "slimpajama/MANIFEST.tsv.zst",
        "Readme_first.txt",
        "CHANGELOG.rst",
    ]
    make(
        tmp_path,
        {"slimpajama/train/a.jsonl": [slim("one")], **dict.fromkeys(papers, "words of a paper")},
    )
    found = discover(tmp_path)
    assert texts(found) == [("c4", "one")]
    with pytest.raises(DataError, match=r"holds nothing to train on.*Ignored:(.|\n)*README\.md"):
        discover(make(tmp_path / "only", {"README.md": "words"}))


def test_hub_file_names_tell_splits(tmp_path: Path) -> None:
    names = {
        "train-00000-of-00002.jsonl": "a",
        "validation-00000-of-00001.jsonl": "b",
        "test-00000-of-00001.jsonl": "c",
    }
    found = discover(make(tmp_path, {f"data/{name}": [slim(text)] for name, text in names.items()}))
    assert (texts(found), texts(found, "validation")) == ([("c4", "a")], [("c4", "b")])


def test_problems_become_text_only_where_asked_and_never_their_evaluation_splits(
    tmp_path: Path,
) -> None:
    dev = {**MATHQA, "Problem": "what is 7 plus 8 ?"}
    make(
        tmp_path,
        {
            "mathqa/train.json": json.dumps([MATHQA]),
            "mathqa/dev.json": json.dumps([dev]),
            "mathqa/test.json": json.dumps([dev]),
        },
    )
    assert texts(discover(tmp_path)) == []
    found = discover(tmp_path, as_text=ProblemsConfig())
    assert texts(found) == [("mathqa", "what is 2 plus 3 ?")]
    assert texts(found, "validation") == []


def test_damage_and_emptiness_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist\. Check the path"):
        discover(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds nothing to train on.*It is empty"):
        discover(tmp_path)
    make(tmp_path, {"a.jsonl": [{"sentence": "words"}]})
    with pytest.raises(
        DataError, match=r"a\.jsonl \(its first record has no \"text\": keys 'sentence'\)"
    ):
        discover(tmp_path)
    with pytest.raises(DataError, match="is a file; give the folder"):
        discover(tmp_path / "a.jsonl")
    make(tmp_path, {"b/b.jsonl": ""})
    with pytest.raises(DataError, match=r"b\.jsonl is empty"):
        discover(tmp_path)


def test_a_folder_that_cannot_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine" / "closed").mkdir(parents=True)
    (tmp_path / "mine" / "a.txt").write_text("text")
    scan = os.scandir

    def refuse(place: str) -> object:
        if str(place).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(
        DataError, match=r"cannot read .*closed: Permission denied. Change its permissions"
    ):
        discover(tmp_path)


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    make(tmp_path / "real", {"a.txt": "linked"})
    data = make(tmp_path / "data", {"b/b.txt": "direct"})
    (data / "linked").symlink_to(tmp_path / "real")
    (data / "b" / "loop").symlink_to(data)
    assert sorted(texts(discover(data))) == [("b", "direct"), ("linked", "linked")]


def test_a_run_in_the_data_folder_is_ignored(tmp_path: Path) -> None:
    """Its outcomes are questions of an evaluation split: they must never become text."""
    outcome = json.dumps(
        {
            "id": "mathqa/dev/1",
            "text": "what is 2 + 2 ?",
            "options": [],
            "gold": None,
            "predicted": None,
        }
    )
    run = {
        "config.json": "{}",
        "manifest.json": "{}",
        "problems/mathqa.dev.jsonl": "",
        "outcomes/mathqa.jsonl": outcome,
        "report.md": "x",
    }
    data = make(
        tmp_path,
        {
            "notes/a.txt": "mine",
            **{f"runs/first/{name}": text for name, text in run.items()},
            "loose.jsonl": outcome,
        },
    )
    found = discover(data)
    assert texts(found) == [("notes", "mine")]
    assert "runs/first (a run of Corpus)" in found.ignored
    assert [file.set_name for file in found.problems] == ["outcomes"]


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a name reserved for rendered problems; rename the folder"):
        discover(make(tmp_path, {"problems/a.txt": "text"}))
    with pytest.raises(
        ConfigError, match=r"set_names maps 'X' to '\.\./x', which cannot name a source"
    ):
        find_data(PrepareConfig(data=str(tmp_path), set_names={"X": "../x"}), downloads=tmp_path)


def test_only_sets_that_train_become_text_and_nothing_that_is_held_out_of_them(
    tmp_path: Path,
) -> None:
    made = [{"question": f"{'so ' * index}2 and 3 ?", "answer": "#### 5"} for index in range(40)]
    aqua = {"question": "2 and 3 ?", "options": ["A)5"], "rationale": "", "correct": "A"}
    make(
        tmp_path,
        {
            "gsm8k/train.jsonl": made,
            "aqua_rat/train.jsonl": [aqua],
            "mathqa/train.json": json.dumps([MATHQA]),
        },
    )
    everything = ProblemsConfig(sets=("mathqa", "gsm8k", "aqua_rat"), heldout_share=0.3)
    found = texts(discover(tmp_path, as_text=everything))
    assert {source for source, _ in found} == {"mathqa", "gsm8k"}, (
        "MathQA was made from AQuA-RAT, which has its twins"
    )
    read = {text for source, text in found if source == "gsm8k"}
    held_out = {
        problem.text
        for problem in load_problems("gsm8k", tmp_path / "gsm8k" / "train.jsonl", "train")
    } - read
    assert 5 <= len(held_out) <= 20
    assert all(
        text == "what is 2 plus 3 ?"
        for _, text in texts(discover(tmp_path, as_text=ProblemsConfig()))
    )


def test_the_shared_folder(shared_data: Path) -> None:
    found = discover(shared_data)
    assert len(found.texts) == 1
    held_out = {source for source, _ in texts(found, "validation")}
    assert held_out == {"arxiv", "book", "c4", "github", "stackexchange", "wikipedia"}
    sets = {(each.set_name, each.split) for each in found.problems}
    assert {
        ("mathqa", "train"),
        ("mathqa", "dev"),
        ("gsm8k", "train"),
        ("svamp", "train"),
        ("aqua_rat", "train"),
        ("aqua_rat", "dev"),
    } <= sets
