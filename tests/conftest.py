"""What all tests share: where real data lies, how properties are tried, and one thread for each
process."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# Tests run in a process for each core, where more threads would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine must not fail a test, and a run must not differ from the one before it.
settings.register_profile(
    "corpus",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("corpus")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real text and problems, beside the checkout or in it; tests that need it are
    skipped where it is not there."""
    for folder in (ROOT.parent / "shared" / "data", ROOT / "shared" / "data"):
        if folder.is_dir():
            return folder
    pytest.skip(
        "needs the folder shared/data beside the checkout or in it (real text and problems), which is not there"
    )


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_us() -> Iterator[None]:
    """A shell starts what runs in its background with Ctrl-C ignored; tests of Ctrl-C, and
    processes they start, want it heard."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
