"""The problem sets of a run: one file of problems for each set and split in its `problems/` folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from corpus.base.console import progress
from corpus.base.errors import ArtifactError, DataError
from corpus.base.manifest import NAME, read_manifest
from corpus.base.run_folder import RunFolder
from corpus.base.seeds import derive
from corpus.problems.config import ProblemsConfig
from corpus.problems.generated.generator import generate
from corpus.problems.numbers import template_of
from corpus.problems.problem import Problem, read_problems, write_problems
from corpus.problems.registry import load_problems, split_of
from corpus.problems.symbolic.catalogue import Split
from corpus.problems.symbolic.generator import SET_NAME as SYMBOLIC
from corpus.problems.symbolic.generator import generate as generate_symbolic

TRAIN, TUNING, DEV, HELDOUT = "train", "tune", "dev", "heldout"
"""The split that is trained on; what was cut off from it to choose settings by; the one that a run scores by itself where there is no
tuning split; and that of generated sets, which it always scores. A test split is scored only on request."""


def write_symbolic(config: ProblemsConfig, folder: RunFolder, *, seed: int) -> dict[str, dict[str, int]]:
    """Generate training and held-out problems over expressions, where any are asked for; return their numbers by set and split."""
    if not config.symbolic_train:
        return {}
    counts = {}
    wanted: dict[Split, int] = {"train": config.symbolic_train, "heldout": config.symbolic_heldout}
    for split, count in wanted.items():
        with progress(f"making {split} problems over expressions", count, "problems") as task:
            problems = generate_symbolic(count, seed=derive(seed, SYMBOLIC, split), split=split, done=task.update)
        counts[split] = write_problems(folder.problems / f"{SYMBOLIC}.{split}.jsonl", problems)
    return {SYMBOLIC: counts}


def write_generated(config: ProblemsConfig, folder: RunFolder, *, seed: int) -> dict[str, dict[str, int]]:
    """Generate training and held-out problems; return their numbers by set and split."""
    if not config.generated_train:
        return {}
    train = generate(config.generated_train, seed=derive(seed, "generated", "train"), split="train")
    heldout = generate(config.generated_heldout, seed=derive(seed, "generated", "heldout"), split="heldout")
    return {
        "generated": {
            "train": write_problems(folder.problems / "generated.train.jsonl", train),
            "heldout": write_problems(folder.problems / "generated.heldout.jsonl", heldout),
        }
    }


def write_loaded(
    files: Mapping[tuple[str, str], Path], folder: RunFolder, *, tuning_share: float = 0.0
) -> dict[str, dict[str, int]]:
    """Read problem files by set and split and write the run's own copies; return the numbers of problems by set and split.

    A share of the training problems' templates becomes the tuning split.
    """
    counts: dict[str, dict[str, int]] = {}
    for (name, split), path in files.items():
        parts = {split: load_problems(name, path, split)}
        if split == TRAIN and tuning_share:
            parts = {
                part: [each for each in parts[TRAIN] if is_tuning(each, tuning_share) == (part == TUNING)]
                for part in (TRAIN, TUNING)
            }
            empty = [part for part, problems in parts.items() if not problems]
            if empty:
                raise DataError(
                    f"problems.tuning_share {tuning_share:g} of {path} leaves the {empty[0]} split without a problem; give another share, or 0"
                )
        for part, problems in parts.items():
            counts.setdefault(name, {})[part] = write_problems(folder.problems / f"{name}.{part}.jsonl", problems)
    return counts


def is_tuning(problem: Problem, share: float) -> bool:
    """True where a problem's template falls into the tuning split: the same templates for every seed and data set."""
    return derive(0, TUNING, template_of(problem.text)) < share * 2**63


def training_problems(folder: RunFolder) -> list[Problem]:
    """Return all training problems of a run, of every set. Raises `ArtifactError` where there are none, or a file is damaged."""
    found = [problem for problems in _read_split(folder, TRAIN).values() for problem in problems]
    if not found:
        raise ArtifactError(f"{folder.path} has no training problems; run `corpus prepare` on it first")
    return found


def evaluation_sets(folder: RunFolder) -> dict[str, list[Problem]]:
    """Return the problems that the run scores by itself, by set. Raises `ArtifactError` where a file is missing or damaged."""
    return (_read_split(folder, TUNING) or _read_split(folder, DEV)) | _read_split(folder, HELDOUT)


def _read_split(folder: RunFolder, split: str) -> dict[str, list[Problem]]:
    """Read what the manifest beside the problems names of a split, by set, and no fewer than it says."""
    if not (folder.problems / NAME).exists():
        return {}
    fix = f"Delete {folder.problems} and prepare the data again."
    found = {}
    for name, counts in sorted(read_manifest(folder.problems, kind="problems", fix=fix).counts.items()):
        if split in counts:
            path = folder.problems / f"{name}.{split}.jsonl"
            found[name] = read_problems(path, fix=fix)
            if len(found[name]) != counts[split]:
                raise ArtifactError(f"{path} holds {len(found[name]):,} problems; the manifest says {counts[split]:,}. {fix}")
    return found


def load_problem_files(specs: Sequence[str]) -> dict[str, list[Problem]]:
    """Read each `SET=PATH` of the command line. Raises `DataError` for another form, a set given twice or one that cannot be read."""
    found: dict[str, list[Problem]] = {}
    for spec in specs:
        name, _, path = spec.partition("=")
        if not path:
            raise DataError(f"--problems {spec!r} is not of the form SET=PATH, such as mathqa=data/mathqa/test.json")
        if name in found:
            raise DataError(f"--problems names the set {name!r} twice; score one file of a set at a time")
        found[name] = _load(name, Path(path))
    return found


def _load(name: str, path: Path) -> list[Problem]:
    if name not in ("generated", SYMBOLIC):
        return load_problems(name, path, split_of(path) or "test")
    problems = read_problems(path, fix="Give a file of problems that a run holds, such as RUN/problems/generated.heldout.jsonl.")
    if not problems:
        raise DataError(f"{path} holds no problem. Give a complete file.")
    return problems
