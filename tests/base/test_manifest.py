"""The note beside an artifact: it round-trips, refuses what does not fit, and decides what is
done."""

from pathlib import Path

import pytest

from corpus.base.errors import ArtifactError
from corpus.base.files import write_json, write_text
from corpus.base.manifest import NAME, Manifest, is_done, make_key, read_manifest, write_manifest


def _manifest(key: str = "k") -> Manifest:
    return Manifest(
        kind="shards",
        key=key,
        config={"vocab_size": 512},
        inputs={"text": "d1"},
        counts={"c4": {"tokens": 7}},
        seconds=1.5,
    )


def test_round_trip(tmp_path: Path) -> None:
    write_manifest(tmp_path, _manifest())
    assert read_manifest(tmp_path, kind="shards") == _manifest()


def test_paths_and_tuples_in_a_config_can_be_written(tmp_path: Path) -> None:
    write_manifest(
        tmp_path,
        Manifest(
            kind="prepared", key="k", config={"data": Path("folder"), "sources": ("c4", "book")}
        ),
    )
    assert read_manifest(tmp_path, kind="prepared").config == {
        "data": "folder",
        "sources": ["c4", "book"],
    }


def test_done_means_the_same_key(tmp_path: Path) -> None:
    assert not is_done(tmp_path, kind="shards", key="k")
    write_manifest(tmp_path, _manifest())
    assert is_done(tmp_path, kind="shards", key="k")
    assert not is_done(tmp_path, kind="shards", key="other")


def test_another_kind_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, _manifest())
    with pytest.raises(ArtifactError, match="holds 'shards', expected 'run'"):
        read_manifest(tmp_path, kind="run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ("[1]", "expected 'shards'"),
        ('{"kind": "shards", "format": 99, "key": "k", "config": {}}', "has format 99"),
        ('{"kind": "shards", "format": 1, "config": {}}', "is damaged"),
        ('{"kind": "shards", "format": 1, "key": "k", "config": {}, "colour": 1}', "is damaged"),
        ('{"kind": "shards", "format": 1, "key": "k", "config": []}', "is damaged"),
    ],
)
def test_what_cannot_be_a_manifest_is_refused_by_name(
    tmp_path: Path, text: str, message: str
) -> None:
    write_text(tmp_path / NAME, text)
    with pytest.raises(ArtifactError, match=message) as caught:
        read_manifest(tmp_path, kind="shards")
    assert str(tmp_path) in str(caught.value)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"manifest\.json is missing"):
        read_manifest(tmp_path, kind="shards")


def test_the_key_depends_on_kind_config_and_inputs_but_not_on_their_order() -> None:
    key = make_key("shards", {"a": 1, "b": 2}, {"x": "1", "y": "2"})
    assert key == make_key("shards", {"b": 2, "a": 1}, {"y": "2", "x": "1"})
    assert (
        len(
            {
                key,
                make_key("run", {"a": 1, "b": 2}, {"x": "1", "y": "2"}),
                make_key("shards", {"a": 1}, {"x": "1"}),
            }
        )
        == 3
    )


def test_a_folder_with_other_json_is_no_artifact(tmp_path: Path) -> None:
    write_json(tmp_path / NAME, {"some": "other file"})
    with pytest.raises(ArtifactError, match="holds None"):
        is_done(tmp_path, kind="shards", key="k")
