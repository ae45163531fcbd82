"""Points and literal formulas that the tests of the laws share."""

from __future__ import annotations

import math

import numpy as np

from gauger.stats.laws import LAWS, Law, Points
from gauger.stats.laws.supervised import BESIROGLU_2024


def points(n: int = 40, seed: int = 0, *, mixed: bool = False) -> Points:
    """Scales and outcomes without meaning, in every column."""
    rng = np.random.default_rng(seed)
    n_params, n_tokens = 10 ** rng.uniform(7.5, 10, n), 10 ** rng.uniform(8.5, 11.5, n)
    return Points(
        n_params,
        n_tokens,
        loss=rng.uniform(2, 4, n),
        accuracy=rng.uniform(0.2, 0.9, n),
        teacher_loss=np.where(rng.random(n) < 0.4, np.nan, rng.uniform(1.8, 3, n)),
        unique_tokens=n_tokens / rng.uniform(1, 30, n),
        pretrained=(rng.random(n) < 0.5).astype(float),
        shares=rng.dirichlet(np.ones(8), n) if mixed else None,
    )


def grid(sizes: int = 6, budgets: int = 7) -> Points:
    n_params, n_tokens = np.meshgrid(np.geomspace(3e7, 1.5e9, sizes), np.geomspace(5e8, 3e10, budgets), indexing="ij")
    return Points(n_params.ravel(), n_tokens.ravel())


def inner(law: Law, truth: dict[str, float]) -> np.ndarray:
    return law.inner(np.array([[truth[name] for name in law.names]]))


def planted(
    noise: float = 0.004, seed: int = 0, law: str = "hoffmann", truth: dict[str, float] | None = None
) -> Points:
    """Losses of a law on the grid, with normal noise on their logarithms."""
    empty, rng = grid(), np.random.default_rng(seed)
    value = LAWS[law].evaluate(inner(LAWS[law], truth or BESIROGLU_2024), empty)[0][0]
    loss = np.exp(value + noise * rng.standard_normal(len(empty)))
    return Points(empty.n_params, empty.n_tokens, loss=loss)


def literal(name: str, p: dict[str, float], row: dict[str, float]) -> float:
    """One law at one point, as its paper writes it."""
    n, d = row["n_params"], row["n_tokens"]
    supervised = p.get("E", 0) + p.get("A", 0) / n ** p.get("alpha", 1) + p.get("B", 0) / d ** p.get("beta", 1)
    if name == "hoffmann":
        return supervised
    if name == "interaction":
        return p["E"] + (p["A"] / n ** p["alpha"] + p["B"] / d ** p["beta"]) ** p["gamma"]
    if name == "tied":
        return p["E"] + p["A"] / n ** p["alpha"] + p["B"] / d ** p["alpha"]
    if name == "kaplan":
        return ((p["N_c"] / n) ** (p["alpha_N"] / p["alpha_D"]) + p["D_c"] / d) ** p["alpha_D"]
    if name == "power":
        return p["E"] + p["B"] / d ** p["beta"]
    if name == "rectified":
        return p["E"] + p["B"] / (p["D_0"] + d ** p["beta"])
    if name == "repeated":
        return _repeated(p, n, d, row["unique_tokens"])
    if name == "transfer":
        moved = p["k"] * d ** p["a"] * n ** p["b"] if row["pretrained"] else 0.0
        return p["E"] + p["A"] / n ** p["alpha"] + p["B"] / (d + moved) ** p["beta"]
    if name == "distillation":
        return _distilled(p, n, d, row["teacher_loss"])
    if name.startswith("mixture"):
        shares = [value for key, value in row.items() if key.startswith("share_")]
        return p["c"] + math.exp(sum(p[f"t_{k}"] * r for k, r in enumerate(shares[: len(p) - 1], start=1)))
    if name == "gompertz":
        return p["floor"] + (p["ceiling"] - p["floor"]) * math.exp(-math.exp(p["k"] * (row["loss"] - p["middle"])))
    if name == "link":
        return p["floor"] + (p["ceiling"] - p["floor"]) / (1 + math.exp(p["k"] * (row["loss"] - p["middle"])))
    if name.startswith("sigmoid"):
        reach = p["m"] + p.get("p", 0) * math.log(n) + p["q"] * math.log(d)
        return p["floor"] + (p["ceiling"] - p["floor"]) / (1 + math.exp(-reach))
    if name == "error":
        return p["ceiling"] - p["A"] / n ** p["alpha"] - p["B"] / d ** p["beta"]
    assert name == "error-tokens"
    return p["ceiling"] - p["B"] / d ** p["beta"]


def _repeated(p: dict[str, float], n: float, d: float, unique: float) -> float:
    g = ((p["alpha"] * p["A"]) / (p["beta"] * p["B"])) ** (1 / (p["alpha"] + p["beta"]))
    u_n = min(n, (unique * g) ** (p["beta"] / p["alpha"]) * g)
    r_d, r_n = d / unique - 1, n / u_n - 1
    d_worth = unique + unique * p["R_D"] * (1 - math.exp(-r_d / p["R_D"]))
    n_worth = u_n + u_n * p["R_N"] * (1 - math.exp(-r_n / p["R_N"]))
    return p["E"] + p["A"] / n_worth ** p["alpha"] + p["B"] / d_worth ** p["beta"]


def _distilled(p: dict[str, float], n: float, d: float, teacher: float) -> float:
    alone = p["E"] + (p["A"] / n ** p["alpha"] + p["B"] / d ** p["beta"]) ** p["gamma"]
    if math.isnan(teacher):
        return alone
    gap = (1 + (teacher / (alone * p["d_1"])) ** (1 / p["f_1"])) ** (-p["c_1"] * p["f_1"])
    own = (p["A_s"] / n ** p["alpha_s"] + p["B_s"] / d ** p["beta_s"]) ** p["gamma_s"]
    return teacher + teacher ** -p["c_0"] * gap * own
