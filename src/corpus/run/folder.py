"""Where things are in a run folder. The folder holds everything a run needs, so it can be moved and still be used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json, write_json


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run; see `docs/formats.md` for what each file holds."""

    path: Path
    writes: bool = True
    """False on all but the first of several ranks: they read, and leave the writing to it."""

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.json"

    @property
    def manifest(self) -> Path:
        """What was done: stages and their seconds, the environment, the choices that trials made."""
        return self.path / "manifest.json"

    @property
    def lock(self) -> Path:
        """What the process that works on the folder holds locked; see `lock.claimed`."""
        return self.path / ".lock"

    @property
    def plan(self) -> Path:
        """What the planner found, and the config it made of the one that was asked for."""
        return self.path / "plan.json"

    @property
    def has_trained(self) -> bool:
        """Whether training has begun: its clock has run, or there are weights."""
        return (
            self.clock.exists()
            or self.checkpoints.exists()
            or any(self.weights.glob("*.safetensors"))
        )

    @property
    def clock(self) -> Path:
        """Seconds spent on the training clock."""
        return self.path / "clock.json"

    @property
    def prepared(self) -> Path:
        """Tokenizer, token shards and problems."""
        return self.path / "prepared"

    @property
    def problems(self) -> Path:
        """Problem sets, `SET.SPLIT.jsonl`."""
        return self.path / "problems"

    @property
    def checkpoints(self) -> Path:
        """Resumable states of training."""
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
        """What `lora` or `qlora` trained, as peft reads it."""
        return self.path / "adapter"

    @property
    def found(self) -> Path:
        """Programs that the model found for training problems in the middle of fine-tuning."""
        return self.path / "found.jsonl"

    @property
    def scores(self) -> Path:
        """The scores of the final weights."""
        return self.path / "scores.json"

    @property
    def outcomes(self) -> Path:
        """What became of each problem, `SET.jsonl`."""
        return self.path / "outcomes"

    def require(self) -> "RunFolder":
        """Return the folder itself, or raise `ArtifactError` where it is not a run."""
        if not self.config.is_file():
            state = (
                "is not a run folder (it has no config.json)"
                if self.path.is_dir()
                else "does not exist"
            )
            raise ArtifactError(
                f"{self.path} {state}. Give the folder of a run, as `corpus run --out DIR` writes it."
            )
        return self

    def read_manifest(self) -> dict[str, Any]:
        """Return the run's manifest, empty sections where nothing was recorded yet."""
        empty: dict[str, Any] = {"kind": "run", "stages": {}, "choices": {}, "environment": {}}
        if not self.manifest.exists():
            return empty
        plain = read_json(self.manifest)
        is_run = isinstance(plain, dict) and plain.get("kind") == "run"
        if not is_run or not all(
            isinstance(plain.get(name, {}), dict) for name in ("stages", "choices", "environment")
        ):
            raise ArtifactError(
                f"{self.manifest} is not the manifest of a run. Restore it from a copy, or use another --out."
            )
        return {**empty, **plain}

    def update_manifest(self, **sections: Any) -> None:
        """Merge `sections` into the run's manifest; dicts are merged one level deep."""
        if not self.writes:
            return
        manifest = self.read_manifest()
        for name, value in sections.items():
            old = manifest.get(name)
            manifest[name] = (
                {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
            )
        write_json(self.manifest, manifest)
