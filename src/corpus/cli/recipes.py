"""`corpus recipes`: what there is, and one in full."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from corpus.base.console import say
from corpus.base.plain import to_plain
from corpus.cli.options import parse
from corpus.recipes.registry import RECIPES, load_recipe


@dataclass(frozen=True, kw_only=True)
class Options:
    """List the recipes, or print one in full, in the format of config.json."""

    recipe: Annotated[str | None, tyro.conf.Positional] = None
    """The recipe to print."""


def main(words: Sequence[str]) -> None:
    """List the recipes, or print one."""
    options = parse(Options, words, command="recipes")
    if options.recipe is not None:
        print(json.dumps(to_plain(load_recipe(options.recipe)), indent=2))
        return
    for name, recipe in RECIPES.items():
        say(f"{name:<10} {(recipe.__doc__ or '').strip()}")
    say(
        "\ncorpus run RECIPE starts one, corpus recipes RECIPE prints its settings, corpus run RECIPE --help the flags that change them."
    )
