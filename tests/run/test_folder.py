"""The run folder: what is no run is refused by name, and the manifest grows without losing what it
holds."""

from pathlib import Path

import pytest

from corpus.base.errors import ArtifactError
from corpus.base.files import write_json, write_text
from corpus.run.folder import RunFolder


def test_what_is_no_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nowhere does not exist\. Give the folder of a run"):
        RunFolder(tmp_path / "nowhere").require()
    with pytest.raises(ArtifactError, match=r"no config\.json"):
        RunFolder(tmp_path).require()
    write_json(tmp_path / "config.json", {})
    assert RunFolder(tmp_path).require().path == tmp_path


def test_everything_lies_inside(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    values = [
        getattr(folder, name)
        for name, value in vars(RunFolder).items()
        if isinstance(value, property)
    ]
    paths = [value for value in values if isinstance(value, Path)]
    assert len(paths) >= 10
    assert all(path.is_relative_to(tmp_path) for path in paths)


def test_training_has_begun_when_its_clock_ran_or_it_left_something(tmp_path: Path) -> None:
    """A start that failed before its first second left the tokenizer, and must not stand in the way
    of another plan."""
    folder = RunFolder(tmp_path)
    write_text(folder.weights / "tokenizer.json", "{}")
    assert not folder.has_trained
    for path in (
        folder.clock,
        folder.checkpoints / "pretrain-1" / "state.json",
        folder.pretrained_weights,
    ):
        write_text(path, "{}")
        assert folder.has_trained
        path.unlink()
        if path.parent != tmp_path and path.parent != folder.weights:
            path.parent.rmdir()
            folder.checkpoints.rmdir()
    assert not folder.has_trained


def test_the_manifest_merges_sections_one_level_deep(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_manifest()["stages"] == {}
    folder.update_manifest(stages={"prepare": 1.0}, budget="45m", choices={"precision": "fp32"})
    folder.update_manifest(stages={"pretrain": 2.0}, budget="2h", tokens={"pretrain": 5})
    assert folder.read_manifest() == {
        "kind": "run",
        "stages": {"prepare": 1.0, "pretrain": 2.0},
        "choices": {"precision": "fp32"},
        "environment": {},
        "budget": "2h",
        "tokens": {"pretrain": 5},
    }


@pytest.mark.parametrize("text", ["[]", '{"kind": "shards"}', "{"])
def test_a_strange_manifest_is_refused(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / "manifest.json", text)
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        RunFolder(tmp_path).read_manifest()
