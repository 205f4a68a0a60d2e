"""A finished run scored with other settings; the run's own scores stay."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from corpus.base.files import digest_file
from corpus.cli.main import main

Refused = Callable[[Sequence[str | Path]], str]


def _own(run: Path) -> dict[str, str]:
    return {name: digest_file(run / name) for name in ("scores.json", "config.json")}


def test_other_settings_are_scored_beside_the_run(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = _own(trained)
    monkeypatch.chdir(tmp_path)
    main(["evaluate", str(trained), "--evaluate.votes", "3", "--evaluate.retrieval", "False"])
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["settings"] == {"votes": [3], "retrieval": False}
    own, other = (
        json.loads((folder / "scores.json").read_text())["problems"]["generated"]
        for folder in (trained, tmp_path)
    )
    assert "accuracy_vote_3" in other
    assert "accuracy_retrieval" in own
    assert not {"accuracy_vote_8", "accuracy_retrieval"} & other.keys()
    assert other["accuracy"] == own["accuracy"]
    assert _own(trained) == before
    said = capsys.readouterr().out
    assert "votes [3], retrieval False, other than the run's" in " ".join(said.split())


def test_the_settings_of_the_run_are_the_defaults(run: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    config["evaluate"] |= {"votes": [4], "retrieval": False}
    (run / "config.json").write_text(json.dumps(config))
    (run / "scores.json").unlink()
    main(["evaluate", str(run), "--evaluate.batch-size", "4"])
    scores = json.loads((run / "scores.json").read_text())
    assert "settings" not in scores
    assert "accuracy_vote_4" in scores["problems"]["generated"]
    assert "accuracy_vote_8" not in scores["problems"]["generated"]


def test_scores_of_other_settings_do_not_replace_the_runs(run: Path, refused: Refused) -> None:
    own = _own(run)
    said = refused(["evaluate", run, "--evaluate.votes", "3", "--output", run / "scores.json"])
    assert "as it was trained and with the run's settings; give another --output" in said
    assert _own(run) == own


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--train.seed=3", "does not take --train.seed: the train settings of a run do not change"),
        ("--evaluate.votes=0", "evaluate.votes is (0,); expected different positive numbers"),
        ("--evaluate.retreival=False", "retreival"),
    ],
)
def test_other_stages_and_wrong_values_are_refused(
    run: Path, refused: Refused, flag: str, message: str
) -> None:
    assert message in " ".join(refused(["evaluate", run, flag]).split())
