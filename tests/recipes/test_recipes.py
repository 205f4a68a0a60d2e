"""Recipes: every resolved value pinned, and what is asked of text under each kind of budget."""

import dataclasses
import json
from pathlib import Path

import pytest

from corpus.base.errors import ConfigError
from corpus.base.plain import from_plain, to_plain
from corpus.config.run import RunConfig
from corpus.prepare.prepare import fetched
from corpus.recipes.registry import RECIPES, load_recipe

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_resolves_to_its_golden_file(name: str) -> None:
    """A default that changes anywhere changes what users' runs do; here it shows. If it is meant:
    corpus recipes NAME > the file."""
    assert to_plain(load_recipe(name)) == json.loads(
        (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    )


def test_every_golden_file_is_a_recipe() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_comes_back_from_its_file(name: str) -> None:
    config = load_recipe(name)
    assert config.recipe == name
    assert from_plain(RunConfig, json.loads(json.dumps(to_plain(config)))) == config


def test_a_misspelt_recipe_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no recipe 'hackaton'\. Did you mean 'hackathon'"):
        load_recipe("hackaton")


def test_text_is_asked_for_as_the_budget_needs() -> None:
    """All of the budget, for pre-training gets what fine-tuning does not need for its epochs."""
    hackathon = load_recipe("hackathon")
    tokens = dataclasses.replace(hackathon, budget="10M tokens").needed_tokens()
    steps = dataclasses.replace(hackathon, budget="100 steps").needed_tokens()
    assert tokens == 10_000_000 + hackathon.batch_tokens
    assert steps == 101 * hackathon.batch_tokens
    assert hackathon.needed_tokens() == 3 * 3600 * hackathon.expected_tokens_per_second


def test_model_and_tokenizer_must_agree_on_the_vocabulary() -> None:
    config = load_recipe("cpu")
    with pytest.raises(ConfigError, match="the model uses the tokenizer's ids"):
        dataclasses.replace(config, model=config.model.with_vocabulary(8192))


def test_ranks_and_the_weights_of_the_curriculum_decide_how_much_text_is_fetched() -> None:
    """Eight ranks once read an eighth of what they need eight times; weights of 3 : 1 read the same
    text of the first source three times."""
    config = load_recipe("hackathon")
    one, eight = (fetched(config, ranks=ranks).max_tokens or 0 for ranks in (1, 8))
    assert eight == 8 * one == 8 * 3 * 3600 * config.expected_tokens_per_second
    weighted = dataclasses.replace(
        config,
        curriculum=dataclasses.replace(
            config.curriculum, weights={"arxiv": 3.0, "c4": 2.0, "book": 0.0}
        ),
        prepare=dataclasses.replace(config.prepare, weights={"c4": 5.0}),
    )
    assert fetched(weighted, ranks=1).weights == {"arxiv": 3.0, "c4": 5.0}
    own = dataclasses.replace(weighted.prepare, max_tokens=1000)
    assert fetched(dataclasses.replace(weighted, prepare=own), ranks=8) == own
    steps = dataclasses.replace(config, budget="100 steps")
    assert fetched(steps, ranks=8).max_tokens == fetched(steps, ranks=1).max_tokens
