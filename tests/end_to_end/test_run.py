"""One command from text to report: what a run leaves, that it repeats, continues, moves, and opens
elsewhere."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.folders import scores_in

from corpus.base.files import digest_file
from corpus.cli.main import main
from corpus.run.folder import RunFolder
from corpus.train.metrics import read_metrics

Words, Run = Callable[..., list[str]], Callable[..., subprocess.CompletedProcess[str]]

PROBLEM_FIELDS = [
    "num_problems",
    "accuracy",
    "accuracy_interval",
    "accuracy_seen",
    "accuracy_unseen",
    "num_seen",
    "num_unseen",
    "executes",
    "program_match",
    "value_match",
    "baseline_majority",
    "baseline_nearest",
    "baseline_nearest_seen",
    "baseline_nearest_unseen",
    "ceiling_gold",
    "by_words",
    "by_operations",
    "by_similarity",
    "beyond_context",
    *(
        f"{way}{options}{value}{split}"
        for way in ("accuracy_vote_8", "accuracy_retrieval", "baseline_neighbours")
        for options in ("", "_options")
        for value in ("", "_value")
        for split in ("", "_seen", "_unseen")
    ),
    "accuracy_value",
    "baseline_nearest_plausible",
    "baseline_nearest_options",
    "ceiling_gold_value_unseen",
    "num_seen_unchecked",
]


@pytest.fixture
def moved(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run in another place, with neither its data nor its old folder's
    name."""
    return Path(shutil.copytree(finished, tmp_path / "moved"))


def _steps(run: Path) -> list[tuple[str, str, int, object]]:
    """What happened in training, without what depends on the clock."""
    return [
        (line["kind"], line["phase"], line["step"], line.get("loss"))
        for line in read_metrics(run / "metrics.jsonl")
    ]


def test_a_run_leaves_what_the_formats_page_says(finished: Path) -> None:
    there = {path.name for path in finished.iterdir()}
    assert {
        "config.json",
        "manifest.json",
        "metrics.jsonl",
        "checkpoints",
        "weights",
        "scores.json",
    } <= there
    assert {"report.html", "report.md", "tensorboard", "outcomes"} <= there
    scores = json.loads((finished / "scores.json").read_text())
    assert set(scores) == {"run", "text", "problems"}
    assert scores["run"]["name"] == finished.name
    manifest = json.loads((finished / "manifest.json").read_text())
    assert scores["run"].items() <= manifest.items()
    spent = json.loads((finished / "manifest.json").read_text())["seconds_per_problem"]
    assert set(spent["generated"]) == {
        "accuracy",
        "accuracy_vote_8",
        "accuracy_vote_32",
        "accuracy_retrieval",
        "baseline_neighbours",
    }
    assert set(scores["text"]) == {"c4", "wikipedia", "github", "arxiv", "book", "stackexchange"}
    assert set(PROBLEM_FIELDS) <= set(scores["problems"]["generated"])
    assert not [
        path for path in finished.rglob("*") if path.suffix in {".pt", ".pth", ".pkl", ".bin.tmp"}
    ]


