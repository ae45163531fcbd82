"""A small language world that several tests use."""

from functools import cache

from gauger.spec.language_world import LanguageWorld
from gauger.worlds.language.world import TextWorld

TASKS = {
    "sums": {
        "kind": "reasoning-gym",
        "task": "chain_sum",
        "settings": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
        "train": 200,
        "test": 30,
        "new": 30,
    },
    "gcd": {
        "kind": "reasoning-gym",
        "task": "gcd",
        "levels": [{"max_value": 12}, {"max_value": 60}],
        "train": 20,
        "test": 10,
        "new": 10,
    },
    "spell": {
        "kind": "reasoning-gym",
        "task": "spell_backward",
        "settings": {"min_word_len": 3, "max_word_len": 4},
        "train": 40,
        "test": 10,
        "new": 10,
    },
    "facts": {"kind": "invented-facts", "entities": 32, "families": 4, "relations": 3},
}


def settings(**changes):
    return LanguageWorld.model_validate(
        {"kind": "language", "tasks": TASKS, "common": ["spell"], "benchmark_items": 24} | changes
    )


@cache
def small_world():
    world = TextWorld(settings())
    world.check()
    return world


def one_task(**task):
    """A world of one task, unchecked."""
    return TextWorld(settings(tasks={"one": task}, common=[]))
