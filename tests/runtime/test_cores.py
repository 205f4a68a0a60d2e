"""The cores of this process, and the limit that a container sets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.runtime import cores as module
from corpus.runtime.cores import core_indices, cpu_limit, usable_cores


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 64 cores without cgroups."""
    monkeypatch.setattr(module, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(module, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(module, "core_indices", lambda: set(range(64)))
    return tmp_path


def _write(system: Path, own: str, **files: str) -> None:
    (system / "own").write_text(own)
    for path, text in files.items():
        place = system / "cgroup" / path.replace("__", "/").replace("_dot_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


V1 = {
    "cpu,cpuacct__cpu_dot_cfs_quota_us": "150000\n",
    "cpu,cpuacct__cpu_dot_cfs_period_us": "100000\n",
}


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/\n", {"cpu_dot_max": "200000 100000\n"}, 2),  # docker --cpus 2
        ("0::/\n", {"cpu_dot_max": "max 100000\n"}, 64),
        ("0::/\n", {"cpu_dot_max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu_dot_max": "999900000 100000\n"}, 64),
        ("0::/a/b\n", {"a__cpu_dot_max": "300000 100000\n", "a__b__cpu_dot_max": "max 1\n"}, 3),
        ("0::/not/visible\n", {"cpu_dot_max": "400000 100000\n"}, 4),
        ("0::/../elsewhere\n", {"cpu_dot_max": "400000 100000\n"}, 4),
        ("3:cpu,cpuacct:/docker/abc\n0::/\n", V1, 1),
        ("3:cpu,cpuacct:/\n", V1 | {"cpu,cpuacct__cpu_dot_cfs_quota_us": "-1\n"}, 64),
        ("0::/\n", {}, 64),
        ("nonsense\n", {"cpu_dot_max": "1 1\n"}, 64),
        ("0::/\n", {"cpu_dot_max": "nonsense"}, 64),
        ("0::/\n", {"cpu_dot_max": "100000 0\n"}, 64),
    ],
)
def test_the_limit_of_a_container_is_read(
    system: Path, own: str, files: dict[str, str], cores: int
) -> None:
    _write(system, own, **files)
    assert usable_cores() == cores


def test_a_system_without_cgroups_has_no_limit(system: Path) -> None:
    assert cpu_limit() is None
    assert usable_cores() == 64


@given(text=st.text())
def test_no_text_in_these_files_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("system")
    (folder / "cpu.max").write_text(text, encoding="utf-8")
    assert module._second_version(folder) is None or module._second_version(folder) >= 0


def test_this_machine_answers() -> None:
    assert 1 <= usable_cores() <= len(core_indices())
