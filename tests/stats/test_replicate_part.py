"""The moderated replicate part: its two limits, its common variance by a literal loop, and what it borrows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossed_cases import PANELS, drawn, fixed_base, one_cell, paired, ragged, rows_of, unpaired

from gauger.stats.crossed import replicate_part as part_module
from gauger.stats.crossed import replicate_prior as prior_module
from gauger.stats.crossed.arm_noise import ArmNoise, arm_noise, least_stray
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.pairing import replicate_groups
from gauger.stats.crossed.panel import Panel, panel_of
from gauger.stats.crossed.prior_spread import ReplicateVariances, Stray
from gauger.stats.crossed.replicate_part import replicate_part
from gauger.stats.crossed.replicate_prior import replicate_prior

CELLS = ("unpaired", "paired", "right_or_wrong", "ragged", "fixed_base")


def force_stray(monkeypatch: pytest.MonkeyPatch, stray: float) -> None:
    monkeypatch.setattr(prior_module, "estimate_stray", lambda *_: Stray(stray, stray))


def cell_weights(n: int) -> np.ndarray:
    return np.eye(n)


@pytest.mark.parametrize("name", [name for name in CELLS if name != "right_or_wrong"])
def test_when_arms_stray_without_bounds_nothing_is_borrowed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a stray of 1e7 (times the squared net share, above 1/4) the prior has less than 0.001 degrees of freedom.

    With nothing that arms show of themselves on other benchmarks, that is all there is.
    """
    force_stray(monkeypatch, 1e7)
    silent = ArmNoise(np.ones(10), np.zeros(10))
    monkeypatch.setattr(prior_module, "arm_noise", lambda *_, **__: silent)
    components = crossed_components(PANELS[name]())
    flat = cell_weights(components.mean.size)
    moderated = replicate_part(components, rows_of(components, flat), moderated=True)
    plain = replicate_part(components, rows_of(components, flat), moderated=False)
    noisy = plain.variance > 2 * np.diag(components.shared.written_out())
    assert noisy.any()
    np.testing.assert_allclose(moderated.variance[noisy], plain.variance[noisy], rtol=0.03)


