"""Seeds that fall into two groups are told from seeds that vary, and so few alike exclude little."""

import numpy as np
import pytest

from gauger.estimate.seeds import seed_scores, seed_warnings, splits
from gauger.stats.power import share_not_excluded

from .studies import SMALL, small_cells


@pytest.mark.parametrize(
    ("scores", "split"),
    [
        ([0.20, 0.84, 0.20], True),
        ([0.20, 0.22, 0.84, 0.80], True),
        ([0.40, 0.45, 0.52], False),
        ([0.40, 0.50, 0.60, 0.70], False),
        ([0.40, 0.60], False),
        ([0.20, 0.84], True),
        ([0.5], False),
    ],
)
def test_a_split_is_a_gap_that_nothing_else_explains(scores, split):
    assert splits(np.array(scores), 400) is split


def test_few_items_explain_a_gap_that_many_do_not():
    scores = np.array([0.40, 0.41, 0.60])
    assert splits(scores, 400)
    assert not splits(scores, 20)


def test_ordinary_training_noise_is_seldom_called_a_split():
    """5 points of noise, three to eight seeds, 200 items: in 2 of 100 draws, mostly of three seeds."""
    rng = np.random.default_rng(1)
    called = [splits(0.5 + 0.05 * rng.standard_normal(n) + 0.035 * rng.standard_normal(n), 200)
              for n in (3, 4, 8) for _ in range(400)]  # fmt: skip
    assert np.mean(called) <= 0.03


def test_every_seed_has_its_row():
    cells = small_cells()
    rows = seed_scores(cells)
    assert len(rows) == sum(np.isfinite(block).any(axis=2).sum() for block in cells.cube.panel.scores)
    one = next(row for row in rows if row["arm"] == "leak" and row["replicate"] == 2)
    assert one["score"] == pytest.approx(cells.cube.panel.scores[0][cells.cube.arms.index("leak"), 2].mean())
    assert one["n_items"] == SMALL.items
    assert seed_warnings(rows) == []


def test_three_alike_exclude_little():
    """(1 - .63)^3 = .05: were 63 % of seeds otherwise, three alike would come once in twenty studies."""
    assert share_not_excluded(3) == pytest.approx(0.632, abs=1e-3)
    assert (1 - share_not_excluded(8)) ** 8 == pytest.approx(0.05)
