"""Worlds small enough to be walked through in a test."""

from gauger.spec.atlas_world import AtlasWorld
from gauger.worlds.atlas.world import Atlas

SIZES = {
    "entities": 16,
    "genera": 4,
    "relations": 8,
    "values": 4,
    "letters": 8,
    "letter_sets": 60,
    "test_contents": 10,
    "benchmark_items": 30,
}


def small_world(seed=1, **settings):
    return Atlas(AtlasWorld(seed=seed, **{**SIZES, **settings}))
