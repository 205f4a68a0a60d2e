"""All recipes by name."""

from collections.abc import Callable

from corpus.base.errors import ConfigError, did_you_mean
from corpus.config.run import RunConfig
from corpus.recipes.cpu import cpu
from corpus.recipes.hackathon import hackathon
from corpus.recipes.starter import starter

RECIPES: dict[str, Callable[[], RunConfig]] = {
    "starter": starter,
    "cpu": cpu,
    "hackathon": hackathon,
}


def load_recipe(name: str) -> RunConfig:
    """Return the config of a recipe. Raises `ConfigError` with the nearest name."""
    if name not in RECIPES:
        near = did_you_mean(name, RECIPES)
        raise ConfigError(f"there is no recipe {name!r}.{near} Recipes: {', '.join(RECIPES)}")
    return RECIPES[name]()
