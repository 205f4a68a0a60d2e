"""Training is kept free of the evaluation problems that a run knows, by one command, by each stage,
and for sets that come later."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from corpus.cli.main import main
from corpus.data.prepared import Prepared
from corpus.evaluate.overlap import find_overlap
from corpus.problems.problem import read_problems
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems

DEV = "a baker sells 12 rolls at 3 dollars each and 5 loaves at 7 dollars each . how much money does the baker take in on that day ?"
TEST = "the ferry needs 45 minutes to cross a river that is 9 km wide against the wind . what is its speed in km per hour ?"
LATER = "a gardener plants 14 rows of 22 tulips in the morning and 9 rows more after lunch . how many tulips are there in the evening ?"
WORDS = [
    f"{first}{second}"
    for first in "bdfgk"
    for second in ("al", "en", "or", "ust", "ime", "ay", "oop", "eck")
]
OPTIONS = "a ) 15 , b ) 2 , c ) 3 , d ) 4 , e ) 5"


def _record(text: str, options: str = OPTIONS) -> dict[str, str]:
    return {
        "Problem": text,
        "options": options,
        "correct": "a",
        "linear_formula": "multiply(n0,n1)",
        "category": "general",
    }


def _text(number: int) -> str:
    chance = random.Random(number)
    return " ".join(chance.choices(WORDS, k=60))


ROWS = [
    _record(
        DEV.title().replace(" .", "."), OPTIONS.replace("15", "99")
    ),  # equal, with other options and spelling
    _record(TEST[:80]),  # most of a test problem
    _record(DEV.replace("12", "30").replace("7", "8")),  # a twin
    *(
        _record(f"what do {number} {thing} at {number + 1} each come to ?")
        for number in (2, 3)
        for thing in WORDS[:8]
    ),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Problems of three splits, and text in which three problems stand, one with other numbers."""
    (tmp_path / "data" / "text").mkdir(parents=True)
    for split, rows in (("train", ROWS), ("dev", [_record(DEV)]), ("test", [_record(TEST)])):
        (tmp_path / "data" / f"{split}.json").write_text(json.dumps(rows))
    texts = [_text(number) for number in range(80)]
    texts[7] += "\n\n" + DEV.replace(" ", "\n") + "\n" + _text(100)
    texts[9] = f"{TEST.capitalize()} {texts[9]}"
    texts[11] += " " + DEV.replace("3 dollars", "4 dollars")
    texts[13] += f" {LATER} " + _text(101)
    (tmp_path / "data" / "text" / "a.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts)
    )
    return tmp_path / "data"


SMALL = (
    "--prepare.tokenizer.vocab-size=600",
    "--model.vocab-size=600",
    "--prepare.validation-tokens=300",
    "--budget=6 steps",
)


