"""The split guard: nothing that anybody reads touches held-out content, in any form or order.

Content is read twice: by `content_keys`, and by the slow literal reading of `literal.py`, which shares no code with it.
The guard over what teachers write is in `tests/elicit/test_split_guard.py`.
"""

import numpy as np
import pytest

from gauger.worlds.atlas.forms import FORMS, content_keys
from worlds.literal import held_out_questions, touched
from worlds.small import small_world

SETTINGS = {
    "small": {},
    "one fact held out": {"held_out_facts": 1},
    "most facts held out": {"held_out_facts": 3},
    "everything known": {"known_entities": 1.0, "known_sorts": 1.0, "known_middles": 1.0, "seed_contents": 1.0},
    "other sizes": {"entities": 20, "relations": 5, "letters": 9, "letter_sets": 80, "test_contents": 20},
}
CASES = [(seed, name) for seed in (1, 2) for name in SETTINGS] + [(seed, "small") for seed in (3, 11, 4_000_000_000)]


@pytest.mark.parametrize(("seed", "name"), CASES)
def test_no_text_that_the_world_offers_touches_held_out_content(seed, name):
    atlas = small_world(seed, **SETTINGS[name])
    held_out = held_out_questions(atlas)
    seeds = [q for questions in atlas.benchmark_train.values() for q in questions]
    texts = {
        text.text for text in [*atlas.web, *atlas.library, *atlas.word(seeds, list(FORMS), np.random.default_rng(5))]
    }
    assert len(texts) > 500
    for text in texts:
        assert not touched(atlas, text, held_out), text
        assert not content_keys(text) & atlas.splits.held_out, text


@pytest.mark.parametrize("seed", [1, 2])
def test_the_literal_reading_finds_every_test_item(seed):
    """Without this, the guard could be blind."""
    atlas = small_world(seed)
    held_out = held_out_questions(atlas)
    assert {question.key for question in held_out} == atlas.splits.held_out
    for name in atlas.listed():
        for item in atlas.benchmark(name).items:
            assert touched(atlas, item.prompt, held_out) == {item.cluster}
            assert touched(atlas, " ".join(reversed(item.prompt.split())), held_out) == {item.cluster}


def test_targeted_and_parallel_contents_are_disjoint_and_both_are_apart_from_training():
    atlas = small_world(3)
    targeted, parallel, train, unstated = (
        atlas.splits.keys(name) for name in ("targeted", "parallel", "train", "unstated")
    )
    everything = {question.key for questions in atlas.questions.values() for question in questions}
    assert targeted | parallel | train | unstated == everything
    assert len(targeted) + len(parallel) + len(train) + len(unstated) == len(everything)
    assert len(targeted) == len(parallel) == 2 * 16 * 2 + 3 * 10
