"""Packages that adapters need in addition to Corpus's own."""

import importlib.util

from corpus.base.errors import ConfigError

PACKAGES = {"lora": ("peft",), "qlora": ("peft", "bitsandbytes")}
"""Fine-tuning method → packages."""


def require_packages(method: str) -> None:
    """Raise `ConfigError` if a package that the method needs is not installed."""
    missing = [name for name in PACKAGES.get(method, ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"finetune.method {method} needs {' and '.join(missing)}, which is not installed; "
            "pip install 'corpus-lm[lora]' (in a checkout: pip install -e '.[lora]'), or use "
            "--method full (finetune.method in a config)"
        )