@pytest.fixture
def prepare(data: Path, tmp_path: Path) -> Callable[..., RunFolder]:
    def call(*more: str, name: str = "run") -> RunFolder:
        main(["prepare", "starter", f"--data={data}", f"--out={tmp_path / name}", *SMALL, *more])
        return RunFolder(tmp_path / name)

    return call


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_and_documents_with_a_known_problem_are_left_out_and_listed(
    prepare: Callable[..., RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    run = prepare()
    assert [problem.index for problem in training_problems(run)] == list(range(2, len(ROWS)))
    rows = _lines(run.problems / "contamination.jsonl")
    assert [(row["row"], row["problem"]) for row in rows] == [
        ("mathqa/train/0", "mathqa/dev/0"),
        ("mathqa/train/1", "mathqa/test/0"),
    ]
    documents = _lines(run.prepared / "contamination.jsonl")
    assert [(each["source"], each["document"], each["problem"]) for each in documents] == [
        ("text", 7, "mathqa/dev/0"),
        ("text", 9, "mathqa/test/0"),
    ]
    found = run.read_manifest()["contamination"]
    assert found["problems"]["known"] == {"mathqa/dev": 1, "mathqa/test": 1}, (
        "the test split is not scored here, and known all the same"
    )
    assert found["problems"]["rows"] == {
        "rows": len(ROWS),
        "dropped": 2,
        "equal": 1,
        "twins": 1,
        "twins_dropped": 0,
    }
    assert found["text"]["dropped"] == {"text": 2}
    assert found["text"]["other_numbers"] == {"text": 1}
    assert (
        "2 of 19 training problems contain one and are left out (1 have the same words)"
        in capsys.readouterr().out.replace("\n", " ")
    )
    prepared = Prepared.open(run.prepared)
    shard = prepared.train["text"]
    text = "\n".join(
        prepared.tokenizer.decode(shard.document(number)) for number in range(shard.num_documents)
    )
    assert "gardener" in text or "gardener" in prepared.tokenizer.decode(
        prepared.validation["text"].tokens
    )
    assert "ferry" not in text


def test_the_same_command_again_keeps_everything(
    prepare: Callable[..., RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    run = prepare()
    before = {
        path: path.read_bytes()
        for path in run.path.rglob("*")
        if path.is_file() and path != run.manifest
    }
    found = run.read_manifest()["contamination"]
    run.update_manifest(contamination=None)  # as if killed before it was noted
    capsys.readouterr()
    prepare()
    said = capsys.readouterr().out
    assert "problems are already prepared" in said
    assert "text is already prepared" in said
    assert run.read_manifest()["contamination"] == found
    assert {path: path.read_bytes() for path in before} == before


def test_generated_problems_are_looked_through_anew_when_more_is_known(
    prepare: Callable[..., RunFolder], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "train.json").unlink()
    small = ("--problems.generated-train=20", "--problems.generated-heldout=5")
    assert "mathqa/test" in prepare(*small).read_manifest()["contamination"]["problems"]["known"]
    (data / "svamp_test.jsonl").write_text(
        json.dumps(
            {
                "Body": LATER,
                "Question": "how many ?",
                "Equation": "( 14.0 * 22.0 )",
                "Answer": 308.0,
            }
        )
    )
    capsys.readouterr()
    assert "svamp/test" in prepare(*small).read_manifest()["contamination"]["problems"]["known"]
    assert "problems are already prepared" not in capsys.readouterr().out


def test_twins_go_by_choice_and_off_is_said(
    prepare: Callable[..., RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    without_twins = prepare("--problems.drop-twins=True", name="twins")
    assert [problem.index for problem in training_problems(without_twins)] == list(
        range(3, len(ROWS))
    )
    assert _lines(without_twins.problems / "contamination.jsonl")[-1]["reason"] == "twin"
    off = prepare("--problems.decontaminate=False", "--prepare.decontaminate=False", name="off")
    assert len(training_problems(off)) == len(ROWS)
    assert "problems.decontaminate is off" in capsys.readouterr().out
    assert off.read_manifest()["contamination"] == {"problems": None, "text": None}
    assert not list(off.path.rglob("contamination.jsonl"))
    main(["report", str(off.path)])
    report = (off.path / "report.md").read_text()
    assert "problems.decontaminate is off" in report.replace("\\", "")
    main(["report", str(without_twins.path)])
    assert (
        "Evaluation problems known when the data was prepared"
        in (without_twins.path / "report.md").read_text()
    )


def test_a_set_that_came_later_is_compared_with_rows_and_text(
    prepare: Callable[..., RunFolder], tmp_path: Path
) -> None:
    run = prepare()
    row = training_problems(run)[3].text
    questions = [
        LATER,
        row,
        row.replace("2", "7"),
        DEV,
        "something else that has nothing to do with any of it , 3 or 4 ?",
    ]
    (tmp_path / "later.json").write_text(json.dumps([_record(text) for text in questions]))
    from corpus.run.problems import load_problem_file

    problems = load_problem_file(f"mathqa={tmp_path / 'later.json'}")
    overlap = find_overlap(problems, run)
    held = Prepared.open(run.prepared)
    in_text = "gardener" in "".join(
        held.tokenizer.decode(held.train["text"].document(n))
        for n in range(held.train["text"].num_documents)
    )
    assert in_text, "the made-up text has it in training"
    assert (overlap.num_in_rows, overlap.num_equal, overlap.num_in_text) == (1, 1, 1)
    assert overlap.num_twins == 2
    assert overlap.clean == [2, 3, 4]
    assert [each["problem"] for each in overlap.examples] == ["mathqa/test/0", "mathqa/test/1"]


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return (
        gzip.decompress(data)
        if path.suffix == ".gz"
        else zstandard.ZstdDecompressor().decompressobj().decompress(data)
    )


def test_the_command_writes_copies_of_the_same_format_and_leaves_its_input_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = (data / "text" / "a.jsonl").read_bytes()
    (data / "text" / "b.jsonl.gz").write_bytes(gzip.compress(plain))
    (data / "text" / "c.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(plain))
    pyarrow.parquet.write_table(
        pyarrow.table({"text": [json.loads(line)["text"] for line in plain.splitlines()]}),
        data / "text" / "d.parquet",
    )
    (data / "notes.txt").write_text(f"some notes . {TEST}")
    (data / "other.txt").write_text("some notes")
    (data / "lines.json").write_text(
        "\ufeff" + "".join(json.dumps(row) + "\n" for row in ROWS)
    )  # as editors of one system save
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    out = tmp_path / "clean"
    words = [
        "decontaminate",
        str(data),
        "--problems",
        f"mathqa={data / 'dev.json'}",
        f"mathqa={data / 'test.json'}",
        "--out",
        str(out),
    ]
    main(words)
    said = capsys.readouterr().out
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    kept = [
        line for number, line in enumerate(plain.splitlines(keepends=True)) if number not in (7, 9)
    ]
    assert (out / "text" / "a.jsonl").read_bytes() == b"".join(kept)
    assert (
        _bytes(out / "text" / "b.jsonl.gz")
        == _bytes(out / "text" / "c.jsonl.zst")
        == b"".join(kept)
    )
    assert pyarrow.parquet.read_table(out / "text" / "d.parquet").to_pylist() == [
        json.loads(line) for line in kept
    ]
    assert json.loads((out / "train.json").read_text()) == ROWS[2:]
    assert _lines(out / "lines.json") == ROWS[2:]
    assert not (out / "notes.txt").exists()
    for name in (
        "dev.json",
        "test.json",
    ):  # what is looked for is not told of itself, and stays to be scored
        assert (out / name).read_bytes() == before[data / name]
        assert f"{name}: one of --problems, not searched, copied unchanged" in said
    assert (out / "other.txt").exists()
    listed = _lines(out / "contamination.jsonl")
    assert {"file": "train.json", "place": 0, "reason": "overlap"}.items() <= listed[-2].items()
    assert {record["file"] for record in listed}.isdisjoint({"dev.json", "test.json"})
    assert "train.json: 2 of 19 problems hold an evaluation problem, 1 are twins" in said
    with pytest.raises(SystemExit):
        main(words)
    assert "already exists; it would be replaced" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*words[:-1], str(data / "clean")])
    assert "give a folder outside it" in capsys.readouterr().err


def _clean(data: Path, out: Path) -> None:
    known = f"mathqa={data / 'dev.json'}"
    main(["decontaminate", str(data), "--problems", known, "--out", str(out)])


def test_the_command_sees_the_files_that_preparation_sees(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Linked folders, JSON lines under other names and other encodings, null texts, empty parts."""
    linked = tmp_path / "elsewhere"
    linked.mkdir()
    lines = [json.dumps({"text": text}) for text in (_text(200), f"{_text(201)} {DEV}")]
    whole = "".join(line + "\n" for line in lines)
    (linked / "a.json").write_text(whole)
    (linked / "b.json.gz").write_bytes(gzip.compress(whole.encode()))
    (linked / "c.ndjson").write_bytes(whole.encode("utf-16"))
    (linked / "d.jsonl").write_text('{"text": null}\n' + whole)
    (linked / "e.jsonl.gz").write_bytes(gzip.compress(b""))
    (linked / "f.jsonl.gz").write_bytes(gzip.compress(json.dumps(_record(DEV)).encode() + b"\n"))
    (data / "books").symlink_to(linked)
    (data / "again").symlink_to(data / "text")
    (data / "gone.txt").symlink_to(data / "nowhere")
    (data / "picture.png").write_bytes(b"no text")
    _clean(data, tmp_path / "clean")
    books = tmp_path / "clean" / "books"
    assert _lines(books / "a.json") == [json.loads(lines[0])]
    assert gzip.decompress((books / "b.json.gz").read_bytes()).decode().splitlines() == lines[:1]
    assert _lines(books / "c.ndjson") == [json.loads(lines[0])]
    assert _lines(books / "d.jsonl") == [{"text": None}, json.loads(lines[0])]
    assert (books / "e.jsonl.gz").read_bytes() == (linked / "e.jsonl.gz").read_bytes()
    assert not (books / "f.jsonl.gz").exists()
    said = capsys.readouterr().out
    assert "books/a.json: 1 of 2 documents hold an evaluation problem" in said
    assert "books/f.jsonl.gz: 1 of 1 problems hold an evaluation problem" in said
    passed = f"ignored and not copied: {data}"
    assert f"{passed}/text (the same folder as again)" in said
    assert f"{passed}/gone.txt (a broken link, a pipe or a device)" in said
    assert f"{passed}/picture.png (not text, records of text or readable problems" in said


def test_records_are_copied_byte_for_byte(data: Path, tmp_path: Path) -> None:
    """Also an integer of more digits than Python reads, in a field that nobody needs."""
    more = data / "more"
    more.mkdir()
    kept = {}
    for name, record in (("a.jsonl", {"text": _text(7)}), ("b.jsonl", _record("1 + 2 ?"))):
        lines = [json.dumps(record)[:-1] + f', "id": {"9" * 5000}, "x":  1.10}}\n']
        lines += [json.dumps({**record, "text": ROWS[0]["Problem"]}) + "\n"]
        (more / name).write_text("".join(lines[: 2 if name == "a.jsonl" else 1]))
        kept[name] = lines[0]
    _clean(data, tmp_path / "clean")
    for name, line in kept.items():
        assert (tmp_path / "clean" / "more" / name).read_text() == line


def test_a_number_that_cannot_be_copied_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "list.json").write_text(json.dumps(ROWS)[:-2] + f', "id": {"9" * 5000}}}]')
    with pytest.raises(SystemExit):
        _clean(data, tmp_path / "clean")
    error = capsys.readouterr().err
    assert "list.json" in error
    assert "Shorten the number" in error


def test_a_train_file_given_as_dev_too_is_an_error(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "dev.json").write_text(json.dumps(ROWS))
    with pytest.raises(SystemExit):
        main(["prepare", "starter", f"--data={data}", f"--out={tmp_path / 'run'}", *SMALL])
    assert "every one of the 19 training problems" in capsys.readouterr().err.replace("\n", " ")


def test_what_was_dropped_is_no_neighbour(prepare: Callable[..., RunFolder]) -> None:
    """The baselines and seen templates come from the files, so these hold what is left."""
    run = prepare()
    texts = {problem.text for problem in read_problems(run.problems / "mathqa.train.jsonl")}
    assert ROWS[0]["Problem"] not in texts
    assert ROWS[1]["Problem"] not in texts
