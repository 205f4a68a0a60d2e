"""The run folder: where each file is. It holds all that a run needs and can be moved.

The runs of a study (`STUDY/runs/NAME`) share its data, `STUDY/data`, so they move with the study.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json, write_json


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run; `docs/formats.md` says what each file holds."""

    path: Path
    writes: bool = True
    """False on every rank but the main one: those only read."""

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.json"

    @property
    def manifest(self) -> Path:
        """Stages with their seconds, the environment, and what was chosen by trials."""
        return self.path / "manifest.json"

    @property
    def lock(self) -> Path:
        """The file that the process working on the folder locks; see `lock.claimed`."""
        return self.path / ".lock"

    @property
    def plan(self) -> Path:
        """What the planner measured, the config it was given and the config it made."""
        return self.path / "plan.json"

    @property
    def has_trained(self) -> bool:
        """Whether training has begun: there is a clock, a checkpoint or weights."""
        return (
            self.clock.exists()
            or self.checkpoints.exists()
            or any(self.weights.glob("*.safetensors"))
        )

    @property
    def clock(self) -> Path:
        """Seconds on the training clock."""
        return self.path / "clock.json"

    @property
    def inputs(self) -> Path:
        """Digests of the files that the data was prepared from."""
        return self.path / "inputs.json"

    @property
    def shared_data(self) -> Path:
        """A file that marks a run of a study, which shares its data."""
        return self.path / "shared_data.json"

    @property
    def _data(self) -> Path:
        return self.path.parent.parent / "data" if self.shared_data.exists() else self.path

    @property
    def prepared(self) -> Path:
        """Tokenizer, token shards and unigram counts."""
        return self._data / "prepared"

    @property
    def problems(self) -> Path:
        """Problem sets, `SET.SPLIT.jsonl`."""
        return self._data / "problems"

    @property
    def checkpoints(self) -> Path:
        """Training states to resume from."""
        return self.path / "checkpoints"

    @property
    def weights(self) -> Path:
        """Weights for inference, with the model's config and the tokenizer."""
        return self.path / "weights"

    @property
    def pretrained_weights(self) -> Path:
        """The weights at the end of pre-training."""
        return self.weights / "pretrained.safetensors"

    @property
    def final_weights(self) -> Path:
        """The weights at the end of fine-tuning."""
        return self.weights / "final.safetensors"

    @property
    def adapter(self) -> Path:
        """What `lora` or `qlora` trained, in peft's format."""
        return self.path / "adapter"

    def found(self, number: int) -> Path:
        """The pseudo-labels after this many rounds of self-training: programs the model wrote for
        training problems."""
        return self.path / ("found.jsonl" if number == 1 else f"found.{number}.jsonl")

    @property
    def scores(self) -> Path:
        """The scores of the final weights."""
        return self.path / "scores.json"

    @property
    def outcomes(self) -> Path:
        """The outcome of each problem, `SET.jsonl`."""
        return self.path / "outcomes"

    def require(self) -> "RunFolder":
        """Return the folder itself. Raises `ArtifactError` if it is not a run."""
        if not self.config.is_file():
            is_folder = self.path.is_dir()
            state = "is not a run folder (no config.json)" if is_folder else "does not exist"
            raise ArtifactError(
                f"{self.path} {state}. Give the folder of a run, as `corpus run --out DIR` "
                "writes it."
            )
        return self

    def refuse_links(self) -> None:
        """Raise `ArtifactError` if something in the folder is a link, through which a command would
        write elsewhere."""
        if self.path.is_dir():
            for entry in sorted(self.path.iterdir()):
                if entry.is_symlink():
                    raise ArtifactError(
                        f"{entry} is a link, and Corpus does not write through links in the folder "
                        "of a run. Replace it by what it points to."
                    )

    def read_manifest(self) -> dict[str, Any]:
        """Return the run's manifest, with empty sections where nothing was recorded yet."""
        sections = ("stages", "choices", "environment")
        empty: dict[str, Any] = {"kind": "run", **{name: {} for name in sections}}
        if not self.manifest.exists():
            return empty
        plain = read_json(self.manifest)
        is_run = isinstance(plain, dict) and plain.get("kind") == "run"
        if not is_run or not all(isinstance(plain.get(name, {}), dict) for name in sections):
            raise ArtifactError(
                f"{self.manifest} is not the manifest of a run. Restore it from a copy, or use "
                "another --out."
            )
        return {**empty, **plain}

    def update_manifest(self, **sections: Any) -> None:
        """Merge `sections` into the run's manifest; dicts are merged one level deep."""
        if not self.writes:
            return
        manifest = self.read_manifest()
        for name, value in sections.items():
            old = manifest.get(name)
            if isinstance(old, dict) and isinstance(value, dict):
                value = {**old, **value}
            manifest[name] = value
        write_json(self.manifest, manifest)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds of a stage to the manifest, even if it is interrupted."""
        start, before = time.monotonic(), self.read_manifest()["stages"].get(stage, 0.0)
        try:
            yield
        finally:
            self.update_manifest(stages={stage: round(before + time.monotonic() - start, 3)})