def test_ways_of_answering_and_runs_are_compared(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["compare", str(finished), "--way", "accuracy_vote_8"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "generated: maj@8, less"
    assert any(line.lstrip().startswith("retrieval alone, without the model") for line in lines)
    assert "all (40)" in lines[1]
    assert any(line.lstrip().startswith("majority") for line in lines)
    main(["compare", str(finished), str(finished)])
    assert "+0.0 (" in capsys.readouterr().out


def test_the_budget_is_kept_to_the_step(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    assert sum(manifest["steps"].values()) == 120


@pytest.mark.parametrize("phase", ["pretrain", "finetune"])
def test_both_phases_learn(finished: Path, phase: str) -> None:
    losses = [
        line["loss"]
        for line in read_metrics(finished / "metrics.jsonl")
        if (line["kind"], line["phase"]) == ("train", phase)
    ]
    assert losses[-1] < 0.9 * losses[0]


def test_the_sources_were_read_in_the_order_of_the_curriculum(finished: Path) -> None:
    lines = [
        line
        for line in read_metrics(finished / "metrics.jsonl")
        if line["kind"] == "train" and line["phase"] == "pretrain"
    ]
    first_read = {
        name: next(i for i, line in enumerate(lines) if line["consumed"][name])
        for name in lines[-1]["consumed"]
    }
    assert sorted(first_read, key=lambda name: first_read[name]) == [
        "c4",
        "wikipedia",
        "github",
        "arxiv",
        "book",
        "stackexchange",
    ]


def test_the_same_command_again_does_nothing_twice(
    finished: Path, command: Words, corpus: Run
) -> None:
    before = {
        path: digest_file(path)
        for path in sorted(finished.rglob("*"))
        if path.is_file() and "report" not in path.name and path.name != ".lock"
    }
    said = corpus(command(finished)).stdout
    after = {path: digest_file(path) for path in before}
    changed = [path.name for path in before if before[path] != after[path]]
    assert changed in ([], ["manifest.json"])  # the seconds of a stage that had nothing to do
    assert "accuracy" in said


def test_other_settings_in_the_same_folder_are_refused(
    finished: Path, command: Words, corpus: Run
) -> None:
    result = corpus(command(finished, budget="121 steps"), check=False)
    assert result.returncode == 2
    assert "budget: '120 steps' → '121 steps'" in result.stderr


def test_stage_by_stage_gives_the_same_bits_as_run(
    finished: Path, corpus: Run, tmp_path: Path
) -> None:
    """The stages as commands of their own, from the config the run wrote: the same weights."""
    out = tmp_path / "stages"
    corpus(["prepare", f"--config={finished / 'config.json'}", f"--out={out}"])
    for stage in ("pretrain", "finetune"):
        corpus([stage, out])
    for name in ("pretrained", "final"):
        assert digest_file(out / f"weights/{name}.safetensors") == digest_file(
            finished / f"weights/{name}.safetensors"
        )
    assert _steps(out) == _steps(finished)


def test_a_moved_run_is_scored_as_before(moved: Path, finished: Path, tmp_path: Path) -> None:
    main(["evaluate", str(moved), "--output", str(tmp_path / "scores.json")])
    assert scores_in(tmp_path / "scores.json") == scores_in(finished / "scores.json")


def test_a_moved_run_is_scored_on_a_file_of_problems(
    moved: Path, shared_data: Path, tmp_path: Path
) -> None:
    problems = json.loads((shared_data / "mathqa" / "dev.json").read_text())[:50]
    (tmp_path / "test.json").write_text(json.dumps(problems))
    before = digest_file(moved / "scores.json")
    main(
        [
            "evaluate",
            str(moved),
            "--problems",
            f"mathqa={tmp_path / 'test.json'}",
            "--output",
            str(tmp_path / "scores.json"),
        ]
    )
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["problems"]["mathqa"]["num_problems"] == 50
    assert set(PROBLEM_FIELDS) <= set(scores["problems"]["mathqa"])
    assert digest_file(moved / "scores.json") == before


def test_a_moved_run_solves_and_reports(moved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (moved / "report.html").unlink()
    main(["report", str(moved)])
    assert (moved / "report.html").stat().st_size > 10_000
    main(["solve", str(moved), "a train covers 120 km in 2 hours . what is its speed ?"])
    assert "n0 = 120, n1 = 2" in capsys.readouterr().out
    (first, *_) = (moved / "problems" / "generated.train.jsonl").read_text().splitlines()
    main(["solve", str(moved), json.loads(first)["text"], "--retrieval", "True"])
    said = capsys.readouterr().out
    assert "of similar problems" in said
    assert f"program   {json.loads(first)['program']}" in said, "its twin is in training"
    for text, complaint in (
        (
            "how many ? " * 200,
            "tokens, more than 4 of the sequences of 128 that the model was trained",
        ),
        (
            "1" * 20_001,
            "the problem has 20,001 characters, and at most 20,000 are read. Shorten it.",
        ),
    ):
        with pytest.raises(SystemExit) as refused:
            main(["solve", str(moved), text])
        assert refused.value.code == 2
        assert complaint in capsys.readouterr().err


def test_transformers_continues_a_prompt_as_corpus_does(moved: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from corpus.config.runtime import RuntimeConfig
    from corpus.run.weights import load_weights
    from corpus.runtime.runtime import resolve
    from corpus.solve.decode import Decoder

    main(["export", str(moved), "--to", "huggingface", "--output", str(tmp_path / "exported")])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "exported")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "exported")
    runtime = resolve(RuntimeConfig(device="cpu", precision="fp32"))
    ours, own = load_weights(RunFolder(moved), runtime)
    ids = tokenizer("the speed of a train", return_tensors="pt").input_ids
    assert ids[0].tolist() == own.encode("the speed of a train")
    made = theirs.generate(
        ids, max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0
    )
    (expected,) = Decoder(model=ours, max_new_tokens=12, stop_id=-1, batch_size=1).greedy(
        [ids[0].tolist()]
    )
    assert made[0, ids.shape[1] :].tolist() == list(expected.tokens)


def test_the_main_job_runs_from_its_file(main_file: Run, tmp_path: Path) -> None:
    """On what this Python installation holds, a little of it."""
    result = main_file(
        "--prepare.starter-bytes=200000", "--budget=24 steps", f"--out={tmp_path / 'starter'}"
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert "found in this Python installation" in result.stdout
    assert (tmp_path / "starter" / "report.html").exists()
