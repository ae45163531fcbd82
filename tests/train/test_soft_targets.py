"""What a teacher showed: stacked, on disk and back."""

import numpy as np

from gauger.train.soft_targets import Shown, load_soft, save_soft, stack_shown


def shown(length, start):
    tokens = np.arange(start, start + 2 * length).reshape(length, 2)
    return Shown(tokens, -tokens.astype(np.float32))


def test_shown_log_probabilities_stand_one_after_the_other():
    soft = stack_shown([shown(3, 0), shown(1, 10), shown(2, 20)])
    assert len(soft) == 3
    assert soft.first_N.tolist() == [0, 3, 4]
    assert soft.token_PK.tolist() == [[0, 1], [2, 3], [4, 5], [10, 11], [20, 21], [22, 23]]
    assert soft.log_probability_PK.tolist() == (-soft.token_PK).tolist()


def test_soft_targets_come_back_from_disk(tmp_path):
    soft = stack_shown([shown(3, 0), shown(1, 10)])
    save_soft(soft, tmp_path)
    again = load_soft(tmp_path)
    for name in ("first_N", "token_PK", "log_probability_PK"):
        before, after = getattr(soft, name), getattr(again, name)
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)


def test_a_corpus_without_soft_targets_has_none(tmp_path):
    assert load_soft(tmp_path) is None
