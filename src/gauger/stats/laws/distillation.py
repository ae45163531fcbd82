"""Computes the distillation law: a student's loss from its size, tokens and teacher's loss, with a capacity gap.

L_S = L_T + L_T^(-c_0) (1 + (L_T/(d_1 L~))^(1/f_1))^(-c_1 f_1) (A'/N^alpha' + B'/D^beta')^gamma'

L_T is the teacher's loss and L~ = E + (A/N^alpha + B/D^beta)^gamma the loss that the same student reaches without a
teacher. A better teacher lowers the floor L_T but is harder to imitate (L_T^(-c_0) grows; the bracket switches where
the teacher outruns the student, L_T < d_1 L~): the student's loss is U-shaped in the teacher's. Busbridge et al. 2025
(arXiv 2502.08606), equation 8. Points without a teacher (teacher_loss empty) carry L~ and are fitted along.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.supervised import AMPLITUDE, EXPONENT, INTERACTION, interaction_starts, interaction_value
from gauger.stats.laws.terms import columns, log_sum

N_SUPERVISED = 6

BUSBRIDGE_2025 = {
    "E": 1.22, "A": 3355.0, "B": 18186.0, "alpha": 0.408, "beta": 0.431, "gamma": 0.452,
    "A_s": 2243.0, "B_s": 24181.0, "alpha_s": 0.321, "beta_s": 0.637, "gamma_s": 0.764,
    "c_0": 2.549, "c_1": 522.61, "d_1": 1.315, "f_1": 0.09,
}  # fmt: skip
"""Busbridge et al. 2025, appendix: supervised and distillation coefficients (C4, models of 143M to 12.6B)."""


def distillation_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute the log loss of students and its gradient; points without a teacher follow the supervised law.

    Parameters
    ----------
    theta : float array, (B, 15)
        Inner parameters, all logarithms, in the order of `DISTILLATION.parameters`: six of the supervised law, five of
        imitation, then c_0, c_1, d_1, f_1.
    points : Points
        n points; reads `n_params`, `n_tokens` and `teacher_loss` (NaN: no teacher).

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the student's loss in nats per token.
    gradient : float array, (B, 15, n)
        Its derivative by each inner parameter; 0 by the last nine where there is no teacher.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    untaught, untaught_gradient = interaction_value(theta[:, :N_SUPERVISED], points)
    alone = ~np.isfinite(points.log_teacher)
    teacher = np.where(alone, 0.0, points.log_teacher)
    a, b, log_alpha, log_beta, log_gamma, log_c0, log_c1, log_d1, log_f1 = columns(theta[:, N_SUPERVISED:])
    alpha, beta, gamma = np.exp(log_alpha), np.exp(log_beta), np.exp(log_gamma)
    c0, c1, f1 = np.exp(log_c0), np.exp(log_c1), np.exp(log_f1)
    inside, (of_n, of_d) = log_sum(a - alpha * points.log_n, b - beta * points.log_d)
    lead = (teacher - untaught - log_d1) / f1
    soft = np.logaddexp(0.0, lead)
    switched = np.exp(lead - soft)
    imitation = -c0 * teacher - c1 * f1 * soft + gamma * inside
    value, (_, share) = log_sum(teacher + 0 * imitation, imitation)
    slope = share * gamma
    own = [slope * of_n, slope * of_d, -slope * of_n * alpha * points.log_n, -slope * of_d * beta * points.log_d]
    own += [slope * inside, -share * c0 * teacher, -share * c1 * f1 * soft, share * c1 * switched]
    own += [share * c1 * f1 * (switched * lead - soft)]
    taught = np.concatenate([(share * c1 * switched)[:, None] * untaught_gradient, np.stack(own, axis=1)], axis=1)
    nothing = np.zeros((len(theta), len(own), len(points)))
    without = np.concatenate([untaught_gradient, nothing], axis=1)
    return np.where(alone, untaught, value), np.where(alone, without, taught)


def distillation_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw supervised starts from the untaught points (all points where there are none), gap parameters spread widely.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_params`, `n_tokens`, `loss` and `teacher_loss`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 15)
        Inner parameters in the order of `distillation_value`. Some may lie beyond the law's bounds: `minimise` clips
        them.
    """
    alone = ~np.isfinite(points.log_teacher)
    supervised = interaction_starts(points.take(alone) if alone.any() else points, rng, count)
    taught = points if alone.all() else points.take(~alone)
    excess = _excess(taught)
    imitation = interaction_starts(replace(taught, loss=excess), rng, count)[:, 1:]
    low, high = np.log([0.3, 0.5, 0.5, 0.03]), np.log([5.0, 1000.0, 2.0, 0.5])
    gap = rng.uniform(low, high, (count, 4))
    return np.concatenate([supervised, imitation, gap], axis=1)


def _excess(points: Points) -> FloatArray:
    """How far students lie above their teachers, at least a hundredth of the loss, (n,)."""
    loss = np.ones(len(points)) if points.loss is None else points.loss
    teacher = np.nan_to_num(np.exp(points.log_teacher))
    return np.asarray(np.maximum(loss - teacher, 0.01 * loss))


DISTILLATION = Law(
    name="distillation",
    formula="L = L_T + L_T^-c_0 (1 + (L_T/(d_1 L~))^(1/f_1))^(-c_1 f_1) (A_s/N^alpha_s + B_s/D^beta_s)^gamma_s, "
    "L~ = E + (A/N^alpha + B/D^beta)^gamma",
    source="Busbridge et al. 2025, arXiv 2502.08606, equation 8",
    identifiability="L~ needs points without a teacher (teacher_loss empty); c_0 needs several teachers; c_1, d_1 and "
    "f_1 are told only by teachers on both sides of the capacity gap, and stay entangled otherwise.",
    parameters=(
        *INTERACTION.parameters,
        Parameter("A_s", *AMPLITUDE, meaning="amplitude of what too few parameters cost in imitating"),
        Parameter("B_s", *AMPLITUDE, meaning="amplitude of what too few tokens cost in imitating"),
        Parameter("alpha_s", *EXPONENT, meaning="exponent of parameters in imitating"),
        Parameter("beta_s", *EXPONENT, meaning="exponent of tokens in imitating"),
        Parameter("gamma_s", 0.05, 20.0, meaning="how the two terms combine"),
        Parameter("c_0", 1e-3, 50.0, meaning="how much harder a better teacher is to imitate"),
        Parameter("c_1", 1e-3, 1e5, meaning="strength of the capacity gap"),
        Parameter("d_1", 0.05, 20.0, meaning="ratio of teacher's to untaught student's loss where the gap opens"),
        Parameter("f_1", 5e-3, 5.0, meaning="how gradually it opens"),
    ),
    evaluate=distillation_value,
    starts=distillation_starts,
    varies=("n_params", "n_tokens", "teacher_loss"),
    needs=("teacher_loss",),
)
