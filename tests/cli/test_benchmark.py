"""`corpus benchmark`: a protocol from its files to the table, small."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from corpus.base.errors import DataError
from corpus.cli.main import main
from corpus.evaluate.benchmark import say_benchmark, summarize
from corpus.evaluate.published import PUBLISHED
from corpus.prepare.protocols import PROTOCOLS
from corpus.run.folder import RunFolder

CSV = "Question,Numbers,Equation,Answer\n" + "".join(
    f"Bo has number0 cats and {'very ' * i}nice number1 dogs . How many pets ?,"
    f"{i} 2,+ number0 number1,{i + 2}\n"
    for i in range(3, 23)
)


@pytest.fixture(scope="module")
def benchmarked(tiny: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SVAMP's protocol; one of three scored problems is a copy of a training problem."""
    root = tmp_path_factory.mktemp("benchmark")
    words = tiny(root / "out")
    text = Path(next(word for word in words if word.startswith("--data=")).partition("=")[2])
    scored = [
        {
            "Body": body,
            "Question": "How many pets ?",
            "Equation": "( 9.0 + 2.0 )",
            "Answer": 11.0,
            "Type": "Addition",
        }
        for body in (
            f"Bo has 9 cats and {'very ' * 9}nice 2 dogs .",
            "Ann looks after 9 birds in a shed , and her sister feeds 2 other ones .",
            "In summer 9 fish swam here , then somebody let 2 more into our pond .",
        )
    ]
    (root / "data").mkdir()
    (root / "data" / "train.csv").write_text(CSV)
    (root / "data" / "svamp_test.json").write_text(json.dumps(scored))
    (root / "data" / "chunk.jsonl").write_text((text / "chunk.jsonl").read_text())
    main(["benchmark", "svamp", *words[2:], f"--data={root / 'data'}"])
    return root / "out"


def test_the_protocol_is_scored_beside_its_baselines(benchmarked: Path) -> None:
    result = json.loads((benchmarked / "benchmark.json").read_text())
    assert (result["protocol"], result["num_runs"]) == ("svamp", 1)
    assert result["all"]["num_problems"] == 3
    assert result["all"]["baseline_nearest"] == 1.0
    assert result["clean"]["num_problems"] == 2
    assert result["flops"] == 6 * result["num_parameters"] * result["tokens"]
    config = json.loads((benchmarked / "fold0" / "config.json").read_text())
    assert config["problems"]["protocol"] == "svamp"
    counts = json.loads((benchmarked / "fold0" / "problems" / "manifest.json").read_text())
    assert counts["counts"]["mawps_asdiv"] == {"train": 20}, "copies are kept, as others do"


def test_the_table_has_the_published_scores(
    benchmarked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = summarize("svamp", [RunFolder(benchmarked / "fold0")])
    say_benchmark("svamp", "svamp", result)
    said = capsys.readouterr().out
    assert said.index("35.0%") < said.index("25.7%") < said.index("20.7%")
    assert "without copies" in said


def test_problems_that_two_folds_score_are_refused(benchmarked: Path) -> None:
    with pytest.raises(DataError, match="score some problems twice"):
        summarize("svamp", [RunFolder(benchmarked / "fold0")] * 2)


@pytest.mark.parametrize(
    "setting",
    ["--problems.tuning-share=0.1", "--evaluate.problems-limit=5", "--problems.sets=svamp"],
)
def test_settings_that_change_a_protocol_are_refused(
    refused: Callable[[Sequence[str | Path]], str], setting: str
) -> None:
    name = setting.partition("=")[0].removeprefix("--").replace("-", "_")
    assert f"{name} is" in refused(["benchmark", "svamp", "--data=x", setting])


def test_every_protocol_can_be_asked_for() -> None:
    assert PUBLISHED.keys() == PROTOCOLS.keys()
    for rows in PUBLISHED.values():
        assert [score for _, score in rows] == sorted(score for _, score in rows)


def test_a_wrong_name_is_refused(refused: Callable[[Sequence[str | Path]], str]) -> None:
    assert "'swamp' is no protocol" in refused(["benchmark", "swamp"])
    assert "Did you mean 'svamp'" in refused(["benchmark", "swamp"])
    assert "no protocol is named" in refused(["benchmark", "--data", "x"])