@pytest.mark.parametrize("name", CELLS)
def test_when_nothing_strays_all_cells_hold_the_common_variance(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    force_stray(monkeypatch, 0.0)
    monkeypatch.setattr(part_module, "least_stray", np.zeros_like)
    components = crossed_components(PANELS[name]())
    prior = replicate_prior(components, replicate_groups(components))
    assert prior is not None
    found = replicate_part(components, rows_of(components, cell_weights(components.mean.size)), moderated=True)
    wanted = np.maximum(np.diag(components.shared.written_out() + prior.common.written_out()), 0.0)
    replicated = components.n_replicates.ravel() > 1
    np.testing.assert_allclose(found.variance[replicated], wanted[replicated])
    assert (found.variance[~replicated] == 0).all()


@pytest.mark.parametrize("make", [unpaired, ragged, one_cell, fixed_base])
def test_common_net_variance_by_a_literal_loop(make) -> None:
    components = crossed_components(make())
    prior = replicate_prior(components, replicate_groups(components))
    assert prior is not None
    cells = []
    for k in range(components.mean.size):
        rows = int(components.n_replicates.ravel()[k])
        if rows > 1:
            gross, noise = components.shown_covariance()[k, k] * rows, components.shared.written_out()[k, k] * rows
            cells.append((rows - 1, gross, noise, components.sensitivity.ravel()[k] ** 2))
    c = sum(d * g2 * (s2 - e) for d, s2, e, g2 in cells) / sum(d * g2 * g2 for d, _, _, g2 in cells)
    for _ in range(3):
        expected = [max(e + c * g2, e / 2) for _, _, e, g2 in cells]
        above = sum(d * g2 * (s2 - e) / m**2 for (d, s2, e, g2), m in zip(cells, expected, strict=True))
        c = above / sum(d * g2 * g2 / m**2 for (d, _, _, g2), m in zip(cells, expected, strict=True))
    wanted = c * components.sensitivity.ravel() ** 2 / np.maximum(components.n_replicates.ravel(), 1)
    np.testing.assert_allclose(np.diag(prior.common.written_out()), wanted)


def test_moderated_variances_lie_between_what_is_shown_and_expected() -> None:
    components = crossed_components(panel_of(drawn(21, arms=6, items=(40, 40))))
    prior = replicate_prior(components, replicate_groups(components))
    assert prior is not None
    found = replicate_part(components, rows_of(components, cell_weights(12)), moderated=True)
    shown = np.diag(components.shown_covariance())
    levels = [(components.shared.diagonal() + level.diagonal()).ravel() for level in (prior.common, prior.pooled)]
    most, least = (np.repeat(limit(prior.arms.ratio, 1.0), 2) for limit in (np.maximum, np.minimum))
    assert (found.variance >= np.minimum(shown, least * np.minimum(*levels)) - 1e-15).all()
    assert (found.variance <= np.maximum(shown, most * np.maximum(*levels)) + 1e-15).all()


def test_other_arms_matter_and_add_degrees_of_freedom() -> None:
    few = crossed_components(panel_of(drawn(22, arms=2, items=(60,))))
    many = crossed_components(panel_of(drawn(22, arms=10, items=(60,))))
    df = [replicate_part(c, rows_of(c, cell_weights(c.mean.size)[:1]), moderated=True).df[0] for c in (few, many)]
    plain = replicate_part(few, rows_of(few, cell_weights(2)[:1]), moderated=False).df[0]
    assert plain == 3
    assert plain < df[0] < df[1]


def test_nothing_replicated() -> None:
    components = crossed_components(panel_of(drawn(1, replicates=1)))
    found = replicate_part(components, rows_of(components, cell_weights(6)), moderated=True)
    assert (found.variance == 0).all()
    assert np.isinf(found.df).all()


def test_groups_are_arms_tied_by_replicates() -> None:
    def arms(panel) -> list[list[int]]:
        return [group.arms.tolist() for group in replicate_groups(crossed_components(panel))]

    assert arms(unpaired()) == [[0], [1], [2]]
    assert arms(paired()) == [[0, 1, 2]]
    assert arms(fixed_base()) == [[1, 2]], "an arm with one replicate belongs to no group"
    chained = np.array([[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]])
    assert arms(replace(unpaired(), replicates=chained)) == [[0, 1, 2]], "tied through the second arm"


def test_joint_covariance_is_symmetric_with_the_variances_on_its_diagonal() -> None:
    components = crossed_components(ragged())
    flat = np.random.default_rng(1).standard_normal((5, components.mean.size))
    for moderated in (True, False):
        found = replicate_part(components, rows_of(components, flat), moderated=moderated)
        joint = found.covariance.columns(np.arange(len(flat)), np.arange(len(flat)))
        np.testing.assert_allclose(joint, joint.T)
        np.testing.assert_allclose(np.diag(joint), found.variance)


def noisy_arm(rng: np.random.Generator, times: float) -> Panel:
    """Draw six arms with four replicates on three benchmarks; the first one's seeds lie `times` as far apart."""
    shift = 0.05 * rng.standard_normal((6, 4, 1))
    shift[0] *= times
    scores = [
        0.5 + shift + 0.02 * rng.standard_normal((6, 4, 1)) + 0.02 * rng.standard_normal((6, 4, 30)) for _ in "abc"
    ]
    units = tuple(np.arange(30) + 30 * b for b in range(3))
    return Panel(tuple(scores), units, np.arange(24).reshape(6, 4))


def test_a_noisy_arm_is_told_by_its_other_benchmarks() -> None:
    """Mean over 60 draws of the variance of the noisy arm's first cell, over the quiet arms' mean; planted: 14 to 1."""
    rng = np.random.default_rng(5)
    ratios = []
    for _ in range(60):
        components = crossed_components(noisy_arm(rng, 4.0))
        prior = replicate_prior(components, replicate_groups(components))
        assert prior is not None
        found = replicate_part(components, rows_of(components, cell_weights(18)), moderated=True).variance.reshape(6, 3)
        ratios.append((found[0, 0] / found[1:, 0].mean(), prior.arms.ratio[0]))
    variances, shown = np.mean(ratios, axis=0)
    assert 4 < variances < 16
    assert shown > 3


def test_what_arms_show_of_themselves_by_a_literal_loop() -> None:
    gross = np.array([[2.0, 4.0], [1.0, 0.0], [0.0, 0.0]])
    expected, df = np.full((3, 2), 2.0), np.array([[3.0, 3.0], [2.0, 0.0], [0.0, 0.0]])
    cells = ReplicateVariances(gross, expected, 0 * gross, df)
    found = arm_noise(cells, 0.5, one_benchmark=False)
    assert found.ratio.tolist() == [1.5, 0.5, 1.0]
    assert found.df.tolist() == pytest.approx([3 * 2 / 1.25, 2.0, 0.0])
    assert arm_noise(cells, 0.5, one_benchmark=True).df.tolist() == [3.0, 2.0, 0.0]
    factor, known = found.of(np.array([0])).factor(np.ones((2, 1)), np.array([4.8, np.inf]), np.array([3.0, 3.0]))
    assert factor.tolist() == pytest.approx([(4.8 + 4.8 * 1.5) / 9.6, 1.0])
    assert known.tolist() == pytest.approx([4.8 + 4.8 - 3, np.inf])


def test_arms_that_were_trained_twice_are_trusted_less_in_their_own_noise() -> None:
    np.testing.assert_array_equal(least_stray(np.array([0.0, 1.0, 2.0, 7.0])), [1.0, 1.0, 4.0, 4.0])
    components = crossed_components(unpaired())
    rows = rows_of(components, cell_weights(components.mean.size))
    found = replicate_part(components, rows, moderated=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_module, "least_stray", lambda df: np.ones_like(df))
        less = replicate_part(components, rows, moderated=True)
    plain = replicate_part(components, rows, moderated=False)
    thrice = (components.n_replicates.ravel() > 2) & (plain.variance > 0)
    assert thrice.any()
    away = [np.abs(np.log(part.variance[thrice] / plain.variance[thrice])).mean() for part in (found, less)]
    assert away[0] < away[1], "nearer to what each arm shows"
