"""Alignment of two tokenizers along one text: by what of it stands before each position."""

import numpy as np

from gauger.train.alignment import aligned_places, characters_before

from .models import BOTH_ENGINES, HF_KIT, ROWS


def places(own, theirs):
    first = [np.cumsum([0, *map(len, rows[:-1])]) for rows in (own, theirs)]
    flat = [np.concatenate(rows) for rows in (own, theirs)]
    return aligned_places(flat[0], first[0], flat[1], first[1]).tolist()


def test_positions_after_the_same_text_are_aligned():
    """`sum is 12` as su|m|is|1|2|end and sum|is|12|end: nothing of theirs follows `su` or `sumis1`."""
    assert places([[0, 2, 3, 5, 6, 7]], [[0, 3, 5, 7]]) == [0, -1, 1, 2, -1, 3]
    assert places([[0, 3, 5, 7]], [[0, 2, 3, 5, 6, 7]]) == [0, 2, 3, 5]


def test_rows_are_aligned_each_by_itself():
    assert places([[0, 2], [0, 1, 2]], [[0, 1, 2], [0, 2]]) == [0, 2, 3, -1, 4]


def test_white_space_is_aligned_in_its_order():
    assert places([[0, 1, 1, 1]], [[0, 1, 1]]) == [0, 1, 2, -1]


@BOTH_ENGINES
def test_equal_tokens_are_aligned_one_by_one(kit):
    model = kit.model()
    rows = model.encode(ROWS)
    before_P = characters_before(model, rows)
    assert len(before_P) == rows.n_learnt.sum()
    assert aligned_places(before_P, rows.first_learnt, before_P, rows.first_learnt).tolist() == list(
        range(len(before_P))
    )


def test_characters_are_counted_without_white_space():
    model = HF_KIT.model()
    rows = model.encode(ROWS[2:3])  # "the sun rises in the east", learnt whole, a token per letter
    letters = "the sun rises in the east"
    learnt = letters[letters.index("h") :]  # the first token follows nothing
    assert characters_before(model, rows).tolist() == [len("".join(learnt[:n].split())) for n in range(len(learnt) + 1)]
    assert characters_before(model, rows.take(np.array([], dtype=np.int64))).tolist() == []
