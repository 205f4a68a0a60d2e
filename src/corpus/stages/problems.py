"""The problem sets of a run: one file of problems for each set and split in its `problems/` folder."""

from collections.abc import Mapping
from pathlib import Path

from corpus.base.errors import ArtifactError, DataError
from corpus.base.run_folder import RunFolder
from corpus.base.seeds import derive
from corpus.problems.config import ProblemsConfig
from corpus.problems.generated.generator import generate
from corpus.problems.problem import Problem, read_problems, write_problems
from corpus.problems.registry import load_problems, split_of

TRAIN, EVALUATION = "train", ("dev", "heldout")
"""The split that is trained on, and those that a run scores by itself; a test split is scored only on request."""


def write_generated(config: ProblemsConfig, folder: RunFolder, *, seed: int) -> dict[str, dict[str, int]]:
    """Generate training and held-out problems; return their numbers by set and split."""
    train = generate(config.generated_train, seed=derive(seed, "generated", "train"), split="train")
    heldout = generate(config.generated_heldout, seed=derive(seed, "generated", "heldout"), split="heldout")
    return {
        "generated": {
            "train": write_problems(folder.problems / "generated.train.jsonl", train),
            "heldout": write_problems(folder.problems / "generated.heldout.jsonl", heldout),
        }
    }


def write_loaded(files: Mapping[tuple[str, str], Path], folder: RunFolder) -> dict[str, dict[str, int]]:
    """Read problem files by set and split and write the run's own copies; return the numbers of problems by set and split."""
    counts: dict[str, dict[str, int]] = {}
    for (name, split), path in files.items():
        written = write_problems(folder.problems / f"{name}.{split}.jsonl", load_problems(name, path, split))
        counts.setdefault(name, {})[split] = written
    return counts


def training_problems(folder: RunFolder) -> list[Problem]:
    """Return all training problems of a run, of every set. Raises `ArtifactError` where there are none."""
    paths = sorted(folder.problems.glob(f"*.{TRAIN}.jsonl"))
    if not paths:
        raise ArtifactError(f"{folder.path} has no training problems; run `corpus prepare` on it first")
    return [problem for path in paths for problem in read_problems(path)]


def evaluation_sets(folder: RunFolder) -> dict[str, list[Problem]]:
    """Return the problems that the run scores by itself, by set."""
    found = {}
    for split in EVALUATION:
        for path in sorted(folder.problems.glob(f"*.{split}.jsonl")):
            found[path.name.split(".")[0]] = read_problems(path)
    return found


def load_problem_file(spec: str) -> tuple[str, list[Problem]]:
    """Read `SET=PATH` from the command line. Raises `DataError` where it is not of that form or the set cannot be read."""
    name, _, path = spec.partition("=")
    if not path:
        raise DataError(f"--problems {spec!r} is not of the form SET=PATH, such as mathqa=data/mathqa/test.json")
    if name == "generated":
        return name, read_problems(Path(path))
    return name, load_problems(name, Path(path), split_of(Path(path)) or "test")
