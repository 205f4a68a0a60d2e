"""A run on MathQA whose programs are wrong where their twins say so: from the files to the page."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.base.errors import ArtifactError
from corpus.cli.main import main
from corpus.run.folder import RunFolder
from corpus.run.problems import has_repairs, training_problems

WRONG, RIGHT = "add(n0,n1)", "multiply(n0,n1)"


def _mathqa(thing: str, count: int, price: int, program: str) -> dict[str, str]:
    return {
        "Problem": f"what do {count} {thing} cost , at {price} dollars each ?",
        "options": f"a ) {count * price} , b ) {count + price} , c ) 9999",
        "correct": "a",
        "linear_formula": f"{program}|",
        "category": "general",
    }


@pytest.fixture(scope="module")
def arguments(
    tiny: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], list[str]]:
    """Pens with the right program; rulers, whose twins all have a wrong one."""
    data = tmp_path_factory.mktemp("repaired") / "data"
    train = [_mathqa("pens", 3 + i, 5, RIGHT) for i in range(12)]
    train += [_mathqa("rulers", 4 + i, 7, WRONG) for i in range(6)]
    dev = [_mathqa("rulers", 20 + i, 9, RIGHT) for i in range(4)]
    (data / "mathqa").mkdir(parents=True)
    for name, rows in (("train", train), ("dev", dev)):
        (data / "mathqa" / f"{name}.json").write_text(json.dumps(rows))
    text = next(word for word in tiny("out") if word.startswith("--data=")).removeprefix("--data=")
    (data / "chunk.jsonl").write_text((Path(text) / "chunk.jsonl").read_text())
    return lambda out: [*tiny(out), f"--data={data}"]


@pytest.fixture(scope="module")
def repaired_run(
    arguments: Callable[[Path], list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("runs") / "repaired"
    main(arguments(out))
    return out


def test_training_reads_repaired_programs(repaired_run: Path) -> None:
    folder = RunFolder(repaired_run)
    programs = {
        repair: [each.program for each in training_problems(folder, repair=repair)]
        for repair in (True, False)
    }
    assert programs == {True: [RIGHT] * 18, False: [RIGHT] * 12 + [WRONG] * 6}
    counts = json.loads((repaired_run / "manifest.json").read_text())["repairs"]
    assert counts == {"twin": 0, "other": 6, "similar": 0, "without_program": 0}


def test_the_baselines_are_scored_with_and_without_repairs(repaired_run: Path) -> None:
    scores = json.loads((repaired_run / "scores.json").read_text())["problems"]["mathqa"]
    assert (scores["baseline_nearest"], scores["baseline_nearest_given"]) == (1.0, 0.0)
    assert (scores["baseline_neighbours"], scores["baseline_neighbours_given"]) == (1.0, 0.0)
    assert scores["baseline_neighbours_given_options"] == 0.0, "its value is an option"
    page = (repaired_run / "report.md").read_text()
    assert "another training problem that is right for most twins | 6 |" in page
    assert "nearest neighbour, programs not repaired" in page


def test_a_missing_list_of_repairs_is_named(repaired_run: Path) -> None:
    folder = RunFolder(repaired_run)
    path = folder.problems / "repairs.jsonl"
    text = path.read_text()
    path.unlink()
    try:
        with pytest.raises(ArtifactError, match=r"repairs\.jsonl.*prepare the data again"):
            training_problems(folder)
    finally:
        path.write_text(text)


def test_the_data_s_programs_are_kept_on_request(
    arguments: Callable[[Path], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["prepare", *arguments(tmp_path / "given")[1:], "--problems.repair=False"])
    folder = RunFolder(tmp_path / "given")
    assert not has_repairs(folder)
    assert not (folder.problems / "repairs.jsonl").exists()
    assert [each.program for each in training_problems(folder)][-1] == WRONG
    assert "another program" not in capsys.readouterr().out
